"""Files below a root, in a folder or in an object store, and their names on the way to another process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from roadwork.storage.place import Place, reopened


def below(root: Place, *names: str) -> Place:
    """The file that `names` lead to from `root`.

    In an object store a name that begins with a slash, climbs with `..` or is a URL leads nowhere: the answer is
    `root` itself, which is no file.
    """
    if isinstance(root, Path):
        return root.joinpath(*names)
    parts = [part for name in names for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or any(name.startswith("/") or "://" in name for name in names):
        return root
    return root.joinpath(*parts) if parts else root


def told(place: Place) -> list[str]:
    """`place` as texts, for another process: the path of a file, or bucket and name of an object."""
    if isinstance(place, Path):
        return [str(place)]
    scheme, _, rest = str(place).partition("://")
    bucket, _, name = rest.partition("/")
    return [f"{scheme}://{bucket}", name]


def heard(texts: list[str]) -> Place:
    """The place that `told` gave as `texts`. An object's name isn't read as a URL: it may hold `#` and `?`."""
    return Path(texts[0]) if len(texts) == 1 else _bucket(texts[0]) / texts[1]


@lru_cache(maxsize=16)
def _bucket(url: str) -> Place:
    return reopened(url)
