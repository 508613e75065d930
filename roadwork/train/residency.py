"""Whether features are kept in memory or streamed from where they lie. Speed and memory depend on it, results don't."""

from __future__ import annotations

from pathlib import Path

import psutil

from roadwork.progress import note
from roadwork.train.config import Features

_COPIES = 2.0  # the store as read, and the rows of the splits
_SHARE = 0.8  # of what is available; the rest is the head's, its gradients' and the libraries'
_CONTAINERS = {  # limit, use and its parts, in versions 2 and 1 of Linux's control groups
    "memory.max": ("memory.current", "memory.stat"),
    "memory/memory.limit_in_bytes": ("memory/memory.usage_in_bytes", "memory/memory.stat"),
}


def kept_in_memory(size_bytes: int, features: Features, *, available_bytes: int, remote: bool = False) -> bool:
    """Whether features of `size_bytes` are read into memory as a whole; `auto` says in a note where they are not."""
    if features != "auto":
        return features == "memory"
    fits = _COPIES * size_bytes <= _SHARE * available_bytes
    if not fits:
        note(
            f"{size_bytes / 2**30:.1f} GiB of features are streamed from the {'object store' if remote else 'disk'}: "
            f"{available_bytes / 2**30:.1f} GiB of memory are available"
        )
    return fits


def available_memory(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that this process can still take: the least of what the machine, its container and its own limits leave."""
    left = [psutil.virtual_memory().available, *_left_in_container(cgroup), *_left_of_limits()]
    return max(0, min(left))


def _left_in_container(cgroup: Path) -> list[int]:
    left = []
    for limit, (used, parts) in _CONTAINERS.items():
        try:
            taken = int((cgroup / used).read_text()) - _reclaimable((cgroup / parts).read_text())
            left.append(int((cgroup / limit).read_text()) - taken)
        except (OSError, ValueError):  # no such file, or the word max
            continue
    return left


def _reclaimable(parts: str) -> int:
    """Bytes of files that are only kept because nobody needed their place yet."""
    found = dict(line.split() for line in parts.splitlines())
    return int(found.get("inactive_file", 0))


def _left_of_limits() -> list[int]:
    try:
        import resource
    except ImportError:  # not on Windows
        return []
    used = psutil.Process().memory_info()
    limits = {resource.RLIMIT_AS: used.vms, resource.RLIMIT_DATA: getattr(used, "data", used.rss)}
    soft = {which: resource.getrlimit(which)[0] for which in limits}
    return [soft[which] - taken for which, taken in limits.items() if soft[which] != resource.RLIM_INFINITY]
