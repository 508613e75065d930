"""From an object store the manifest is that of the same files in a folder, but for its root."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from roadwork.data.manifest import read_manifest, write_manifest
from roadwork.storage.objects import read_object, write_object
from roadwork.storage.place import place_of

GOOD = "".join(f"{'./a//' if number == 2 else 'a/'}{number}.jpg,{number % 2}\n" for number in range(8))
TABLE = f"path,label\n{GOOD}missing.jpg,1\n../a/1.jpg,1\nlarge.jpg,0\nbad.jpg,0\n".encode()


def files(photograph) -> dict[str, bytes]:
    pictures = {f"a/{number}.jpg": photograph(number) for number in range(8)}
    return {**pictures, "bad.jpg": photograph(9)[:400], "large.jpg": bytes(1_500_000), "t.csv": TABLE}


@pytest.mark.parametrize("kind", ["table", "classes"])
def test_manifest_and_rejects_are_the_folders(run, put, photograph, tmp_path: Path, kind: str) -> None:
    store = place_of(f"memory://{uuid4().hex}/archive", parameter="test")
    content = files(photograph)
    if kind == "classes":
        content = {f"{'roadwork' if i % 2 else 'no_roadwork'}/{i}.jpg": photograph(i) for i in range(8)}
    for name, each in content.items():
        put(name, each)
        write_object(store / name, each)
    options = {"max_reject_fraction": 1, "max_file_megabytes": 1}
    here = run(**options)
    rejects = (tmp_path / "data" / "rejects.csv").read_bytes()
    there = run(path=str(store), workers=3, **options)
    assert there.manifest.digest == here.manifest.digest
    assert there.metrics == here.metrics
    assert (tmp_path / "data" / "rejects.csv").read_bytes() == rejects
    assert there.manifest.root == store

    write_manifest(there.manifest, tmp_path / "manifest.parquet")
    again = read_manifest(tmp_path / "manifest.parquet")
    assert str(again.root) == str(store)
    assert again.digest == there.manifest.digest
    assert read_object(again.photograph(1)) == content[str(again.frame["path"].iloc[1])]
