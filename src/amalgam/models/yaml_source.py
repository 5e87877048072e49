"""YAML as Ansible reads it (YAML 1.1, ``!vault``, ``!unsafe``), with the line of every key, and no key twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from amalgam.models.faults import Fault, Rule

# libyaml is several times faster, but an installation of PyYAML without it is complete too.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class VaultedText:
    """A value given as ``!vault``. Nobody but Ansible reads it."""


@dataclass(frozen=True)
class YamlSource:
    """One file's content."""

    file: Path
    value: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)
    """Line (from 1) of every mapping key and list item, by its path from the top."""

    def line(self, path: KeyPath) -> int:
        """The line of ``path``, or of the nearest thing around it that has one; 0 when there is none."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def dotted(path: KeyPath) -> str:
    """``("a", "b", 0)`` as people write it: ``a.b[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_yaml(file: Path, faults: list[Fault]) -> YamlSource:
    """Read ``file``. Mistakes are added to ``faults``; the value is then what could be understood, or ``None``."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(
            Fault(file, 0, file.name, Rule.BAD_YAML, f"cannot be read: {error}", "give a readable UTF-8 file")
        )
        return YamlSource(file, None)
    return _Reader(file, faults).read(text)


class _Reader:
    """Builds plain values from the nodes of one file, so that lines and double keys are seen."""

    def __init__(self, file: Path, faults: list[Fault]) -> None:
        self._file = file
        self._faults = faults
        self._lines: dict[KeyPath, int] = {}
        self._open: list[yaml.Node] = []

    def read(self, text: str) -> YamlSource:
        value: Any = None
        loader = None
        try:
            loader = _Loader(text)
            node = loader.get_single_node()
            if node is not None:
                value = self._build(loader, node, ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._refuse(mark.line + 1 if mark else 0, self._file.name, str(error.problem or error.context))
        except yaml.YAMLError as error:
            self._refuse(0, self._file.name, str(error))
        finally:
            if loader is not None:
                loader.dispose()
        return YamlSource(self._file, value, self._lines)

    def _refuse(self, line: int, key: str, problem: str) -> None:
        remedy = "mend the YAML: indent with spaces, and quote values that hold any of : # { } [ ]"
        self._faults.append(Fault(self._file, line, key, Rule.BAD_YAML, f"not valid YAML: {problem}", remedy))

    def _build(self, loader: yaml.SafeLoader, node: yaml.Node, path: KeyPath) -> object:
        if node in self._open:
            self._refuse(node.start_mark.line + 1, dotted(path), "an alias that contains itself")
            return None
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return dict(self._pairs(loader, node, path))
            if isinstance(node, yaml.SequenceNode):
                return [self._item(loader, item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(loader, node, path)
        finally:
            self._open.pop()

    def _pairs(self, loader: yaml.SafeLoader, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, object]]:
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            # A key as it is written: `80:` and `on:` are no strings to YAML, but people mean the text.
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else dotted(path) + "?"
            line = key_node.start_mark.line + 1
            if key in first:
                reason = f"given twice in the same mapping, first in line {first[key]}; YAML would keep only the last"
                where = dotted((*path, key))
                self._faults.append(Fault(self._file, line, where, Rule.DUPLICATE_KEY, reason, "keep one of the two"))
                continue
            first[key] = line
            self._lines[(*path, key)] = line
            yield key, self._build(loader, value_node, (*path, key))

    def _item(self, loader: yaml.SafeLoader, node: yaml.Node, path: KeyPath) -> object:
        self._lines[path] = node.start_mark.line + 1
        return self._build(loader, node, path)

    def _scalar(self, loader: yaml.SafeLoader, node: yaml.Node, path: KeyPath) -> object:
        if node.tag in ("!vault", "!vault-encrypted"):
            return VaultedText()
        if node.tag == "!unsafe":
            return str(node.value)
        try:
            return loader.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else error
            self._refuse(node.start_mark.line + 1, dotted(path), str(problem))
            return None
