"""Pulumi components of the platform: one Args model and one component a topic. Arithmetic and data lie in `amalgam`."""
