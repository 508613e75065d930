"""A bound on what a process may allocate, where the system counts that."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

# What a decoder may take beyond the file itself. JPEG 2000 takes the most: up to four channels of 32 bits, twice, and
# Pillow's copy. Far above what photographs take, far below what a header that lies makes decoders ask for.
_BYTES_PER_PIXEL = 40
_SPARE_BYTES = 512 * 1024 * 1024


def bound_memory(*, pixels: int, file_bytes: int, already_bytes: int = 0) -> None:
    """Let allocations fail beyond what a photograph of so many pixels and bytes can need.

    `already_bytes` is what the process holds before it: its libraries.
    """
    if sys.platform != "linux":
        return
    most = already_bytes + _SPARE_BYTES + _BYTES_PER_PIXEL * pixels + 4 * file_bytes
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def unbound_memory() -> None:
    """Take the bound back."""
    if sys.platform == "linux":
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def data_bytes() -> int:
    """What counts against the bound of this process at the moment; 0 where the system doesn't count."""
    if sys.platform != "linux":
        return 0
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), 0)
