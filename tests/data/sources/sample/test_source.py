from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import cast

import pytest
from PIL import ExifTags, Image, ImageOps

from roadwork.data.sources.sample.facts import plan_facts
from roadwork.data.sources.sample.source import scene_objects, write_sample
from roadwork.errors import DataError

IMAGES = 24
WIDTH = 200


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    records = list(write_sample(folder, seed=17, images=IMAGES, max_width_px=WIDTH))
    return records, plan_facts(seed=17, images=IMAGES, max_width_px=WIDTH)


def digests(records):
    return [hashlib.sha256(record.file.read_bytes()).hexdigest() for record in records]


def test_the_same_seed_gives_the_same_bytes_whatever_the_workers(drawn, tmp_path):
    records, _ = drawn
    again = list(write_sample(tmp_path, seed=17, images=IMAGES, max_width_px=WIDTH, workers=2))
    assert digests(again) == digests(records)
    assert [record.fields for record in again] == [record.fields for record in records]
    assert len(set(digests(records))) == IMAGES


def test_another_seed_gives_other_bytes(drawn, tmp_path):
    first = next(iter(write_sample(tmp_path, seed=18, images=IMAGES, max_width_px=WIDTH)))
    assert digests([first])[0] not in digests(drawn[0])


def test_records_carry_the_planned_facts(drawn):
    for record, fact in zip(*drawn, strict=True):
        assert record.content is None
        assert record.file.name == record.name == f"{fact.index:05d}.jpg"
        assert (record.fields["split"], record.fields["label"], record.fields["group"]) == (
            fact.split,
            fact.label,
            fact.group,
        )
        for field in ("weather", "daytime", "scene", "description"):
            assert (record.fields[field] is not None) == (field in fact.known)
        assert (record.fields["latitude_deg"] is not None) == (fact.gps in ("table", "both"))


def test_photographs_have_their_size_after_the_exif_turn(drawn):
    turned = 0
    for record, fact in zip(*drawn, strict=True):
        with Image.open(record.file) as image:
            assert image.getexif().get(ExifTags.Base.Orientation, 1) == fact.orientation
            turned += fact.orientation != 1
            assert ImageOps.exif_transpose(image).size == (fact.width_px, fact.height_px)
    assert turned


def test_positions_in_exif_are_where_the_facts_say(drawn):
    seen = 0
    for record, fact in zip(*drawn, strict=True):
        with Image.open(record.file) as image:
            tags = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        assert bool(tags) == (fact.gps in ("exif", "both"))
        if tags:
            seen += 1
            degrees, minutes, seconds = (float(part) for part in tags[ExifTags.GPS.GPSLatitude])
            assert degrees + minutes / 60 + seconds / 3600 == pytest.approx(fact.latitude_deg, abs=1e-6)
            west = tags[ExifTags.GPS.GPSLongitudeRef] == "W"
            assert west == (fact.longitude_deg < 0)
    assert seen


def test_boxes_lie_in_the_image_and_only_where_there_is_roadwork(drawn):
    for _, fact in zip(*drawn, strict=True):
        boxes = scene_objects(seed=17, images=IMAGES, max_width_px=WIDTH, index=fact.index)
        assert (2 <= len(boxes) <= 8) if fact.label else not boxes
        for box in boxes:
            assert 0 <= box.left_px < box.right_px <= fact.width_px
            assert 0 <= box.top_px < box.bottom_px <= fact.height_px


def test_a_sample_that_is_too_small_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(DataError, match="at least 24"):
        write_sample(tmp_path / "never", seed=1, images=5, max_width_px=WIDTH)
    assert not (tmp_path / "never").exists()


def test_a_stopped_drawing_leaves_whole_files_only(tmp_path):
    records = write_sample(tmp_path, seed=17, images=IMAGES, max_width_px=WIDTH)
    next(records)
    cast(Generator, records).close()
    for file in tmp_path.iterdir():
        with Image.open(file) as image:
            image.load()


def test_drawing_doesnt_need_torch():
    code = "import sys, roadwork.data.sources.sample.source; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


_DRAWS_AND_WAITS = """
import multiprocessing, pathlib, sys, time
from roadwork.data.sources.sample.source import write_sample
if __name__ == "__main__":
    records = write_sample(pathlib.Path(sys.argv[1]), seed=1, images=24, max_width_px=100, workers=2)
    next(records)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the states of processes from /proc")
def test_workers_end_when_their_parent_is_killed(tmp_path):
    def alive(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    script = tmp_path / "draw.py"
    script.write_text(_DRAWS_AND_WAITS)
    command = [sys.executable, str(script), str(tmp_path / "images")]
    root = str(Path(__file__).resolve().parents[4])
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root})
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert workers
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, workers))
