"""Renders a whole tree and puts it in place on the host, in one round trip."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible.template import trust_as_template

from amalgam.errors import AmalgamError, told_as
from amalgam.path_globs import handler_rules, matches, require_matches
from amalgam_ansible.host_action import HostAction

DOCUMENTATION = """
name: template_tree
short_description: Render a role's templates and sync them in one round trip
description:
  - Renders every file under a role's C(templates/) on the controller with the task's variables, and puts the result in
    place on the target in one round trip. The path of a file under C(templates/) is its path on the target, C(.j2)
    taken off.
  - Files without C(.j2) are copied byte for byte. C(.gitkeep) only keeps an otherwise empty folder.
  - Accounts of the system come with the tree, as C(etc/sysusers.d/NAME.conf) (sysusers.d(5)); they are made before the
    files that belong to them.
  - Files that are not readable for all (mode 0640, 0600, ...) are secret. Their contents appear in no diff.
  - Globs are relative to the tree's root. C(*) stays within a folder, C(**) crosses folders. A glob that matches
    nothing is refused.
  - A restart that a killed run left undone ("Restart <unit>" handlers) is notified again by the next run.
  - The services that live on these files are seen to in the same round trip, see O(units).
options:
  src:
    description: Folder to render, absolute or relative to the role (or the playbook).
    type: str
    default: templates
  dest:
    description: Folder on the target that stands for the tree's root.
    type: str
    default: /
  owner:
    description: Owner of every file, and of the folders that are created or named in O(modes) or O(owners).
    type: str
    default: root
  group:
    description: Group of the same.
    type: str
    default: root
  mode:
    description: Mode of files that no glob in O(modes) matches.
    type: str
    default: "0644"
  dir_mode:
    description: Mode of folders that are created. Folders that are there keep theirs, unless O(modes) names them.
    type: str
    default: "0755"
  modes:
    description:
      - Path globs to modes, the last match wins.
      - A glob that ends with C(/), or a folder's plain path, means folders.
    type: dict
    default: {}
  owners:
    description:
      - Path globs to C(USER:GROUP) of what belongs to somebody else, the last match wins.
      - As in O(modes), a glob that ends with C(/), or a folder's plain path, means folders.
    type: dict
    default: {}
  exclude:
    description: Path globs of files to leave out on this host.
    type: list
    elements: str
    default: []
  extra:
    description: Files whose content is no template of the tree (certificates, keys).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path in the tree.
        type: str
        required: true
      content:
        description: The file's text.
        type: str
        required: true
      mode:
        description: Mode of this file, before O(modes).
        type: str
  folders:
    description: Folders that are to be there without a file of the tree below them, such as one that a variable names.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path in the tree; slashes at both ends may be there.
        type: str
        required: true
      mode:
        description: Mode of the folder, as by O(modes).
        type: str
        required: true
      owner:
        description: C(USER:GROUP), as by O(owners).
        type: str
  links:
    description: Paths of symbolic links in the tree to what they point at.
    type: dict
    default: {}
  handlers:
    description: Path globs to a handler's name, or a list of names. Notified for paths that changed.
    type: dict
    default: {}
  validate:
    description:
      - Path globs to commands with C(%s), run on a staged copy of a changed file before anything is replaced.
      - When one fails, nothing is changed. In check mode a command that is not installed is passed over.
    type: dict
    default: {}
  units:
    description:
      - Units of systemd that run and start at boot once the tree is in place. One that is disabled is enabled, of one
        that does not run the handler "Restart <unit>" is notified.
      - A unit that was started and whose conditions do not hold (C(ConditionPathExists=) and the like) is left alone.
      - A mapping names the handler of each unit, where it is another than "Restart <unit>".
    type: dict
    default: {}
attributes:
  check_mode:
    description: Predicts, on bare hosts too.
    support: full
  diff_mode:
    description: One diff per file.
    support: full
