"""Bringing the lab up and down: what is done, in which order. Every step finds out whether it has been done already."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from amalgam.errors import AmalgamError
from amalgam.lab import (
    cgroups,
    disk,
    emulation,
    forwarder,
    kernel,
    meminfo,
    native,
    network,
    node,
    rootfs,
    ssh,
    stacks,
)
from amalgam.lab.commands import require_programs, require_root
from amalgam.lab.dead_man_switch import install as dead_man_switch
from amalgam.lab.leftovers import leftovers, mounts, strays
from amalgam.lab.mail import install as mail
from amalgam.lab.names import Names
from amalgam.lab.plan import Changes, changes, wanted_state
from amalgam.lab.processes import Process
from amalgam.lab.progress import Progress
from amalgam.lab.simulated_chips import install as simulated_chips
from amalgam.lab.state import LabState, NodeState, load, locked, require, save
from amalgam.models import Site, load_site
from amalgam.work_log import note

DOWN_SECONDS = 10.0
"""How long nodes may take to shut down before they are killed when the lab goes, disks and all."""


def up(names: Names, inventory: Path, progress: Progress) -> None:
    """Bring up the lab of an inventory; what is up already stays as it is.

    Raises:
        AmalgamError: the machine lacks something, the inventory is refused, or a node does not come up (it is named).
    """
    require_root()
    require_programs()
    site = load_site(inventory)
    with locked(names):
        current = load(names)
        state = wanted_state(names, site, current)
        for host in site.hosts:
            emulation.require(host.architecture, where=host.name)
            emulation.require_runtime(host.architecture, host.runtime_architecture, where=host.name)
        todo = _adopt(names, state, current)
        _report(progress, state, todo)
        _remove(names, current, todo)
        names.folder.mkdir(mode=0o755, exist_ok=True)
        ssh.create_user_key(names)
        save(names, state)
        network.create_lab(names, node_cidr=state.node_cidr, gateway=state.gateway)
        if kernel.allow_inotify_instances():
            progress.say(f"raised the machine's {kernel.INOTIFY_INSTANCES} for the nodes to come")
        _create_disks(names, state, todo.create, site, progress)
        _boot(names, state, list(state.nodes), progress)
        parts = {"created": todo.create, "started": todo.start, "removed": todo.remove}
        if counts := [f"{len(nodes)} {what}" for what, nodes in parts.items() if nodes]:
            note(f"nodes: {' and '.join(counts)}")


def down(names: Names, progress: Progress) -> None:
    """Take the lab down and leave nothing. Works on half a lab, after a crash, without the state, and twice.

    Raises:
        AmalgamError: something is left; it is named.
    """
    require_root()
    with locked(names):
        state = _load_if_sound(names, progress)
        if not leftovers(names):
            progress.say("there is no lab: nothing to take down")
            return
        if state is not None:
            progress.say(f"stopping {len(state.nodes)} nodes")
            try:
                _each(list(state.nodes.values()), lambda entry: _stop_for_good(names, entry, progress))
            except AmalgamError as error:
                # On a slow disk a process may outlive its killing for a while; what is left in the end is told.
                progress.say(str(error))
            forwarder.stop(state)
        _sweep(names, made_mount=state is not None and state.made_netns_mount)
        if left := leftovers(names):
            raise AmalgamError(
                "something of the lab is left:\n  " + "\n  ".join(left),
                where=names.lab,
                remedy="end what holds it, then run `amalgam lab down` again",
            )
        progress.say("the lab is down, nothing of it is left")


def start(names: Names, wanted: list[str], progress: Progress) -> None:
    """Start stopped nodes from the disks they have."""
    require_root()
    with locked(names):
        state = require(names)
        _boot(names, state, wanted, progress)


def stop(names: Names, wanted: list[str], progress: Progress) -> None:
    """Shut nodes down; their disks stay."""
    require_root()
    with locked(names):
        state = require(names)
        entries = [state.node(name) for name in wanted]
        progress.expect(len(entries))
        _each(entries, lambda entry: _stop_one(names, entry, progress))
        save(names, state)


def recreate(names: Names, wanted: list[str], progress: Progress) -> None:
    """Give nodes fresh disks and boot them: bare servers again, under the same names, addresses and host keys."""
    require_root()
    with locked(names):
        state = require(names)
        entries = [state.node(name) for name in wanted]
        site = load_site(Path(state.inventory))
        _each(entries, lambda entry: _discard(names, entry))
        save(names, state)
        _create_disks(names, state, wanted, site, progress)
        _boot(names, state, wanted, progress)


def _adopt(names: Names, state: LabState, current: LabState | None) -> Changes:
    """Take over into the new state what is there, and say what is not."""
    state.made_netns_mount = not network.namespaces_are_mounted() if current is None else current.made_netns_mount
    todo = changes(current, state)
    if current is None:
        return todo
    state.forwarder = current.forwarder
    bridge_gone = not network.exists(names.network)
    for name in (*todo.keep, *todo.start):
        state.nodes[name].rootfs = current.nodes[name].rootfs
        state.nodes[name].supervisor = current.nodes[name].supervisor
    if bridge_gone:
        # Nodes without the bridge are cut off for good: their interfaces went with it.
        forwarder.stop(state)
        _each([state.nodes[name] for name in todo.keep], lambda entry: node.stop(names, entry))
        return Changes([], [*todo.keep, *todo.start], todo.create, todo.remove)
    return todo


def _report(progress: Progress, state: LabState, todo: Changes) -> None:
    steps = {"up": todo.keep, "to start": todo.start, "to create": todo.create, "to remove": todo.remove}
    counts = ", ".join(f"{len(nodes)} {what}" for what, nodes in steps.items() if nodes)
    progress.say(f"lab {state.lab}: {counts}")


def _remove(names: Names, current: LabState | None, todo: Changes) -> None:
    """Nodes that are gone from the inventory go, and so does what stands where a node is to be created."""
    if current is None:
        return
    entries = [current.nodes[name] for name in (*todo.remove, *todo.create) if name in current.nodes]
    _each(entries, lambda entry: _discard(names, entry))
    for name in todo.remove:
        shutil.rmtree(names.node_folder(name), ignore_errors=True)


def _discard(names: Names, entry: NodeState) -> None:
    node.stop(names, entry, seconds=DOWN_SECONDS)
    cgroups.remove(names.node_cgroup(entry.name))
    disk.remove(names, node=entry.name)
    entry.rootfs = ""


def _create_disks(names: Names, state: LabState, wanted: list[str], site: Site, progress: Progress) -> None:
    bundle = site.bundle_path

    @cache
    def root(architecture: str, packages: tuple[str, ...] = ()) -> Path:
        return rootfs.prepare(bundle / "debian" / architecture, architecture, progress.say, packages)

    for name in wanted:
        entry = state.node(name)
        lower = root(entry.architecture)
        disk.create(names, node=name, architecture=entry.architecture)
        upper = names.node_folder(name) / "upper"
        if emulation.is_emulated(entry.architecture):
            native.install(upper, root(emulation.own_architecture(), native.PACKAGES))
        if entry.memory_mib:
            meminfo.install(upper)
        if entry.accelerator:
            simulated_chips.install(
                upper,
                node=name,
                accelerator=entry.accelerator,
                architecture=entry.architecture,
                wheels=bundle / "wheels",
            )
        if site.lab is not None and site.lab.mail_host == name:
            server = f"{name}.{site.settings.site_domain}"
            mail.install(upper, name=server, address=entry.address, libraries=bundle / "wheels", keep=names.mail_folder)
            dead_man_switch.install(upper, keep=names.mail_folder)
        entry.rootfs = str(lower)
    save(names, state)


def _boot(names: Names, state: LabState, wanted: list[str], progress: Progress) -> None:
    """Start those of the named nodes that are down, and wait until all of them answer."""
    ssh.write_files(names, state)
    entries = [state.node(name) for name in wanted]
    for entry in entries:
        if not entry.alive():
            node.start(names, state, entry)
            save(names, state)
    if forwarder.ensure(names, state):
        progress.say("the forwarder to the nodes runs")
        save(names, state)
    progress.expect(len(entries))
    _each(entries, lambda entry: _wait(names, entry, progress))


def _wait(names: Names, entry: NodeState, progress: Progress) -> None:
    node.wait_running(names, entry)
    ssh.wait_answers(names, entry.name)
    progress.done(f"{entry.name} runs and answers")


def _stop_one(names: Names, entry: NodeState, progress: Progress) -> None:
    in_order = node.stop(names, entry)
    progress.done(f"{entry.name} is stopped" + ("" if in_order else f", killed after {node.STOP_SECONDS:.0f} s"))


def _stop_for_good(names: Names, entry: NodeState, progress: Progress) -> None:
    if not node.stop(names, entry, seconds=DOWN_SECONDS):
        progress.say(f"{entry.name} did not shut down within {DOWN_SECONDS:.0f} s and was killed")


def _each(entries: Iterable[NodeState], work: Callable[[NodeState], object]) -> None:
    """Do the work on all nodes side by side; fails with every failure, not just the first.

    Raises:
        AmalgamError: the failures, a line each.
    """
    chosen = list(entries)
    if not chosen:
        return
    failures: list[AmalgamError] = []
    with ThreadPoolExecutor(max_workers=len(chosen)) as pool:
        for future in [pool.submit(work, entry) for entry in chosen]:
            try:
                future.result()
            except AmalgamError as error:
                failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise AmalgamError("\n".join(str(failure) for failure in failures), remedy="mend each, then run it again")


def _load_if_sound(names: Names, progress: Progress) -> LabState | None:
    try:
        return load(names)
    except AmalgamError as error:
        progress.say(f"going on without the state: {error.what}")
        return None


def _sweep(names: Names, *, made_mount: bool) -> None:
    """Take away whatever carries the lab's name, known to the state or not."""
    for pid in strays(names):
        stray = Process.of(pid)
        stray.send(signal.SIGKILL)
        stray.wait_gone(DOWN_SECONDS)
    cgroups.kill(names.lab)
    network.delete_all(names, made_mount=made_mount)
    for target in mounts(names):
        subprocess.run(["umount", "--lazy", target], check=False)
    cgroups.remove(names.lab)
    shutil.rmtree(names.folder, ignore_errors=True)
    stacks.remove_settings(names)
