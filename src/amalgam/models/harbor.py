"""What a site says to Harbor beyond the projects and members that every registry has.

The words are Harbor's own where they can be. What is declared here is all there should be: what Harbor has besides is
shown and stays, until ``harbor_absent`` names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from amalgam.models.cron import Cron
from amalgam.models.draft import Draft
from amalgam.models.faults import Rule
from amalgam.models.fields import ControllerPath, refusal
from amalgam.models.registry import RegistryProject
from amalgam.models.yaml_source import KeyPath

PREFIX = "harbor_"

Severity = Literal["low", "medium", "high", "critical"]
RobotAction = Literal["pull", "push", "delete"]
EndpointType = Literal[
    "ali-acr",
    "aws-ecr",
    "azure-acr",
    "docker-hub",
    "docker-registry",
    "github-ghcr",
    "gitlab",
    "google-gcr",
    "harbor",
    "huawei-SWR",
    "jfrog-artifactory",
    "quay",
    "tencent-tcr",
]
"""The kinds of registries that Harbor can copy from."""

# What Harbor takes as the name of a robot account; endpoints and replications are held to it too.
_Name = Annotated[str, Field(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$", max_length=64)]
_Pattern = Annotated[str, Field(pattern=r"^\S+$", max_length=256)]
_LABEL = r"^((project|registry|replication|retention) [^\s/]+|(member|robot) [^\s/]+/.+|scan-all|garbage-collection)$"
_Label = Annotated[str, Field(pattern=_LABEL)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RetentionRule(_Strict):
    """Artifacts that are kept; what no rule keeps, goes."""

    keep: Literal["always", "latest_pulled", "latest_pushed", "pulled_days", "pushed_days"]
    """The ``number`` pulled or pushed last; or those pulled or pushed in the last ``number`` days."""
    number: Annotated[int, Field(ge=1)] | None = None
    repositories: _Pattern = "**"
    """Which of the project's repositories, without the project's own name; ``**`` matches slashes too."""
    tags: _Pattern = "**"
    untagged: bool = True
    """Whether artifacts without any tag are kept by this rule too."""

    @model_validator(mode="after")
    def _number_where_one_is_counted(self) -> Self:
        if self.keep == "always" and self.number is not None:
            raise refusal(Rule.UNKNOWN_KEY, "`always` counts nothing", "remove number")
        if self.keep != "always" and self.number is None:
            raise refusal(Rule.MISSING_KEY, f"`{self.keep}` says not how many", "add number")
        return self


class Retention(_Strict):
    """When and what is cleared out of a project."""

    schedule: Cron
    rules: Annotated[list[RetentionRule], Field(min_length=1, max_length=15)]


class ProjectSettings(_Strict):
    """What only Harbor knows of a project."""

    quota_gib: Annotated[int, Field(ge=1)] | None = None
    """Storage (GiB); absent: as much as there is."""
    scan_on_push: bool = False
    block_severity: Severity | None = None
    """Images with a vulnerability so grave, or graver, cannot be pulled."""
    retention: Retention | None = None


class Robot(_Strict):
    """An account for machines, in one project. Its secret is one of the site's."""

    project: str
    name: _Name
    actions: Annotated[list[RobotAction], Field(min_length=1)]


class Endpoint(_Strict):
    """Another registry, to copy from. The secret for ``access_key`` is given by ``amalgam registry credential``."""

    name: _Name
    type: EndpointType
    url: Annotated[str, Field(pattern=r"^https://\S+[^/\s]$")]
    """Without a slash at its end, as Harbor keeps it."""
    access_key: Annotated[str, Field(min_length=1)] | None = None
    """The account there; absent: none is needed."""


class Replication(_Strict):
    """Images that are copied from an endpoint into a project."""

    name: _Name
    endpoint: str
    project: str
    images: _Pattern
    """Repositories over there, like ``library/**``."""
    tags: _Pattern = "**"
    flatten: Annotated[int, Field(ge=0, le=3)] = 1
    """How many leading components of a repository's name the project's name takes the place of."""
    schedule: Cron | None = None
    """Absent: when somebody starts it in Harbor."""
    enabled: bool = True


class GarbageCollection(_Strict):
    """When the space of deleted artifacts is freed."""

    schedule: Cron
    delete_untagged: bool = False


class HarborData(_Strict):
    """All that a site says of what is in its Harbor."""

    projects: list[RegistryProject] = []
    project_settings: dict[str, ProjectSettings] = {}
    robots: list[Robot] = []
    registries: list[Endpoint] = []
    replications: list[Replication] = []
    scan_schedule: Cron | None = None
    gc: GarbageCollection | None = None
    absent: list[_Label] = []
    """Objects that are deleted where they are found, named as drift names them: ``robot vision/ci``."""

    def robot_names(self) -> list[str]:
        """``project/name`` of every robot account."""
        return [f"{robot.project}/{robot.name}" for robot in self.robots]

    def labels(self) -> Iterator[str]:
        """Every declared object, named as in ``absent``."""
        for project in self.projects:
            yield f"project {project.name}"
            yield from (f"member {project.name}/{member.user}" for member in project.members)
        yield from (f"retention {name}" for name, one in self.project_settings.items() if one.retention)
        yield from (f"robot {name}" for name in self.robot_names())
        yield from (f"registry {endpoint.name}" for endpoint in self.registries)
        yield from (f"replication {replication.name}" for replication in self.replications)
        yield from ["scan-all"] if self.scan_schedule else []
        yield from ["garbage-collection"] if self.gc else []


