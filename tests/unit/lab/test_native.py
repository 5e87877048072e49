from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.lab import native

_LOADED = """\
\tlinux-vdso.so.1 (0x00007f683e145000)
\tlibmnl.so.0 => /lib/x86_64-linux-gnu/libmnl.so.0 (0x00007f683de35000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f683e147000)
"""
# As Debian lays it out: what is loaded -> where it lies.
_LIES_AT = {
    "/usr/sbin/nft": "/usr/sbin/nft",
    "/usr/bin/ceph-fuse": "/usr/bin/ceph-fuse",
    "/lib/x86_64-linux-gnu/libmnl.so.0": "/usr/lib/x86_64-linux-gnu/libmnl.so.0.2.0",
    "/lib64/ld-linux-x86-64.so.2": "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
}


@pytest.fixture
def own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root of this machine's architecture; what is run in it is answered from here."""
    root = tmp_path / "root"
    for lies_at in _LIES_AT.values():
        file = root / lies_at.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"own {file.name}")
        file.chmod(0o755)

    def answer(*argv: str) -> str:
        assert argv[:2] == ("chroot", str(root))
        if argv[2] == "ldd":
            return _LOADED
        return "".join(f"{_LIES_AT[path]}\n" for path in argv[4:])

    monkeypatch.setattr(native, "run", answer)
    return root


def test_a_program_comes_with_what_it_loads_and_hides_no_folder_of_the_node(own_root: Path, tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    native.install(upper, own_root)
    assert {str(path.relative_to(upper)): path.read_text() for path in upper.rglob("*") if path.is_file()} == {
        "usr/sbin/nft": "own nft",
        "usr/bin/ceph-fuse": "own ceph-fuse",
        "usr/lib/x86_64-linux-gnu/libmnl.so.0": "own libmnl.so.0.2.0",
        "usr/lib64/ld-linux-x86-64.so.2": "own ld-linux-x86-64.so.2",
    }
    assert (upper / "usr/sbin/nft").stat().st_mode & 0o111
