"""How a process that works for another can fail it."""

from __future__ import annotations


class CrashedError(Exception):
    """The process ended without an answer; the message says how."""


class TookTooLongError(Exception):
    """It had no answer in time, and was ended."""


class BrokenWorkerError(Exception):
    """A bug in this project's own code, found in the process; the message is its traceback."""
