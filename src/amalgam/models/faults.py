"""What is wrong with a site's data: one :class:`Fault` per mistake, each with its rule, place, reason and remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from amalgam.errors import AmalgamError


class Rule(StrEnum):
    """The identifiers of the rules a site must keep. Each has at least one file in ``tests/fixtures/invalid``."""

    # the files
    BAD_YAML = "bad-yaml"
    DUPLICATE_KEY = "duplicate-key"
    MISSING_FILE = "missing-file"
    UNKNOWN_FILE = "unknown-file"
    # keys and the types of their values
    BAD_CHOICE = "bad-choice"
    BAD_TEMPLATE = "bad-template"
    MISSING_KEY = "missing-key"
    OUT_OF_RANGE = "out-of-range"
    PLAIN_SECRET = "plain-secret"  # noqa: S105 - the name of a rule
    PLAY_KEYWORD = "play-keyword-as-variable"
    QUOTED_BOOLEAN = "quoted-boolean"
    SET_BY_PLATFORM = "set-by-platform"
    UNKNOWN_KEY = "unknown-key"
    WRONG_SCOPE = "wrong-scope"
    WRONG_TYPE = "wrong-type"
    # single values
    BAD_DOMAIN = "bad-domain"
    BAD_NTP_SERVER = "bad-ntp-server"
    BAD_SITE_NAME = "bad-site-name"
    BAD_TIMEZONE = "bad-timezone"
    RELATIVE_PATH = "relative-path"
    UNSUPPORTED_ARCHITECTURE = "unsupported-architecture"
    VERSION_NOT_IN_LOCK = "version-not-in-lock"
    # networks
    ADDRESS_OUTSIDE_NODE_CIDR = "address-outside-node-cidr"
    CIDR_OVERLAP = "cidr-overlap"
    CIDR_TOO_LARGE = "cidr-too-large"
    CIDR_TOO_SMALL = "cidr-too-small"
    DOMAIN_OVERLAP = "domain-overlap"
    DUPLICATE_ADDRESS = "duplicate-address"
    HOST_BITS_SET = "host-bits-set"
    IPV6_NOT_SUPPORTED = "ipv6-not-supported"
    NOT_A_CIDR = "not-a-cidr"
    NOT_AN_ADDRESS = "not-an-address"
    RESERVED_CIDR = "reserved-cidr"
    # hosts and groups
    ACCELERATOR_WITHOUT_GROUP = "accelerator-without-group"
    BAD_HOST_NAME = "bad-host-name"
    DUPLICATE_NAME = "duplicate-name"
    EMPTY_GROUP = "empty-group"
    EMPTY_WORKER_GROUP = "empty-worker-group"
    EVEN_CONTROL_PLANE = "even-control-plane"
    GROUP_CYCLE = "group-cycle"
    GROUP_OUTSIDE_WORKERS = "group-outside-workers"
    NO_BUNDLE_SERVER = "no-bundle-server"
    NO_CONTROL_PLANE = "no-control-plane"
    RESERVED_NAME = "reserved-name"
    SHARED_CONTROL_PLANE = "shared-control-plane"
    TWO_BUNDLE_SERVERS = "two-bundle-servers"
    TWO_MANAGEMENT_HOSTS = "two-management-hosts"
    UNGROUPED_HOST = "ungrouped-host"
    UNKNOWN_GROUP = "unknown-group"
    UNKNOWN_HOST = "unknown-host"
    WORKER_WITHOUT_CLASS = "worker-without-class"
    # accelerators
    NO_ACCELERATOR_SOFTWARE = "no-accelerator-software"
    UNFIT_DRIVER = "unfit-driver"
    UNREAD_ACCELERATOR_SOFTWARE = "unread-accelerator-software"
    # storage
    BAD_STORAGE_CLASS = "bad-storage-class"
    BAD_SUBVOLUME_NAME = "bad-subvolume-name"
    BAD_VC_NAME = "bad-vc-name"
    CEPH_CSI_NOT_CHOSEN = "ceph-csi-not-chosen"
    DATASETS_WITHOUT_STORAGE = "datasets-without-storage"
    DUPLICATE_OSD = "duplicate-osd"
    DUPLICATE_STORAGE_CLASS = "duplicate-storage-class"
    DUPLICATE_SUBVOLUME = "duplicate-subvolume"
    DUPLICATE_VC = "duplicate-vc"
    HOSTS_OF_CEPH_CSI = "hosts-of-ceph-csi"
    IMAGE_WITHOUT_DIGEST = "image-without-digest"
    NO_CEPH_CSI = "no-ceph-csi"
    NO_OSD = "no-osd"
    SUBVOLUME_WITHOUT_STORAGE = "subvolume-without-storage"
    TOO_FEW_OSDS = "too-few-osds"
    UNKNOWN_READER = "unknown-reader"

    # registry
    BAD_MIRROR = "bad-mirror"
    BAD_PROJECT_NAME = "bad-project-name"
    BAD_USER_NAME = "bad-user-name"
    DUPLICATE_MEMBER = "duplicate-member"
    DUPLICATE_MIRROR = "duplicate-mirror"
    DUPLICATE_PROJECT = "duplicate-project"
    RESERVED_PROJECT = "reserved-project"
    RESERVED_USER = "reserved-user"
    # Harbor
    BAD_CRON = "bad-cron"
    DECLARED_AND_ABSENT = "declared-and-absent"
    DUPLICATE_ENDPOINT = "duplicate-endpoint"
    DUPLICATE_REPLICATION = "duplicate-replication"
    DUPLICATE_ROBOT = "duplicate-robot"
    HARBOR_NOT_CHOSEN = "harbor-not-chosen"
    NO_HARBOR_INSTALLER = "no-harbor-installer"
    UNKNOWN_ENDPOINT = "unknown-endpoint"
    UNKNOWN_PROJECT = "unknown-project"
    # monitoring
    BAD_ALERT = "bad-alert"
    BAD_MAIL = "bad-mail"
    BAD_PROMETHEUS_SETTING = "bad-prometheus-setting"
    BAD_RULE_FILE = "bad-rule-file"
    BAD_SCRAPE_CONFIG = "bad-scrape-config"
    # tenants
    BAD_FLOW = "bad-flow"
    BAD_GROUP_NAME = "bad-group-name"
    BAD_LOAN = "bad-loan"
    BAD_NAMESPACE = "bad-namespace"
    BAD_QUANTITY = "bad-quantity"
    BAD_ROLE_NAME = "bad-role-name"
    BORROWING_NOT_ALLOWED = "borrowing-not-allowed"
    CAP_WITHOUT_MEMBER = "cap-without-member"
    DUPLICATE_GROUP = "duplicate-group"
    DUPLICATE_ROLE = "duplicate-role"
    FOREIGN_STORAGE_CLASS = "foreign-storage-class"
    OVERCOMMITTED_QUOTA = "overcommitted-quota"
    OVERCOMMITTED_STORAGE_CLASS = "overcommitted-storage-class"
    RESERVED_VC = "reserved-vc"
    UNKNOWN_ROLE = "unknown-role"
    UNKNOWN_STORAGE_CLASS = "unknown-storage-class"
    UNKNOWN_VC = "unknown-vc"


@dataclass(frozen=True, order=True)
class Fault:
    """One mistake in a site's data."""

    file: Path
    """The file it is in, or the site's folder when the mistake is that something is absent."""
    line: int
    """Counted from 1; 0 when no line is to blame."""
    key: str
    """The variable (nested keys joined by dots), group or host."""
    rule: Rule
    reason: str
    remedy: str

    @property
    def place(self) -> str:
        """``file:line``, as editors jump to it."""
        return f"{self.file}:{self.line}" if self.line else str(self.file)

    def __str__(self) -> str:
        """Where, what, why and what to do, in two lines."""
        return f"{self.place}: {self.key}: {self.reason} [{self.rule}]\n  remedy: {self.remedy}"


class SiteFaultsError(AmalgamError):
    """A site's data has faults; ``faults`` has them all, in the order of files and lines."""

    def __init__(self, folder: Path, faults: Sequence[Fault]) -> None:
        """Say how many there are, and each."""
        self.faults = tuple(sorted(faults))
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        listing = "\n".join(str(fault) for fault in self.faults)
        super().__init__(
            f"{count} in the site's data\n{listing}", where=str(folder), remedy="mend them; no host was touched"
        )
