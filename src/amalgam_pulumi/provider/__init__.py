"""The Kubernetes resource plugin: what the engine asks of ``pulumi-resource-kubernetes``."""
