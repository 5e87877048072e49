"""What our action plugins have in common: the one place besides ``plugins/`` that knows Ansible."""
