"""What a site says about its monitoring: who looks after it, how it is collected, and to whom alerts go.

What is a template is known to nobody before Ansible runs: the roles look at it, by the same checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from amalgam.models.draft import Draft
from amalgam.models.faults import Rule
from amalgam.models.fields import ControllerPath, is_label, is_template, refusal, resolve_path
from amalgam.models.registry import user_name
from amalgam.monitoring.problems import KeyPath, Problem

ADMINISTRATORS = "monitoring_administrators"
"""The variable: people who see dashboards, alerts and all logs. The site's own user always does."""
ALERTS = "prometheus_alerts"
MAIL_PASSWORD = "alertmanager_smtp_password"  # noqa: S105 - the name of a variable
RULE_FILES = "prometheus_extra_rule_files"
SCRAPE_CONFIGS = "prometheus_extra_scrape_configs"


def _dns_label(value: str) -> str:
    if not is_label(value):
        raise refusal(
            Rule.BAD_NAMESPACE, f"{value!r} is no name of Kubernetes'", "use small letters, digits and hyphens"
        )
    return value


DnsLabel = Annotated[str, AfterValidator(_dns_label)]
Administrator = Annotated[str, AfterValidator(user_name)]
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


class Smtp(BaseModel):
    """The mail server; :func:`amalgam.monitoring.mail.check_mail` says what its values may be."""

    model_config = _STRICT

    smarthost: str
    sender: str = Field(alias="from")
    username: str | None = None
    ca_certificate: str | None = None


class KubeStateMetrics(BaseModel):
    """The Service of a kube-state-metrics that the site runs in its cluster, read in place of ``cluster-state``."""

    model_config = _STRICT

    namespace: DnsLabel
    service: DnsLabel
    port: int = Field(ge=1, le=65535)


class Route(BaseModel):
    """Further addresses, with what they get."""

    model_config = _STRICT

    addresses: list[str]
    vcs: list[str] = []
    severities: list[str] = []
    alerts: list[str] = []
    only: bool = False


_MAIL: dict[str, TypeAdapter[Any]] = {
    "alertmanager_smtp": TypeAdapter(Smtp),
    "alertmanager_receivers": TypeAdapter(list[str]),
    "alertmanager_routes": TypeAdapter(list[Route]),
    "alertmanager_group_by": TypeAdapter(list[str]),
    "alertmanager_group_wait": TypeAdapter(str),
    "alertmanager_group_interval": TypeAdapter(str),
    "alertmanager_repeat_interval": TypeAdapter(str),
    "alertmanager_watchdog_interval": TypeAdapter(str),
}
_SERVER: dict[str, TypeAdapter[Any]] = {
    "prometheus_scrape_interval": TypeAdapter(str),
    "prometheus_evaluation_interval": TypeAdapter(str),
    "prometheus_retention_time": TypeAdapter(str),
    "prometheus_retention_size": TypeAdapter(str),
}
MONITORING_VARIABLES: dict[str, TypeAdapter[Any]] = {
    ADMINISTRATORS: TypeAdapter(list[Administrator]),
    ALERTS: TypeAdapter(dict[str, Any]),
    "kube_state_metrics": TypeAdapter(KubeStateMetrics),
    MAIL_PASSWORD: TypeAdapter(Any),  # given as !vault, which PLAIN_SECRET sees to
    RULE_FILES: TypeAdapter(list[ControllerPath]),
    SCRAPE_CONFIGS: TypeAdapter(list[dict[str, Any]]),
    "victoria_logs_retention_days": TypeAdapter(Annotated[int, Field(ge=1)]),
    "victoria_logs_disk_gigabytes": TypeAdapter(Annotated[int, Field(ge=1)]),
    "victoria_logs_free_disk_megabytes": TypeAdapter(Annotated[int, Field(ge=1)]),
    "victoria_logs_memory_megabytes": TypeAdapter(Annotated[int, Field(ge=128)]),
    **_MAIL,
    **_SERVER,
}
LOG_AGENT_VARIABLES: dict[str, TypeAdapter[Any]] = {
    # vlagent takes no smaller queue.
    "log_agent_queue_megabytes": TypeAdapter(Annotated[int, Field(ge=512)]),
}


def check_monitoring(draft: Draft) -> None:
    """Add what cannot be meant of collecting, alerts and mails to the faults of ``draft``."""
    # Each topic's code is read where a site says something of it: most say little.
    if (alerts := draft.setting(ALERTS, dict)) is not None:
        from amalgam.monitoring.alerts import check_alerts

        _refuse(draft, Rule.BAD_ALERT, ALERTS, check_alerts(alerts))
    _check_mail(draft)
    if server := _given(draft, _SERVER, "prometheus_"):
        from amalgam.monitoring.server import check_server

        _refuse_parts(draft, Rule.BAD_PROMETHEUS_SETTING, "prometheus_", check_server(server))
    _check_own(draft)


def _check_mail(draft: Draft) -> None:
    mail, password = _given(draft, _MAIL, "alertmanager_"), draft.site_wide(MAIL_PASSWORD)
    if mail:
        from amalgam.monitoring.mail import check_mail

        has_password = password is not None and password.value != ""
        _refuse_parts(draft, Rule.BAD_MAIL, "alertmanager_", check_mail({**mail, "has_password": has_password}))


def _check_own(draft: Draft) -> None:
    files, jobs = draft.setting(RULE_FILES, list), draft.setting(SCRAPE_CONFIGS, list)
    if files or jobs:
        from amalgam.monitoring.own import check_rule_files, check_scrape_configs

        paths = [resolve_path(file, draft.inventory.folder) for file in files or ()]
        for one in check_rule_files(paths):
            draft.refuse(draft.site_wide(RULE_FILES), Rule.BAD_RULE_FILE, one.reason, one.remedy, one.path)
        _refuse(draft, Rule.BAD_SCRAPE_CONFIG, SCRAPE_CONFIGS, check_scrape_configs(jobs or []))


def _given(draft: Draft, variables: Iterable[str], prefix: str) -> dict[str, Any]:
    """What a site says of ``variables``, by their names without ``prefix``; nothing where one is of a wrong type."""
    found = [variable for name in variables if (variable := draft.site_wide(name)) is not None]
    if any(draft.value_of(variable, object) is None for variable in found):
        return {}
    return {variable.name.removeprefix(prefix): variable.value for variable in found}


def _refuse_parts(draft: Draft, rule: Rule, prefix: str, problems: Iterable[Problem]) -> None:
    """Refuse variables that were judged together, by the first part of each problem's path."""
    for problem in problems:
        name, *inside = problem.path
        _refuse(draft, rule, f"{prefix}{name}", [Problem(tuple(inside), problem.reason, problem.remedy)])


def _refuse(draft: Draft, rule: Rule, name: str, problems: Iterable[Problem]) -> None:
    variable = draft.site_wide(name)
    for problem in problems:
        if variable is not None and not _has_template(_inside(variable.value, problem.path)):
            draft.refuse(variable, rule, problem.reason, problem.remedy, problem.path)


def _inside(value: object, path: KeyPath) -> object:
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
    return value


def _has_template(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_has_template(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_has_template(inner) for inner in value)
    return isinstance(value, str) and is_template(value)
