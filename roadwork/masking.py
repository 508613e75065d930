"""What no message may repeat: passwords inside addresses, access tokens, and the values of secret variables."""

from __future__ import annotations

import functools
import os
import re

MASK = "***"
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]*:[^/\s@]*(?=@)")
_TOKEN = re.compile(r"\b(hf_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|(AKIA|ASIA)[A-Z0-9]{16})\b")
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|ACCESS_KEY|API_KEY", re.IGNORECASE)
_SHORTEST = 8


def masked(text: str) -> str:
    """`text` with each secret in it as `***`.

    A secret is what stands between `://` and `@` of an address with a colon in it, a token of the hub, of GitHub or of
    AWS by its form, and the value of an environment variable whose name speaks of a token, key or password.
    """
    text = _TOKEN.sub(MASK, _IN_ADDRESS.sub(MASK, text))
    for name in filter(_speaks_of_a_secret, os.environ):  # values are decoded anew at each look, a million errors tell
        value = os.environ.get(name, "")
        if len(value) >= _SHORTEST:
            text = text.replace(value, MASK)
    return text


@functools.cache
def _speaks_of_a_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))


def holds_secret(text: str) -> bool:
    """Whether `text` holds an address with a password in it, or a token."""
    return bool(_IN_ADDRESS.search(text) or _TOKEN.search(text))
