"""The lab: a site's nodes as systemd-nspawn containers on this machine, with no route outside.

Each node is a real systemd with SSH in a network namespace of its own; the nodes share a bridge in one further
namespace. This machine reaches them only through a forwarder on its loopback. :mod:`amalgam.lab.updown` has the order
of things.
"""
