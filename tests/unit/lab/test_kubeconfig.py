from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest
import yaml

from amalgam.errors import AmalgamError
from amalgam.lab.kubeconfig import write_kubeconfig
from amalgam.lab.names import Names
from amalgam.lab.state import ForwardState, LabState, save
from amalgam.paths import project_root

LEFT_BY_THE_INSTALL = {
    "clusters": [{"name": "lab", "cluster": {"server": "https://10.88.0.11:6443", "certificate-authority-data": "x"}}],
    "users": [{"name": "admin", "user": {"client-key-data": "y"}}],
}
API = ForwardState(
    name="Kubernetes API",
    node="master1",
    listen_address="127.9.9.11",
    listen_port=16443,
    address="10.88.0.11",
    port=6443,
)


@pytest.fixture
def installed(names: Names, state: LabState) -> Path:
    """A lab whose site was installed; the file that the install left."""
    inventory = names.root / "inventories" / "lab"
    shutil.copytree(project_root() / "inventories" / "lab", inventory)
    source = names.root / ".lab" / "state" / "kubeconfig"
    source.parent.mkdir(parents=True)
    source.write_text(yaml.safe_dump(LEFT_BY_THE_INSTALL))
    save(names, state.model_copy(update={"inventory": str(inventory), "forwards": [API]}))
    return source


@pytest.mark.usefixtures("installed")
def test_the_lab_s_kubeconfig_leads_to_the_forward_and_expects_the_api_s_name(names: Names) -> None:
    path = write_kubeconfig(names)
    cluster = yaml.safe_load(path.read_text())["clusters"][0]["cluster"]
    assert cluster["server"] == "https://127.9.9.11:16443"
    assert cluster["tls-server-name"] == "api.lab.amalgam.internal"
    assert cluster["certificate-authority-data"] == "x"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_lab_without_a_cluster_is_named_as_such(names: Names, installed: Path) -> None:
    installed.unlink()
    with pytest.raises(AmalgamError, match="no cluster yet"):
        write_kubeconfig(names)


@pytest.mark.usefixtures("installed")
def test_a_lab_that_opens_no_api_server_says_where_to_add_it(names: Names, state: LabState) -> None:
    save(names, state.model_copy(update={"inventory": str(names.root / "inventories" / "lab"), "forwards": []}))
    with pytest.raises(AmalgamError) as caught:
        write_kubeconfig(names)
    assert caught.value.where.endswith("group_vars/all/lab.yml")
