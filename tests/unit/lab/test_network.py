from __future__ import annotations

import json

import pytest

from amalgam.lab import network
from amalgam.lab.names import Names

LISTED = {
    "nftables": [
        {"metainfo": {}},
        {
            "set": {
                "name": "ports",
                "elem": [
                    {
                        "elem": {
                            "val": {"concat": ["10.88.0.21", "192.0.2.7", "tcp", 443]},
                            "counter": {"packets": 3, "bytes": 180},
                        }
                    }
                ],
            }
        },
        {
            "set": {
                "name": "others",
                "elem": [
                    {
                        "elem": {
                            "val": {"concat": ["10.88.0.11", "192.0.2.7", "icmp"]},
                            "counter": {"packets": 1, "bytes": 84},
                        }
                    }
                ],
            }
        },
        {"set": {"name": "ipv6"}},
        {"chain": {"name": "prerouting"}},
    ]
}


def test_what_tried_to_leave_is_told_by_source_destination_and_port(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "exists", lambda _: True)
    monkeypatch.setattr(network, "run", lambda *_argv, **_options: json.dumps(LISTED))
    assert network.egress(names) == [
        network.Attempt("10.88.0.11", "192.0.2.7", "icmp", 0, 1),
        network.Attempt("10.88.0.21", "192.0.2.7", "tcp", 443, 3),
    ]


def test_no_lab_has_no_attempts(names: Names) -> None:
    assert network.egress(names) == []
