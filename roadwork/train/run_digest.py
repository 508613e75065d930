"""The name of a training: a digest of everything that determines its result. No torch, which takes a second to load."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import roadwork

_CODE = ("model/**/*.py", "train/**/*.py", "seeding.py", "device.py")
"""The files, below the package, whose code bears on what a training makes of its inputs."""


def run_digest(parts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over `parts` (JSON), the version of torch and the code that trains.

    `parts` are the configs, the seed, the device and the digests of data and starting weights.
    """
    package = Path(roadwork.__file__).parent
    files = sorted(file for pattern in _CODE for file in package.glob(pattern))
    code = {file.relative_to(package).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    everything = {"parts": dict(parts), "torch": version("torch"), "code": code}
    return hashlib.sha256(json.dumps(everything, sort_keys=True, allow_nan=False).encode()).hexdigest()
