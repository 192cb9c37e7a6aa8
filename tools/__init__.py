"""What maintainers run; each module is a command, `python -m tools.name`."""
