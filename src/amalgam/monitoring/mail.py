"""To whom alerts go: Alertmanager's configuration from what a site says of its mail.

https://prometheus.io/docs/alerting/latest/configuration/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from amalgam.monitoring.alerts import SEVERITIES
from amalgam.monitoring.durations import REMEDY as DURATION_REMEDY
from amalgam.monitoring.durations import seconds
from amalgam.monitoring.mail_authority import authority_problems
from amalgam.monitoring.problems import KeyPath, Problem

TEMPLATES = "/etc/prometheus/alertmanager_templates/*.tmpl"
PASSWORD_FILE = "/etc/prometheus/smtp/password"  # noqa: S105 - a path
CA_FILE = "/etc/prometheus/smtp/ca.crt"

_EVERYBODY, _NOBODY, _WATCHDOG = "everybody", "nobody", "watchdog"
# What of a host is silent when the host is down; of a chip, when it is ill; of a file system, when it is full.
_INHIBITIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ('alertname="NodeDown"', 'alertname!="NodeDown"', ("cluster", "node")),
    ('alertname="KubeNodeNotReady"', 'alertname=~"TargetDown|AcceleratorIdle"', ("cluster", "node")),
    ('alertname="etcdMembersDown"', 'alertname=~"etcd.+",alertname!="etcdMembersDown"', ("cluster", "node")),
    (
        'alertname="AcceleratorUnhealthy"',
        'alertname=~"Accelerator(LinkDown|TemperatureHigh|EccErrors|Idle)"',
        ("cluster", "node", "chip"),
    ),
    (
        'alertname="NodeFilesystemAlmostOutOfSpace"',
        'alertname="NodeFilesystemSpaceFillingUp"',
        ("cluster", "node", "mountpoint"),
    ),
    ('alertname="CephHealthError"', 'alertname="StorageFillingUp"', ("cluster",)),
    ('alertname=~"LogStoreDown|LogStoreReadOnly"', 'alertname=~"LogAgentNotSending|LogAgentBacklog"', ("cluster",)),
    ('severity="critical"', 'severity=~"warning|info"', ("cluster", "alertname", "node", "vc", "chip", "job")),
    ('severity="warning"', 'severity="info"', ("cluster", "alertname", "node", "vc", "chip", "job")),
)
_TIMES = ("group_wait", "group_interval", "repeat_interval")
_MATCHED = {"vcs": "vc", "severities": "severity", "alerts": "alertname"}

# RFC 5321, "Mailbox", without quoted names and addresses in brackets.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_SMARTHOST = re.compile(r"(?P<host>[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?):(?P<port>\d{1,5})")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_LAST_PORT = 65535
_VALUE = re.compile(r"[A-Za-z0-9_-]+")


def alertmanager_config(settings: Mapping[str, Any]) -> str:
    """Alertmanager's configuration as a file.

    Args:
        settings: ``smtp`` (smarthost, from, username, ca_certificate; no password), ``receivers`` (addresses),
            ``routes``, ``group_by``, ``group_wait``, ``group_interval``, ``repeat_interval``, ``watchdog_interval``,
            ``watchdog_webhook`` (a URL, or empty). What :func:`check_mail` refuses is not looked for again.
    """
    routes = settings["routes"]
    names = [f"route-{number}" for number in range(1, len(routes) + 1)]
    receivers = [
        {"name": _EVERYBODY, **_emails(settings["receivers"], settings["smtp"])},
        {"name": _NOBODY},
        {"name": _WATCHDOG, **_webhook(settings["watchdog_webhook"])},
        *(
            {"name": name, **_emails(route["addresses"], settings["smtp"])}
            for name, route in zip(names, routes, strict=True)
        ),
    ]
    config = {
        "global": _global(settings["smtp"]),
        "templates": [TEMPLATES],
        "route": _route(settings, names),
        "inhibit_rules": [
            {"source_matchers": [source], "target_matchers": target.split(","), "equal": list(equal)}
            for source, target, equal in _INHIBITIONS
        ],
        "receivers": receivers,
    }
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120)


def _global(smtp: Mapping[str, Any]) -> dict[str, Any]:
    if not smtp:
        return {}
    login = {"smtp_auth_username": smtp["username"], "smtp_auth_password_file": PASSWORD_FILE}
    return {
        "smtp_smarthost": smtp["smarthost"],
        "smtp_from": smtp["from"],
        "smtp_require_tls": True,
        **(login if smtp.get("username") else {}),
    }


def _emails(addresses: Sequence[str], smtp: Mapping[str, Any]) -> dict[str, Any]:
    trust = {"tls_config": {"ca_file": CA_FILE}} if smtp.get("ca_certificate") else {}
    mails = [
        {
            "to": address,
            "send_resolved": True,
            "headers": {"Subject": '{{ template "amalgam.subject" . }}'},
            "html": '{{ template "amalgam.html" . }}',
            "text": '{{ template "amalgam.text" . }}',
            **trust,
        }
        for address in addresses
    ]
    return {"email_configs": mails} if smtp and mails else {}


def _webhook(url: str) -> dict[str, Any]:
    return {"webhook_configs": [{"url": url, "send_resolved": False}]} if url else {}


def _route(settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    watchdog = {
        "receiver": _WATCHDOG,
        "matchers": ['alertname="Watchdog"'],
        "group_wait": "0s",
        "group_interval": settings["watchdog_interval"],
        # Looked at once in each interval. Were it as long, the last call would always be too young by a moment, and
        # every second one would stay out.
        "repeat_interval": "1s",
    }
    own = [
        {"receiver": name, "matchers": list(_matchers(route)), "continue": True}
        for name, route in zip(names, settings["routes"], strict=True)
    ]
    # Whose alerts are theirs alone are taken out only after all routes have had them.
    taken = [
        {"receiver": _NOBODY, "matchers": list(_matchers(route))}
        for route in settings["routes"]
        if route.get("only", False)
    ]
    return {
        "receiver": _EVERYBODY,
        "group_by": list(settings["group_by"]),
        **{key: settings[key] for key in _TIMES},
        "routes": [watchdog, *own, *taken, {"receiver": _EVERYBODY}],
    }


def _matchers(route: Mapping[str, Any]) -> Iterator[str]:
    for key, label in _MATCHED.items():
        if route.get(key):
            yield f'{label}=~"{"|".join(route[key])}"'


def check_mail(settings: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with what a site says of its mail; nothing where Alertmanager takes it.

    Args:
        settings: as for :func:`alertmanager_config`, with ``has_password``; what is not there is as by default.
    """
    routes = settings.get("routes", ())
    return [
        *_smtp_problems(settings.get("smtp", {}), settings.get("has_password", False)),
        *_address_problems(settings.get("receivers", ()), ("receivers",)),
        *(problem for index, route in enumerate(routes) for problem in _route_problems(route, index)),
        *_grouping_problems(settings),
        *_lonely_problems(settings),
    ]


