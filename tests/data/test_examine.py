import hashlib

import pytest

from roadwork.data.examine import INSIDE_RULE, TEXT_RULE, examine
from roadwork.data.left_out import LeftOut
from roadwork.data.probe import probe_photograph
from roadwork.data.record import Record


def probe(source, size_bytes=None):
    return probe_photograph(source, 10**6)


@pytest.fixture
def root(tmp_path, photograph):
    (tmp_path / "source" / "in").mkdir(parents=True)
    (tmp_path / "source" / "in" / "a.jpg").write_bytes(photograph(1))
    (tmp_path / "outside.jpg").write_bytes(photograph(2))
    return tmp_path / "source"


def record(root, name, **fields):
    return Record("t.csv row 2", name, root / name, None, fields)


def test_a_good_record(root, photograph):
    found = examine(record(root, "in/a.jpg", label=1), root, probe, LeftOut())
    assert found.rejects == ()
    assert (found.path, found.row.label, found.probe.width_px) == ("in/a.jpg", 1, 64)
    assert examine(record(root, str(root / "in" / "a.jpg"), label=1), root, probe, LeftOut()).path == "in/a.jpg"
    assert examine(record(root, "in/../in/./a.jpg", label=1), root, probe, LeftOut()).path == "in/a.jpg"
    assert examine(Record("p", "x", None, photograph(3), {}), root, probe, LeftOut()).path == ""


@pytest.mark.parametrize("name", ["../outside.jpg", "in/../../outside.jpg", "/etc/hostname", "."])
def test_a_path_out_of_the_source(root, name):
    found = examine(record(root, name, label=1), root, probe, LeftOut())
    [reject] = found.rejects
    assert (reject.file, reject.column, reject.value, reject.rule) == ("t.csv row 2", "path", name, INSIDE_RULE)
    assert found.probe is None


@pytest.mark.parametrize("name", ["a\0b.jpg", "caf\udce9.jpg"])
def test_a_path_that_is_no_text(root, name):
    [reject] = examine(record(root, name, label=1), root, probe, LeftOut()).rejects
    assert (reject.column, reject.value, reject.rule) == ("path", name, TEXT_RULE)


def test_a_parent_folder_is_taken_by_name_as_the_manifest_has_it(root, photograph):
    (root.parent / "other" / "deep").mkdir(parents=True)
    (root.parent / "other" / "a.jpg").write_bytes(photograph(5))
    (root / "a.jpg").write_bytes(photograph(6))
    (root / "link").symlink_to(root.parent / "other" / "deep")
    found = examine(record(root, "link/../a.jpg", label=1), root, probe, LeftOut())
    assert (found.path, found.probe.image_id) == ("a.jpg", hashlib.sha256(photograph(6)).hexdigest())


def test_a_link_inside_may_lead_elsewhere(root):
    (root / "link.jpg").symlink_to(root.parent / "outside.jpg")
    assert examine(record(root, "link.jpg", label=0), root, probe, LeftOut()).rejects == ()


def test_no_path(root):
    [reject] = examine(record(root, "", label=1), root, probe, LeftOut()).rejects
    assert (reject.column, reject.rule) == ("path", "the path of the photograph is given")


def test_faults_of_fields_and_photograph_are_told_together(root):
    (root / "empty.jpg").touch()
    rejects = examine(
        record(root, "empty.jpg", label=3, latitude_deg=91, longitude_deg=0), root, probe, LeftOut()
    ).rejects
    assert [reject.column for reject in rejects] == ["label", "latitude_deg", "path"]


def test_a_given_image_id_must_be_the_file_s(root, photograph):
    right = hashlib.sha256(photograph(1)).hexdigest()
    assert examine(record(root, "in/a.jpg", image_id=right), root, probe, LeftOut()).rejects == ()
    [reject] = examine(record(root, "in/a.jpg", image_id="0" * 64), root, probe, LeftOut()).rejects
    assert (reject.column, reject.value) == ("image_id", "0" * 64)
