"""Times at which Harbor runs something by itself, in its own form of cron: six fields, seconds first."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from amalgam.models.faults import Rule
from amalgam.models.fields import refusal

_FIELDS = {
    "second": (0, 59, ""),
    "minute": (0, 59, ""),
    "hour": (0, 23, ""),
    "day of month": (1, 31, ""),
    "month": (1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"),
    "day of week": (0, 6, "sun mon tue wed thu fri sat"),
}
_PART = re.compile(r"(?P<range>\*|(?P<first>\w+)(-(?P<last>\w+))?)(/(?P<step>[1-9]\d*))?")
_REMEDY = 'write second, minute, hour, day of month, month and day of week, like "0 30 2 * * *" for half past two'


def parse_cron(text: str) -> str:
    """``text`` as it is, if Harbor takes it as a time; the seconds must be 0, as Harbor wants for replications."""
    fields = text.split(" ")
    if len(fields) != len(_FIELDS):
        raise refusal(Rule.BAD_CRON, f"{text!r} has {len(fields)} fields instead of {len(_FIELDS)}", _REMEDY)
    if fields[0] != "0":
        raise refusal(Rule.BAD_CRON, f"{text!r} does not begin with second 0, as Harbor wants", _REMEDY)
    for field, (name, (low, high, words)) in zip(fields, _FIELDS.items(), strict=True):
        if field == "?" and name.startswith("day"):
            continue
        if not all(_is_good(part, low, high, words.split()) for part in field.split(",")):
            raise refusal(Rule.BAD_CRON, f"{text!r}: {field!r} is no {name} ({low} to {high})", _REMEDY)
    return text


def _is_good(part: str, low: int, high: int, words: list[str]) -> bool:
    match = _PART.fullmatch(part)
    if match is None or match["range"] == "*":
        return match is not None
    ends = [_number(end, low, words) for end in (match["first"], match["last"] or match["first"])]
    return low <= ends[0] <= ends[1] <= high


def _number(text: str, low: int, words: list[str]) -> int:
    if text.lower() in words:
        return words.index(text.lower()) + low
    return int(text) if text.isdecimal() else -1


Cron = Annotated[str, AfterValidator(parse_cron)]
