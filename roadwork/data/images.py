"""`data/images/`: the photographs of a source that has no files of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from roadwork.data.probe import Probe
from roadwork.data.record import Record


@dataclass(frozen=True)
class Images:
    """A new image folder in the making.

    `draft` is where it is written, `final` where it will be published, whose content of an earlier run is reused;
    `root` is the folder that the manifest's paths are relative to.
    """

    draft: Path
    final: Path
    root: Path

    def path_of(self, record: Record, probe: Probe, path: str) -> str:
        """The manifest's path of a photograph that lies at `path` below its source's root.

        Bytes in memory are written into the draft first, under their digest; what a source drew into the draft itself
        keeps its name; any other file stays where it is.
        """
        if record.file is not None:
            drawn = isinstance(record.file, Path) and record.file.is_relative_to(self.draft)
            return self._published(path) if drawn else path
        name = f"{probe.image_id}{probe.suffix}"
        content = record.content or b""
        if not self._linked(name, content):
            (self.draft / name).write_bytes(content)
        return self._published(name)

    def _published(self, name: str) -> str:
        return (self.final / name).relative_to(self.root).as_posix()

    def _linked(self, name: str, content: bytes) -> bool:
        """Whether an earlier run left the same bytes, which then need no second copy on the disk."""
        old = self.final / name
        try:
            if old.read_bytes() != content:
                return False
            os.link(old, self.draft / name)
        except OSError:
            return False
        return True
