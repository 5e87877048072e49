"""Types of single values: a name, a domain, a network. Each refuses with a rule, a reason and a remedy of its own.

All parse from the plain values of YAML, without coercion: a number is not a string, a quoted boolean no boolean.
"""

from __future__ import annotations

import os
import re
import zoneinfo
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from amalgam.errors import AmalgamError
from amalgam.models.faults import Rule

# RFC 1123 section 2.1 and RFC 1035: what a host name's label may be; lower case, as Kubernetes wants node names.
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DOMAIN_LENGTH = 253
_INVENTORY_DIR = re.compile(r"\{\{\s*inventory_dir\s*\}\}")

Architecture = Literal["amd64", "arm64"]
Accelerator = Literal["nvidia", "ascend"]

_TYPE_NAMES: dict[type, str] = {
    bool: "a boolean",
    dict: "a mapping",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "text",
}
_OTHER_NAMES = {"x86_64": "amd64", "x86": "amd64", "x64": "amd64", "aarch64": "arm64", "arm": "arm64"}


def refusal(rule: Rule, reason: str, remedy: str) -> PydanticCustomError:
    """The error a validator raises, with all that a :class:`~amalgam.models.faults.Fault` says."""
    return PydanticCustomError(rule, "{reason}", {"reason": reason, "remedy": remedy})


def is_label(text: str) -> bool:
    """Whether ``text`` is one label of a host name, in lower case."""
    return _LABEL.fullmatch(text) is not None


def is_domain(text: str) -> bool:
    """Whether ``text`` is a DNS name of at least one label, in lower case, without the final dot."""
    return len(text) <= _DOMAIN_LENGTH and all(is_label(label) for label in text.split("."))


def _text(value: object, example: str) -> str:
    if not isinstance(value, str):
        raise refusal(Rule.WRONG_TYPE, f"must be text, not {type_name(value)}", f'write it in quotes, like "{example}"')
    return value


def type_name(value: object) -> str:
    """What YAML made of a value, in people's words."""
    return "empty" if value is None else _TYPE_NAMES.get(type(value), f"a {type(value).__name__}")


def parse_address(value: object) -> IPv4Address:
    """An IPv4 address from text like ``10.88.0.11``."""
    text = _text(value, "10.88.0.11")
    try:
        return IPv4Address(text)
    except ValueError:
        pass
    remedy = "write one IPv4 address, four numbers from 0 to 255 without leading zeros, like 10.88.0.11"
    try:
        IPv6Address(text)
    except ValueError:
        raise refusal(Rule.NOT_AN_ADDRESS, f"{text!r} is no IP address", remedy) from None
    raise refusal(Rule.IPV6_NOT_SUPPORTED, f"{text!r} is an IPv6 address; nodes have IPv4 addresses", remedy)


def parse_cidr(value: object) -> IPv4Network:
    """An IPv4 network from text like ``10.244.0.0/16``; no bit may be set behind the prefix."""
    text = _text(value, "10.244.0.0/16")
    address, slash, prefix = text.partition("/")
    remedy = "write one IPv4 network in CIDR form, like 10.244.0.0/16"
    if not slash or not prefix.isdigit():
        raise refusal(Rule.NOT_A_CIDR, f"{text!r} is no network: it has no prefix length after a slash", remedy)
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        pass
    else:
        if str(network.network_address) != address:
            reason = f"{text!r} names an address inside the network {network}: bits are set behind the prefix"
            raise refusal(Rule.HOST_BITS_SET, reason, f"write {network}")
        return network
    try:
        IPv6Network(text, strict=False)
    except ValueError:
        raise refusal(Rule.NOT_A_CIDR, f"{text!r} is no network", remedy) from None
    raise refusal(Rule.IPV6_NOT_SUPPORTED, f"{text!r} is an IPv6 network; the cluster's networks are IPv4", remedy)


def _site_name(value: str) -> str:
    if not is_label(value):
        reason = f"{value!r} is no DNS label"
        remedy = "use 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit"
        raise refusal(Rule.BAD_SITE_NAME, reason, remedy)
    return value


def _domain(value: str) -> str:
    if not is_domain(value):
        remedy = "use lower-case labels joined by dots, without a final dot, like lab.example.internal"
        raise refusal(Rule.BAD_DOMAIN, f"{value!r} is no DNS name", remedy)
    return value


@cache
def _time_zones() -> frozenset[str]:
    zones = zoneinfo.available_timezones()
    if not zones:
        raise AmalgamError(
            "this machine has no time zone database",
            where="/usr/share/zoneinfo",
            remedy="apt-get install tzdata",
        )
    return frozenset(zones)


def _time_zone(value: str) -> str:
    if value not in _time_zones():
        remedy = "use a name of the IANA database, like Etc/UTC or Europe/Berlin (timedatectl list-timezones)"
        raise refusal(Rule.BAD_TIMEZONE, f"{value!r} is no time zone", remedy)
    return value


def _time_server(value: str) -> str:
    if re.fullmatch(r"[0-9.]+", value):
        try:
            IPv4Address(value)
        except ValueError:
            raise refusal(Rule.BAD_NTP_SERVER, f"{value!r} is no IPv4 address", "write one like 192.0.2.123") from None
    elif not is_domain(value):
        raise refusal(
            Rule.BAD_NTP_SERVER,
            f"{value!r} is neither an IPv4 address nor a DNS name",
            "write only the server: no port, no option, no scheme",
        )
    return value


def _architecture(value: object) -> object:
    if value in ("amd64", "arm64"):
        return value
    remedy = f"write {_OTHER_NAMES.get(str(value), 'amd64 or arm64')}"
    raise refusal(Rule.UNSUPPORTED_ARCHITECTURE, f"{value!r} is no architecture of the bundle", remedy)


def is_template(text: str) -> bool:
    """Whether Ansible fills something in before it is used."""
    return "{{" in text or "{%" in text


def _controller_path(value: str) -> str:
    plain = _INVENTORY_DIR.sub("/", value)
    if is_template(plain):
        reason = "only {{ inventory_dir }} may stand in a path that is read before Ansible runs"
        raise refusal(Rule.BAD_TEMPLATE, reason, "write an absolute path, or one that begins with {{ inventory_dir }}")
    if not plain.startswith("/"):
        reason = f"{value!r} depends on the folder the command is started in"
        raise refusal(Rule.RELATIVE_PATH, reason, "write an absolute path, or one that begins with {{ inventory_dir }}")
    return value


def resolve_path(text: str, inventory_dir: Path) -> Path:
    """The path that a value of type :data:`ControllerPath` names, for the site in ``inventory_dir``."""
    return Path(os.path.normpath(_INVENTORY_DIR.sub(str(inventory_dir.resolve()), text)))


Address = Annotated[IPv4Address, BeforeValidator(parse_address)]
Cidr = Annotated[IPv4Network, BeforeValidator(parse_cidr)]
SiteName = Annotated[str, AfterValidator(_site_name)]
Domain = Annotated[str, AfterValidator(_domain)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
TimeServer = Annotated[str, AfterValidator(_time_server)]
SupportedArchitecture = Annotated[Architecture, BeforeValidator(_architecture)]
ControllerPath = Annotated[str, AfterValidator(_controller_path)]
"""A path on the machine that runs Ansible: absolute, ``{{ inventory_dir }}`` allowed in it."""
