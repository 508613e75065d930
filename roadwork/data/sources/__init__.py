"""Readers that turn a source into raw records."""
