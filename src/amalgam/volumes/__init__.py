"""Snapshots of pods' volumes, and restores from them, by the Kubernetes API."""
