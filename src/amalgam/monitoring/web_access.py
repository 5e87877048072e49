"""Who sees what of the monitoring, as password files and filters for the web server before it.

nginx chooses the password file by the VC in the path, as it does for the registry's projects, and adds the VC's filter
to whatever a member asks the log store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from amalgam.errors import AmalgamError
from amalgam.htpasswd import entries, password_file
from amalgam.models.fields import is_label

NAMESPACE_FIELD = "kubernetes.pod_namespace"
"""Stream field of a pod's lines: https://docs.victoriametrics.com/victorialogs/vlagent/#collect-kubernetes-pod-logs"""
VC_FIELD = "vc"
"""Stream field of the cluster's own lines that concern a VC, events above all."""


@dataclass(frozen=True)
class WebAccess:
    """What the web server has to know."""

    files: dict[str, str]
    """Name of a password file → its content. ``users`` has everybody who may sign in, ``administrators`` those who see
    everything and silence alerts, ``writers`` those who send logs and do nothing else; one more for each VC."""
    vcs: dict[str, str]
    """VC → name of its password file."""
    filters: dict[str, str]
    """VC → arguments of a query, percent-encoded, that keep it to the VC's streams."""


def web_access(
    rights: Mapping[str, Iterable[str]],
    *,
    administrators: Iterable[str],
    passwords: Mapping[str, str],
    writers: Mapping[str, str],
    salt: str,
) -> WebAccess:
    """Password files and filters of the VCs in ``rights`` (VC → users); ``writers`` are user → password.

    Raises:
        AmalgamError: there is no administrator, somebody has no password, a VC's name is none, or a writer is a person.
        ValueError: a password is too short to be written down with a fast hash.
    """
    chiefs, members = sorted(set(administrators)), {vc: sorted(set(users)) for vc, users in rights.items()}
    people = {*chiefs, *(user for users in members.values() for user in users)}
    _check(chiefs, members, people, passwords, writers)
    lines, senders = entries(people, passwords, salt), entries(writers, writers, salt)
    files = {vc: password_file(lines, [*chiefs, *users]) for vc, users in sorted(members.items())}
    return WebAccess(
        files={
            "users": password_file(lines, people),
            "administrators": password_file(lines, chiefs),
            "writers": password_file(senders, senders),
            **{f"vc/{vc}": content for vc, content in files.items()},
        },
        vcs={vc: f"vc/{vc}" for vc in files},
        filters={vc: stream_filter(vc) for vc in files},
    )


def stream_filter(vc: str) -> str:
    """Argument that keeps a query to whole streams of the VC.

    Not ``extra_filters``: the pipe ``stream_context`` reads on in the streams of the lines it is given, and asks no
    filter. A stream whose own labels name the VC has no lines of others.
    https://docs.victoriametrics.com/victorialogs/querying/#extra-filters
    """
    return "extra_stream_filters=" + quote(f'{{{NAMESPACE_FIELD}="{vc}" or {VC_FIELD}="{vc}"}}', safe="")


def _check(
    chiefs: list[str],
    members: Mapping[str, list[str]],
    people: set[str],
    passwords: Mapping[str, str],
    writers: Mapping[str, str],
) -> None:
    if not chiefs:
        raise AmalgamError("nobody may administer the monitoring", remedy="name at least one administrator")
    if strangers := [vc for vc in members if not is_label(vc)]:
        raise AmalgamError(f"{strangers[0]!r} is no VC's name", remedy="use the name of its namespace")
    if without := sorted(people - set(passwords)):
        raise AmalgamError(f"{without[0]} has no password", remedy="give everybody who may sign in a password")
    if both := sorted(people & set(writers)):
        raise AmalgamError(f"{both[0]} is a person and sends logs", remedy="rename that person")
