"""What can be wrong between the tenants of a site, and between them and the rest of its data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from amalgam.models.datasets import LONGEST_VC
from amalgam.models.datasets import VARIABLE as DATASETS
from amalgam.models.draft import Draft
from amalgam.models.faults import Rule
from amalgam.models.fields import is_label
from amalgam.models.inventory import Variable
from amalgam.models.platform import SYSTEM, SYSTEM_NAMESPACES
from amalgam.models.registry import is_platforms_user, is_user_name
from amalgam.models.tenants import ORGANISATIONS, ROLES, Group, Tenants, Vc
from amalgam.models.training import VARIABLE as TRAINING
from amalgam.models.yaml_source import KeyPath
from amalgam.tenants import roles
from amalgam.tenants.quotas import Excess, excesses
from amalgam.tenants.resources import quantity

_LABEL_REMEDY = "use 1 to {} lower-case letters, digits and hyphens"
_CLUSTERS_OWN = re.compile(r"default|kube-.*")


@dataclass(frozen=True)
class _Place:
    """A group or VC, and where it stands."""

    path: KeyPath
    """Inside the variable."""
    name: str
    """Names from the organisation down, joined by slashes."""
    group: Group
    """The group itself, or that of the VC."""
    members: frozenset[str]
    """Of the group and of those around it."""
    vc: Vc | None = None


def tenants_of(draft: Draft) -> Tenants:
    """What a site's checked variables say."""
    return Tenants.model_construct(
        organisations=draft.setting(ORGANISATIONS, list) or [], roles=draft.setting(ROLES, list) or []
    )


def check_tenants(draft: Draft) -> None:
    """Add what is wrong with the tenants."""
    _check_roles(draft)
    _check_system_namespaces(draft)
    tenants, variable = tenants_of(draft), draft.site_wide(ORGANISATIONS)
    if variable is None or draft.setting(ORGANISATIONS, list) is None:
        return
    places = list(_places(tenants))
    _check_names(draft, variable, places)
    _check_loans(draft, variable, places)
    _check_quotas(draft, variable, tenants, places)
    _check_room(draft, tenants)
    for place in places:
        _check_members(draft, variable, tenants, place)
        if place.vc:
            _check_storage_classes(draft, variable, place.path, place.vc)
            _check_projects(draft, variable, place.path, place.vc)
            _check_flows(draft, variable, place.path, place.vc, tenants)
    for name in (DATASETS, TRAINING):
        _check_owners(draft, name, tenants)
    _check_training_classes(draft, tenants)


def _places(tenants: Tenants) -> Iterator[_Place]:
    """Every group and VC, parents before their children."""

    def below(group: Group, path: KeyPath, name: str, around: frozenset[str]) -> Iterator[_Place]:
        members = around | set(group.members)
        yield _Place(path, name, group, members)
        for index, inner in enumerate(group.groups):
            yield from below(inner, (*path, "groups", index), f"{name}/{inner.name}", members)
        for index, vc in enumerate(group.vcs):
            yield _Place((*path, "vcs", index), f"{name}/{vc.name}", group, members | set(vc.members), vc)

    for index, organisation in enumerate(tenants.organisations):
        yield from below(organisation, (index,), organisation.name, frozenset())


def _check_roles(draft: Draft) -> None:
    variable, names = draft.site_wide(ROLES), [role.name for role in roles.ROLES]
    for index, role in enumerate(draft.setting(ROLES, list) or []):
        if role.name in names:
            reason, remedy = f"there is a role {role.name}", "use another name"
            draft.refuse(variable, Rule.DUPLICATE_ROLE, reason, remedy, (index, "name"))
        elif not is_label(role.name):
            reason = "its name becomes a part of that of an object of Kubernetes"
            draft.refuse(variable, Rule.BAD_ROLE_NAME, reason, _LABEL_REMEDY.format(63), (index, "name"))
        names.append(role.name)


def _check_system_namespaces(draft: Draft) -> None:
    for index, name in enumerate(draft.setting(SYSTEM_NAMESPACES, list) or []):
        if not is_label(name):
            variable = draft.site_wide(SYSTEM_NAMESPACES)
            reason = f"{name!r} is no name of a namespace"
            draft.refuse(variable, Rule.BAD_NAMESPACE, reason, _LABEL_REMEDY.format(63), (index,))


