"""The image registry of a site: who may do what in it, and how people bring images there."""
