"""Reads an inventory folder as Ansible does, without Ansible: hosts, groups, and every variable with its file and line.

What Ansible would read but nobody means (a second inventory file, variables of a group that does not exist) is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from amalgam.models.faults import Fault, Rule
from amalgam.models.yaml_source import KeyPath, YamlSource, dotted, read_yaml

HOSTS_FILE = "hosts.yml"
_VARS_FOLDERS = ("group_vars", "host_vars")
# What ansible-core leaves out of an inventory folder (INVENTORY_IGNORE_EXTS), and what it takes as a file of variables.
_IGNORED_ENDINGS = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry")
_OTHER_VARS_ENDINGS = ("", ".yaml", ".json")
_GROUP_KEYS = ("hosts", "children", "vars")
_RANGE = re.compile(r"\[[0-9a-z]+:[0-9a-z]+")


@dataclass(frozen=True)
class Scope:
    """To whom a variable is given: a group (``all`` is one) or a host."""

    kind: str
    name: str

    def __str__(self) -> str:
        """As people say it."""
        return f"{self.kind} {self.name}"


ALL = Scope("group", "all")


@dataclass(frozen=True)
class Variable:
    """One variable, where it was given."""

    name: str
    value: Any
    scope: Scope
    source: YamlSource
    path: KeyPath
    """Path of the key in its file."""

    @property
    def file(self) -> Path:
        """The file it stands in."""
        return self.source.file

    def line(self, inside: KeyPath = ()) -> int:
        """The line of the key, or of what lies at ``inside`` its value."""
        return self.source.line((*self.path, *inside))


@dataclass
class Member:
    """A host or a group, and where it is first written."""

    name: str
    file: Path
    line: int


@dataclass
class Group(Member):
    """A group with its direct members."""

    hosts: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)


@dataclass
class Inventory:
    """All that a folder says. ``faults`` has what was wrong with its shape."""

    folder: Path
    hosts: dict[str, Member] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    variables: dict[Scope, dict[str, Variable]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def incomplete(self) -> bool:
        """Whether not all could be understood, so that what seems absent may only be unread."""
        return any(fault.rule is Rule.BAD_YAML or fault.file == self.folder / HOSTS_FILE for fault in self.faults)

    def members(self, group: str) -> list[str]:
        """Names of the hosts of ``group`` and of its children, in the order of the file, each once."""
        return list(dict.fromkeys(self._walk(group, frozenset())))

    def _walk(self, name: str, above: frozenset[str]) -> Iterator[str]:
        if name in above or name not in self.groups:
            return
        yield from self.groups[name].hosts
        for child in self.groups[name].children:
            yield from self._walk(child, above | {name})

    @cached_property
    def _memberships(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {host: set() for host in self.hosts}
        for group in self.groups:
            for host in self.members(group) if group != "all" else ():
                found[host].add(group)
        return found

    def groups_of(self, host: str) -> frozenset[str]:
        """Every group that holds ``host``, itself or through its children; ``all`` is left out."""
        return frozenset(self._memberships[host])

    def variable(self, host: str, name: str) -> Variable | None:
        """The variable ``name`` as ``host`` has it: its own, else that of its deepest group, else that of ``all``."""
        groups = sorted(self.groups_of(host), key=lambda group: (self._depth(group), group), reverse=True)
        for scope in (Scope("host", host), *(Scope("group", group) for group in groups), ALL):
            if name in self.variables.get(scope, {}):
                return self.variables[scope][name]
        return None

    def _depth(self, group: str) -> int:
        parents = [name for name, other in self.groups.items() if name != "all" and group in other.children]
        return 1 + max((self._depth(parent) for parent in parents), default=0)

    def every_variable(self) -> Iterator[Variable]:
        """All variables of all scopes."""
        for variables in self.variables.values():
            yield from variables.values()


def read_inventory(folder: Path) -> Inventory:
    """Read the site in ``folder``. Never fails: what is wrong is in the ``faults`` of the answer."""
    inventory = Inventory(folder)
    hosts_file = folder / HOSTS_FILE
    if not hosts_file.is_file():
        remedy = f"an inventory folder has a {HOSTS_FILE}; inventories/reference-gpu is an example"
        inventory.faults.append(Fault(hosts_file, 0, HOSTS_FILE, Rule.MISSING_FILE, "there is no such file", remedy))
        return inventory
    _HostsReader(inventory).read(hosts_file)
    if any(fault.rule is Rule.BAD_YAML for fault in inventory.faults):
        return inventory
    _refuse_cycles(inventory)
    _read_vars_folder(inventory, "group")
    _read_vars_folder(inventory, "host")
    for file in sorted(folder.iterdir()):
        ignored = file.name.startswith(".") or file.name.endswith(_IGNORED_ENDINGS)
        if not ignored and file.name != HOSTS_FILE and file.name not in _VARS_FOLDERS:
            reason = f"Ansible would read it as a second inventory beside {HOSTS_FILE}"
            remedy = "move it out of the folder, or into group_vars/all/ if it holds variables"
            inventory.faults.append(Fault(file, 0, file.name, Rule.UNKNOWN_FILE, reason, remedy))
    return inventory


def _refuse_cycles(inventory: Inventory) -> None:
    def reaches(name: str, target: str, seen: set[str]) -> bool:
        for child in inventory.groups[name].children:
            if child == target:
                return True
            if child not in seen and child in inventory.groups:
                seen.add(child)
                if reaches(child, target, seen):
                    return True
        return False

    for group in inventory.groups.values():
        if reaches(group.name, group.name, set()):
            reason = "the group is its own child, directly or through others"
            fault = Fault(group.file, group.line, group.name, Rule.GROUP_CYCLE, reason, "take it out of its children")
            inventory.faults.append(fault)
            # Nothing after this could walk the groups.
            group.children.clear()


def _add_variables(inventory: Inventory, scope: Scope, source: YamlSource, path: KeyPath, value: object) -> None:
    """Take the mapping ``value`` at ``path`` of ``source`` as variables of ``scope``."""
    if value is None:
        return
    if not isinstance(value, dict):
        reason = "must be a mapping of variables to values"
        remedy = "write `name: value` lines; a whole file in a vault cannot be checked: encrypt single values (!vault)"
        key = dotted(path) or source.file.name
        inventory.faults.append(Fault(source.file, source.line(path), key, Rule.WRONG_TYPE, reason, remedy))
        return
    known = inventory.variables.setdefault(scope, {})
    for name, content in value.items():
        variable = Variable(name, content, scope, source, (*path, name))
        if name in known:
            first = known[name]
            reason = (
                f"also given to {scope} in {first.file.name}:{first.line()}; which of the two counts is not obvious"
            )
            fault = Fault(source.file, variable.line(), name, Rule.DUPLICATE_KEY, reason, "keep one of the two")
            inventory.faults.append(fault)
        else:
            known[name] = variable


class _HostsReader:
    """Takes ``hosts.yml`` apart."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def read(self, file: Path) -> None:
        self._source = read_yaml(file, self._inventory.faults)
        self._groups((), self._source.value)

    def _refuse(self, path: KeyPath, rule: Rule, reason: str, remedy: str) -> None:
        line = self._source.line(path)
        key = dotted(path) or self._source.file.name
        self._inventory.faults.append(Fault(self._source.file, line, key, rule, reason, remedy))

    def _mapping(self, path: KeyPath, value: object) -> dict[str, Any]:
        """``value`` as a mapping; empty when there is nothing, or something else, which is refused."""
        if isinstance(value, dict):
            return value
        if value is not None:
            self._refuse(path, Rule.WRONG_TYPE, "must be a mapping", "write `name:` lines, each ending in a colon")
        return {}

    def _groups(self, path: KeyPath, value: object) -> list[str]:
        names = []
        for name, content in self._mapping(path, value).items():
            names.append(name)
            self._group(name, (*path, name), content)
        return names

    def _group(self, name: str, path: KeyPath, value: object) -> None:
        new = Group(name, self._source.file, self._source.line(path))
        group = self._inventory.groups.setdefault(name, new)
        content = self._mapping(path, value)
        for key in content:
            if key not in _GROUP_KEYS:
                remedy = f"a group has only {', '.join(_GROUP_KEYS)}; name its child groups under `children:`"
                self._refuse((*path, key), Rule.UNKNOWN_KEY, "no such key of a group", remedy)
        for host, variables in self._mapping((*path, "hosts"), content.get("hosts")).items():
            if self._host(host, (*path, "hosts", host), variables):
                group.hosts.append(host)
        group.children += self._groups((*path, "children"), content.get("children"))
        _add_variables(self._inventory, Scope("group", name), self._source, (*path, "vars"), content.get("vars"))

    def _host(self, name: str, path: KeyPath, variables: object) -> bool:
        """Take the host, unless it is refused."""
        hosts = self._inventory.hosts
        line = self._source.line(path)
        if _RANGE.search(name):
            reason = "a range of hosts: each host has an address of its own"
            self._refuse(path, Rule.BAD_HOST_NAME, reason, "write one host in each line")
            return False
        hosts.setdefault(name, Member(name, self._source.file, line))
        scope = Scope("host", name)
        first = self._inventory.variables.get(scope, {}).get("ansible_host")
        if first and isinstance(variables, dict) and "ansible_host" in variables:
            reason = f"a host of this name was described in line {first.line()} already"
            remedy = "give the second machine a name of its own; to put one host into two groups, write only `name:`"
            self._refuse(path, Rule.DUPLICATE_NAME, reason, remedy)
            return False
        _add_variables(self._inventory, scope, self._source, path, variables)
        return True


