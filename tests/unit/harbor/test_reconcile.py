"""Harbor becomes what the site says, and nothing that the site does not say is lost.

Harbor's images cannot be had from package registries, so it is a simulated one, held to a written contract.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from amalgam import pki
from amalgam.errors import AmalgamError
from amalgam.harbor.resource import HarborSecrets
from amalgam.models.harbor import Endpoint, HarborData, ProjectSettings, Retention, RetentionRule, Robot
from amalgam.models.registry import Member, RegistryProject, platform_projects
from tests.fixtures.harbor.simulated_harbor import SimulatedHarbor
from tests.unit.harbor.conftest import PASSWORD, SECRETS, Run

GIB = 1 << 30
Changed = Callable[..., HarborData]


@pytest.fixture
def applied(run: Run, data: HarborData) -> HarborData:
    """A Harbor that is as declared; what was asked of it so far is forgotten."""
    run.apply(data)
    run.harbor.asked.clear()
    return data


def test_everything_that_is_declared_is_made(run: Run, harbor: SimulatedHarbor, data: HarborData) -> None:
    run.apply(data)

    vision, shared = harbor.project("vision"), harbor.project("shared")
    metadata = {"public": "false", "auto_scan": "true", "prevent_vul": "true", "severity": "high"}
    assert metadata.items() <= vision["metadata"].items()
    assert shared["metadata"]["public"] == "true"
    assert harbor.limits[vision["project_id"]] == 100 * GIB
    assert harbor.limits[shared["project_id"]] == -1
    members = {one["entity_name"]: one["role_id"] for one in harbor.members[vision["project_id"]].values()}
    assert members == {"admin": 1, "alice": 2, "bob": 3}
    robot = harbor.robot("robot$vision+ci")
    assert harbor.robot_secrets[robot["id"]] == "Robot-0secret"
    assert robot["permissions"][0]["access"] == [
        {"resource": "repository", "action": "list"},
        {"resource": "repository", "action": "pull"},
        {"resource": "repository", "action": "push"},
    ]
    retention = harbor.retentions[int(vision["metadata"]["retention_id"])]
    assert [rule["params"] for rule in retention["rules"]] == [{"latestPushedK": 10}, {}]
    assert {one["name"]: one["type"] for one in harbor.registries.values()} == {
        "hub": "docker-hub",
        "open": "docker-registry",
    }
    assert list(filter(None, harbor.registry_secrets.values())) == ["hub-secret"]
    (policy,) = harbor.policies.values()
    assert policy["dest_namespace"] == "shared"
    assert policy["trigger"] == {"type": "scheduled", "trigger_settings": {"cron": "0 30 2 * * *"}}
    assert harbor.scan_schedule["schedule"]["cron"] == "0 0 4 * * sun"
    assert harbor.collection["job_parameters"] == '{"delete_untagged": true}'


@pytest.mark.usefixtures("applied")
def test_the_bundles_own_images_get_projects_that_every_node_may_pull_from(harbor: SimulatedHarbor) -> None:
    assert platform_projects()
    assert all(harbor.project(name)["metadata"]["public"] == "true" for name in platform_projects())


def test_a_second_run_writes_nothing_and_finds_nothing(run: Run, harbor: SimulatedHarbor, applied: HarborData) -> None:
    assert run.apply(applied) == []
    assert run.drift(applied) == []
    assert harbor.writes == []
    assert harbor.asked != []


def test_to_look_is_not_to_touch(run: Run, harbor: SimulatedHarbor, data: HarborData) -> None:
    lines = run.drift(data)

    assert "project vision: not there" in lines
    assert harbor.writes == []


def _make_public(harbor: SimulatedHarbor) -> None:
    harbor.project("vision")["metadata"]["public"] = "true"


def _halve_quota(harbor: SimulatedHarbor) -> None:
    harbor.limits[harbor.project("vision")["project_id"]] = 50 * GIB


def _odd_quota(harbor: SimulatedHarbor) -> None:
    harbor.limits[harbor.project("shared")["project_id"]] = GIB // 2


def _unblock(harbor: SimulatedHarbor) -> None:
    harbor.project("vision")["metadata"] |= {"prevent_vul": "false", "auto_scan": "false"}


def _promote(harbor: SimulatedHarbor) -> None:
    members = harbor.members[harbor.project("vision")["project_id"]]
    next(one for one in members.values() if one["entity_name"] == "bob")["role_id"] = 4


def _widen_robot(harbor: SimulatedHarbor) -> None:
    access = harbor.robot("robot$vision+ci")["permissions"][0]["access"]
    harbor.robot("robot$vision+ci")["permissions"][0]["access"] = [
        *access,
        {"resource": "artifact", "action": "delete"},
    ]


def _limit_robot(harbor: SimulatedHarbor) -> None:
    harbor.robot("robot$vision+ci")["duration"] = 30


def _renew_secret(harbor: SimulatedHarbor) -> None:
    harbor.robot_secrets[harbor.robot("robot$vision+ci")["id"]] = "Somebody-0else"


def _disable_robot(harbor: SimulatedHarbor) -> None:
    harbor.robot("robot$vision+ci")["disable"] = True


def _keep_less(harbor: SimulatedHarbor) -> None:
    (retention,) = harbor.retentions.values()
    retention["rules"][0]["params"] = {"latestPushedK": 3}


def _forget_retention(harbor: SimulatedHarbor) -> None:
    (retention,) = harbor.retentions.values()
    retention["rules"] = []


def _trust_anybody(harbor: SimulatedHarbor) -> None:
    next(one for one in harbor.registries.values() if one["name"] == "hub")["insecure"] = True


def _other_account(harbor: SimulatedHarbor) -> None:
    hub = next(one for one in harbor.registries.values() if one["name"] == "hub")
    hub["credential"]["access_key"], hub["description"] = "somebody", ""


def _stop_replication(harbor: SimulatedHarbor) -> None:
    (policy,) = harbor.policies.values()
    policy |= {"enabled": False, "trigger": {"type": "manual"}, "replicate_deletion": True}


def _reschedule(harbor: SimulatedHarbor) -> None:
    harbor.scan_schedule["schedule"] = {"type": "Daily", "cron": "0 0 0 * * *"}
    harbor.collection = None


HUB = SECRETS.fingerprint("hub")


@pytest.mark.parametrize(
    ("meddle", "lines"),
    [
        (_make_public, ["project vision: public true -> false"]),
        (_halve_quota, ["project vision: quota_gib 50 -> 100"]),
        (_odd_quota, ["project shared: quota_gib 0.5 -> none"]),
        (_unblock, ["project vision: scan_on_push false -> true", "project vision: block_severity none -> high"]),
        (_promote, ["member vision/bob: role maintainer -> guest"]),
        (
            _widen_robot,
            [
                "robot vision/ci: permissions [artifact:delete; repository:list; repository:pull; repository:push] -> "
                "[repository:list; repository:pull; repository:push]"
            ],
        ),
        (_limit_robot, ["robot vision/ci: expires after 30 days -> never"]),
        (_renew_secret, ["robot vision/ci: secret another -> the site's"]),
        (
            _disable_robot,
            ["robot vision/ci: enabled false -> true", "robot vision/ci: secret another -> the site's"],
        ),
        (
            _keep_less,
            [
                "retention vision: rules [latest_pushed 3 of **, tags **; always of **, tags release-*, none without "
                "a tag] -> [latest_pushed 10 of **, tags **; always of **, tags release-*, none without a tag]"
            ],
        ),
        (_forget_retention, ["retention vision: not there"]),
        (_trust_anybody, ["registry hub: verified false -> true"]),
        (_other_account, ["registry hub: access_key somebody -> reader", f"registry hub: secret unknown -> {HUB}"]),
        (
            _stop_replication,
            [
                "replication base-images: schedule none -> 0 30 2 * * *",
                "replication base-images: enabled false -> true",
                "replication base-images: deletes true -> false",
            ],
        ),
        (_reschedule, ["scan-all: schedule 0 0 0 * * * -> 0 0 4 * * sun", "garbage-collection: not there"]),
    ],
)
def test_what_somebody_changed_is_shown_field_by_field_and_repaired(
    meddle: Callable[[SimulatedHarbor], None], lines: list[str], run: Run, harbor: SimulatedHarbor, applied: HarborData
) -> None:
    meddle(harbor)

    assert run.drift(applied) == lines
    assert run.apply(applied)
    assert run.drift(applied) == []


@pytest.mark.parametrize(
    ("meddle", "write"),
    [
        (_halve_quota, ("PUT", "/quotas/{project}")),
        (_make_public, ("PUT", "/projects/{project}")),
        (_renew_secret, ("PATCH", "/robots/{robot}")),
        (_limit_robot, ("PUT", "/robots/{robot}")),
    ],
)
def test_a_repair_touches_what_differs_and_nothing_else(
    meddle: Callable[[SimulatedHarbor], None],
    write: tuple[str, str],
    run: Run,
    harbor: SimulatedHarbor,
    applied: HarborData,
) -> None:
    meddle(harbor)

    run.apply(applied)

    numbers = {"project": harbor.project("vision")["project_id"], "robot": harbor.robot("robot$vision+ci")["id"]}
    method, path = write
    assert harbor.writes == [(method, "/api/v2.0" + path.format(**numbers))]


def test_what_nobody_declares_is_shown_and_left(run: Run, harbor: SimulatedHarbor, applied: HarborData) -> None:
    vision = harbor.project("vision")["project_id"]
    harbor.make_project("experiment")
    harbor.make_member(vision, "carol", 4)
    harbor.make_member(vision, "students", 3, kind="g")

    found = ["project experiment: not declared", "member vision/carol: not declared"]
    found.append("member vision/group:students: not declared")
    assert run.drift(applied) == found
    assert run.apply(applied) == []
    assert harbor.writes == []
    assert run.drift(applied) == found


@pytest.mark.usefixtures("applied")
def test_what_is_no_longer_declared_stays_until_it_is_named_as_absent(
    run: Run, harbor: SimulatedHarbor, changed: Changed
) -> None:
    vision = RegistryProject(name="vision", members=[Member(user="bob", role="guest")])
    less = {"projects": [vision], "project_settings": {}, "robots": [], "registries": [], "replications": []}
    none = {"scan_schedule": None, "gc": None, "absent": []}
    undeclared = {
        "project shared",
        "retention vision",
        "robot vision/ci",
        "registry hub",
        "registry open",
        "replication base-images",
        "scan-all",
        "garbage-collection",
        "member vision/alice",
    }

    kept = run.drift(changed(**less, **none))
    assert {line.removesuffix(": not declared") for line in kept if line.endswith(": not declared")} == undeclared

    run.apply(changed(**less, **none | {"absent": sorted(undeclared)}))

    assert run.drift(changed(**less, **none)) == []
    assert "shared" not in [one["name"] for one in harbor.projects.values()]
    assert (harbor.robots, harbor.registries, harbor.policies) == ({}, {}, {})


def test_a_retention_that_was_ended_can_be_declared_again(
    run: Run, harbor: SimulatedHarbor, applied: HarborData, changed: Changed
) -> None:
    run.apply(changed(project_settings={}, absent=["retention vision"]))
    assert [one["rules"] for one in harbor.retentions.values()] == [[]]

    run.apply(applied)

    assert run.drift(applied) == []


@pytest.mark.usefixtures("applied")
def test_a_project_with_images_is_not_removed_and_harbors_reason_is_told(
    run: Run, harbor: SimulatedHarbor, changed: Changed
) -> None:
    harbor.repositories[harbor.make_project("old")] = 1

    with pytest.raises(AmalgamError, match="412 the project contains repositories"):
        run.apply(changed(absent=["project old"]))

    assert harbor.project("old")


def test_a_run_that_breaks_off_is_completed_by_the_next(run: Run, harbor: SimulatedHarbor, data: HarborData) -> None:
    run.apply(data)
    count = len(harbor.writes)
    for failing in range(1, count + 1):
        _empty(harbor)
        harbor.failing_writes = {failing}

        with pytest.raises(AmalgamError, match="500 internal server error"):
            run.apply(data)
        run.apply(data)

        assert run.drift(data) == [], f"after write {failing} of {count} failed"


def _empty(harbor: SimulatedHarbor) -> None:
    """Make it new again, in place: the server goes on."""
    kept = {"address", "authority", "broken", "password"}
    fresh = SimulatedHarbor(PASSWORD)
    harbor.__dict__.update({name: value for name, value in fresh.__dict__.items() if name not in kept})


def test_a_wrong_password_is_told_apart_from_an_empty_harbor(
    run: Run, harbor: SimulatedHarbor, data: HarborData
) -> None:
    run.password = "Wrong-0password"

    with pytest.raises(AmalgamError, match="refuses the password of admin") as refused:
        run.apply(data)

    assert "at its first start only" in refused.value.remedy
    assert harbor.writes == []
    assert "Wrong-0password" not in str(refused.value)


def test_a_certificate_of_another_authority_is_refused(run: Run, harbor: SimulatedHarbor, data: HarborData) -> None:
    run.authority = pki.make_authority("another").certificate

    with pytest.raises(AmalgamError, match="its certificate is not trusted"):
        run.drift(data)

    assert harbor.asked == []


def test_a_harbor_that_is_down_is_named_with_where_to_look(run: Run, harbor: SimulatedHarbor, data: HarborData) -> None:
    harbor.address = "127.0.0.1:1"

    with pytest.raises(AmalgamError, match="does not answer") as refused:
        run.drift(data)

    assert refused.value.where == "127.0.0.1:1"
    assert "systemctl status harbor" in refused.value.remedy


def test_a_secret_that_is_missing_is_named_before_anything_is_changed(
    run: Run, harbor: SimulatedHarbor, data: HarborData
) -> None:
    run.secrets = HarborSecrets(robots=SECRETS.robots, registries={}, key=PASSWORD)

    with pytest.raises(AmalgamError, match="hub") as refused:
        run.apply(data)

    assert "amalgam registry credential hub" in refused.value.remedy
    assert harbor.writes == []


def test_a_new_secret_for_an_endpoint_is_seen_and_given_to_harbor(
    run: Run, harbor: SimulatedHarbor, applied: HarborData
) -> None:
    run.secrets = HarborSecrets(robots=SECRETS.robots, registries={"hub": "newer-secret"}, key=PASSWORD)

    (line,) = run.drift(applied)
    run.apply(applied)

    assert line.startswith(f"registry hub: secret {HUB} -> ")
    assert "newer-secret" not in line
    assert "newer-secret" in harbor.registry_secrets.values()
    assert run.drift(applied) == []


def test_an_endpoint_that_harbor_cannot_reach_is_refused_with_harbors_reason(run: Run, changed: Changed) -> None:
    nowhere = Endpoint(name="nowhere", type="quay", url="https://unreachable.example.internal")

    with pytest.raises(AmalgamError, match="400 the registry is unhealthy"):
        run.apply(changed(registries=[nowhere], replications=[]))


def test_the_type_of_an_endpoint_is_refused_before_anything_is_changed(
    run: Run, harbor: SimulatedHarbor, applied: HarborData, changed: Changed
) -> None:
    hub, other = applied.registries
    other = other.model_copy(update={"type": "quay"})

    with pytest.raises(AmalgamError, match="cannot change the type") as refused:
        run.apply(changed(registries=[hub, other], robots=[]))

    assert "harbor_absent" in refused.value.remedy
    assert harbor.writes == []


def test_a_user_whom_harbor_does_not_know_holds_up_no_other_object(
    run: Run, harbor: SimulatedHarbor, changed: Changed
) -> None:
    stranger = RegistryProject(name="vision", members=[Member(user="mallory", role="guest")])
    shared = RegistryProject(name="shared", public=True)

    with pytest.raises(AmalgamError, match="user mallory not found"):
        run.apply(changed(projects=[stranger, shared]))

    assert harbor.collection
    assert harbor.policies


def test_scans_without_a_scanner_matter_only_where_they_are_wanted(
    run: Run, harbor: SimulatedHarbor, applied: HarborData, changed: Changed
) -> None:
    harbor.has_scanner = False

    assert run.drift(changed(scan_schedule=None)) == []
    with pytest.raises(AmalgamError, match="no scanner is configured"):
        run.drift(applied)


def test_lists_are_read_to_their_end(run: Run, harbor: SimulatedHarbor, changed: Changed) -> None:
    many = [RegistryProject(name=f"p{number:03}") for number in range(120)]
    few = changed(projects=many, project_settings={}, robots=[], registries=[], replications=[])
    run.apply(few)
    harbor.asked.clear()

    assert run.drift(few) == []
    assert harbor.asked.count(("GET", "/api/v2.0/projects")) == 2


def test_every_right_of_a_robot_and_every_way_to_keep_images_is_one_that_harbor_knows(
    run: Run, harbor: SimulatedHarbor, changed: Changed
) -> None:
    keeps = [RetentionRule(keep="always")]
    keeps += [RetentionRule(keep=keep, number=5, repositories="a/**") for keep in ("latest_pulled", "latest_pushed")]
    keeps += [RetentionRule(keep=keep, number=5) for keep in ("pulled_days", "pushed_days")]
    settings = {"vision": ProjectSettings(retention=Retention(schedule="0 0 0 * * *", rules=keeps))}
    robot = Robot(project="vision", name="ci", actions=["pull", "push", "delete"])
    everything = changed(project_settings=settings, robots=[robot])

    run.apply(everything)

    assert run.drift(everything) == []
    assert len(harbor.retentions[int(harbor.project("vision")["metadata"]["retention_id"])]["rules"]) == 5