"""

EXAMPLES = """
- name: Configure
  template_tree:
    modes:
      etc/haproxy/certs/: "0700"
      etc/haproxy/certs/**: "0600"
    validate:
      etc/haproxy/haproxy.cfg: haproxy -c -f %s
    handlers:
      etc/haproxy/**: Restart haproxy
    units: [haproxy]
"""

RETURN = """
changed_paths:
  description: Paths that changed, relative to O(dest). Folders end with a slash.
  returned: always
  type: list
  elements: str
"""

ARGUMENTS: dict[str, Any] = {
    "src": {"type": "str", "default": "templates"},
    "dest": {"type": "str", "default": "/"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0644"},
    "dir_mode": {"type": "str", "default": "0755"},
    "modes": {"type": "dict", "default": {}},
    "owners": {"type": "dict", "default": {}},
    "exclude": {"type": "list", "elements": "str", "default": []},
    "extra": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "content": {"type": "str", "required": True},
            "mode": {"type": "str"},
        },
    },
    "folders": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "mode": {"type": "str", "required": True},
            "owner": {"type": "str"},
        },
    },
    "links": {"type": "dict", "default": {}},
    "handlers": {"type": "dict", "default": {}},
    "validate": {"type": "dict", "default": {}},
    "units": {"type": "dict", "default": {}},
}

KEEP = ".gitkeep"
"""Name of a file that stands for nothing but its folder."""


def refuse_structures(extra: list[dict[str, Any]]) -> None:
    """Refuse content that is no text: converted silently, it would be Python's notation."""
    for item in extra:
        if not isinstance(item.get("content", ""), str):
            raise AnsibleActionFail(
                f"extra: content of {item.get('path')} is no text; write it with to_json or to_nice_yaml"
            )


@dataclass(frozen=True)
class Source:
    """One file of the tree: a source file on the controller, or given content."""

    path: str
    file: Path | None = None
    content: str = ""
    mode: str | None = None


class ActionModule(HostAction):
    """See ``DOCUMENTATION``."""

    program = "template_tree"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Render, send once, and notify handlers by what changed.

        Raises:
            AnsibleActionFail: arguments that cannot mean what was wanted; a template that does not render.
        """
        super().run(tmp, task_vars)
        refuse_structures(self._task.args.get("extra") or [])
        if isinstance(units := self._task.args.get("units"), list):
            self._task.args["units"] = {unit: f"Restart {unit}" for unit in units}
        _, args = self.validate_argument_spec(ARGUMENTS)
        with told_as(AnsibleActionFail):
            tree = self._rendered(args, task_vars or {})
        params = {"dest": args["dest"], "units": args["units"], "tree": tree}
        return self.run_on_host(params, task_vars)

    def _rendered(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        root = self._source_folder(args["src"])
        sources, kept = collect(root, args["extra"], args["links"])
        links = args["links"]
        for folder in args["folders"]:
            path = f"{folder['path'].strip('/')}/"
            kept.append(path + KEEP)
            args["modes"][path] = folder["mode"]
            if folder["owner"]:
                args["owners"][path] = folder["owner"]
        known = [*sources, *kept, *links, *folders_of([*sources, *kept, *links])]
        for option in ("modes", "owners", "exclude", "handlers", "validate"):
            require_matches(args[option], [*known, *(path.rstrip("/") for path in known)], where=option)
        stays = [
            path
            for path in sorted([*sources, *kept, *links])
            if not any(matches(pattern, path) for pattern in args["exclude"])
        ]
        wanted = [sources[path] for path in stays if path in sources]
        render = Renderer(self, root, task_vars)
        return {
            "dir_mode": checked_mode(args["dir_mode"], "dir_mode"),
            "owner": f"{args['owner']}:{args['group']}",
            "folders": [folder_entry(path, args) for path in folders_of(stays)],
            "links": [[path, str(links[path])] for path in stays if path in links],
            "files": [
                [s.path, file_mode(s, args), file_owner(s, args), render(s), last_match(args["validate"], s.path)]
                for s in wanted
            ],
            "handlers": handler_rules(args["handlers"]),
        }

    def _source_folder(self, src: str) -> Path:
        role = getattr(self._task, "_role", None)
        base = Path(role.get_role_path() if role else self._loader.get_basedir())
        folder = base / src
        if not folder.is_dir():
            raise AnsibleActionFail(f"src: {folder} is not a folder; create it, or name the tree's folder in src")
        return folder


class Renderer:
    """Turns a source into text; bytes that are no UTF-8 travel as surrogates."""

    def __init__(self, action: ActionModule, root: Path, task_vars: dict[str, Any]) -> None:
        """Render with ``task_vars``; includes are found from the tree's root and the folder it lies in."""
        self._action = action
        role = getattr(action._task, "_role", None)
        self._origin = f"role {role.get_name()}" if role else "playbook"
        self._vars = dict(task_vars)
        self._given_header = "ansible_managed" in task_vars
        searchpath = [str(root), str(root.parent)]
        self._templar = action._templar.copy_with_new_env(searchpath=searchpath, available_variables=self._vars)

    def __call__(self, source: Source) -> str:
        """The text of one file of the tree.

        Raises:
            AnsibleActionFail: naming the template and, where it can be told, the line.
        """
        if source.file is None:
            return str(source.content)
        if source.file.suffix != ".j2":
            return source.file.read_bytes().decode("utf-8", "surrogateescape")
        if not self._given_header:
            self._vars["ansible_managed"] = (
                f"Managed by Amalgam ({self._origin}, {source.path}): local changes are overwritten"
            )
        text = trust_as_template(self._action._loader.get_text_file_contents(str(source.file)))
        try:
            rendered = self._templar.template(text, escape_backslashes=False, overrides={"trim_blocks": True})
        except AnsibleError as error:
            where = f"{source.file}{line_of(error, text)}"
            raise AnsibleActionFail(f"{where}: the template does not render", obj=error.obj) from error
        return to_text(to_bytes("" if rendered is None else rendered), errors="surrogateescape")


def line_of(error: AnsibleError, text: str) -> str:
    """``:<line>`` of a rendering error. Jinja tells it for syntax errors only; an undefined name is looked for."""
    cause: BaseException | None = error
    while cause is not None:
        if line := getattr(cause, "lineno", None):
            return f":{line}"
        cause = cause.__cause__
    names = re.findall(r"'(\w+)' is undefined|no attribute '(\w+)'", error.message)
    for name in (first or second for first, second in names):
        for number, line in enumerate(text.splitlines(), start=1):
            if re.search(rf"\{{[{{%].*\b{name}\b", line):
                return f":{number}"
    return ""


def collect(root: Path, extra: list[dict[str, Any]], links: dict[str, str]) -> tuple[dict[str, Source], list[str]]:
    """Every file of the tree by its path on the target, and the ``.gitkeep`` files that only keep a folder.

    Raises:
        AmalgamError: two sources for one path.
    """
    sources: dict[str, Source] = {}
    kept: list[str] = []
    found = [
        Source(file.relative_to(root).as_posix().removesuffix(".j2"), file)
        for file in sorted(root.rglob("*"))
        # What Python leaves beside sources that were imported here is none of the tree.
        if file.is_file() and "__pycache__" not in file.parts
    ]
    for source in [*found, *(Source(item["path"], None, item["content"], item.get("mode")) for item in extra)]:
        if source.file is not None and source.file.name == KEEP:
            kept.append(source.path)
            continue
        if source.path in sources:
            raise AmalgamError(
                f"two sources for {source.path}: {sources[source.path].file or 'extra'} and {source.file or 'extra'}",
                where=str(root),
                remedy="remove one of them",
            )
        sources[source.path] = source
    if twice := sorted(sources.keys() & links.keys()):
        raise AmalgamError(
            f"{twice[0]} is a file of the tree and a link at once", where=str(root), remedy="remove one of them"
        )
    return sources, kept


def folders_of(paths: list[str]) -> list[str]:
    """The folders above these paths, parents first, each with its trailing slash: ``a/b/c`` has ``a/`` and ``a/b/``."""
    return sorted({path[: slash.end()] for path in paths for slash in re.finditer("/", path)})


def last_match(patterns: dict[str, Any], path: str) -> Any:  # noqa: ANN401 - the value's type is the option's
    """The value of the last pattern that means ``path``, or None."""
    return next((value for pattern, value in reversed(patterns.items()) if matches(pattern, path)), None)


def file_mode(source: Source, args: dict[str, Any]) -> str:
    """The mode of one file: a glob in ``modes``, else its own, else the tree's."""
    return checked_mode(last_match(args["modes"], source.path) or source.mode or args["mode"], f"mode of {source.path}")


def folder_entry(path: str, args: dict[str, Any]) -> list[Any]:
    """[path, mode, owner, whether both hold for a folder that is already there]."""
    mode, owner = (last_match(of_folders(args[option]), path) for option in ("modes", "owners"))
    named = mode is not None or owner is not None
    return [path, checked_mode(mode or args["dir_mode"], f"mode of {path}"), checked_owner(owner, path, args), named]


def of_folders(patterns: dict[str, Any]) -> dict[str, Any]:
    """Of an option's globs those that mean folders, with their slash."""
    return {pattern.rstrip("/") + "/": value for pattern, value in patterns.items() if names_folders(pattern)}


def file_owner(source: Source, args: dict[str, Any]) -> str:
    """``USER:GROUP`` of one file: a glob in ``owners``, else the tree's."""
    return checked_owner(last_match(args["owners"], source.path), source.path, args)


def checked_owner(named: object, path: str, args: dict[str, Any]) -> str:
    """The owner that ``owners`` gives to a path, else the tree's.

    Raises:
        AmalgamError: it has another form than ``USER:GROUP``.
    """
    if named is None:
        return f"{args['owner']}:{args['group']}"
    if not re.fullmatch(r"[^:\s]+:[^:\s]+", str(named)):
        raise AmalgamError(f"{named!r} is no owner", where=f"owners of {path}", remedy='write "USER:GROUP"')
    return str(named)


def names_folders(pattern: str) -> bool:
    """Whether a glob in ``modes`` or ``owners`` may mean folders: it says so with a slash, or is a plain path."""
    return pattern.endswith("/") or not re.search(r"[*?]", pattern)


def checked_mode(mode: object, where: str) -> str:
    """The mode as given.

    Raises:
        AmalgamError: it is no octal string; unquoted in YAML, 0644 arrives as the number 420.
    """
    if not re.fullmatch(r"0[0-7]{3,4}", str(mode)):
        raise AmalgamError(f"{mode!r} is not a mode", where=where, remedy='write octal digits in quotes: "0644"')
    return str(mode)
