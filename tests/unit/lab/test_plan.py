from __future__ import annotations

import os

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab.names import Names
from amalgam.lab.plan import PROXY_PORT, changes, wanted_state
from amalgam.lab.processes import Process
from amalgam.lab.state import LabState

from .conftest import MakeSite


@pytest.fixture(autouse=True)
def _ports_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else listens on this machine."""
    monkeypatch.setattr("amalgam.lab.plan.listen_port", lambda port: port)


def _brought_up(state: LabState, *, alive: bool = True) -> LabState:
    """The state as it is once every node has a disk and, if alive, a process that runs."""
    this = Process.of(os.getpid())
    for node in state.nodes.values():
        node.rootfs = "/some/root"
        node.supervisor = this if alive else this.model_copy(update={"start_ticks": 1})
    return state


def test_a_site_of_real_machines_is_refused(names: Names, make_site: MakeSite) -> None:
    with pytest.raises(AmalgamError, match="describes real machines"):
        wanted_state(names, make_site(lab=None), None)


def test_each_host_becomes_a_node_with_its_role_and_address(names: Names, make_site: MakeSite) -> None:
    state = wanted_state(names, make_site(lab={"memory_mib": {"gpu1": 2048}}, masters=3), None)
    assert {node.name: node.role for node in state.nodes.values()} == {
        "master1": "control plane",
        "master2": "control plane",
        "master3": "control plane",
        "gpu1": "gpu worker",
        "stor1": "storage, bundle server",
    }
    assert state.nodes["gpu1"].address == "10.88.0.21"
    assert state.nodes["gpu1"].loopback == f"{state.loopback_base}.21"
    assert state.nodes["gpu1"].memory_mib == 2048
    assert state.nodes["stor1"].memory_mib is None


def test_ssh_api_servers_and_the_sites_own_ports_are_forwarded(names: Names, make_site: MakeSite) -> None:
    registry = {"name": "registry", "host": "stor1", "port": 5000}
    state = wanted_state(names, make_site(lab={"forwards": [registry]}), None)
    assert {(entry.node, entry.port) for entry in state.forwards} == {
        *(("master1", 22), ("gpu1", 22), ("stor1", 22)),
        *(("master1", 6443), ("stor1", 5000)),
        (next(iter(state.nodes)), PROXY_PORT),
    }
    assert all(entry.listen_address == state.nodes[entry.node].loopback for entry in state.forwards)
    led = [entry for entry in state.forwards if entry.port != PROXY_PORT]
    assert all(entry.address == state.nodes[entry.node].address for entry in led)


def test_one_proxy_leads_to_every_node_by_the_names_of_the_site(names: Names, make_site: MakeSite) -> None:
    state = wanted_state(names, make_site(lab={}), None)
    assert [entry.port for entry in state.forwards if not entry.address] == [PROXY_PORT]
    assert state.proxy == f"http://{next(iter(state.nodes.values())).loopback}:{PROXY_PORT}"


def test_a_port_asked_for_twice_is_opened_once(names: Names, make_site: MakeSite) -> None:
    again = {"name": "API", "host": "master1", "port": 6443}
    state = wanted_state(names, make_site(lab={"forwards": [again]}), None)
    listening = [(entry.listen_address, entry.listen_port) for entry in state.forwards]
    assert len(set(listening)) == len(listening)


def test_the_gateway_is_the_first_address_that_no_host_has(names: Names, make_site: MakeSite) -> None:
    assert wanted_state(names, make_site(lab={}), None).gateway == "10.88.0.1"
    taken = {"gpu1": {"ansible_host": "10.88.0.1", "accelerator": "nvidia"}}
    assert wanted_state(names, make_site(lab={}, workers=taken), None).gateway == "10.88.0.2"


def test_addresses_of_a_lab_that_is_up_stay(names: Names, make_site: MakeSite) -> None:
    current = wanted_state(names, make_site(lab={}), None)
    current.loopback_base = "127.200.200"
    current.forwards = [entry.model_copy(update={"listen_port": entry.listen_port + 1}) for entry in current.forwards]
    again = wanted_state(names, make_site(lab={}), current)
    assert again.nodes["gpu1"].loopback == "127.200.200.21"
    assert [entry.listen_port for entry in again.forwards] == [entry.listen_port for entry in current.forwards]


def test_a_second_inventory_beside_a_lab_is_refused(names: Names, make_site: MakeSite) -> None:
    current = wanted_state(names, make_site(lab={}), None)
    with pytest.raises(AmalgamError, match="another inventory") as caught:
        wanted_state(names, make_site(lab={}, folder="other"), current)
    assert "lab down" in caught.value.remedy


def test_everything_is_created_where_there_is_nothing(names: Names, make_site: MakeSite) -> None:
    todo = changes(None, wanted_state(names, make_site(lab={}), None))
    assert sorted(todo.create) == ["gpu1", "master1", "stor1"]
    assert (todo.keep, todo.start, todo.remove) == ([], [], [])


def test_nodes_that_run_stay_and_dead_ones_are_started(names: Names, make_site: MakeSite) -> None:
    current = _brought_up(wanted_state(names, make_site(lab={}), None))
    wanted = wanted_state(names, make_site(lab={}), current)
    current.nodes["gpu1"].supervisor = None
    todo = changes(current, wanted)
    assert sorted(todo.keep) == ["master1", "stor1"]
    assert todo.start == ["gpu1"]
    assert (todo.create, todo.remove) == ([], [])


def test_a_process_number_used_again_by_another_program_is_no_running_node(names: Names, make_site: MakeSite) -> None:
    current = _brought_up(wanted_state(names, make_site(lab={}), None), alive=False)
    assert sorted(changes(current, wanted_state(names, make_site(lab={}), current)).start) == sorted(current.nodes)


def test_a_host_that_moved_is_made_anew_and_one_that_went_is_removed(names: Names, make_site: MakeSite) -> None:
    two = {
        "gpu1": {"ansible_host": "10.88.0.21", "accelerator": "nvidia"},
        "gpu2": {"ansible_host": "10.88.0.22", "accelerator": "nvidia"},
    }
    current = _brought_up(wanted_state(names, make_site(lab={}, workers=two), None))
    moved = {"gpu1": {"ansible_host": "10.88.0.25", "accelerator": "nvidia"}}
    todo = changes(current, wanted_state(names, make_site(lab={}, workers=moved), current))
    assert todo.create == ["gpu1"]
    assert todo.remove == ["gpu2"]
    assert sorted(todo.keep) == ["master1", "stor1"]


def test_a_host_with_other_chips_is_made_anew(names: Names, make_site: MakeSite) -> None:
    current = _brought_up(wanted_state(names, make_site(lab={}), None))
    assert current.nodes["gpu1"].accelerator == "nvidia"
    bare = {"gpu1": {"ansible_host": "10.88.0.21"}}
    assert changes(current, wanted_state(names, make_site(lab={}, workers=bare), current)).create == ["gpu1"]


def test_a_node_whose_disk_was_never_finished_is_created(names: Names, make_site: MakeSite) -> None:
    current = _brought_up(wanted_state(names, make_site(lab={}), None))
    current.nodes["gpu1"].rootfs = ""
    assert changes(current, wanted_state(names, make_site(lab={}), current)).create == ["gpu1"]
