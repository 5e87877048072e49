"""Tenants: organisation, groups and virtual clusters (VCs), their quotas and rights. Neither Ansible nor Pulumi."""
