"""No pod outside the system's namespaces gets at its host: its network, processes, files or ports."""

from __future__ import annotations

from amalgam_stacks.admission import AdmissionPolicyArgs, outside
from amalgam_stacks.workloads import CONTAINERS, SPEC, SPEC_CHANGED, rules

NAME = "host-access"


def _no(what: str, expression: str) -> dict[str, str]:
    return {"expression": expression, "message": f"{what}: only the namespaces of the system may"}


def host_access(system_namespaces: tuple[str, ...]) -> AdmissionPolicyArgs:
    """The policy's arguments."""
    return AdmissionPolicyArgs(
        rules=rules("CREATE", "UPDATE"),
        match_conditions=[SPEC_CHANGED],
        namespaces=outside(system_namespaces),
        variables=[SPEC, CONTAINERS],
        validations=[
            *(
                _no(f"the pod uses {what} of its host ({field})", f"!variables.spec.?{field}.orValue(false)")
                for field, what in (
                    ("hostNetwork", "the network"),
                    ("hostPID", "the processes"),
                    ("hostIPC", "the shared memory"),
                )
            ),
            _no(
                "the pod mounts a folder of its host (hostPath)",
                "variables.spec.?volumes.orValue([]).all(v, !has(v.hostPath))",
            ),
            _no(
                "a container is privileged",
                "variables.containers.all(c, !c.?securityContext.?privileged.orValue(false))",
            ),
            # Vendors' container runtimes hand out what it names, past the device plugin that counts.
            _no(
                "a container names its chips itself (ASCEND_VISIBLE_DEVICES, NVIDIA_VISIBLE_DEVICES)",
                "variables.containers.all(c, c.?env.orValue([]).all(e,"
                " !(e.name in ['ASCEND_VISIBLE_DEVICES', 'NVIDIA_VISIBLE_DEVICES'])"
                # None at all may be said.
                " || (e.?value.orValue('') == '' && !has(e.valueFrom))))",
            ),
            _no(
                "a container takes a port of its host (hostPort)",
                "variables.containers.all(c, c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0))",
            ),
        ],
    )
