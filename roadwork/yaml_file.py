"""A YAML file as plain values, whatever lies at its path: bounded, and with one message for what can't be read."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from roadwork.errors import ParameterError
from roadwork.masking import holds_secret

MOST_BYTES = 256 * 1024
"""The committed file has 8 KiB; reading takes seconds per MiB."""
MOST_VALUES = 100_000
"""With every alias counted as often as it is used: a few lines of aliases of aliases can stand for billions."""
MOST_DIGITS = 18
"""2**63 has 19; no parameter comes near."""

# What the reader raises for a text that is no YAML, beside its own errors: `0o9`, `!!int x`, a tag on the wrong kind
# of value, thousands of brackets.
_FAULTS = (ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, RecursionError, OverflowError)


def read_yaml(path: Path) -> Any:
    """The one document in the file: mappings with text keys, lists, texts, numbers, booleans and nulls (YAML 1.2).

    Raises ParameterError for a file that is missing, too large, no UTF-8, no YAML, or holds anything else.
    """
    return deepcopy(_values(_text(path), path))


@lru_cache(maxsize=2)
def _values(text: str, path: Path) -> Any:
    """What `text`, which stands in `path`, says; a stage reads each of its sections from the same text."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        values = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, *_FAULTS) as error:
        why = str(error) if isinstance(error, YAMLError) else f"{type(error).__name__} {str(error)[:200]}"
        raise ParameterError(f"not readable as YAML: {why}", where=str(path), fix="mend the syntax") from error
    _check(values, path)
    return values


def _text(path: Path) -> str:
    if not path.is_file():
        what = "a folder lies where the parameter file should be" if path.is_dir() else "there is no parameter file"
        raise ParameterError(what, where=str(path), fix="run this in the project's folder, or pass --params FILE")
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise ParameterError(
            f"the parameter file can't be read: {error.strerror or error}", where=str(path), fix="make it readable"
        ) from error
    if len(content) > MOST_BYTES:
        raise ParameterError(
            "this is no parameter file: it is too large",
            where=str(path),
            rule=f"at most {MOST_BYTES // 1024} KiB",
            fix="pass the right one with --params FILE",
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParameterError(
            f"not readable as YAML: it isn't UTF-8 ({error})", where=str(path), fix="save it as UTF-8"
        ) from error


def _check(values: Any, path: Path) -> None:
    """Walk through all values, aliases as often as they are used, and stop at the first that no parameter can be."""
    count, left = 0, [("", values)]
    while left:
        name, value = left.pop()
        count += 1
        if count > MOST_VALUES:
            raise ParameterError(
                "the parameter file stands for too many values",
                where=str(path),
                rule=f"at most {MOST_VALUES:,}, with each alias counted as often as it is used",
                fix="write out what the aliases stand for",
            )
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, str):
                    raise _unusable(path, name, f"has the key {key!r:.60}", "put quotes around it: keys are texts")
            left += [(f"{name}.{key}" if name else key, inner) for key, inner in value.items()]
        elif isinstance(value, list):
            left += [(f"{name}.{index}", inner) for index, inner in enumerate(value)]
        elif isinstance(value, str):
            try:
                value.encode("utf-8")
            except UnicodeEncodeError:
                raise _unusable(path, name, f"is {value!r:.60}", "write whole characters") from None
            if holds_secret(value):
                raise ParameterError(
                    f"`{name}` holds a password or an access token",
                    where=f"{path}: {name}",
                    rule="parameters are committed, and shown in reports",
                    fix="take it out, and revoke it if it was ever committed; log in with the tool's own means",
                )
        elif isinstance(value, int):
            if abs(value) >= 10**MOST_DIGITS and name != "seed" and not name.endswith(".seed"):
                raise _unusable(path, name, "is a number too large for any parameter", "write a smaller one")
        elif value is not None and not isinstance(value, float):
            raise _unusable(path, name, f"is a {type(value).__name__}", "put quotes around it where a text is meant")


def _unusable(path: Path, name: str, what: str, fix: str) -> ParameterError:
    shown = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return ParameterError(
        f"`{shown}` {what}" if shown else f"the file {what}",
        where=f"{path}: {shown}" if shown else str(path),
        rule="mappings with text keys, lists, texts, numbers, true, false and null",
        fix=fix,
    )
