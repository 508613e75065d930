"""The head: every box of its figure in a file of that name."""
