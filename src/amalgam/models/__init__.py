"""Typed site data: what an inventory may say, checked before any host is touched."""

from amalgam.models.faults import Fault, Rule, SiteFaultsError
from amalgam.models.lab import Forward, LabSettings
from amalgam.models.settings import SiteSettings
from amalgam.models.site import Host, Site, load_site

__all__ = ["Fault", "Forward", "Host", "LabSettings", "Rule", "Site", "SiteFaultsError", "SiteSettings", "load_site"]
