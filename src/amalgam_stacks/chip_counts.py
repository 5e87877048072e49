"""How many Ascend 910 chips a pod and a job can ask for.

Eight chips of a server are two rings of four, and only such parts of them work together: 1, 2, 4 or 8. A job over
several servers takes whole servers. Source: Huawei, MindX DL user guide, "Affinity scheduling" of Ascend 910.
"""

from __future__ import annotations

from amalgam.chips.table import ASCEND
from amalgam_stacks.admission import AdmissionPolicyArgs, outside
from amalgam_stacks.workloads import SPEC, SPEC_CHANGED, rules

NAME = "ascend-910-chips"
_ASKED = f"quantity(c.?resources.?limits[?'{ASCEND.resource}'].orValue('0')).asInteger()"
_COUNTS = [0, *ASCEND.counts]
_HOST = ASCEND.host_chips
_PARALLELISM = (
    "object.kind == 'Job' ? int(object.spec.?parallelism.orValue(1)) : "
    "object.kind == 'CronJob' ? int(object.spec.jobTemplate.spec.?parallelism.orValue(1)) : 1"
)


def chip_counts(system_namespaces: tuple[str, ...]) -> AdmissionPolicyArgs:
    """The policy's arguments."""
    return AdmissionPolicyArgs(
        rules=rules("CREATE", "UPDATE", pods=("pods",)),
        match_conditions=[SPEC_CHANGED],
        namespaces=outside(system_namespaces),
        variables=[
            SPEC,
            {"name": "chips", "expression": f"variables.spec.containers.map(c, {_ASKED}).sum()"},
            {"name": "pods", "expression": _PARALLELISM},
            {"name": "total", "expression": "variables.chips * variables.pods"},
        ],
        validations=[
            {
                "expression": f"variables.spec.?initContainers.orValue([]).all(c, {_ASKED} == 0)",
                "message": "an init container asks for Ascend 910 chips: let the pod's other containers ask for them",
            },
            {
                "expression": f"variables.chips in {_COUNTS}",
                "message_expression": "'a pod asks for ' + string(variables.chips)"
                " + ' Ascend 910 chips: it can have 1, 2, 4 or 8'",
            },
            {
                "expression": f"variables.total in {_COUNTS}"
                f" || (variables.chips == {_HOST} && variables.total % {_HOST} == 0)",
                "message_expression": "'the job asks for ' + string(variables.total) + ' Ascend 910 chips in '"
                " + string(variables.pods) + ' pods of ' + string(variables.chips)"
                " + ': it can have 1, 2, 4 or 8, or more in pods of 8'",
            },
        ],
    )
