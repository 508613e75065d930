"""Which block of the embedding cache holds which rows: every block's ids are read once, however often it is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from roadwork.embed.cache_block import SUFFIX, DamagedBlockError, read_block, read_block_ids
from roadwork.errors import StoreError
from roadwork.progress import note

_Signature = tuple[int, int, int]


class CacheIndex:
    """The blocks in a fingerprint's `folder`, as far as `refresh` has seen them.

    Blocks never change, so what was read or verified once stays so while the file is the same (size, times, inode).
    Damage that doesn't show there is noticed by `read`, which verifies each time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged_blocks = 0
        self._ids: dict[str, list[str]] = {}  # by the block's name
        self._holders: dict[str, list[str]] = {}  # by image id, the names of the blocks that claim to hold its row
        self._intact: set[str] = set()
        self._seen: dict[str, _Signature] = {}  # of every block that was looked at, also of those that can't be read

    def refresh(self) -> None:
        """Take notice of blocks that have come or gone. Raises StoreError where the folder can't be read."""
        try:
            present = dict(_signatures(self.folder))
        except OSError as error:
            raise StoreError(
                f"the embedding cache can't be read: {error.strerror or error}",
                where=str(self.folder),
                fix="mend the permissions, or set ROADWORK_CACHE to another folder",
            ) from error
        for name in [name for name, signature in self._seen.items() if present.get(name) != signature]:
            self._forget(name)
        for name in sorted(present.keys() - self._seen.keys()):
            self._seen[name] = present[name]
            try:
                self._know(name, read_block_ids(self.folder / name))
            except (DamagedBlockError, OSError) as fault:
                self._refuse(name, fault)

    def add(self, path: Path, image_ids: Sequence[str]) -> None:
        """Know of the block `path` that this process has just written."""
        self._forget(path.name)
        self._seen[path.name] = _signature(path.stat())
        self._know(path.name, list(image_ids))
        self._intact.add(path.name)

    def holds(self, image_id: str) -> bool:
        """Whether a verified block has the image's row."""
        return any(
            name in self._intact or self.read(name) is not None for name in tuple(self._holders.get(image_id, ()))
        )

    def blocks(self) -> Iterator[tuple[str, list[str]]]:
        """Every block's name with its image ids, in the order of the names."""
        yield from sorted(self._ids.items())

    def read(self, name: str, *, shape: tuple[int, ...] | None = None) -> NDArray[np.float16] | None:
        """The rows `[image view dim]` of a block, verified; None where it is damaged, or its rows aren't of `shape`."""
        try:
            embeddings = read_block(self.folder / name)[1]
            if shape is not None and embeddings.shape[1:] != shape:
                raise DamagedBlockError(f"its rows are {embeddings.shape[1:]}, those of the blocks before it {shape}")
        except (DamagedBlockError, OSError) as fault:
            self._refuse(name, fault)
            return None
        self._intact.add(name)
        return embeddings

    def _know(self, name: str, ids: list[str]) -> None:
        self._ids[name] = ids
        for image_id in ids:
            self._holders.setdefault(image_id, []).append(name)

    def _forget(self, name: str) -> None:
        """Have never seen the block."""
        self._seen.pop(name, None)
        self._intact.discard(name)
        for image_id in self._ids.pop(name, ()):
            self._holders[image_id].remove(name)

    def _pass_over(self, name: str, signature: _Signature | None) -> None:
        """Don't look at the block again while it stays as it is."""
        if signature is not None:
            self._seen[name] = signature

    def _refuse(self, name: str, fault: DamagedBlockError | OSError) -> None:
        """Count the block's rows as missing; what is damaged is set aside, what can't be read stays where it is."""
        signature = self._seen.get(name)
        self._forget(name)
        if isinstance(fault, FileNotFoundError):  # cleared, or set aside by another process, since the listing
            return
        self.damaged_blocks += 1
        path = self.folder / name
        if isinstance(fault, OSError):
            self._pass_over(name, signature)
            note(f"WARNING: cache block {path} can't be read ({fault.strerror or fault}).")
            note("  Its rows are computed again. Check its permissions and the disk.")
            return
        note(f"WARNING: cache block {path} is damaged ({fault}).")
        try:
            aside = _set_aside(path)
        except OSError as error:
            self._pass_over(name, signature)
            note(f"  It can't be set aside ({error.strerror or error}); its rows are computed again.")
            return
        if aside is not None:
            note(f"  It was set aside as {aside.name}; its rows are computed again. Check the disk if this recurs.")


def _signatures(folder: Path) -> Iterator[tuple[str, _Signature]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX) and not entry.name.startswith("."):
                    try:
                        yield entry.name, _signature(entry.stat(follow_symlinks=False))
                    except FileNotFoundError:
                        continue
    except FileNotFoundError:  # the folder was deleted: it holds nothing
        return


def _signature(state: os.stat_result) -> _Signature:
    return state.st_size, state.st_mtime_ns, state.st_ino


def _set_aside(path: Path) -> Path | None:
    """Rename `path` to `*.damaged`; the new path, or None where another process was faster."""
    aside = path.with_name(f"{path.name}.damaged")
    if aside.exists():
        aside = path.with_name(f"{path.name}.{uuid4().hex[:8]}.damaged")
    try:
        os.replace(path, aside)
    except FileNotFoundError:
        return None
    return aside
