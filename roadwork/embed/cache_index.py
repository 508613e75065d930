"""Which block of the embedding cache holds which rows: every block's ids are read once, however often it is asked."""

from __future__ import annotations

from collections.abc import Sequence

from roadwork.embed.blocks import Blocks, Fault, Version
from roadwork.embed.cache_block import DamagedBlockError
from roadwork.embed.row_places import Lost
from roadwork.errors import StoreError
from roadwork.progress import note


class CacheIndex:
    """The blocks of a fingerprint, as far as `refresh` has seen them.

    Blocks never change, so what was read or verified once stays so while the version is the same.
    """

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self.damaged_blocks = 0
        self._ids: dict[str, dict[str, int]] = {}  # by the block's name, the row of each image id
        self._holders: dict[str, list[str]] = {}  # by image id, the names of the blocks that claim to hold its row
        self._intact: set[str] = set()
        self._seen: dict[str, Version] = {}  # of every block that was looked at, also of those that can't be read

    def refresh(self) -> None:
        """Take notice of blocks that have come or gone. Raises StoreError where the folder can't be read."""
        try:
            present = self._blocks.versions()
        except OSError as error:
            raise StoreError(
                f"the embedding cache can't be read: {error.strerror or error}",
                where=str(self._blocks.folder),
                fix="mend the permissions, or set ROADWORK_CACHE to another folder",
            ) from error
        for name in [name for name, version in self._seen.items() if present.get(name) != version]:
            self._forget(name)
        new = sorted(present.keys() - self._seen.keys())
        self._seen.update({name: present[name] for name in new})
        for name, ids in self._blocks.ids(new):
            if isinstance(ids, list):
                self._know(name, ids)
            else:
                self._refuse(name, ids)

    def add(self, name: str, version: Version, image_ids: Sequence[str]) -> None:
        """Know of the block `name` that this process has just written."""
        self._forget(name)
        self._seen[name] = version
        self._know(name, image_ids)

    def holds(self, image_id: str) -> bool:
        """Whether a verified block has the image's row."""
        return self.place(image_id) is not None

    def place(self, image_id: str) -> tuple[str, int] | None:
        """The verified block that has the image's row, and the row; of several the first by name."""
        for name in sorted(self._holders.get(image_id, ())):
            if name in self._intact or self._verify(name):
                return name, self._ids[name][image_id]
        return None

    def version(self, name: str) -> Version:
        """What a block that `place` named was when it was seen."""
        return self._seen[name]

    def shape(self, name: str) -> tuple[int, int] | None:
        """View and dim of the block's rows; None where it is damaged."""
        try:
            return self._blocks.shape(name)
        except (DamagedBlockError, OSError) as fault:
            self._refuse(name, fault)
            return None

    def lose(self, lost: Lost) -> None:
        """Count a block as damaged, or look at it again as if it were new, because its rows couldn't be read."""
        if lost.damage is None:
            self._forget(lost.name)
        else:
            self._refuse(lost.name, DamagedBlockError(lost.damage))

    def _verify(self, name: str) -> bool:
        try:
            self._blocks.verify(name)
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

    def _pass_over(self, name: str, version: Version | None) -> None:
        """Don't look at the block again while it stays as it is."""
        if version is not None:
            self._seen[name] = version

    def _refuse(self, name: str, fault: Fault) -> None:
        """Count the block's rows as missing; what is damaged is set aside, what can't be read stays where it is."""
        version = self._seen.get(name)
        self._forget(name)
        if isinstance(fault, FileNotFoundError):  # cleared, or set aside by another process, since the listing
            return
        self.damaged_blocks += 1
        path = self._blocks.folder / name
        if isinstance(fault, OSError):
            self._pass_over(name, version)
            note(f"WARNING: cache block {path} can't be read ({fault.strerror or fault}).")
            note("  Its rows are computed again. Check its permissions and the disk.")
            return
        note(f"WARNING: cache block {path} is damaged ({fault}).")
        try:
            aside = self._blocks.set_aside(name)
        except (OSError, StoreError) as error:
            self._pass_over(name, version)
            note(f"  It can't be set aside ({getattr(error, 'strerror', None) or error}); its rows are computed again.")
            return
        if aside is not None:
            note(f"  It was set aside as {aside}; its rows are computed again. Check the disk if this recurs.")
