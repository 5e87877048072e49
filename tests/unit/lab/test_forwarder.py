from __future__ import annotations

import socket
from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab import forwarder
from amalgam.lab.names import Names

NAMES = Names(Path("/work/main"))


def test_a_port_is_kept_where_it_is_free_and_shifted_where_a_program_holds_it_everywhere() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        assert forwarder.listen_port(port) == port + 10000
    assert forwarder.listen_port(port) == port


def test_a_port_taken_on_one_address_is_free_on_others() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not forwarder.free("127.0.0.1", port)
        assert forwarder.free("127.77.77.77", port)


def test_the_next_prefix_is_taken_where_another_lab_listens() -> None:
    first, second, *_ = NAMES.loopback_bases()
    with socket.create_server((f"{first}.21", 0)) as taken:
        port = taken.getsockname()[1]
        assert forwarder.choose_base(NAMES, [(11, port), (21, port)]) == second
    assert forwarder.choose_base(NAMES, [(11, port), (21, port)]) == first


def test_no_free_prefix_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarder, "free", lambda _address, _port: False)
    with pytest.raises(AmalgamError, match="no loopback address is free"):
        forwarder.choose_base(NAMES, [(11, 22)])
