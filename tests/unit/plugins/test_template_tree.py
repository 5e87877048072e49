"""template_tree on this machine, over the local connection."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from amalgam.on_host import tree_files

CANARY = "canary-9f2c"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree: a template, a plain file, a script, bytes that are no text, a folder without files."""
    source = tmp_path / "source"
    files = {
        "etc/haproxy/haproxy.cfg.j2": "# {{ ansible_managed }}\nmaxconn {{ connections }}\n",
        "etc/motd": "as it is: {{ not_a_variable }}\n",
        "usr/local/bin/tool.j2": "#!/bin/sh\necho {{ connections }}",
        "srv/empty/.gitkeep": "",
    }
    for path, text in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    (source / "etc/blob").write_bytes(bytes(range(256)) * 2)
    return source


@pytest.fixture
def sync(play: Callable, tree: Path, tmp_path: Path) -> Callable:
    """Run template_tree from ``tree`` to ``tmp_path/out``."""

    def run(
        *options: str,
        connections: object = 100,
        handlers_known: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        **arguments: object,
    ):
        defaults = {"src": str(tree), "dest": str(tmp_path / "out")}
        variables = {} if connections is None else {"vars": {"connections": connections}}
        tasks = [{"name": "Tree", "template_tree": defaults | arguments, "environment": environment or {}}]
        return play(tasks, *options, handlers=handlers_known, **variables)

    return run


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_tree_arrives_with_its_bytes_modes_and_folders(sync, tree, tmp_path):
    extra = [{"path": "etc/pki/key.pem", "content": f"{CANARY}\n"}]
    modes = {"usr/local/bin/*": "0755", "etc/pki/": "0700", "etc/pki/**": "0600"}
    played = sync(extra=extra, modes=modes, dir_mode="0711")
    out = tmp_path / "out"
    assert played.rc == 0, played.output
    config = (out / "etc/haproxy/haproxy.cfg").read_text()
    assert (
        config
        == "# Managed by Amalgam (playbook, etc/haproxy/haproxy.cfg): local changes are overwritten\nmaxconn 100\n"
    )
    assert (out / "usr/local/bin/tool").read_text() == "#!/bin/sh\necho 100"
    assert (out / "etc/motd").read_text() == "as it is: {{ not_a_variable }}\n"
    assert (out / "etc/blob").read_bytes() == (tree / "etc/blob").read_bytes()
    assert (out / "etc/pki/key.pem").read_text() == f"{CANARY}\n"
    assert (out / "srv/empty").is_dir()
    assert not list((out / "srv/empty").iterdir())
    assert mode(out / "usr/local/bin/tool") == 0o755
    assert mode(out / "etc/pki/key.pem") == 0o600
    assert mode(out / "etc/motd") == 0o644
    assert (mode(out / "etc/pki"), mode(out / "etc")) == (0o700, 0o711)


def test_a_second_run_changes_nothing_and_drift_is_put_right(sync, tmp_path):
    sync(modes={"etc/haproxy/": "0750"})
    before = (tmp_path / "out/etc/motd").stat().st_ctime_ns
    again = sync(modes={"etc/haproxy/": "0750"})
    assert (again.rc, again.changed) == (0, 0), again.output
    assert (tmp_path / "out/etc/motd").stat().st_ctime_ns == before

    (tmp_path / "out/etc/motd").chmod(0o600)
    (tmp_path / "out/etc/haproxy").chmod(0o755)
    (tmp_path / "out/usr/local/bin/tool").write_text("something else")
    drifted = sync("-v", modes={"etc/haproxy/": "0750"})
    assert drifted.changed == 1
    for path in ("etc/haproxy/", "etc/motd", "usr/local/bin/tool"):
        assert f"- {path}\n" in drifted.output
    assert "- etc/blob\n" not in drifted.output
    assert (mode(tmp_path / "out/etc/motd"), mode(tmp_path / "out/etc/haproxy")) == (0o644, 0o750)
    assert (tmp_path / "out/usr/local/bin/tool").read_text() == "#!/bin/sh\necho 100"
    assert sync("--check", modes={"etc/haproxy/": "0750"}).changed == 0


def test_check_mode_predicts_on_a_bare_host_and_writes_nothing(sync, tmp_path):
    played = sync("--check", "--diff", owner="not-there-yet", handlers={"etc/motd": "Say"}, handlers_known=("Say",))
    assert (played.rc, played.changed) == (0, 1), played.output
    assert "+maxconn 100" in played.output
    assert played.handlers == ["Say"]
    assert not (tmp_path / "out").exists()


def test_only_handlers_of_changed_paths_run(sync, tmp_path):
    handlers = {"etc/haproxy/**": "One", "etc/motd": ["Two", "Three"], "usr/**": "Four"}
    known = ("One", "Two", "Three", "Four")
    first = sync(handlers=handlers, handlers_known=known)
    assert first.handlers == ["One", "Two", "Three", "Four"]
    (tmp_path / "out/etc/motd").write_text("drift")
    assert sync(handlers=handlers, handlers_known=known).handlers == ["Two", "Three"]
    assert sync(handlers=handlers, handlers_known=known).handlers == []


