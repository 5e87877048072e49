"""Training jobs: typed parameters, rendered by a template per framework, submitted whole or not at all."""
