"""The components declare what the data says; what the server makes of it is another test's matter."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from amalgam.models import load_site
from amalgam.models.platform import SYSTEM
from amalgam.paths import project_root
from amalgam.registry.credentials import Credentials
from amalgam.tenants.live import LiveVc
from amalgam.tenants.priorities import PRIORITIES
from amalgam.tenants.vcs import tenancies
from amalgam_stacks.platform import Platform, PlatformArgs
from amalgam_stacks.tenants import Tenants, TenantsArgs

LAB = project_root() / "inventories" / "lab"


class _Engine(mocks.Mocks):
    """Remembers what is declared."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], Any] = {}
        self.order: list[str] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.made[args.typ.rpartition(":")[2], args.name] = args.inputs
        self.order.append(args.name)
        return args.name, args.inputs

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(args.token)


@pytest.fixture
def engine() -> _Engine:
    asyncio.set_event_loop(asyncio.new_event_loop())
    engine = _Engine()
    mocks.set_mocks(engine, project="test", stack="lab", preview=False)
    return engine


def _run(declare: Any) -> None:
    @pulumi.runtime.test
    def program() -> None:
        declare()

    program()


def _tenants(live: dict[str, LiveVc] | None = None) -> None:
    _run(lambda: Tenants("tenants", TenantsArgs.of_site(load_site(LAB), live or {})))


def test_a_vc_is_a_walled_namespace(engine: _Engine) -> None:
    _tenants()
    labels = engine.made["Namespace", "vision"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["amalgam.internal/vc"] == "vision"
    hard = engine.made["ResourceQuota", "vision-vc"]["spec"]["hard"]
    # 8 of its own, and 2 that nlp lends.
    assert hard["requests.nvidia.com/gpu"] == "10"
    assert hard["nlp.storageclass.storage.k8s.io/requests.storage"] == "0"
    policy = engine.made["NetworkPolicy", "vision-isolation"]["spec"]
    assert (policy["podSelector"], sorted(policy["policyTypes"])) == ({}, ["Egress", "Ingress"])
    assert len(policy["ingress"]) == 1
    assert engine.made["NetworkPolicy", "nlp-isolation"]["spec"]["egress"][-1]["to"] == [
        {"ipBlock": {"cidr": "10.88.0.31/32"}}
    ]


def test_a_vc_with_projects_pulls_with_a_login_of_its_own(engine: _Engine) -> None:
    login = Credentials(registry="registry.example:5000", user="vc-vision", password="canary", ca_certificate="PEM")
    args = TenantsArgs.of_site(load_site(LAB), {}, {"vision": login})
    assert "canary" not in repr(args)
    assert login.auth_file() not in repr(args)
    _run(lambda: Tenants("tenants", args))
    secret = engine.made["Secret", "vision-registry"]
    assert (secret["metadata"], secret["type"]) == (
        {"name": "registry", "namespace": "vision"},
        "kubernetes.io/dockerconfigjson",
    )
    # Wrapped: what the engine keeps encrypted, and does not show.
    wrapped = secret["stringData"]
    assert wrapped.keys() - {"value"} == {pulumi.runtime.rpc._special_sig_key}
    assert json.loads(wrapped["value"][".dockerconfigjson"])["auths"].keys() == {"registry.example:5000"}
    assert ("Secret", "nlp-registry") not in engine.made


def test_members_are_bound_to_their_roles_in_their_vcs_alone(engine: _Engine) -> None:
    _tenants()
    bound = {
        (inputs["metadata"]["namespace"], inputs["roleRef"]["name"], subject["name"])
        for (kind, _), inputs in engine.made.items()
        if kind == "RoleBinding"
        for subject in inputs["subjects"]
    }
    assert bound == {
        (one.name, f"vc-{role}", user) for one in tenancies(load_site(LAB).tenants) for user, role in one.members
    }
    assert ("nlp", "vc-developer", "bob") not in bound
    assert not [name for kind, name in engine.made if kind == "ClusterRoleBinding"]


def test_a_cap_is_counted_by_classes_of_the_platforms_priority(engine: _Engine) -> None:
    _tenants()
    quota = engine.made["ResourceQuota", "vision-cap-bob"]["spec"]
    values = quota["scopeSelector"]["matchExpressions"][0]["values"]
    assert quota["hard"]["requests.nvidia.com/gpu"] == "2"
    assert values == ["interactive.vision.bob", "training-high.vision.bob", "training-normal.vision.bob"]
    # The same number, or the scheduler refuses a gang of the platform's class with pods of the member's.
    for name in values:
        platforms = next(one for one in PRIORITIES if one.name == name.partition(".")[0])
        own = engine.made["PriorityClass", name]
        assert own["value"] == platforms.value
        assert (own["preemptionPolicy"] != "Never") == platforms.preempts
    allowed = engine.made["ResourceQuota", "vision-priorities"]["spec"]["scopeSelector"]["matchExpressions"][0]
    assert set(values) < set(allowed["values"])
    assert allowed["operator"] == "NotIn"


def test_quotas_that_grow_are_declared_after_those_that_shrink(engine: _Engine) -> None:
    site = load_site(LAB)
    args = TenantsArgs.of_site(site, {})
    assert args.growing == {"vision", "nlp"}
    now = {one.name: LiveVc(one.name, one.path, one.effective, {}) for one in tenancies(site.tenants)}
    assert TenantsArgs.of_site(site, now).growing == set()
    less = now["vision"].hard | {"cpu": 1}
    _tenants(now | {"vision": LiveVc("vision", "institute/research", less, {})})
    assert engine.order.index("nlp-vc") < engine.order.index("vision-vc")


def test_the_platform_takes_images_of_the_registry_and_of_the_mirrors(engine: _Engine) -> None:
    args = PlatformArgs.of_site(load_site(LAB))
    assert args.registries == ("registry.lab.amalgam.internal:5000", "upstream.example.internal")
    _run(lambda: Platform("platform", args))
    policies = {name: inputs for (kind, name), inputs in engine.made.items() if kind == "ValidatingAdmissionPolicy"}
    assert set(policies) == {"ascend-910-chips", "ascend-devices", "host-access", "image-sources"}
    for name in policies:
        binding = engine.made["ValidatingAdmissionPolicyBinding", name]["spec"]
        assert binding["validationActions"] == ["Deny"]
        (selected,) = binding["matchResources"]["namespaceSelector"]["matchExpressions"]
        assert (selected["operator"], selected["values"]) == ("NotIn", list(SYSTEM))
    defaults = [
        name for (kind, name), inputs in engine.made.items() if kind == "PriorityClass" and inputs["globalDefault"]
    ]
    assert defaults == ["training-normal"]
