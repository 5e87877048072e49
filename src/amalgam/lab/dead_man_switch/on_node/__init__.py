"""Runs on the node, with Debian's Python alone."""