def test_a_handler_that_nobody_defines_is_an_error(sync):
    played = sync(handlers={"etc/motd": "Missing"})
    assert played.rc != 0
    assert "'Missing' was not found" in played.output


def test_arguments_that_cannot_mean_what_was_wanted_are_refused(play, tree, tmp_path):
    (tree / "etc/hosts").write_text("one")
    typo = "etc/hoproxy/**"
    refusals = [
        ({"handlers": {typo: "Say"}}, f"handlers: no path in the tree matches '{typo}'"),
        ({"modes": {typo: "0644"}}, f"modes: no path in the tree matches '{typo}'"),
        ({"validate": {typo: "true %s"}}, f"validate: no path in the tree matches '{typo}'"),
        ({"exclude": [typo]}, f"exclude: no path in the tree matches '{typo}'"),
        ({"exclude": ["/etc/motd"]}, "path glob '/etc/motd' is not relative"),
        ({"modes": {"etc/motd": 0o644}}, "420 is not a mode"),
        ({"extra": [{"path": "etc/hosts", "content": "two"}]}, "two sources for etc/hosts"),
        ({"links": {"etc/hosts": "two"}}, "etc/hosts is a file of the tree and a link at once"),
        ({"links": {"../x": "y"}}, "'../x' is not a path inside"),
        ({"extra": [{"path": "etc/x", "content": {"a": 1}}]}, "content of etc/x is no text"),
        ({"extra": [{"path": "../x", "content": "y"}]}, "'../x' is not a path inside"),
        ({"src": "nowhere"}, "nowhere is not a folder"),
        ({"owner": "nobody-such"}, "user 'nobody-such' does not exist on this host"),
        ({"owners": {"etc/motd": "nobody-such:root"}}, "user 'nobody-such' does not exist on this host"),
        ({"owners": {"etc/motd": "root"}}, "'root' is no owner"),
        ({"hander": {}}, "Unsupported parameters"),
    ]
    common = {"src": str(tree), "dest": str(tmp_path / "out")}
    tasks = [{"name": text, "template_tree": common | args, "ignore_errors": True} for args, text in refusals]
    played = play(tasks, vars={"connections": 1})
    for part, (_, text) in zip(re.split(r"(?m)^TASK ", played.output)[1:], refusals, strict=True):
        assert "fatal" in part, text
        assert text in " ".join(part.split("] *", 1)[1].replace("''", "'").split())
    assert not (tmp_path / "out").exists()


def test_files_and_folders_may_belong_to_somebody_else(sync, tmp_path):
    spool = {"folders": [{"path": "/var/spool/mine", "mode": "0750", "owner": "daemon:mail"}]}
    owners = {"etc/haproxy/*": "root:mail"}
    assert sync(owners=owners, **spool).rc == 0
    out = tmp_path / "out"
    mine = out / "var/spool/mine"
    assert (mine.owner(), mine.group(), mode(mine)) == ("daemon", "mail", 0o750)
    assert ((out / "etc/haproxy/haproxy.cfg").group(), (out / "etc/haproxy").group()) == ("mail", "root")
    assert (out / "etc/motd").group() == "root"
    assert sync(owners=owners, **spool).changed == 0

    shutil.chown(mine, "root", "root")
    assert sync(owners=owners, **spool).changed == 1
    assert (mine.owner(), mine.group()) == ("daemon", "mail")


def test_accounts_of_the_tree_are_made_before_the_files_that_belong_to_them(sync, tmp_path):
    # Not this machine's own: the program is one that takes notes and refuses.
    tools, asked = tmp_path / "tools", tmp_path / "asked"
    tools.mkdir()
    (tools / "systemd-sysusers").write_text(
        f'#!/bin/sh\necho "$@" >>{asked}; cat "$1" >>{asked}; echo no >&2; exit 1\n'
    )
    (tools / "systemd-sysusers").chmod(0o755)
    accounts = [{"path": "etc/sysusers.d/mine.conf", "content": "u nobody-such - -\n"}]
    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    arguments = {"extra": accounts, "owners": {"etc/motd": "nobody-such:nobody-such"}}

    checked = sync("--check", environment=environment, **arguments)
    assert checked.rc == 0, checked.output
    assert not asked.exists()

    refused = sync(environment=environment, **arguments)
    assert refused.rc != 0
    assert "sysusers.d/mine.conf` failed: no" in " ".join(refused.output.split())
    assert asked.read_text() == f"{tmp_path}/out/etc/sysusers.d/mine.conf\nu nobody-such - -\n"
    assert not (tmp_path / "out/etc/motd").exists()

    # Killed in between: the description is there, its account is not.
    assert sync(environment=environment, **arguments).rc != 0
    assert asked.read_text().count("u nobody-such") == 2


