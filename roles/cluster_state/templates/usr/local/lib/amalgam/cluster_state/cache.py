"""The series of one kind of object, made when an object changes and not when Prometheus asks."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from cluster_state.api import Object, Page
from cluster_state.complaints import Complaints
from cluster_state.families import Resource


class Cache:
    """A sink that keeps each object as the lines of its series, one text for each family."""

    def __init__(self, resource: Resource) -> None:
        """Empty."""
        self.resource = resource
        self.misread = 0
        """Objects that were left out, since they are not what they should be."""
        self._lines: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()
        self._complaints = Complaints(resource.path)

    def __len__(self) -> int:
        """How many objects there are."""
        return len(self._lines)

    def replace(self, pages: Iterable[Page]) -> str:
        """Take these objects for all there are; the position of their list."""
        lines: dict[str, tuple[str, ...]] = {}
        position = ""
        for page in pages:
            position = page.position
            lines |= {item["metadata"]["uid"]: self._rendered(item) for item in page.items}
        with self._lock:
            self._lines = lines
        return position

    def change(self, kind: str, item: Object) -> None:
        """Add, renew or forget an object."""
        uid = item["metadata"]["uid"]
        rendered = () if kind == "DELETED" else self._rendered(item)
        with self._lock:
            if kind == "DELETED":
                self._lines.pop(uid, None)
            else:
                self._lines[uid] = rendered

    def bookmark(self, position: str) -> None:
        """Nothing changed."""

    def text(self) -> Iterator[str]:
        """The families with their series, as Prometheus reads them."""
        with self._lock:
            objects = [lines for lines in self._lines.values() if lines]
        for index, family in enumerate(self.resource.families):
            yield family.header()
            yield "".join(lines[index] for lines in objects)

    def _rendered(self, item: Object) -> tuple[str, ...]:
        try:
            identity = self.resource.identity(item)
            return tuple(family.lines(item, identity) for family in self.resource.families)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self.misread += 1
            self._complaints.tell(f"{item['metadata'].get('name')} is left out: {error!r}")
            return ()
