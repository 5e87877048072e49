"""No pod has NPUs that it did not ask for, whatever its image and its variables say.

Ascend Docker Runtime gives a container the chips that ``ASCEND_VISIBLE_DEVICES`` names, the last one that is said: an
image says it first, then the device plugin, then the pod's ``envFrom``, then its ``env``. An empty one gives none. The
runtime is that of every pod on a node with NPUs, so that pods that ask for none are kept away from there. NVIDIA's is
told to listen to its device plugin alone (role ``nvidia``).
"""

from __future__ import annotations

from amalgam.chips.table import ASCEND
from amalgam_stacks.admission import AdmissionPolicyArgs, outside
from amalgam_stacks.workloads import CONTAINERS, SPEC, SPEC_CHANGED, rules

NAME = "ascend-devices"
VARIABLE = "ASCEND_VISIBLE_DEVICES"

_ASKS = f"quantity(c.?resources.?limits[?'{ASCEND.resource}'].orValue('0')).asInteger() > 0"
_SAYS_NONE = f"c.?env.orValue([]).exists(e, e.name == '{VARIABLE}')"
"""That what it says is empty is the policy's on host access to see."""


def ascend_devices(system_namespaces: tuple[str, ...]) -> AdmissionPolicyArgs:
    """The policy's arguments."""
    return AdmissionPolicyArgs(
        rules=rules("CREATE", "UPDATE"),
        match_conditions=[SPEC_CHANGED],
        namespaces=outside(system_namespaces),
        variables=[SPEC, CONTAINERS, {"name": "asks", "expression": f"variables.containers.exists(c, {_ASKS})"}],
        validations=[
            {
                "expression": "variables.asks || variables.spec.?tolerations.orValue([]).all(t,"
                f" !(t.?key.orValue('') in ['', '{ASCEND.taint['key']}']))",
                "message": f"the pod tolerates {ASCEND.taint['key']} and asks for no such chip: its nodes are for pods"
                " that do",
            },
            {
                # A pod that is on a node has its name too.
                "expression": "variables.asks || request.operation != 'CREATE' || !has(variables.spec.nodeName)",
                "message": "the pod names its node (nodeName), past the scheduler: use nodeSelector",
            },
            {
                "expression": "!variables.asks || variables.containers.all(c, c.?envFrom.orValue([]).size() == 0)",
                "message": f"the pod asks for {ASCEND.resource} and takes variables from elsewhere (envFrom), which"
                " could name more chips: list them in env",
            },
            {
                "expression": f"!variables.asks || variables.containers.all(c, {_ASKS} || {_SAYS_NONE})",
                "message": f"a container asks for no chip beside one that does: say {VARIABLE} with an empty value in"
                " its env",
            },
        ],
    )
