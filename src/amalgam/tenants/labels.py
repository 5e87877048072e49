"""The labels and annotations by which the namespace of a VC is known."""

from __future__ import annotations

VC = "amalgam.internal/vc"
"""Label; its value is the VC's name."""
ORGANISATION = "amalgam.internal/organisation"
PATH = "amalgam.internal/path"
"""Annotation: names of organisation and groups around it, joined by slashes."""
