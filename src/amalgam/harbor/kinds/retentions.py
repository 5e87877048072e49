"""Retention policies of projects: what is kept, and when the rest goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from amalgam.harbor.resource import Found, Kind, Resource, Session
from amalgam.models.harbor import Retention, RetentionRule

_TEMPLATES = {
    "always": "always",
    "latest_pulled": "latestPulledN",
    "latest_pushed": "latestPushedK",
    "pulled_days": "nDaysSinceLastPull",
    "pushed_days": "nDaysSinceLastPush",
}
_KEEPS = {template: keep for keep, template in _TEMPLATES.items()}


class Retentions(Kind):
    """``retention PROJECT``."""

    word = "retention"

    def declared(self, session: Session) -> Iterator[Resource]:
        """What the settings of the site's projects say."""
        for project, settings in session.data.project_settings.items():
            if retention := settings.retention:
                rules = tuple(_text(_body_of_rule(rule)) for rule in retention.rules)
                yield Resource(self.word, project, {"schedule": retention.schedule, "rules": rules}, retention)

    def found(self, session: Session) -> Iterator[Found]:
        """The policy that a project's metadata names by its number; one without rules is none."""
        for project, number in session.projects.items():
            metadata = session.client.get(f"/projects/{number}").get("metadata") or {}
            if known := metadata.get("retention_id"):
                policy = session.client.get(f"/retentions/{known}")
                schedule = ((policy.get("trigger") or {}).get("settings") or {}).get("cron") or None
                rules = tuple(_text(rule) for rule in policy.get("rules") or [])
                session.retentions[project] = int(known)
                if rules:
                    yield Found(self.word, project, {"schedule": schedule, "rules": rules}, number=int(known))

    def create(self, session: Session, resource: Resource) -> None:
        """Harbor notes its number in the project's metadata, and takes one policy a project."""
        if resource.project in session.retentions:
            session.client.put(f"/retentions/{session.retentions[resource.project]}", _body(session, resource))
        else:
            session.client.create("/retentions", _body(session, resource))

    def update(self, session: Session, found: Found, resource: Resource) -> None:
        """Harbor takes a policy as a whole only."""
        session.client.put(f"/retentions/{found.number}", _body(session, resource))

    def delete(self, session: Session, found: Found) -> None:
        """Leave it without rules, as Harbor's own pages do: after DELETE the project could never have one again."""
        session.client.put(f"/retentions/{found.number}", _policy(session, found.project, "", []))


def _body(session: Session, resource: Resource) -> dict[str, Any]:
    assert isinstance(resource.source, Retention)  # noqa: S101 - as `declared` makes them
    rules = [_body_of_rule(rule) for rule in resource.source.rules]
    return _policy(session, resource.project, resource.source.schedule, rules)


def _policy(session: Session, project: str, cron: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "algorithm": "or",
        "scope": {"level": "project", "ref": session.projects[project]},
        "trigger": {"kind": "Schedule", "settings": {"cron": cron}},
        "rules": rules,
    }


def _body_of_rule(rule: RetentionRule) -> dict[str, Any]:
    template = _TEMPLATES[rule.keep]
    extras = json.dumps({"untagged": rule.untagged})
    return {
        "disabled": False,
        "action": "retain",
        "template": template,
        "params": {template: rule.number} if rule.number is not None else {},
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": rule.tags, "extras": extras}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": rule.repositories}]
        },
    }


def _text(rule: dict[str, Any]) -> str:
    """One rule in a line. A rule of a form that is never declared here comes out as no declared one does."""
    number = next(iter((rule.get("params") or {}).values()), "")
    tags = " and ".join(_selector(one, "matches") for one in rule.get("tag_selectors") or [])
    repositories = " and ".join(
        _selector(one, "repoMatches") for one in (rule.get("scope_selectors") or {}).get("repository") or []
    )
    words = f"{_KEEPS.get(rule['template'], rule['template'])} {number}".rstrip()
    untagged = all(_untagged(one) for one in rule.get("tag_selectors") or [])
    ending = ("" if untagged else ", none without a tag") + (", disabled" if rule.get("disabled") else "")
    return f"{words} of {repositories}, tags {tags}{ending}"


def _selector(selector: dict[str, Any], usual: str) -> str:
    pattern, decoration = str(selector["pattern"]), str(selector["decoration"])
    return pattern if decoration == usual else f"{decoration} {pattern}"


def _untagged(selector: dict[str, Any]) -> bool:
    """Harbor's own default is to count artifacts without a tag in."""
    try:
        return bool(json.loads(selector.get("extras") or "")["untagged"])
    except (ValueError, KeyError, TypeError):
        return bool(selector["decoration"] == "matches")
