"""Seeing what the platform does: metrics, alerts, logs, dashboards."""
