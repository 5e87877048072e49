"""Rules and jobs that a site adds of its own, as far as they can be judged without Prometheus.

Expressions and the keys of jobs are promtool's matter: the role asks it on the host, before a file is replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from amalgam.monitoring.problems import Problem

_FORM = "write it in the form of Prometheus' own files of rules"


def check_rule_files(files: Sequence[Path]) -> list[Problem]:
    """What is wrong with ``files`` of rules, each by its index."""
    problems: list[Problem] = []
    for index, file in enumerate(files):
        if file.stem in [other.stem for other in files[:index]]:
            # The role keeps each by this name.
            problems.append(Problem((index,), f"two files are named {file.stem}", "rename one of them"))
        problems += [Problem((index,), f"{file}: {reason}", remedy) for reason, remedy in _file_problems(file)]
    return problems


def _file_problems(file: Path) -> Iterator[tuple[str, str]]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        yield f"cannot be read: {getattr(error, 'strerror', None) or error}", "name a readable file on this machine"
    except yaml.YAMLError as error:
        yield f"is no YAML: {' '.join(str(error).split())}", "mend it"
    else:
        if not isinstance(content, Mapping) or list(content) != ["groups"] or not isinstance(content["groups"], list):
            yield "has not `groups`, a list, as its only key", _FORM
        else:
            for number, group in enumerate(content["groups"]):
                yield from _group_problems(group, f"groups[{number}]")


def _group_problems(group: object, place: str) -> Iterator[tuple[str, str]]:
    if not isinstance(group, Mapping) or not group.get("name") or not isinstance(group.get("rules"), list):
        yield f"{place} has no name, or no list of rules", _FORM
        return
    for number, rule in enumerate(group["rules"]):
        if not isinstance(rule, Mapping) or ("alert" in rule) == ("record" in rule) or not rule.get("expr"):
            yield f"{place}.rules[{number}] is neither an `alert` nor a `record`, or has no `expr`", _FORM


def check_scrape_configs(jobs: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """What is wrong with ``jobs``, each by its index."""
    names = [job.get("job_name") for job in jobs]
    return [
        Problem((index, "job_name"), f"{name!r} is not the name of one job", "give each job a job_name of its own")
        for index, name in enumerate(names)
        if not isinstance(name, str) or not name or name in names[:index]
    ]