_PARTS = [name for name in HarborData.model_fields if name != "projects"]
HARBOR_VARIABLES: dict[str, TypeAdapter[Any]] = {
    "harbor_installer_path": TypeAdapter(ControllerPath),
    **{
        PREFIX + name: TypeAdapter(Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation)  # type: ignore[arg-type]
        for name, info in HarborData.model_fields.items()
        if name in _PARTS
    },
}
"""Variable of a site → its type."""


def harbor_data(draft: Draft) -> HarborData | None:
    """What a site's checked variables say; nothing where its registry is another."""
    if draft.setting("registry_backend", str) != "harbor":
        return None
    given: dict[str, Any] = {name: draft.setting(PREFIX + name, object) for name in _PARTS}
    given["projects"] = draft.setting("registry_projects", list)
    return HarborData.model_construct(**{name: value for name, value in given.items() if value is not None})


def check_harbor(draft: Draft) -> None:
    """Add what is wrong between the parts of what is said to Harbor, and with saying it to another registry."""
    data = harbor_data(draft)
    if data is None and not _is_bad(draft, "registry_backend"):
        for variable in draft.inventory.every_variable():
            if variable.name.startswith(PREFIX):
                reason = "says something to Harbor, and the site's registry is the embedded one"
                remedy = "remove it, or choose Harbor: `registry_backend: harbor`"
                draft.refuse(variable, Rule.HARBOR_NOT_CHOSEN, reason, remedy)
    if data is None:
        return
    if draft.site_wide("harbor_installer_path") is None:
        reason = "Harbor is installed from its offline installer, and harbor_installer_path does not name one"
        remedy = "bring the installer to this machine, and name it in group_vars/all/harbor.yml"
        draft.refuse(draft.site_wide("registry_backend"), Rule.NO_HARBOR_INSTALLER, reason, remedy)
    _check_projects(draft, data)
    _check_endpoints(draft, data)
    _check_names(draft, data)
    _check_absent(draft, data)


def _is_bad(draft: Draft, name: str) -> bool:
    """Whether a variable is given, and no good: what refers to it cannot be checked."""
    return draft.site_wide(name) is not None and draft.setting(name, object) is None


def _check_projects(draft: Draft, data: HarborData) -> None:
    if _is_bad(draft, "registry_projects"):
        return
    names = [project.name for project in data.projects]
    used: list[tuple[str, KeyPath, str]] = [("project_settings", (name,), name) for name in data.project_settings]
    used += [("robots", (index, "project"), robot.project) for index, robot in enumerate(data.robots)]
    used += [("replications", (index, "project"), one.project) for index, one in enumerate(data.replications)]
    for part, inside, name in used:
        if name not in names:
            reason, remedy = f"no project is named {name}", "add it to registry_projects, or mend the name"
            draft.refuse(draft.site_wide(PREFIX + part), Rule.UNKNOWN_PROJECT, reason, remedy, inside)


def _check_endpoints(draft: Draft, data: HarborData) -> None:
    if _is_bad(draft, "harbor_registries"):
        return
    names = [endpoint.name for endpoint in data.registries]
    for index, replication in enumerate(data.replications):
        if replication.endpoint not in names:
            reason = f"no endpoint is named {replication.endpoint}"
            remedy = "add it to harbor_registries, or mend the name"
            variable = draft.site_wide("harbor_replications")
            draft.refuse(variable, Rule.UNKNOWN_ENDPOINT, reason, remedy, (index, "endpoint"))


def _check_names(draft: Draft, data: HarborData) -> None:
    kinds: dict[str, tuple[Rule, list[str]]] = {
        "robots": (Rule.DUPLICATE_ROBOT, data.robot_names()),
        "registries": (Rule.DUPLICATE_ENDPOINT, [endpoint.name for endpoint in data.registries]),
        "replications": (Rule.DUPLICATE_REPLICATION, [replication.name for replication in data.replications]),
    }
    for part, (rule, names) in kinds.items():
        for index, name in enumerate(names):
            if name in names[:index]:
                reason, remedy = f"{name} is there twice", "rename one of the two, or make them one"
                draft.refuse(draft.site_wide(PREFIX + part), rule, reason, remedy, (index, "name"))


def _check_absent(draft: Draft, data: HarborData) -> None:
    declared = set(data.labels())
    for index, label in enumerate(data.absent):
        if label in declared:
            reason, remedy = f"{label} is declared too", "remove it here, or where it is declared"
            draft.refuse(draft.site_wide("harbor_absent"), Rule.DECLARED_AND_ABSENT, reason, remedy, (index,))
