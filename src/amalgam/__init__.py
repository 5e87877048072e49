"""Amalgam: bare x86 and ARM servers into one AI development platform, without an Internet connection."""

__version__ = "0.1.0"
