"""Seeing what the platform does and being told: measurements, alerts, dashboards, and who may look."""
