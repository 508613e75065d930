"""The one way a text is filled from a template: an HTML page or a Markdown file of this project."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined

_MARKDOWN = re.compile(r"[\\`*\[\]<>|#~&]|(?<![^\W_])_|_(?![^\W_])")
"""What can begin or end markup: links, HTML elements, cells, emphasis (for which `_` within a word doesn't count)."""


def html(package: str) -> Environment:
    """Templates of `package` that give HTML: every value is escaped."""
    return Environment(
        loader=PackageLoader(package, "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )


def markdown(package: str) -> Environment:
    """Templates of `package` that give Markdown.

    Nothing is escaped by itself, for most values are Markdown of this project. What comes from data or from a file
    that others may have written passes the filter `plain`, or `code` where it is to stand in a code span.
    """
    environment = Environment(
        loader=PackageLoader(package, "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # nosec B701  # Markdown: `plain` and `code` escape what others wrote
    )
    environment.filters |= {"plain": plain, "code": code}
    return environment


def plain(value: object) -> str:
    """`value` as one line of Markdown that shows exactly its characters."""
    return _MARKDOWN.sub(r"\\\g<0>", _one_line(value))


def code(value: object) -> str:
    """`value` as a code span, also within a table: one line, fenced by more backticks than it holds in a row."""
    text = _one_line(value).replace("|", r"\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    padding = " " if len(fence) > 1 or not text.strip() else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _one_line(value: object) -> str:
    """Every run of white space and control characters as one space."""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in str(value)).split())
