"""What the cluster has is read with three requests, whatever the number of VCs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import kubernetes
import pytest

from amalgam.errors import AmalgamError
from amalgam.tenants.live import read_live


def _thing(name: str, namespace: str = "", **more: Any) -> Any:
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name, namespace=namespace, annotations=more.pop("about", None)), **more
    )


class _Api:
    asked = 0

    def _answer(self, *items: Any) -> Any:
        type(self).asked += 1
        return SimpleNamespace(items=list(items))

    def list_namespace(self, **_: Any) -> Any:
        return self._answer(_thing("vision", about={"amalgam.internal/path": "institute/research"}), _thing("nlp"))

    def list_resource_quota_for_all_namespaces(self, **_: Any) -> Any:
        spec, status = SimpleNamespace(hard={"requests.cpu": "4"}), SimpleNamespace(used={"requests.cpu": "1500m"})
        return self._answer(_thing("vc", "vision", spec=spec, status=status))

    def list_persistent_volume_claim_for_all_namespaces(self, **_: Any) -> Any:
        return self._answer(_thing("b", "vision"), _thing("a", "vision"), _thing("other", "default"))


def test_each_vc_has_its_quota_its_use_and_its_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes.config, "load_kube_config", lambda _: None)
    monkeypatch.setattr(kubernetes.client, "CoreV1Api", _Api)
    found = read_live()
    vision, nlp = found["vision"], found["nlp"]
    assert _Api.asked == 3
    assert (vision.path, vision.hard["cpu"], vision.used["cpu"], vision.claims) == (
        "institute/research",
        4000,
        1500,
        ("a", "b"),
    )
    # Made a moment ago: its quota is on its way.
    assert (nlp.path, nlp.hard["cpu"], nlp.claims) == ("", 0, ())


def test_a_cluster_that_does_not_answer_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    with pytest.raises(AmalgamError, match="the cluster cannot be asked"):
        read_live()
