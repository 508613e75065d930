"""Waiting for an object store that refuses for a while, and telling what will never succeed."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from math import inf
from typing import TypeVar

from roadwork.errors import ParameterError, StoreError
from roadwork.progress import note
from roadwork.storage.place import Place

T = TypeVar("T")

VARIABLE = "ROADWORK_STORE_PATIENCE_S"
_PATIENCE_S = 300.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 15.0
_TOLD_AFTER_S = 10.0

_ANSWERS = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
"""What a store that is well says."""
_FORBIDDEN = (
    "NoCredentials", "PartialCredentials", "CredentialRetrieval", "ProfileNotFound", "DefaultCredentials",
    "RefreshError", "InvalidRegion", "ClientAuthentication", "TokenRetrieval", "UnauthorizedSSOToken",
)  # fmt: skip
"""How the names of errors about credentials begin."""
_CLIENTS = ("botocore", "aiobotocore", "boto3", "aiohttp", "google", "gcsfs", "azure", "adlfs", "urllib3", "requests")
"""Packages whose errors are a store's, though they are no OSError."""


def patiently(operation: Callable[[], T], place: Place, *, limit_s: float | None = None) -> T:
    """`operation()`, which asks something of `place`, again and again where the store refuses or doesn't answer.

    Pauses double from 0.2 s to 15 s, with jitter, so that many machines don't come back at once (Brooker, "Exponential
    backoff and jitter", 2015); it gives up after `limit_s` seconds, which are `patience_s()` where none are given.

    What a store says of a name (it isn't there, it is there already) passes. Raises StoreError where it refuses the
    credentials, and where patience is at its end.
    """
    began, pause_s, told = time.monotonic(), _FIRST_PAUSE_S, False
    limit_s = patience_s() if limit_s is None else limit_s
    while True:
        try:
            return operation()
        except _ANSWERS:
            raise
        except Exception as error:
            if _is_refusal(error):
                raise _refused(error, place) from error
            if not _is_fault(error):
                raise
            waited_s = time.monotonic() - began
            if waited_s >= limit_s:
                raise _exhausted(error, place, waited_s) from error
            if not told and waited_s >= _TOLD_AFTER_S:
                told = True
                note(f"{place} doesn't answer ({_words(error)}): trying on for {limit_s:.0f} s")
        time.sleep(pause_s * (0.5 + secrets.randbelow(500) / 1000))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def patience_s() -> float:
    """How long a store may refuse: 5 minutes, or `$ROADWORK_STORE_PATIENCE_S` seconds; ParameterError for no number."""
    told = os.environ.get(VARIABLE, "").strip()
    try:
        seconds = float(told or _PATIENCE_S)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < inf:
        raise ParameterError(
            f"{VARIABLE} is {told!r}",
            where=f"the environment variable {VARIABLE}",
            rule="a number of seconds, 0 or more",
            fix=f"correct {VARIABLE}, or unset it",
        )
    return seconds


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, PermissionError) or type(error).__name__.startswith(_FORBIDDEN)


def _is_fault(error: Exception) -> bool:
    return isinstance(error, OSError | TimeoutError) or type(error).__module__.partition(".")[0] in _CLIENTS


def _refused(error: Exception, place: Place) -> StoreError:
    return StoreError(
        f"the object store refuses: {_words(error)}",
        where=str(place),
        rule="credentials come from the store's own variables, profiles or instance roles",
        fix="look whether the store's own command-line tool can list, read and write there",
    )


def _exhausted(error: Exception, place: Place, waited_s: float) -> StoreError:
    return StoreError(
        f"the object store has not answered for {waited_s:.0f} s: {_words(error)}",
        where=str(place),
        rule=f"it is waited for for {patience_s():.0f} s; {VARIABLE} changes that",
        fix="run the same command again once it answers: what was finished is kept",
    )


def _words(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
