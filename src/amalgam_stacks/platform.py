"""What holds in the whole cluster: priorities, and what the API server takes from anybody."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from amalgam.models import Site
from amalgam.services import address
from amalgam.tenants.priorities import DEFAULT, PRIORITIES
from amalgam_stacks import ascend_devices, chip_counts, host_access, image_sources
from amalgam_stacks.admission import AdmissionPolicy
from amalgam_stacks.args import Args


class PlatformArgs(Args):
    """What a site decides of it."""

    system_namespaces: tuple[str, ...]
    """Namespaces of parts of the nodes: no policy holds there."""
    registries: tuple[str, ...]
    """HOST or HOST:PORT of each registry that images may come from."""

    @classmethod
    def of_site(cls, site: Site) -> PlatformArgs:
        """As the site's data says: its own registry, those that it mirrors, and those that it lists."""
        mirrored = (mirror.registry for mirror in site.mirrors)
        registries = (address(site, "registry"), *mirrored, *site.platform.image_registries)
        return cls(system_namespaces=site.platform.all_system_namespaces, registries=tuple(dict.fromkeys(registries)))


class Platform(pulumi.ComponentResource):
    """PriorityClasses and admission policies."""

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare them."""
        super().__init__("amalgam:platform:Platform", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        for priority in PRIORITIES:
            k8s.scheduling.v1.PriorityClass(
                priority.name,
                metadata={"name": priority.name},
                value=priority.value,
                global_default=priority.name == DEFAULT,
                preemption_policy="PreemptLowerPriority" if priority.preempts else "Never",
                description=priority.description,
                opts=inside,
            )
        policies = {
            ascend_devices.NAME: ascend_devices.ascend_devices(args.system_namespaces),
            chip_counts.NAME: chip_counts.chip_counts(args.system_namespaces),
            host_access.NAME: host_access.host_access(args.system_namespaces),
            image_sources.NAME: image_sources.image_sources(args.system_namespaces, args.registries),
        }
        for policy, policy_args in policies.items():
            AdmissionPolicy(policy, policy_args, inside)
        self.register_outputs({"policies": sorted(policies)})
