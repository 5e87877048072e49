"""Accelerator chips: the one table of what is known of them, and the arithmetic over it."""
