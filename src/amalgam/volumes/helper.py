"""Helper pods: a script of the provisioner's, run once on the control plane, where the keys allow snapshots."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import yaml

from amalgam.errors import AmalgamError
from amalgam.volumes.kubectl import Kubectl, Object

NAMESPACE = "shared-volumes"
"""Of the provisioner and its helper pods."""

PROVISIONER = f"{NAMESPACE}/shared"

_START_SECONDS = 120
_ENDED = ("Succeeded", "Failed")
_END = "ended\t"
"""What the script's last line begins with."""


@dataclass(frozen=True)
class Ended:
    """A helper pod that came to its end."""

    code: int
    lines: tuple[str, ...]
    """What it wrote."""


class Helper:
    """Runs helper pods as the provisioner's configuration in the cluster describes them."""

    def __init__(self, kubectl: Kubectl) -> None:
        """Read that configuration.

        Raises:
            AmalgamError: the cluster has no provisioner.
        """
        self.kubectl = kubectl
        found = kubectl.get("configmap", "provisioner", "--namespace", NAMESPACE)
        if found is None:
            raise AmalgamError(
                "the cluster has no volumes on the shared file system",
                where=f"ConfigMap {NAMESPACE}/provisioner",
                remedy="give a part of the file system a storage_class in ceph_subvolumes, and run playbooks/site.yml",
            )
        classes = json.loads(found["data"]["config.json"])["storageClassConfigs"]
        self.roots: dict[str, str] = {name: entry["sharedFileSystemPath"] for name, entry in classes.items()}
        """Folder on the control plane of each storage class."""
        self._template = yaml.safe_load(found["data"]["helperPod.yaml"])

    def run(
        self,
        arguments: Sequence[str],
        roots: Sequence[str],
        *,
        name: str = "",
        capabilities: Sequence[str] = (),
        watch: Callable[[str], None] | None = None,
    ) -> Ended:
        """Run the script to its end.

        Args:
            arguments: what it is to do.
            roots: folders of the control plane that it works on.
            name: of the pod; one that is there already is ended first.
            capabilities: of Linux, beside those that every helper pod has.
            watch: is given each line that the script writes, when it does.

        Raises:
            AmalgamError: the pod did not start, or was taken away.
        """
        if name:
            self._delete(name, "--wait")
        else:
            name = f"snapshots-{secrets.token_hex(4)}"
        self.kubectl.create(self._pod(name, arguments, roots, capabilities))
        try:
            ended = None
            while ended is None:
                phase = self._phase(name)
                ended = self._follow(name, watch)
                if ended is None and phase != "Running":
                    raise AmalgamError("it was killed", where=f"pod {NAMESPACE}/{name}", remedy="run the command again")
            return ended
        finally:
            self._delete(name, "--wait=false")

    def _delete(self, name: str, wait: str) -> None:
        self.kubectl.run("delete", "pod", name, "--namespace", NAMESPACE, "--ignore-not-found", wait)

    def _follow(self, name: str, watch: Callable[[str], None] | None) -> Ended | None:
        """Read what a pod writes to its end; ``None`` where the connection, or the pod, ended before."""
        said: list[str] = []
        with self.kubectl.lines("logs", "--namespace", NAMESPACE, "--follow", name) as lines:
            for line in lines:
                if line.startswith(_END):
                    return Ended(int(line.removeprefix(_END)), tuple(said))
                said.append(line)
                if watch:
                    watch(line)
        return None

    def _phase(self, name: str) -> str:
        """The phase of a pod that has started."""
        phase = ""
        watch = ("--watch", "--output", 'jsonpath={.status.phase}{"\\n"}', f"--request-timeout={_START_SECONDS}s")
        with self.kubectl.lines("get", "pod", name, "--namespace", NAMESPACE, *watch) as phases:
            for phase in phases:
                if phase in ("Running", *_ENDED):
                    return phase
        raise AmalgamError(
            f"the helper pod does not run: {self._reason(name) or phase or 'it was taken away'}",
            where=f"pod {NAMESPACE}/{name}",
            remedy="see that a control-plane node is Ready and mounts the file system (systemctl status 'cephfs@*')",
        )

    def _reason(self, name: str) -> str:
        with suppress(AmalgamError):
            chosen = f"involvedObject.name={name},type=Warning"
            events = self.kubectl.list("events", "--namespace", NAMESPACE, "--field-selector", chosen)
            return "; ".join(event["message"] for event in events[-1:])
        return ""

    def _pod(self, name: str, arguments: Sequence[str], roots: Sequence[str], capabilities: Sequence[str]) -> Object:
        pod: Object = json.loads(json.dumps(self._template))
        pod["metadata"] = {"name": name, "namespace": NAMESPACE}
        script = {"name": "provisioner", "items": [{"key": "snapshots", "path": "snapshots"}]}
        folders = {f"root-{index}": root for index, root in enumerate(roots)}
        pod["spec"] |= {
            "restartPolicy": "Never",
            "serviceAccountName": "helper",
            "terminationGracePeriodSeconds": 0,
            "tolerations": [{"operator": "Exists"}],
            "volumes": [
                {"name": "script", "configMap": script},
                *({"name": key, "hostPath": {"path": root, "type": "Directory"}} for key, root in folders.items()),
            ],
        }
        container = pod["spec"]["containers"][0]
        container["command"] = ["/bin/sh", "/script/snapshots", *arguments]
        container["securityContext"]["capabilities"]["add"] += capabilities
        container["volumeMounts"] = [
            {"name": "script", "mountPath": "/script"},
            *({"name": key, "mountPath": root} for key, root in folders.items()),
        ]
        return pod
