"""Where files lie: a folder of this machine, or an object store that a URL names."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

from roadwork.errors import CapabilityError, ParameterError

if TYPE_CHECKING:
    from upath import UPath

Place: TypeAlias = "Path | UPath"
"""A local path, or an object store's; both join with `/`, and have `name` and `parent`."""

PACKAGES = {"s3": ("s3fs", "s3"), "gs": ("gcsfs", "gs"), "az": ("adlfs", "azure")}
"""By scheme, the package that fsspec speaks it with, and the extra that brings it."""

_CONNECT_S, _ANSWER_S = 10, 60
_OPTIONS: dict[str, dict[str, Any]] = {
    # What a listing tells is never older than the question: other machines write here too.
    "s3": {
        "use_listings_cache": False,
        "config_kwargs": {
            "connect_timeout": _CONNECT_S,
            "read_timeout": _ANSWER_S,
            "retries": {"mode": "standard", "total_max_attempts": 1},  # `patience` has its own
            "max_pool_connections": 64,
        },
    },
    "gs": {"use_listings_cache": False},
    "az": {"use_listings_cache": False},
}


def place_of(text: str, *, parameter: str) -> Place:
    """The place that a person named: `s3://`, `gs://` and `az://` URLs, `file://` URLs and paths (`~` is expanded).

    Nothing is asked of it yet. Credentials come by their usual means: the store's own environment variables, profiles
    and instance roles. Raises ParameterError, naming `parameter`, for any other scheme and for a URL that names no
    bucket or holds a user or a question mark; CapabilityError where the package for its scheme isn't installed.
    """
    if "://" not in text:
        return _local(text, parameter)
    url = urlsplit(text)
    if url.scheme == "file":
        if url.netloc not in ("", "localhost"):
            raise ParameterError(
                f"{text} names the machine {url.netloc}",
                where=parameter,
                rule="a file:// URL has three slashes: file:///folder",
                fix="correct it, or mount that machine's folder",
            )
        return _local(unquote(url.path), parameter)
    if url.scheme not in PACKAGES:
        known = ", ".join(f"{name}://" for name in ("file", *PACKAGES))
        raise ParameterError(
            f"{url.scheme}:// is no store that roadwork knows", where=parameter, rule=f"a folder, or one of {known}"
        )
    if not url.netloc or "@" in url.netloc or url.query or url.fragment:
        raise ParameterError(
            "the URL names no bucket, or more than a bucket and a folder",
            where=parameter,
            rule=f"{url.scheme}://bucket/folder, without user, password or ?: credentials are never written here",
            fix="give credentials by the store's own variables, profiles or instance roles",
        )
    return _remote(f"{url.scheme}{text[len(url.scheme) :]}", url.scheme, parameter)


def is_remote(place: Place) -> bool:
    """Whether `place` is an object store's."""
    return not isinstance(place, Path)


def reopened(text: str) -> Place:
    """The place whose `str` is `text`, on another machine say."""
    return place_of(text, parameter=text)


def _local(text: str, parameter: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ParameterError(
            f"it is {text!r}, and this machine knows no such home",
            where=parameter,
            rule="a folder, or a URL",
            fix="correct it",
        ) from error


def _remote(text: str, scheme: str, parameter: str) -> UPath:
    package, extra = PACKAGES[scheme]
    if find_spec(package) is None:
        raise CapabilityError(
            f"{scheme}:// needs the package {package}, which isn't installed",
            where=parameter,
            rule="each kind of object store has its package",
            fix=f"pip install 'roadwork[{extra}]', or, in a checkout, pip install -e '.[{extra}]'",
        )
    from upath import UPath  # fsspec, which nobody needs whose files lie on this machine

    return UPath(text.rstrip("/"), **_OPTIONS.get(scheme, {}))
