from pathlib import Path

import pytest

from roadwork.data.images import Images
from roadwork.data.probe import probe_photograph
from roadwork.data.record import Record


@pytest.fixture
def images(tmp_path):
    (tmp_path / "data" / "draft").mkdir(parents=True)
    return Images(tmp_path / "data" / "draft", tmp_path / "data" / "images", tmp_path / "data")


def test_bytes_are_kept_under_their_digest(images, photograph):
    content = photograph(1, form="PNG")
    probe = probe_photograph(content, 10**6)
    assert images.path_of(Record("a", "a", None, content), probe, "") == f"images/{probe.image_id}.png"
    assert (images.draft / f"{probe.image_id}.png").read_bytes() == content


def test_a_file_of_an_earlier_run_is_used_again_if_it_is_whole(images, photograph):
    content = photograph(1)
    probe = probe_photograph(content, 10**6)
    name = f"{probe.image_id}.jpg"
    images.final.mkdir()
    (images.final / name).write_bytes(content)
    images.path_of(Record("a", "a", None, content), probe, "")
    assert (images.draft / name).samefile(images.final / name)
    (images.draft / name).unlink()
    (images.final / name).write_bytes(content[:-1])
    images.path_of(Record("a", "a", None, content), probe, "")
    assert (images.draft / name).read_bytes() == content
    assert not (images.draft / name).samefile(images.final / name)


def test_files_keep_their_place(images, photograph):
    probe = probe_photograph(photograph(1), 10**6)
    drawn = Record("a", "0.jpg", images.draft / "0.jpg", None)
    assert images.path_of(drawn, probe, "0.jpg") == "images/0.jpg"
    assert images.path_of(Record("a", "b.jpg", Path("photos/b.jpg"), None), probe, "b.jpg") == "b.jpg"
