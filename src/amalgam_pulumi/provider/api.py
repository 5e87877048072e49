"""The API server: six requests, for objects of any kind that it serves."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from kubernetes import client, config
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from amalgam.errors import AmalgamError
from amalgam_pulumi.provider.errors import ApiError, KindMissingError

Object = dict[str, Any]

APPLY = "application/apply-patch+yaml"
# The engine works on so many resources at once at most; each may hold a connection.
CONNECTIONS = 64


@dataclass(frozen=True)
class Kind:
    """A kind as the API server serves it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """The address of an object, or of all of them."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        inside = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        return f"{root}{inside}/{self.plural}" + (f"/{quote(name)}" if name else "")


class Api:
    """One API server, seen with the rights of a kubeconfig.

    Args:
        kubeconfig: text of a kubeconfig, or its path; empty for ``KUBECONFIG``, the user's own, or the pod's.
        context: a context of it; empty for the current one.
    """

    def __init__(self, kubeconfig: str = "", context: str = "") -> None:
        """Read the kubeconfig.

        Raises:
            AmalgamError: there is none, or it is wrong.
        """
        settings = client.Configuration()
        settings.connection_pool_maxsize = CONNECTIONS
        # Every request may be sent twice: apply, delete and read end the same.
        settings.retries = Retry(
            total=4,
            backoff_factor=0.2,
            status_forcelist=[429, 500, 503, 504],
            allowed_methods=None,
            raise_on_status=False,
        )
        self.namespace = _load(kubeconfig, context, settings)
        self.server: str = settings.host
        self._client = client.ApiClient(settings)
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._lock = threading.Lock()

    def kind(self, api_version: str, kind: str) -> Kind:
        """Ask the server for a kind; what it said once is remembered.

        Raises:
            KindMissingError: it does not serve it.
        """
        with self._lock:
            known = self._kinds.get(api_version, {})
            if kind not in known:
                known = self._kinds[api_version] = self._discover(api_version)
        if kind not in known:
            raise KindMissingError(
                f"the API server serves no {kind} of {api_version}",
                where=self.server,
                remedy="correct the type; or declare its CustomResourceDefinition, and let this resource depend on it",
            )
        return known[kind]

    def _discover(self, api_version: str) -> dict[str, Kind]:
        root = "/apis" if "/" in api_version else "/api"
        try:
            found = self.request("GET", f"{root}/{api_version}")
        except ApiError as error:
            if error.status == 404:
                return {}
            raise
        return {
            entry["kind"]: Kind(api_version, entry["kind"], entry["name"], entry["namespaced"])
            for entry in found["resources"]
            if "/" not in entry["name"]
        }

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """An object, or None where there is none."""
        try:
            return self.request("GET", kind.path(namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def labelled(self, kind: Kind, namespace: str, labels: str) -> list[Object]:
        """The objects of a namespace that a label selector finds."""
        items: list[Object] = self.request("GET", kind.path(namespace), [("labelSelector", labels)])["items"]
        return items

    def apply(self, kind: Kind, body: Object, manager: str, *, force: bool = False, dry_run: bool = False) -> Object:
        """Server-side apply: the object as it is (or, in a dry run, would be) afterwards.

        Raises:
            ApiError: refused; ``conflicts`` says where another field manager is in the way.
        """
        query = [("fieldManager", manager), ("force", "true" if force else "false")]
        metadata = body["metadata"]
        path = kind.path(metadata.get("namespace", ""), metadata["name"])
        return self.request("PATCH", path, query + _dry(dry_run), body, APPLY)

    def create_dry(self, kind: Kind, body: Object) -> Object:
        """What creating an object would make; nothing is made.

        Raises:
            ApiError: it would be refused.
        """
        path = kind.path(body["metadata"].get("namespace", ""))
        return self.request("POST", path, _dry(True), body, "application/json")

    def delete(self, kind: Kind, namespace: str, name: str, *, propagation: str, uid: str) -> None:
        """Ask for an object's deletion; one that is gone already is fine.

        Raises:
            ApiError: refused; 409 where the object has another ``uid``.
        """
        body: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            self.request("DELETE", kind.path(namespace, name), body=body, content_type="application/json")
        except ApiError as error:
            if error.status != 404:
                raise

    def request(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]] | None = None,
        body: Object | None = None,
        content_type: str = "",
    ) -> Object:
        """Send one request and read the answer.

        Raises:
            ApiError: the server refused it.
            AmalgamError: the server cannot be reached.
        """
        headers = {"Accept": "application/json"} | ({"Content-Type": content_type} if content_type else {})
        request = self._client.param_serialize(
            method, path, query_params=query or [], header_params=headers, auth_settings=["BearerToken"]
        )
        verb, url, sent, *_ = request
        try:
            answer = self._client.rest_client.request(
                verb, url, headers=sent, body=body, _request_timeout=(10, 60)
            ).response
            text = answer.read()
        except (HTTPError, client.ApiException, OSError) as error:
            raise AmalgamError(
                f"the API server does not answer: {error}",
                where=self.server,
                remedy="see that the cluster runs and that the kubeconfig and the proxy variables lead to it",
            ) from error
        found = _json(text, answer.status)
        if not 200 <= answer.status <= 299:
            raise ApiError(answer.status, found)
        return found


def _json(text: bytes, status: int) -> Object:
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = {"message": f"HTTP status {status}: {text[:500].decode(errors='replace')}"}
    return found if isinstance(found, dict) else {"message": str(found)}


def _dry(dry_run: bool) -> list[tuple[str, str]]:
    return [("dryRun", "All")] if dry_run else []


def _load(kubeconfig: str, context: str, settings: client.Configuration) -> str:
    """Fill ``settings`` in; the namespace of the context."""
    try:
        if "\n" in kubeconfig or kubeconfig.startswith("{"):
            content = yaml.safe_load(kubeconfig)
            config.load_kube_config_from_dict(content, context=context or None, client_configuration=settings)
            contexts = content.get("contexts", [])
            current = context or content.get("current-context", "")
        else:
            file = str(Path(kubeconfig).expanduser()) if kubeconfig else None
            config.load_config(config_file=file, context=context or None, client_configuration=settings)
            contexts, active = config.list_kube_config_contexts(config_file=file)
            current = context or active["name"]
    except (config.ConfigException, OSError, yaml.YAMLError) as error:
        raise AmalgamError(
            f"no use of a kubeconfig: {error}",
            where=kubeconfig if "\n" not in kubeconfig else "kubernetes:kubeconfig",
            remedy="set KUBECONFIG to the site's kubeconfig, or the provider's `kubeconfig`",
        ) from error
    found: Object = next((entry["context"] for entry in contexts if entry["name"] == current), {})
    return str(found.get("namespace") or "default")
