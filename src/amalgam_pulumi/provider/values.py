"""Property values between the engine's protocol and plain Python.

On the wire a value is protobuf's ``Struct``: every number a float, unknown values and secrets told by agreed constants
(``sdk/proto/pulumi`` and ``pulumi.runtime.rpc`` of the SDK).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's name for "this is a secret"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_WORDS: Final = frozenset(
    {
        rpc.UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)

Path = tuple[str | int, ...]


class Unknown:
    """A value that is known only once other resources are made."""

    def __repr__(self) -> str:
        """As the engine prints it."""
        return "[unknown]"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the engine keeps encrypted."""

    value: Any

    def __repr__(self) -> str:
        """Never the value: this may end up in a message."""
        return "[secret]"


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A message's properties, with :class:`Secret` and ``UNKNOWN`` where the engine says so, and without null."""
    return {key: _from_value(value) for key, value in struct.fields.items() if value.WhichOneof("kind") != "null_value"}


def to_struct(values: dict[str, Any]) -> struct_pb2.Struct:
    """The reverse of :func:`from_struct`."""
    struct = struct_pb2.Struct()
    struct.update({key: _to_wire(value) for key, value in values.items()})
    return struct


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _from_object(value.struct_value)
    if kind == "list_value":
        return [_from_value(entry) for entry in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWN_WORDS else value.string_value
    return value.bool_value if kind == "bool_value" else None


def _from_object(struct: struct_pb2.Struct) -> Any:
    signature = struct.fields[SIGNATURE].string_value if SIGNATURE in struct.fields else ""
    if signature == SECRET:
        return Secret(_from_value(struct.fields["value"]))
    if signature == OUTPUT:
        inner = _from_value(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
        return Secret(inner) if struct.fields["secret"].bool_value else inner
    return from_struct(struct)


def _to_wire(value: Any) -> Any:
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET, "value": _to_wire(value.value)}
    if isinstance(value, Unknown):
        return rpc.UNKNOWN
    if isinstance(value, dict):
        return {key: _to_wire(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_to_wire(entry) for entry in value]
    return value


def plain(value: Any) -> Any:
    """``value`` without secret wrappers, as the API server takes it."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value


def has_unknown(value: Any) -> bool:
    """Whether something in ``value`` is not known yet."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, dict):
        return any(has_unknown(entry) for entry in value.values())
    if isinstance(value, list):
        return any(has_unknown(entry) for entry in value)
    return isinstance(value, Unknown)


def secret_paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Where ``value`` has secrets. One inside a list makes the whole list secret: the server may order it anew."""
    if isinstance(value, Secret):
        yield at
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from secret_paths(entry, (*at, key))
    elif isinstance(value, list) and any(True for _ in secret_paths(dict(enumerate(value)))):
        yield at


def with_secrets(value: dict[str, Any], paths: set[Path]) -> dict[str, Any]:
    """``value`` (plain) with everything at ``paths`` wrapped as secret."""

    def wrap(entry: Any, at: Path) -> Any:
        if at in paths:
            return Secret(entry)
        return {key: wrap(inner, (*at, key)) for key, inner in entry.items()} if isinstance(entry, dict) else entry

    return {key: wrap(entry, (key,)) for key, entry in value.items()}


def secret_words(value: Any, inside: bool = False) -> Iterator[str]:
    """Every string inside a secret, to be kept out of messages."""
    if isinstance(value, Secret):
        yield from secret_words(value.value, inside=True)
    elif isinstance(value, dict):
        for entry in value.values():
            yield from secret_words(entry, inside)
    elif isinstance(value, list):
        for entry in value:
            yield from secret_words(entry, inside)
    elif inside and isinstance(value, str) and value:
        yield value