def _check_names(draft: Draft, variable: Variable, places: list[_Place]) -> None:
    taken = {*SYSTEM, *(draft.setting(SYSTEM_NAMESPACES, list) or [])}
    vcs: set[str] = set()
    paths = Counter(place.name for place in places if not place.vc)
    for place in places:
        if place.vc is None:
            _check_group_name(draft, variable, place, paths)
            continue
        name, inside = place.vc.name, (*place.path, "name")
        if name in vcs:
            reason, remedy = "two VCs have this name, and each is a namespace", "rename one of them"
            draft.refuse(variable, Rule.DUPLICATE_VC, reason, remedy, inside)
        elif name in taken or _CLUSTERS_OWN.fullmatch(name):
            reason = "this namespace is the platform's own"
            draft.refuse(variable, Rule.RESERVED_VC, reason, "use another name", inside)
        elif not is_label(name) or len(name) > LONGEST_VC:
            reason = "its name becomes part of those of a namespace, a bucket and of accounts"
            draft.refuse(variable, Rule.BAD_VC_NAME, reason, _LABEL_REMEDY.format(LONGEST_VC), inside)
        vcs.add(name)


def _check_group_name(draft: Draft, variable: Variable, place: _Place, paths: Counter[str]) -> None:
    name, inside = place.group.name, (*place.path, "name")
    siblings = [*(group.name for group in place.group.groups), *(vc.name for vc in place.group.vcs)]
    if not is_label(name):
        reason = "its name becomes a label in Kubernetes"
        draft.refuse(variable, Rule.BAD_GROUP_NAME, reason, _LABEL_REMEDY.format(63), inside)
    elif paths[place.name] > 1:
        paths[place.name] = 0
        reason, remedy = f"there are two of {place.name}", "rename one of them, or make them one"
        draft.refuse(variable, Rule.DUPLICATE_GROUP, reason, remedy, inside)
    for index, vc in enumerate(place.group.vcs):
        if siblings.index(vc.name) < len(place.group.groups):
            reason, remedy = f"a group beside it has the name {vc.name}", "rename one of the two"
            draft.refuse(variable, Rule.DUPLICATE_GROUP, reason, remedy, (*place.path, "vcs", index, "name"))


def _check_loans(draft: Draft, variable: Variable, places: list[_Place]) -> None:
    for place in (place for place in places if place.vc is None):
        group, inside = place.group, (*place.path, "loans")
        if group.loans and not group.borrowing:
            reason = f"{group.name} does not allow borrowing"
            draft.refuse(variable, Rule.BORROWING_NOT_ALLOWED, reason, "add borrowing: true, or remove them", inside)
        children = [*(inner.name for inner in group.groups), *(vc.name for vc in group.vcs)]
        for index, loan in enumerate(group.loans):
            for key, name in (("lender", loan.lender), ("borrower", loan.borrower)):
                if name not in children:
                    reason = f"{group.name} has no group or VC {name}"
                    remedy = f"there are: {', '.join(children)}"
                    draft.refuse(variable, Rule.BAD_LOAN, reason, remedy, (*inside, index, key))
            if loan.lender == loan.borrower:
                reason, remedy = f"{loan.lender} lends to itself", "name another one, or remove the loan"
                draft.refuse(variable, Rule.BAD_LOAN, reason, remedy, (*inside, index, "borrower"))


def _check_quotas(draft: Draft, variable: Variable, tenants: Tenants, places: list[_Place]) -> None:
    at = {place.name: place.path for place in places}
    for organisation in tenants.organisations:
        for excess in excesses(organisation.node()):
            draft.refuse(variable, Rule.OVERCOMMITTED_QUOTA, str(excess), _remedy(excess), (*at[excess.path], "quota"))


def _remedy(excess: Excess) -> str:
    return "lend less" if excess.lent else "grant less below, or have more granted to it"


def _check_members(draft: Draft, variable: Variable, tenants: Tenants, place: _Place) -> None:
    known = [role.name for role in (*roles.ROLES, *tenants.roles)]
    for user, role in (place.vc or place.group).members.items():
        inside = (*place.path, "members", user)
        if not is_user_name(user):
            remedy = "use lower-case letters, digits, and . _ @ - between them"
            draft.refuse(variable, Rule.BAD_USER_NAME, f"{user!r} is no name for a user", remedy, inside)
        elif is_platforms_user(user):
            reason = f"{user} is the name of an account of the platform"
            draft.refuse(variable, Rule.RESERVED_USER, reason, "use another name", inside)
        if role not in known:
            reason, remedy = f"no role is named {role}", f"there are: {', '.join(known)}"
            draft.refuse(variable, Rule.UNKNOWN_ROLE, reason, remedy, inside)
    for user in place.vc.caps if place.vc else ():
        if user not in place.members:
            reason, remedy = f"{user} is no member of {place.name}", "mend the name, or remove the cap"
            draft.refuse(variable, Rule.CAP_WITHOUT_MEMBER, reason, remedy, (*place.path, "caps", user))


def _check_storage_classes(draft: Draft, variable: Variable, path: KeyPath, vc: Vc) -> None:
    for name in vc.storage_classes:
        _check_class(draft, variable, (*path, "storage_classes", name), name, vc)


