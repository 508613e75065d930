"""JSON objects that carry the digest of their own content, so that any change to the file is noticed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from stat import S_ISREG
from typing import Any, NoReturn

SEAL = "sha256"
"""The key under which an object carries its digest."""

LARGEST_BYTES = 16 * 1024 * 1024
"""A larger file is refused unread; what this project writes is a thousandth of it."""

DEEPEST = 50
"""Levels of lists and objects in one another; what this project writes has fewer than ten."""


def content_digest(content: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of `content` without its seal, as canonical JSON: sorted keys, no spaces, ASCII, no NaN."""
    rest = {key: value for key, value in content.items() if key != SEAL}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def seal(content: Mapping[str, Any]) -> dict[str, Any]:
    """`content` with its digest as last key; write it with `roadwork.publish.write_json`."""
    rest = {key: value for key, value in content.items() if key != SEAL}
    return rest | {SEAL: content_digest(rest)}


def is_intact(content: Mapping[str, Any]) -> bool:
    """Whether `content` carries the digest of what it holds."""
    return content.get(SEAL) == content_digest(content)


def read_bytes(path: Path) -> bytes:
    """The bytes of `path`; OSError as the system raises it, ValueError where it is no file or larger than can be."""
    status = path.stat()
    if not S_ISREG(status.st_mode):
        raise ValueError("not a regular file")
    if status.st_size > LARGEST_BYTES:
        raise ValueError(f"{status.st_size} bytes, at most {LARGEST_BYTES} are read")
    return path.read_bytes()


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in the bytes `raw`, which nobody vouches for.

    Raises ValueError, with the reason, for what is no UTF-8, no JSON, no object, nested deeper than DEEPEST, or holds
    NaN, infinity or one key twice.
    """
    try:
        content = json.loads(
            raw.decode("utf-8"), parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_unique
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    if _depth(content) > DEEPEST:
        raise ValueError("nested too deeply")
    return content


def is_as_written(raw: bytes, content: Mapping[str, Any]) -> bool:
    """Whether `raw` is byte for byte how `write_json` writes `content`.

    The seal is of the values: `1E-05` for `1e-05`, or another last digit of the same float, would get past it.
    """
    return raw == (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def parse_sealed(raw: bytes) -> dict[str, Any]:
    """The sealed object in the bytes `raw`, its seal included.

    Raises ValueError as `parse_object`, and where a byte of it was changed after it was written.
    """
    content = parse_object(raw)
    if not is_intact(content):
        raise ValueError("it was changed after it was written" if SEAL in content else "it carries no digest of itself")
    if not is_as_written(raw, content):
        raise ValueError("it was changed after it was written: the values are the same, the text isn't")
    return content


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, dict | list):
            deepest = max(deepest, depth)
            waiting += [(inner, depth + 1) for inner in (item.values() if isinstance(item, dict) else item)]
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("one key stands there twice")
    return found
