"""Images come from the registries that the site lists, and from nowhere else."""

from __future__ import annotations

import json

from amalgam_stacks.admission import AdmissionPolicyArgs, outside
from amalgam_stacks.workloads import CONTAINERS, SPEC, SPEC_CHANGED, rules

NAME = "image-sources"


def image_sources(system_namespaces: tuple[str, ...], registries: tuple[str, ...]) -> AdmissionPolicyArgs:
    """The policy's arguments.

    Args:
        registries: HOST or HOST:PORT of each.
    """
    allowed = json.dumps([f"{registry}/" for registry in registries])
    return AdmissionPolicyArgs(
        rules=rules("CREATE", "UPDATE"),
        match_conditions=[SPEC_CHANGED],
        namespaces=outside(system_namespaces),
        variables=[
            SPEC,
            CONTAINERS,
            {
                "name": "images",
                "expression": "variables.containers.map(c, c.?image.orValue(''))"
                # An image can also be mounted, as a volume.
                " + variables.spec.?volumes.orValue([]).filter(v, has(v.image)).map(v, v.image.?reference.orValue(''))",
            },
            {
                "name": "foreign",
                "expression": f"variables.images.filter(image, !{allowed}.exists(allowed, image.startsWith(allowed)))",
            },
        ],
        validations=[
            {
                "expression": "variables.foreign.size() == 0",
                "message_expression": "'images of no registry of this site: ' + variables.foreign.join(', ')"
                f" + '. There are: {', '.join(registries)}'",
            }
        ],
    )
