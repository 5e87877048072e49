"""Simulated accelerators of lab nodes: a device plugin with the real resource names, look-alikes of vendors' tools.

``on_node`` is what a node gets: programs that import nothing of ours but each other.
"""
