"""The API server's refusals, in words that say what, where and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from amalgam.errors import AmalgamError
from amalgam_pulumi.provider.errors import ApiError
from amalgam_pulumi.provider.steering import PATCH_FORCE
from amalgam_pulumi.provider.values import secret_words

# Shorter ones would blot out half of every message.
_SHORTEST_SECRET = 4
_OTHER_MANAGER = re.compile(r'conflict with "(?P<manager>[^"]+)"')


def explained(error: ApiError, what: str) -> AmalgamError:
    """An error about one object.

    Args:
        error: what the server said.
        what: the object, as ``Kind namespace/name``.
    """
    if error.conflicts:
        lines = [f"{cause.field.lstrip('.')} belongs to {_manager(cause.message)}" for cause in error.conflicts]
        return AmalgamError(
            f"another field manager is in the way: {'; '.join(lines)}",
            where=what,
            remedy="run `pulumi refresh` to see its values, and `pulumi up` to overwrite what was changed by hand; or "
            "leave these fields out of the program; or take them over from another stack or tool with the annotation "
            f'{PATCH_FORCE}: "true"',
        )
    if error.status in (401, 403) and "quota" not in error.message:
        return AmalgamError(
            error.message, where=what, remedy="use a kubeconfig with the right to do this (`kubectl auth can-i`)"
        )
    if error.status == 409:
        return AmalgamError(error.message, where=what, remedy="run `pulumi refresh`, look at the difference, run again")
    if error.status == 404:
        return AmalgamError(error.message, where=what, remedy="let the resource depend on what it needs (depends_on)")
    return AmalgamError(error.message, where=what, remedy="correct the fields that the API server names")


def managers_of(error: ApiError) -> set[str]:
    """The field managers that own what was to be written."""
    return {_manager(cause.message) for cause in error.conflicts}


def _manager(message: str) -> str:
    found = _OTHER_MANAGER.search(message)
    return found["manager"] if found else message


def without_secrets(text: str, inputs: Iterable[object]) -> str:
    """``text`` with every secret string of ``inputs`` blotted out."""
    words = {word for entry in inputs for word in secret_words(entry) if len(word) >= _SHORTEST_SECRET}
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "[secret]")
    return text
