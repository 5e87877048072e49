"""The site's tenants."""

import pulumi

from amalgam.registry.credentials import of_vcs
from amalgam.tenants.changes import check_changes, check_deletion
from amalgam.tenants.live import read_live
from amalgam_stacks.stack import site_of_stack, told_to_the_engine
from amalgam_stacks.tenants import Tenants, TenantsArgs

site = site_of_stack()
# The explicit word for VCs that hold data: their names.
delete = (pulumi.Config().get("delete") or "").split()


def look_for_data(args: pulumi.ResourceHookArgs) -> None:
    """Data that came after the preview, and that `pulumi destroy` would take along, is seen here."""
    check_deletion(site, read_live(), args.name, delete)


with told_to_the_engine():
    live = read_live()
    check_changes(site, live, delete)
    logins = of_vcs(site, write=not pulumi.runtime.is_dry_run())
Tenants("tenants", TenantsArgs.of_site(site, live, logins), before_delete=pulumi.ResourceHook("data", look_for_data))
