"""What stands in for the parts of Pulumi that are downloads only: a Python language host and a Kubernetes plugin."""
