<<<<<<< HEAD
"""What a site says about its own health, and who may look at it."""
=======
"""Seeing what the platform does: metrics, alerts, logs, dashboards."""
>>>>>>> web