def _check_training_classes(draft: Draft, tenants: Tenants) -> None:
    """A training volume is a claim of its VC, which has a quota for each class that it may use."""
    vcs = {vc.name: vc for vc, _ in tenants.vcs()}
    for index, entry in enumerate(draft.setting(TRAINING, list) or []):
        variable, vc = draft.site_wide(TRAINING), vcs.get(entry.vc)
        inside = (index, "storage_class")
        if vc is None or not _check_class(draft, variable, inside, entry.storage_class, vc):
            continue
        if entry.storage_class not in vc.storage_classes:
            reason = f"{vc.name} has no storage of this class"
            remedy = f"grant it some in storage_classes of tenants.yml, or name one of: {', '.join(vc.storage_classes)}"
            draft.refuse(variable, Rule.FOREIGN_STORAGE_CLASS, reason, remedy, inside)


def _check_class(draft: Draft, variable: Variable | None, inside: KeyPath, name: str, vc: Vc) -> bool:
    """Whether there is such a class, and in the part of ``vc``: who has the key of a part reads all that lies there."""
    owners = {one.storage_class: one.name for one in draft.setting("ceph_subvolumes", list) or [] if one.storage_class}
    owner = owners.get(name, "")
    if not owner:
        reason = f"no part of the file system has the class {name}"
        remedy = f"name one of ceph_subvolumes: {', '.join(owners) or 'there is none'}"
        draft.refuse(variable, Rule.UNKNOWN_STORAGE_CLASS, reason, remedy, inside)
    elif owner != vc.name:
        reason = f"its volumes lie in the part {owner}, where whoever has that part's key reads them"
        own = [one for one, of in owners.items() if of == vc.name]
        remedy = f"name {own[0]}, the VC's own" if own else f"add a part {vc.name} with a class to ceph_subvolumes"
        draft.refuse(variable, Rule.FOREIGN_STORAGE_CLASS, reason, remedy, inside)
    else:
        return True
    return False


def _check_room(draft: Draft, tenants: Tenants) -> None:
    """What a VC may keep in its class has room in its part of the file system."""
    vcs = {vc.name: vc for vc, _ in tenants.vcs()}
    for index, part in enumerate(draft.setting("ceph_subvolumes", list) or []):
        needed = vcs[part.name].storage_classes.get(part.storage_class, 0) if part.name in vcs else 0
        has = part.size_gib * 2**30
        if needed > has:
            reason = (
                f"{part.name} may keep {quantity('storage', needed)} in the class {part.storage_class}, and it has "
                f"{quantity('storage', has)}: {quantity('storage', needed - has)} too much"
            )
            remedy = "make it larger, or give the VC less in its storage_classes"
            variable = draft.site_wide("ceph_subvolumes")
            draft.refuse(variable, Rule.OVERCOMMITTED_STORAGE_CLASS, reason, remedy, (index, "size_gib"))


def _check_projects(draft: Draft, variable: Variable, path: KeyPath, vc: Vc) -> None:
    names = [project.name for project in draft.setting("registry_projects", list) or []]
    for index, name in enumerate(vc.registry_projects):
        if name not in names:
            reason, remedy = f"no project is named {name}", "add it to registry_projects, or mend the name"
            draft.refuse(variable, Rule.UNKNOWN_PROJECT, reason, remedy, (*path, "registry_projects", index))


def _check_flows(draft: Draft, variable: Variable, path: KeyPath, vc: Vc, tenants: Tenants) -> None:
    names = {other.name for other, _ in tenants.vcs()}
    for index, flow in enumerate(vc.flows):
        inside = (*path, "flows", index)
        if flow.vc == vc.name:
            reason, remedy = "within a VC all traffic is let through", "remove it"
            draft.refuse(variable, Rule.BAD_FLOW, reason, remedy, (*inside, "vc"))
        elif flow.vc is not None and flow.vc not in names:
            reason, remedy = f"no VC is named {flow.vc}", f"there are: {', '.join(sorted(names))}"
            draft.refuse(variable, Rule.UNKNOWN_VC, reason, remedy, (*inside, "vc"))
        elif flow.namespace in names:
            reason, remedy = f"{flow.namespace} is a VC", "name it with vc, so that both must agree"
            draft.refuse(variable, Rule.BAD_FLOW, reason, remedy, (*inside, "namespace"))


def _check_owners(draft: Draft, name: str, tenants: Tenants) -> None:
    """The entries of the site's variable ``name`` are each for a VC."""
    names = {vc.name for vc, _ in tenants.vcs()}
    for index, entry in enumerate(draft.setting(name, list) or []):
        if entry.vc not in names:
            reason = f"no VC is named {entry.vc}"
            remedy = f"name one of tenants.yml ({', '.join(sorted(names)) or 'it has none'}), or add it there"
            draft.refuse(draft.site_wide(name), Rule.UNKNOWN_VC, reason, remedy, (index, "vc"))