def _read_vars_folder(inventory: Inventory, kind: str) -> None:
    folder = inventory.folder / f"{kind}_vars"
    known: dict[str, Any] = {**inventory.groups, "all": None} if kind == "group" else dict(inventory.hosts)
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if entry.name.startswith(".") or entry.name.endswith(_IGNORED_ENDINGS):
            continue
        name = entry.name if entry.is_dir() else entry.stem
        if name not in known:
            rule = Rule.UNKNOWN_GROUP if kind == "group" else Rule.UNKNOWN_HOST
            reason = f"variables of a {kind} that {HOSTS_FILE} does not have; nothing would ever read them"
            remedy = f"rename it after one of: {', '.join(sorted(known))}"
            inventory.faults.append(Fault(entry, 0, name, rule, reason, remedy))
            continue
        for file in _vars_files(entry, inventory.faults):
            source = read_yaml(file, inventory.faults)
            _add_variables(inventory, Scope(kind, name), source, (), source.value)


def _vars_files(entry: Path, faults: list[Fault]) -> Iterator[Path]:
    """The files of variables at ``entry``, itself one or a folder of them."""
    if entry.is_dir():
        for inner in sorted(entry.iterdir()):
            if not inner.name.startswith("."):
                yield from _vars_files(inner, faults)
    elif entry.suffix == ".yml":
        yield entry
    elif entry.suffix in _OTHER_VARS_ENDINGS:
        reason = "Ansible would read this file of variables, but it does not end in .yml"
        faults.append(Fault(entry, 0, entry.name, Rule.UNKNOWN_FILE, reason, "rename it to end in .yml"))
