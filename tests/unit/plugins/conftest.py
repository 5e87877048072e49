"""Plays on this machine over the local connection, in temporary folders, with the repository's own ansible.cfg."""

from __future__ import annotations

import datetime
import http.server
import importlib.util
import io
import ipaddress
import json
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from amalgam.on_host.program import Request, answer
from tests.unit.alerting.programs import program

ROOT = Path(__file__).parents[3]
LAYERS = yaml.safe_load((ROOT / "playbooks/layers/group_vars/all.yml").read_text())
"""How the roles' variables follow from a site's data."""
PLUGINS = ROOT / "plugins"


@dataclass(frozen=True)
class Played:
    """What one run of ansible-playbook said."""

    rc: int
    output: str

    @property
    def changed(self) -> int:
        return int(re.search(r"changed=(\d+)", self.output)[1])

    @property
    def handlers(self) -> list[str]:
        return re.findall(r"RUNNING HANDLER \[([^]]+)\]", self.output)


Play = Callable[..., Played]


# Importing Ansible takes as long as a play: imported once, each play is a fork of it.
ANSIBLE = """
import json, os, sys, traceback
from ansible.cli.playbook import PlaybookCLI
import ansible.executor.playbook_executor, ansible.plugins.strategy.linear
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1), os.dup2(output, 2), os.chdir(asked["folder"])
        code = 1
        try:
            cli = PlaybookCLI(["ansible-playbook", *asked["arguments"]])
            cli.parse()
            code = cli.run()
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush(), sys.stderr.flush()
        # Never by its own end, which would remove the folder that all plays share.
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="session")
def ansible_process() -> Iterator[subprocess.Popen]:
    """A process that has imported Ansible, with the repository's configuration but for pins."""
    settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    environment = os.environ | settings | {"ANSIBLE_VARS_ENABLED": "host_group_vars"}
    with subprocess.Popen(
        [sys.executable, "-c", ANSIBLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def play(tmp_path: Path, ansible_process: subprocess.Popen) -> Play:
    """Run tasks against this machine."""

    def run(tasks: list[dict], *options: str, handlers: tuple[str, ...] = (), **keywords: object) -> Played:
        named = [{"name": name, "ansible.builtin.debug": {"msg": "ran"}} for name in handlers]
        content = [{"hosts": "localhost", "connection": "local", "tasks": tasks, "handlers": named} | keywords]
        playbook = tmp_path / "play.yml"
        playbook.write_text(yaml.safe_dump(content, sort_keys=False))
        output = tmp_path / "play.log"
        arguments = ["-i", "localhost,", str(playbook), *options]
        asked = {"folder": str(tmp_path), "output": str(output), "arguments": arguments}
        ansible_process.stdin.write(json.dumps(asked) + "\n")
        ansible_process.stdin.flush()
        return Played(int(ansible_process.stdout.readline()), output.read_text())

    return run


def _variables(role: str, given: dict) -> dict:
    folder = ROOT / "roles" / role
    found: dict = {}
    for part in ("defaults", "vars"):
        found |= yaml.safe_load((folder / part / "main.yml").read_text())
    return found | {"role_path": str(folder)} | given


def _tree(role: str, destination: Path) -> dict:
    """The role's own task that writes its files, to another place, without units and other owners."""
    tasks = yaml.safe_load((ROOT / "roles" / role / "tasks" / "configure.yml").read_text())
    tree = next(task["template_tree"] for task in tasks if "src" not in task.get("template_tree", {"src": ""}))
    changed = {
        "src": str(ROOT / "roles" / role / "templates"),
        "dest": str(destination),
        "owner": "root",
        "group": "root",
        "owners": {},
        "folders": [{**folder, "owner": "root:root"} for folder in tree["folders"]],
    }
    return {"template_tree": {**tree, **changed, "units": {}, "handlers": {}}}


@pytest.fixture
def rendered(play: Callable[..., Played], tmp_path: Path) -> Callable[..., Path | str]:
    """Write a role's files below a folder, with its validations on; gives the folder, or what was said of a refusal."""

    def run(role: str, given: dict, rc: int = 0) -> Path | str:
        # Validations run what is on PATH.
        bin_folder = tmp_path / "bin"
        bin_folder.mkdir(exist_ok=True)
        for name in ("promtool", "amtool"):
            if not (bin_folder / name).exists():
                (bin_folder / name).symlink_to(program(name))
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        environment = {"PATH": f"{bin_folder}:/usr/sbin:/usr/bin:/sbin:/bin"}
        ran = play([_tree(role, root) | {"environment": environment}], vars=_variables(role, given), gather_facts=False)
        assert ran.rc == rc, ran.output
        return " ".join(ran.output.split()) if rc else root

    return run


@pytest.fixture
def refused(play: Callable[..., Played]) -> Callable[..., str]:
    """Run a role's preflight; what it said."""

    def run(role: str, given: dict) -> str:
        tasks = [{"ansible.builtin.import_tasks": str(ROOT / "roles" / role / "tasks" / "preflight.yml")}]
        ran = play(tasks, vars=_variables(role, given), gather_facts=False)
        assert (ran.rc, ran.changed) == (2, 0), ran.output
        return " ".join(ran.output.split())

    return run


def load(kind: str, name: str) -> ModuleType:
    """Import a plugin file."""
    spec = importlib.util.spec_from_file_location(f"amalgam_plugin_{name}", PLUGINS / kind / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def plugin() -> Callable[[str, str], ModuleType]:
    """The function that imports a plugin file."""
    return load


@pytest.fixture
def call() -> Callable[..., dict]:
    """Run a program of the host in this process: its arguments in, its result out."""

    def run(name: str, arguments: dict, *, check: bool = False, payload: bytes = b"") -> dict:
        program = importlib.import_module(f"amalgam.on_host.{name}")
        request = Request(arguments, check_mode=check, diff=False, payload=io.BytesIO(payload))
        return json.loads(answer(program.run, request))

    return run


@dataclass
class Server:
    """A local HTTPS server: ``answers`` maps (method, path) to (status, headers, body); ``asked`` is what came."""

    url: str
    ca_path: Path
    answers: dict[tuple[str, str], tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Certificates:
    """``server`` is the key and certificate of 127.0.0.1, issued by ``ca`` and not by ``other_ca``."""

    ca: Path
    other_ca: Path
    server: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates that hold for a day."""
    folder = tmp_path_factory.mktemp("tls")
    now = datetime.datetime.now(datetime.UTC)

    def issue(name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
        )
        if name != issuer:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    made = Certificates(folder / "ca.crt", folder / "other.crt", folder / "server.pem")
    made.ca.write_bytes(issue("Test CA", ca_key, "Test CA", ca_key))
    made.other_ca.write_bytes(issue("Test CA", key, "Test CA", key))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    made.server.write_bytes(private + issue("server", key, "Test CA", ca_key))
    return made


@pytest.fixture
def server(certificates: Certificates) -> Iterator[Server]:
    """A running HTTPS server on a free port."""
    state = Server("", certificates.ca)

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            state.asked.append((self.command, self.path))
            status, headers, body = state.answers.get((self.command, self.path), (404, {}, b""))
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = answer  # noqa: N815 - http.server looks methods up by these names

        def log_message(self, *_: object) -> None:
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    state.url = f"https://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join()
