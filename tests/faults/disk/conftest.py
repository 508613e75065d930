"""A nursery whose processes see a disk of their own, where this machine lets one be mounted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.nursery import Nursery, Workplace
from harness.reference import Reference, Stage

_NAMESPACES = (("unshare", "--mount"), ("unshare", "--mount", "--map-root-user"))
_ROOMY_KB = 512 * 1024


@dataclass(frozen=True)
class SmallDisk:
    """A file system in memory, seen by `nursery` alone, at `folder`."""

    nursery: Nursery
    folder: Path

    def place(self, stage: Stage, reference: Reference) -> Workplace:
        """A roomy disk with the project and the cache as `stage` finds them, and nothing else."""
        self.nursery.call("umount", str(self.folder))
        self._do("mount", "-t", "tmpfs", "-o", f"size={_ROOMY_KB}k", "tmpfs", str(self.folder))
        source = reference.before(stage)
        self._do("cp", "-rp", str(source.project), str(source.cache), str(self.folder))
        return Workplace(self.folder / "project", self.folder / "cache")

    def leave_free(self, kilobytes: int) -> None:
        """Shrink the disk to what is used now and so much more."""
        script = f'used=$(df -k --output=used "{self.folder}" | tail -1); exec mount -o remount,size=$((used + '
        self._do("sh", "-c", f'{script}{kilobytes}))k "{self.folder}"')

    def make_roomy(self) -> None:
        """There is space again."""
        self._do("mount", "-o", f"remount,rw,size={_ROOMY_KB}k", str(self.folder))

    def make_read_only(self) -> None:
        """Nothing can be written, not even by root."""
        self._do("mount", "-o", "remount,ro", str(self.folder))

    def copy_out(self, target: Path) -> Workplace:
        """What is on the disk, copied to where every process sees it."""
        target.mkdir(parents=True)
        self._do("cp", "-rp", str(self.folder / "project"), str(self.folder / "cache"), str(target))
        return Workplace(target / "project", target / "cache")

    def _do(self, *command: str) -> None:
        code = self.nursery.call(*command)
        assert code == 0, f"{' '.join(command)} ended with {code}"


@pytest.fixture(scope="session")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    """A disk that can be filled and made read-only; skips where no file system can be mounted."""
    folder = tmp_path_factory.mktemp("small_disk")
    mount = ("mount", "-t", "tmpfs", "tmpfs", str(folder))
    for namespace in _NAMESPACES:
        try:
            tried = subprocess.run([*namespace, *mount], capture_output=True, check=False)
        except FileNotFoundError:
            break
        if tried.returncode == 0:
            with Nursery(tmp_path_factory.mktemp("small_disk_records"), namespace) as nursery:
                yield SmallDisk(nursery, folder)
            return
    pytest.skip("no file system can be mounted here: needs `unshare --mount`")
