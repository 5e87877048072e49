"""What holds in the whole cluster."""

from amalgam_stacks.platform import Platform, PlatformArgs
from amalgam_stacks.stack import site_of_stack

Platform("platform", PlatformArgs.of_site(site_of_stack()))
