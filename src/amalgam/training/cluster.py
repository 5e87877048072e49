"""The cluster as the user's kubeconfig reaches it, by the official client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException

from amalgam.errors import AmalgamError
from amalgam.training.schema import Object

_NOT_FOUND = 404
_FORBIDDEN = 403
_ATTEMPTS = urllib3.Retry(total=2, backoff_factor=0.5)


class Cluster:
    """Creates, reads and deletes the objects of training jobs; all are passed as the API describes them."""

    def __init__(self) -> None:
        """Read the kubeconfig (``$KUBECONFIG``, else ``~/.kube/config``).

        Raises:
            AmalgamError: there is none, or it is broken.
        """
        try:
            config.load_kube_config()
            _, context = config.list_kube_config_contexts()
        except (ConfigException, OSError) as error:
            remedy = "let KUBECONFIG name the file that the platform's administrator gave you"
            raise AmalgamError(str(error), where="kubeconfig", remedy=remedy) from error
        configuration = client.Configuration.get_default_copy()
        configuration.retries = _ATTEMPTS
        self._api = client.ApiClient(configuration)
        self._batch = client.BatchV1Api(self._api)
        self._core = client.CoreV1Api(self._api)
        self._scheduling = client.SchedulingV1beta1Api(self._api)
        self.vc: str = context["context"].get("namespace", "")
        """Namespace of the present context; empty where it names none."""
        self._create: dict[str, Callable[..., Any]] = {
            "Job": self._batch.create_namespaced_job,
            "PersistentVolumeClaim": self._core.create_namespaced_persistent_volume_claim,
            "Pod": self._core.create_namespaced_pod,
            "PodGroup": self._scheduling.create_namespaced_pod_group,
            "Secret": self._core.create_namespaced_secret,
            "Service": self._core.create_namespaced_service,
        }

    def create(self, described: Object, *, dry_run: bool = False) -> Object:
        """Create an object, or have the server check all that it would check; say what the server made of it.

        Raises:
            AmalgamError: it is there already, or is refused.
        """
        metadata, kind = described["metadata"], described["kind"]
        options = {"dry_run": "All"} if dry_run else {}
        with _explained(f"{kind} {metadata['name']} in {metadata['namespace']}"):
            made = self._create[kind](metadata["namespace"], described, field_validation="Strict", **options)
        return self._plain(made)

    def claim(self, vc: str, name: str) -> Object | None:
        """A claim of a VC, or ``None``."""
        return self._read(self._core.read_namespaced_persistent_volume_claim, vc, name)

    def job(self, vc: str, name: str) -> Object | None:
        """A Job of a VC, or ``None``."""
        return self._read(self._batch.read_namespaced_job, vc, name)

    def group(self, vc: str, name: str) -> Object | None:
        """The gang of a job, or ``None``."""
        return self._read(self._scheduling.read_namespaced_pod_group, vc, name)

    def jobs(self, vc: str, selector: str) -> list[Object]:
        """Jobs of a VC."""
        return self._list(self._batch.list_namespaced_job, vc, label_selector=selector)

    def groups(self, vc: str, selector: str) -> list[Object]:
        """Gangs of a VC."""
        return self._list(self._scheduling.list_namespaced_pod_group, vc, label_selector=selector)

    def pods(self, vc: str, selector: str) -> list[Object]:
        """Pods of a VC."""
        return self._list(self._core.list_namespaced_pod, vc, label_selector=selector)

    def events(self, vc: str) -> list[Object]:
        """What was noted in a VC within the last hour or so."""
        return self._list(self._core.list_namespaced_event, vc)

    def delete_job(self, vc: str, name: str) -> None:
        """Delete a Job; what belongs to it follows, pods first. One that is not there is deleted.

        Raises:
            AmalgamError: it is refused.
        """
        with _explained(f"Job {name} in {vc}", missing_is_fine=True):
            self._batch.delete_namespaced_job(name, vc, propagation_policy="Foreground")

    @contextmanager
    def log(self, vc: str, pod: str, *, follow: bool) -> Iterator[Iterator[bytes]]:
        """The output of a pod's worker, piece by piece.

        Raises:
            AmalgamError: it has none yet.
        """
        with _explained(f"pod {pod} in {vc}"):
            answer: Any = self._core.read_namespaced_pod_log(
                pod, vc, container="worker", follow=follow, _preload_content=False
            )
        try:
            yield answer.stream(decode_content=False)
        finally:
            answer.close()

    def _read(self, read: Callable[..., Any], vc: str, name: str) -> Object | None:
        found: Any = None
        with _explained(f"{name} in {vc}", missing_is_fine=True):
            found = read(name, vc)
        return None if found is None else self._plain(found)

    def _list(self, read: Callable[..., Any], vc: str, **chosen: str) -> list[Object]:
        with _explained(f"VC {vc}"):
            found = read(vc, **chosen)
        return [self._plain(one) for one in found.items]

    def _plain(self, model: object) -> Object:
        plain: Object = self._api.sanitize_for_serialization(model)
        return plain


@contextmanager
def _explained(where: str, *, missing_is_fine: bool = False) -> Iterator[None]:
    """Turn what the client raises into what a person can act on."""
    try:
        yield
    except ApiException as error:
        if error.status == _NOT_FOUND and missing_is_fine:
            return
        raise AmalgamError(_said(error), where=where, remedy=_remedy(error)) from error
    except urllib3.exceptions.HTTPError as error:
        remedy = "see that KUBECONFIG names a file that reaches the cluster"
        raise AmalgamError(f"the cluster does not answer: {error}", where=where, remedy=remedy) from error


def _said(error: ApiException) -> str:
    """What the API server said, which is a Status object where the request reached its API."""
    try:
        message: str = json.loads(error.body or "")["message"]
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"
    return message


def _remedy(error: ApiException) -> str:
    if error.status == _FORBIDDEN:
        return "ask for less, or have the administrator of your VC allow it"
    if error.status == _NOT_FOUND:
        return "see that the VC is there; gang scheduling is switched on by the role control_plane"
    return "mend what is named"
