"""Which block of the embedding cache holds which rows: every block's ids are read once, however often it is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from roadwork.embed.cache_block import SUFFIX, DamagedBlockError, read_block, read_block_ids, read_rows, row_shape
from roadwork.errors import StoreError
from roadwork.progress import note

_Signature = tuple[int, int, int]


class CacheIndex:
    """The blocks in a fingerprint's `folder`, as far as `refresh` has seen them.

    Blocks never change, so what was read or verified once stays so while the file is the same (size, times, inode).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged_blocks = 0
        self._ids: dict[str, dict[str, int]] = {}  # by the block's name, the row of each image id
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
        self._know(path.name, image_ids)

    def holds(self, image_id: str) -> bool:
        """Whether a verified block has the image's row."""
        return self.place(image_id) is not None

    def place(self, image_id: str) -> tuple[str, int] | None:
        """The verified block that has the image's row, and the row; of several the first by name."""
        for name in sorted(self._holders.get(image_id, ())):
            if name in self._intact or self._verify(name):
                return name, self._ids[name][image_id]
        return None

    def shape(self, name: str) -> tuple[int, int] | None:
        """View and dim of the block's rows; None where it is damaged."""
        try:
            return row_shape(self.folder / name)
        except (DamagedBlockError, OSError) as fault:
            self._refuse(name, fault)
            return None

    def copy(self, name: str, places: Mapping[int, int], into: NDArray[np.float16]) -> bool:
        """Copy rows of a verified block to their `places` in `into`; false where it isn't the verified one any more.

        Also where its rows aren't of `into`'s shape: it then counts as damaged.
        """
        try:
            if _signature(read_rows(self.folder / name, places, into)) == self._seen.get(name):
                return True
            self._forget(name)  # to be looked at as if it were new
        except (DamagedBlockError, OSError) as fault:
            self._refuse(name, fault)
        return False

    def _verify(self, name: str) -> bool:
        try:
            read_block(self.folder / name)
        except (DamagedBlockError, OSError) as fault:
            self._refuse(name, fault)
            return False
        self._intact.add(name)
        return True

    def _know(self, name: str, ids: Sequence[str]) -> None:
        self._ids[name] = {image_id: row for row, image_id in enumerate(ids)}
        for image_id in self._ids[name]:
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
