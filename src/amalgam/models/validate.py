"""Checks one value against a type, and says each mistake as a fault at the line it is in."""

from __future__ import annotations

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from amalgam.models.faults import Fault, Rule
from amalgam.models.inventory import Variable
from amalgam.models.yaml_source import KeyPath, dotted

Value = TypeVar("Value")

_BOOLEAN_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n"})
_RANGE_ERRORS = ("greater_than", "less_than", "too_short", "too_long")


def is_quoted_boolean(value: object) -> bool:
    """Whether ``value`` is text that its writer meant as true or false."""
    return isinstance(value, str) and value.lower() in _BOOLEAN_WORDS


def check_value(adapter: TypeAdapter[Value], variable: Variable, faults: list[Fault]) -> Value | None:
    """The value of ``variable`` as ``adapter``'s type, or ``None`` with what is wrong added to ``faults``."""
    try:
        return adapter.validate_python(variable.value, strict=True)
    except ValidationError as error:
        # The input may be a secret put in the wrong place: it is never repeated but where a rule does so on purpose.
        for detail in error.errors(include_url=False, include_input=True):
            path: KeyPath = (variable.name, *detail["loc"])
            rule, reason, remedy = _explain(detail)
            faults.append(Fault(variable.file, variable.line(detail["loc"]), dotted(path), rule, reason, remedy))
        return None


def _explain(detail: ErrorDetails) -> tuple[Rule, str, str]:
    kind, message, context = detail["type"], detail["msg"], detail.get("ctx", {})
    if "remedy" in context:
        return Rule(kind), context["reason"], context["remedy"]
    if kind == "missing":
        return Rule.MISSING_KEY, "is missing here", "add it"
    if kind == "extra_forbidden":
        return Rule.UNKNOWN_KEY, "no such key", "remove it, or mend its spelling"
    if kind == "literal_error":
        return Rule.BAD_CHOICE, message, "use one of the values named"
    if kind.startswith(_RANGE_ERRORS):
        return Rule.OUT_OF_RANGE, message, "use a value in the range named"
    if kind == "bool_type" and is_quoted_boolean(detail["input"]):
        return quoted_boolean(str(detail["input"]))
    return Rule.WRONG_TYPE, message, "write a value of that type: text in quotes, numbers and booleans without"


def quoted_boolean(text: str) -> tuple[Rule, str, str]:
    """Rule, reason and remedy for a boolean given as text."""
    plain = "true" if text.lower() in ("true", "yes", "on", "y") else "false"
    reason = f'"{text}" in quotes is text, and any text counts as true'
    return Rule.QUOTED_BOOLEAN, reason, f"write {plain} without quotes"
