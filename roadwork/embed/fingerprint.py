"""What an image embedding depends on, beside the photograph's own bytes.

Batch size, device, number of workers and compilation are absent: they may change the speed, never the features.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from roadwork.views.decode import DECODER_VERSION
from roadwork.views.geometry import ViewsConfig


class Identified(Protocol):
    """Anything that tells all that its vectors depend on, as JSON-able values."""

    @property
    def identity(self) -> dict[str, Any]:
        """Name, arguments, digest of the weights, pooling, precision and whatever else changes a vector."""
        ...


@dataclass(frozen=True)
class Fingerprint:
    """Named facts and their digest; equal facts give equal keys on every machine."""

    fields: Mapping[str, Any]

    @property
    def key(self) -> str:
        """sha256 (hex) over the facts as canonical JSON: sorted keys, no spaces, ASCII, NaN refused."""
        text = json.dumps(self.fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def feature_fingerprint(backbone: Identified, views: ViewsConfig) -> Fingerprint:
    """The fingerprint of features that `backbone` gives for `views` cut by this version of the decoder."""
    return Fingerprint(
        {"backbone": backbone.identity, "views": views.model_dump(mode="json"), "decoder": DECODER_VERSION}
    )