def test_an_undefined_variable_names_template_line_and_variable(sync, tree, tmp_path):
    played = sync(connections=None)
    assert played.rc != 0
    assert f"{tree}/etc/haproxy/haproxy.cfg.j2:2" in played.output
    assert "'connections' is undefined" in played.output
    assert not (tmp_path / "out").exists()


def test_excluded_paths_are_left_out_with_their_folders(sync, tmp_path):
    assert sync(exclude=["etc/haproxy/**", "srv/**"]).rc == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["etc", "usr"]
    assert not (tmp_path / "out/etc/haproxy").exists()


def test_a_link_points_where_it_should_whatever_was_there(sync, tmp_path):
    link, arguments = tmp_path / "out/etc/localtime", {"handlers": {"etc/localtime": "Say"}, "handlers_known": ("Say",)}
    predicted = sync("--check", "--diff", links={"etc/localtime": "/zones/A"}, **arguments)
    assert "+link to /zones/A" in predicted.output
    assert sync(links={"etc/localtime": "/zones/A"}, **arguments).handlers == ["Say"]
    assert str(link.readlink()) == "/zones/A"
    assert sync(links={"etc/localtime": "/zones/A"}, **arguments).changed == 0
    moved = sync("--diff", links={"etc/localtime": "/zones/B"}, **arguments)
    assert (moved.handlers, str(link.readlink())) == (["Say"], "/zones/B")
    assert "-link to /zones/A" in moved.output
    link.unlink()
    link.write_text("a file")
    assert sync(links={"etc/localtime": "/zones/B"}, **arguments).changed == 1
    assert str(link.readlink()) == "/zones/B"


def test_secrets_are_in_no_output(sync, tmp_path):
    arguments = {"extra": [{"path": "etc/key", "content": CANARY, "mode": "0640"}]}
    created = sync("-vvv", "--diff", **arguments)
    assert created.rc == 0
    assert "contents hidden" in created.output
    (tmp_path / "out/etc/key").write_text(f"old-{CANARY}")
    # What was secret is not shown either when its mode is opened.
    opened = sync("-vvv", "--diff", extra=[{"path": "etc/key", "content": "open", "mode": "0644"}])
    assert opened.changed == 1
    assert CANARY not in created.output + opened.output


def test_a_refused_validation_changes_nothing_and_says_why(sync, tmp_path):
    sync()
    check = "sh -c 'grep -q \"maxconn 1..$\" $0 || { echo bad config >&2; exit 3; }' %s"
    (tmp_path / "out/etc/motd").write_text("drift")
    refused = sync(connections=7, validate={"etc/haproxy/*.cfg": check})
    assert refused.rc != 0
    assert "bad config" in refused.output
    assert f"{tmp_path}/out/etc/haproxy/haproxy.cfg was refused" in refused.output
    assert (tmp_path / "out/etc/motd").read_text() == "drift"
    assert "maxconn 100" in (tmp_path / "out/etc/haproxy/haproxy.cfg").read_text()
    assert sync(connections=150, validate={"etc/haproxy/*.cfg": check}).rc == 0
    assert "maxconn 150" in (tmp_path / "out/etc/haproxy/haproxy.cfg").read_text()


def test_check_mode_passes_over_a_validation_that_is_not_installed_yet(sync):
    validate = {"etc/haproxy/haproxy.cfg": "no-such-program -c %s"}
    assert sync("--check", validate=validate).rc == 0
    assert sync(validate=validate).rc != 0


def test_a_symlinked_folder_that_leads_out_of_the_root_is_refused(sync, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/etc").symlink_to(tmp_path / "elsewhere")
    played = sync()
    assert played.rc != 0
    assert "symlink" in played.output
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_large_tree_travels_in_one_go(sync, tree, tmp_path):
    big = os.urandom(800 * 1024)
    (tree / "etc/big").write_bytes(big)
    played = sync("-vvv")
    assert (tmp_path / "out/etc/big").read_bytes() == big
    assert played.output.count(" EXEC ") == 1


def test_a_write_that_is_killed_leaves_the_old_file_and_the_next_one_cleans_up(tmp_path):
    target = tmp_path / "config"
    target.write_text("old")
    owner = tree_files.Ownership.of_this_process()

    def killed_halfway():
        yield b"new, but only ha"
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        tree_files.stage(target, killed_halfway(), 0o644, owner)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert target.read_text() == "old"
    assert tree_files.staging_path(target).exists()
    tree_files.replace(target, b"new", 0o644, owner)
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["config"]


def test_what_python_left_beside_its_sources_stays_here(sync, tree, tmp_path):
    (tree / "etc/__pycache__").mkdir()
    (tree / "etc/__pycache__/module.pyc").write_bytes(b"\0")
    played = sync()
    assert played.rc == 0, played.output
    assert not (tmp_path / "out/etc/__pycache__").exists()
