"""What the tests on real nodes share: nodes, playbook runs, labs of their own, and waiting with a budget."""