def _smtp_problems(smtp: Mapping[str, Any], has_password: bool) -> Iterator[Problem]:
    if not smtp:
        return
    host, sender = str(smtp.get("smarthost", "")), str(smtp.get("from", ""))
    match = _SMARTHOST.fullmatch(host)
    if match is None or not 0 < int(match["port"]) <= _LAST_PORT:
        yield Problem(
            ("smtp", "smarthost"), f"{host!r} is no server", "write HOST:PORT, like mail.example.internal:587"
        )
    if not _ADDRESS.fullmatch(sender):
        yield Problem(("smtp", "from"), f"{sender!r} is no address", "write one like alerts@example.internal")
    if bool(smtp.get("username")) != has_password:
        remedy = "give both or neither: username here, and alertmanager_smtp_password"
        yield Problem(("smtp", "username"), "a login has a user and a password", remedy)
    if smtp.get("ca_certificate"):
        yield from authority_problems(smtp["ca_certificate"], ("smtp", "ca_certificate"))


def _address_problems(addresses: Sequence[object], path: KeyPath) -> Iterator[Problem]:
    for index, address in enumerate(addresses):
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            yield Problem((*path, index), f"{address!r} is no address", "write one like ops@example.internal")


def _route_problems(route: Mapping[str, Any], index: int) -> Iterator[Problem]:
    path = ("routes", index)
    if not any(route.get(key) for key in _MATCHED):
        remedy = f"give one of: {', '.join(_MATCHED)}; or name the addresses in alertmanager_receivers"
        yield Problem(path, "matches every alert", remedy)
    if not route.get("addresses"):
        yield Problem((*path, "addresses"), "is empty", "name who gets these alerts")
    yield from _address_problems(route.get("addresses") or [], (*path, "addresses"))
    for key, label in _MATCHED.items():
        for value in route.get(key) or []:
            if not _VALUE.fullmatch(str(value)):
                yield Problem((*path, key), f"{value!r} is no {label}", "use letters, digits, hyphens and _")
            elif key == "severities" and value not in SEVERITIES:
                yield Problem((*path, key), f"{value!r} is no severity", f"there are: {', '.join(SEVERITIES)}")


def _grouping_problems(settings: Mapping[str, Any]) -> Iterator[Problem]:
    for index, label in enumerate(settings.get("group_by", ())):
        if label != "..." and not (isinstance(label, str) and _LABEL.fullmatch(label)):
            remedy = "use letters, digits and _, like alertname"
            yield Problem(("group_by", index), f"{label!r} is no name of a label", remedy)
    for key in [key for key in (*_TIMES, "watchdog_interval") if key in settings]:
        # Alertmanager takes no wait of nothing but for the first mail.
        if seconds(settings[key]) is None or (key != "group_wait" and not seconds(settings[key])):
            yield Problem((key,), f"{settings[key]!r} is no span of time", DURATION_REMEDY)


def _lonely_problems(settings: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("receivers", "routes"):
        if settings.get(key) and not settings.get("smtp"):
            remedy = "give alertmanager_smtp a smarthost, from and, with a login, username"
            yield Problem((key,), "somebody is to get mails, and no server is named", remedy)
