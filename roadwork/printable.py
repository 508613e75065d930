"""Strangers' texts on a screen or in a line of a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

# Controls, line and paragraph ends, what turns the direction of writing, and bytes that were no text.
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


def printable(text: str, *, keep: str = "") -> str:
    r"""`text` with every character that can't be seen written as an escape: `\n`, `\x1b`, `\u202e`, `\udce9`.

    So a name can't begin a new line, move the cursor, or read backwards. The characters of `keep` stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character in keep or unicodedata.category(character) not in _UNSEEN
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def beginning(value: object, *, most: int, write: Callable[[object], str] = str) -> str:
    """The first `most` characters of a value of any size and depth, as `write` (str or repr) writes it."""
    if isinstance(value, str):
        value = value[:most]
    try:
        return write(value)[:most]
    except (ValueError, RecursionError):  # an integer of thousands of digits, lists in lists in lists
        return f"a value of type {type(value).__name__} that is too large to write"
