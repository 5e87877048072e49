"""The site's tenants."""

import pulumi

from amalgam.tenants.changes import check_changes
from amalgam.tenants.live import read_live
from amalgam_stacks.stack import site_of_stack, told_to_the_engine
from amalgam_stacks.tenants import Tenants, TenantsArgs

site = site_of_stack()
with told_to_the_engine():
    live = read_live()
    # The explicit word for VCs that hold data: their names.
    check_changes(site, live, delete=(pulumi.Config().get("delete") or "").split())
Tenants("tenants", TenantsArgs.of_site(site, live))
