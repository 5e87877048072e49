"""The administrator's kubeconfig, as it works from this machine's ordinary shell."""

from __future__ import annotations

from pathlib import Path

import yaml

from amalgam.errors import AmalgamError
from amalgam.lab.names import Names
from amalgam.lab.plan import API_SERVER_PORT
from amalgam.lab.state import require, write_atomically
from amalgam.models import load_site


def write_kubeconfig(names: Names) -> Path:
    """Write ``.lab/kubeconfig``: the one the install left with the site's secrets, pointed at the lab's forward.

    The API server's certificate does not name the loopback address, so the name to expect is given beside it
    (``tls-server-name``).

    Raises:
        AmalgamError: the site has not been installed on the lab, or no forward leads to an API server.
    """
    state = require(names)
    site = load_site(Path(state.inventory))
    source = site.state_dir / "kubeconfig"
    if not source.is_file():
        raise AmalgamError(
            "the lab has no cluster yet", where=str(source), remedy="install the site on it: `make lab` does"
        )
    forward = next((entry for entry in state.forwards if entry.port == API_SERVER_PORT), None)
    if forward is None:
        raise AmalgamError(
            f"no forward of port {API_SERVER_PORT}",
            where=f"{site.folder}/group_vars/all/lab.yml",
            remedy="add one to a control-plane host",
        )
    config = yaml.safe_load(source.read_text())
    for entry in config["clusters"]:
        entry["cluster"]["server"] = f"https://{forward.listen_address}:{forward.listen_port}"
        entry["cluster"]["tls-server-name"] = f"api.{site.settings.site_domain}"
    write_atomically(names.kubeconfig, yaml.safe_dump(config, sort_keys=False), 0o600)
    return names.kubeconfig
