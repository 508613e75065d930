"""What a feature store was made from. No time, host or duration: equal inputs on one machine give equal bytes."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from roadwork.embed.fingerprint import Fingerprint

IMAGE_LIBRARIES = ("torch", "timm", "pillow", "simplejpeg", "numpy", "zarr", "safetensors")
TEXT_LIBRARIES = ("torch", "sentence-transformers", "transformers", "numpy", "zarr")


def library_versions(names: tuple[str, ...]) -> dict[str, str]:
    """Installed versions of Python and of the distributions `names`."""
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def store_attributes(
    fingerprint: Fingerprint, *, manifest_digest: str, libraries: tuple[str, ...], source: Mapping[str, Any]
) -> dict[str, Any]:
    """The attributes of a store: `fingerprint`, `provenance`, `manifest_digest`.

    The provenance holds the fingerprint's facts, `source` (what else a reader wants to know, such as where the
    weights came from) and the library versions.
    """
    provenance = {**fingerprint.fields, **source, "libraries": library_versions(libraries)}
    return {"fingerprint": fingerprint.key, "provenance": provenance, "manifest_digest": manifest_digest}
