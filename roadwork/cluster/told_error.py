"""An error as text, for the way from a node to where the run was started."""

from __future__ import annotations

import json
import socket

from roadwork import errors
from roadwork.errors import RoadworkError


def told(error: RoadworkError) -> str:
    """The error's class and its four parts, as JSON."""
    parts = {"what": error.what, "where": error.where, "rule": error.rule, "fix": error.fix}
    return json.dumps({"kind": type(error).__name__, **parts})


def as_error(text: str) -> RoadworkError:
    """The error that `told` made `text` of."""
    parts = json.loads(text)
    kind = getattr(errors, parts.pop("kind"), RoadworkError)
    return kind(parts.pop("what"), **parts)


def node_name() -> str:
    """What people call the machine that this runs on."""
    return f"node {socket.gethostname()}"
