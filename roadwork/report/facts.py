"""Nested JSON as rows of a table."""

from __future__ import annotations

from typing import Any


def flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """(dotted name, text) of every leaf, in order; short lists stand in one row, empty mappings say `none`."""
    if isinstance(value, dict):
        if not value:
            return [(prefix, "none")]
        return [row for key, item in value.items() for row in flat(item, f"{prefix}.{key}" if prefix else str(key))]
    return [(prefix, shown(value))]


def shown(value: Any) -> str:
    """One value as a reader wants it: four significant digits, thousands separated, null as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value) or "none"
    return str(value)
