"""Caps of single members of a VC: priority classes of their own, which the API server can count (ADR 14)."""

from __future__ import annotations

import hashlib
import re

from amalgam.models.tenants import Vc


def slug(user: str) -> str:
    """A user's name as a part of that of an object; two users never have the same."""
    plain = re.sub("[^a-z0-9]+", "-", user)
    return plain if plain == user else f"{plain}-{hashlib.sha256(user.encode()).hexdigest()[:8]}"


def class_of(vc: str, user: str, priority: str) -> str:
    """The PriorityClass that stands for ``priority`` in what a capped member runs."""
    return f"{priority}.{vc}.{slug(user)}"


def classes_of(vc: Vc) -> dict[str, dict[str, str]]:
    """Capped member → priority → the class of their own that stands for it."""
    return {user: {name: class_of(vc.name, user, name) for name in vc.priority_classes} for user in vc.caps}
