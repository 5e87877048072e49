"""What actions do on the hosts: programs of the standard library, sent as source (:mod:`amalgam.host_program`).

A second run of a site spends its time in their start, so what that can do without is imported where it is used, and
records are named tuples: dataclasses cost 12 ms of imports.
"""
