"""A site whose data is being checked: what was good so far, and the faults found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from amalgam.models.faults import Fault, Rule
from amalgam.models.inventory import ALL, Inventory, Variable
from amalgam.models.yaml_source import KeyPath, dotted

Value = TypeVar("Value")


@dataclass
class Draft:
    """Checks ask it for values; a value that is absent or bad is ``None``, and a check does without."""

    inventory: Inventory
    faults: list[Fault] = field(default_factory=list)
    _checked: dict[int, object] = field(default_factory=dict)

    def keep(self, variable: Variable, value: object) -> None:
        """Take ``value`` as what the core key ``variable`` was found to mean."""
        self._checked[id(variable)] = value

    def site_wide(self, name: str) -> Variable | None:
        """The variable ``name`` of the whole site, as it was written."""
        return self.inventory.variables.get(ALL, {}).get(name)

    def setting(self, name: str, kind: type[Value]) -> Value | None:
        """The checked value of a key of the whole site."""
        return self.value_of(self.site_wide(name), kind)

    def of_host(self, host: str, name: str, kind: type[Value]) -> Value | None:
        """The checked value of a core key as ``host`` has it."""
        return self.value_of(self.inventory.variable(host, name), kind)

    def value_of(self, variable: Variable | None, kind: type[Value]) -> Value | None:
        """The checked value of a core key, as it was given somewhere."""
        value = self._checked.get(id(variable))
        return value if isinstance(value, kind) else None

    def refuse(self, variable: Variable | None, rule: Rule, reason: str, remedy: str, inside: KeyPath = ()) -> None:
        """Add a fault of ``variable``, or of what lies ``inside`` its value."""
        if variable is not None:
            key = dotted((variable.name, *inside))
            self.faults.append(Fault(variable.file, variable.line(inside), key, rule, reason, remedy))
