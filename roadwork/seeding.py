"""One seed for a run, independent streams for its parts."""

from __future__ import annotations

import hashlib


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the part called `names`, the same on every machine and for every Python.

    Streams of different names are independent (SHA-256 of seed and names), so adding a consumer of randomness never
    shifts the numbers another part sees.
    """
    text = "/".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
