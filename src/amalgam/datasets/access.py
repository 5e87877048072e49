"""Credentials from the site's own data and secrets: all keys follow from one secret, so none has to be fetched."""

from __future__ import annotations

from amalgam.datasets.credentials import Credentials
from amalgam.datasets.layout import Role
from amalgam.datasets.policy import vc_account
from amalgam.errors import AmalgamError
from amalgam.models import Site
from amalgam.secrets import prepare_secrets
from amalgam.services import address


def credentials_of(site: Site, vc: str, role: Role) -> Credentials:
    """The credentials by which ``vc`` reaches its datasets in the rights of ``role``.

    Raises:
        AmalgamError: the site's data names no such VC, or its secrets cannot be read.
    """
    known = {entry.vc: entry for entry in site.datasets}
    if vc not in known:
        raise AmalgamError(
            f"no VC {vc!r} has datasets; those that have: {', '.join(known) or '(none)'}",
            where=str(site.folder),
            remedy="add it to ceph_rgw_datasets and run the storage layer",
        )
    secrets = prepare_secrets(site.state_dir, site.settings.site_name).secrets
    account = vc_account(known[vc], role, secrets.ceph_key_secret)
    return Credentials(
        endpoint=f"https://{address(site, 'objects')}",
        vc=vc,
        role=role,
        access_key=account.access_key,
        secret_key=account.secret_key,
        ca_certificate=secrets.site_ca.certificate,
    )
