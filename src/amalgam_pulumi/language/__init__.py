"""The Python language host: the engine asks it to run a project's program."""
