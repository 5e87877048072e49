"""Brings a bundle to a host: asks what is missing, and sends that in pieces until nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ansible.errors import AnsibleActionFail

from amalgam.bundle.manifest import MANIFEST, SIGNATURE, Artifact, read_manifest
from amalgam.errors import AmalgamError, told_as
from amalgam.path_globs import matches, require_matches
from amalgam_ansible.host_action import HostAction

DOCUMENTATION = """
name: bundle_sync
short_description: Bring a bundle onto the host that serves it
description:
  - Makes O(dest) hold what the bundle's manifest lists (for O(arches) and O(include)), and nothing else.
  - Only what is missing or different is sent, many files in a round trip. Every file is verified against its sha256 on
    the target before it gets its name. The manifest is written last, so an interrupted run is resumed by the next.
  - A file that was verified once is not read again while its size and time stay the same.
options:
  src:
    description: The bundle on the controller.
    type: str
    required: true
  dest:
    description: Folder on the target. It belongs to this action, other files in it are removed.
    type: str
    required: true
  arches:
    description: Architectures whose files are wanted. Images are always whole.
    type: list
    elements: str
    choices: [amd64, arm64]
    required: true
  include:
    description: Path globs of the parts that are wanted. A glob that matches nothing is refused.
    type: list
    elements: str
    default: ["**"]
attributes:
  check_mode:
    description: Predicts what would be sent and removed.
    support: full
"""

EXAMPLES = """
- name: Bring the bundle here
  bundle_sync:
    src: "{{ bundle_path }}"
    arches: [amd64]
    include: ["debian/**", "images/**", "archives/**"]
"""

RETURN = """
sent:
  description: Paths that were sent (or would be).
  returned: always
  type: list
  elements: str
removed:
  description: Paths that were removed (or would be).
  returned: always
  type: list
  elements: str
"""

# What a round trip carries: bounds the memory of both sides, and what is lost when the connection breaks.
PIECE_BYTES = 64 << 20

ARGUMENTS: dict[str, Any] = {
    "src": {"type": "str", "required": True},
    "dest": {"type": "str", "required": True},
    "arches": {"type": "list", "elements": "str", "choices": ["amd64", "arm64"], "required": True},
    "include": {"type": "list", "elements": "str", "default": ["**"]},
}


class ActionModule(HostAction):
    """See ``DOCUMENTATION``."""

    program = "bundle_sync"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Probe, and send archives until the target misses nothing: one round trip where nothing is to do.

        Raises:
            AnsibleActionFail: no bundle, a glob without a match, a file that is not as the manifest says, or a target
                folder that would be the bundle itself.
        """
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(ARGUMENTS)
        bundle = Path(args["src"])
        with told_as(AnsibleActionFail):
            refuse_overlap(bundle, Path(args["dest"]))
            wanted = wanted_artifacts(bundle, args["arches"], args["include"])
        params = {"dest": args["dest"], "segments": []} | described(bundle, wanted)
        result = self.run_on_host(params, task_vars)
        missing: list[str] = result.pop("missing", [])
        if result.get("failed") or not missing or self._task.check_mode:
            return result | {"sent": missing}
        host = (task_vars or {}).get("inventory_hostname", "")
        ahead = [artifact for artifact in wanted if artifact.path in set(missing)]
        total, sent = sum(artifact.size for artifact in ahead), 0
        for piece in in_pieces(ahead):
            payload = b"".join(segment.read(bundle) for segment in piece)
            result = self.run_on_host(params | {"segments": piece}, task_vars, payload)
            still_missing = result.pop("missing", [])
            if result.get("failed"):
                return result
            sent += len(payload)
            self._display.display(f"bundle_sync: [{host}] {sent >> 20} of {total >> 20} MiB")
        if still_missing:
            raise AnsibleActionFail(
                f"{still_missing[0]} is still missing after it was sent; is something else changing it?"
            )
        return result | {"changed": True, "sent": missing}


class Segment(NamedTuple):
    """A part of a file: where it begins and how long it is, in bytes."""

    path: str
    offset: int
    size: int

    def read(self, bundle: Path) -> bytes:
        """Its bytes."""
        with (bundle / self.path).open("rb") as stream:
            stream.seek(self.offset)
            return stream.read(self.size)


def refuse_overlap(bundle: Path, dest: Path) -> None:
    """Refuse to make the bundle its own copy, where the controller is the host that serves it.

    The paths are compared on the controller, whoever the host is: the same name on two machines is refused, too.

    Raises:
        AmalgamError: one of the folders is the other, or lies in it.
    """
    for source in {bundle.absolute(), bundle.resolve()}:
        for target in {dest.absolute(), dest.resolve()}:
            if source == target or source in target.parents or target in source.parents:
                raise AmalgamError(
                    f"the bundle cannot be carried to {dest}, which holds nothing but its copy: it lies there already",
                    where=str(bundle),
                    remedy="move the signed bundle to a folder of its own, and name that in `bundle_path`",
                )


def wanted_artifacts(bundle: Path, arches: list[str], include: list[str]) -> list[Artifact]:
    """The manifest's files that this target is to hold.

    Raises:
        AmalgamError: no bundle there; a glob without a match; a file that is missing or has another size.
    """
    artifacts = read_manifest(bundle).artifacts
    require_matches(include, [artifact.path for artifact in artifacts], where="include")
    # An image index names manifests of every architecture: a registry takes it whole or not at all.
    served = [a for a in artifacts if a.arch in (*arches, "all") or a.path.startswith("images/")]
    wanted = [a for a in served if any(matches(pattern, a.path) for pattern in include)]
    for artifact in wanted:
        file = bundle / artifact.path
        if not file.is_file() or file.stat().st_size != artifact.size:
            raise AmalgamError(
                f"artifact {artifact.name} is missing or not {artifact.size} bytes long",
                where=str(file),
                remedy="find what is wrong with `amalgam bundle verify`, then build or fetch the bundle again",
            )
    return wanted


def described(bundle: Path, wanted: list[Artifact]) -> dict[str, Any]:
    """What the host is to hold."""
    texts = {name: (bundle / name).read_text() for name in (SIGNATURE, MANIFEST) if (bundle / name).is_file()}
    return {"files": [[a.path, a.size, a.sha256] for a in wanted], "manifest": texts}


def in_pieces(artifacts: list[Artifact]) -> Iterator[list[Segment]]:
    """The files' bytes in order, cut into pieces of one size; the last one is what is left."""
    piece: list[Segment] = []
    room = PIECE_BYTES
    for artifact in artifacts:
        offset = 0
        while True:
            segment = Segment(artifact.path, offset, min(room, artifact.size - offset))
            piece.append(segment)
            offset += segment.size
            room -= segment.size
            if room == 0:
                yield piece
                piece, room = [], PIECE_BYTES
            if offset == artifact.size:
                break
    if piece:
        yield piece
