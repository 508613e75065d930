"""Photographs that are left out on demand are rejects that nobody counts as bad."""

from __future__ import annotations

import csv
import hashlib

import pytest

from roadwork.data.left_out import LeftOut
from roadwork.errors import DataError


@pytest.fixture
def source(put, photograph):
    for number in range(8):
        put(f"{'roadwork' if number % 2 else 'no_roadwork'}/{number}.jpg", number)
    return {number: hashlib.sha256(photograph(number)).hexdigest() for number in range(8)}


def test_they_are_rejects_with_their_reasons(run, source, tmp_path, capsys) -> None:
    left_out = LeftOut({source[3]: "crashes", "f" * 64: "elsewhere"}, {"no_roadwork/4.jpg": "a whim"})
    result = run(left_out=left_out, max_reject_fraction=0)
    assert set(result.manifest.frame["image_id"]) == {source[number] for number in range(8) if number not in (3, 4)}
    with (tmp_path / "data" / "rejects.csv").open() as stream:
        rows = [tuple(row.values()) for row in csv.DictReader(stream)]
    assert rows == [
        ("roadwork/3.jpg", "image_id", source[3], "left out: crashes"),
        ("no_roadwork/4.jpg", "path", "no_roadwork/4.jpg", "left out: a whim"),
    ]
    assert result.metrics["rejects_by_rule"] == {"image_id: left out": 1, "path: left out": 1}
    told = capsys.readouterr().err
    assert "2 rows left out on demand" in told
    assert f"1 photographs to leave out are not in the source, such as {'f' * 64}" in told


def test_what_is_left_out_by_its_path_is_not_even_read(run, source, tmp_path) -> None:
    (tmp_path / "source" / "roadwork" / "3.jpg").write_bytes(b"no photograph")
    run(left_out=LeftOut({}, {"roadwork/3.jpg": "broken"}), max_reject_fraction=0)
    with pytest.raises(DataError, match="1 of 8 rows are bad"):
        run(left_out=LeftOut({}, {"roadwork/5.jpg": "fine"}), max_reject_fraction=0)
