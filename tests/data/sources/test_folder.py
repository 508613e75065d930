import pandas as pd
import pytest

from roadwork.data.sources.folder import read_folder
from roadwork.errors import DataError


def put(root, *names):
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


def test_class_folders_give_labels_in_a_fixed_order(tmp_path):
    put(tmp_path, "no_roadwork/b.JPG", "no_roadwork/a.png", "Roadwork/deep/er/c.jpg", "roadwork.txt")
    put(tmp_path, "no_roadwork/notes.txt", "no_roadwork/.hidden.jpg", "licences/LICENCE")
    source = read_folder(tmp_path)
    records = list(source.records)
    assert [(record.place, record.fields["label"]) for record in records] == [
        ("Roadwork/deep/er/c.jpg", 1),
        ("no_roadwork/a.png", 0),
        ("no_roadwork/b.JPG", 0),
        ("no_roadwork/notes.txt", 0),
    ]
    assert (source.root, source.count) == (tmp_path, 4)
    assert records[0].file == tmp_path / "Roadwork/deep/er/c.jpg"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("point_at_it", [True, False])
def test_a_table(tmp_path, suffix, point_at_it):
    put(tmp_path, "in/a.jpg", "in/b.jpg", "spare.JPEG", "notes.txt")
    frame = pd.DataFrame(
        {"path": ["in/b.jpg", "in/a.jpg"], "label": ["0", "1"], "city": "x", "width_px": "9", "group": "g"}
    )
    table = tmp_path / f"t.{suffix}"
    frame.to_csv(table, index=False) if suffix == "csv" else frame.to_parquet(table)
    source = read_folder(table if point_at_it else tmp_path)
    records = list(source.records)
    first = 2 if suffix == "csv" else 1
    assert [record.place for record in records] == [f"t.{suffix} row {first}", f"t.{suffix} row {first + 1}"]
    assert [record.file for record in records] == [tmp_path / "in/b.jpg", tmp_path / "in/a.jpg"]
    assert records[0].fields == {"label": "0", "group": "g"}
    assert source.unlisted == 1
    assert source.ignored_columns == ("city",)


def test_a_table_beside_class_folders_counts(tmp_path):
    put(tmp_path, "roadwork/a.jpg", "no_roadwork/b.jpg")
    (tmp_path / "t.csv").write_text("path,label\nroadwork/a.jpg,0\n")
    [record] = read_folder(tmp_path).records
    assert record.fields == {"label": "0"}


def test_paths_that_are_bytes_are_read_as_utf8(tmp_path):
    put(tmp_path, "straße.jpg")
    pd.DataFrame({"path": ["straße.jpg".encode()], "label": [1]}).to_parquet(tmp_path / "t.parquet")
    [record] = read_folder(tmp_path).records
    assert record.file == tmp_path / "straße.jpg"


@pytest.mark.parametrize(("link", "to"), [("roadwork/alias", "no_roadwork/city"), ("roadwork/loop", ".")])
def test_a_link_that_makes_a_file_a_member_of_both_classes_is_an_error(tmp_path, link, to):
    put(tmp_path, "roadwork/a.jpg", "no_roadwork/city/b.jpg")
    (tmp_path / link).symlink_to(tmp_path / to)
    fails(tmp_path, "one file, through a link")


def fails(path, told):
    with pytest.raises(DataError, match=told) as caught:
        read_folder(path)
    assert caught.value.where
    assert caught.value.fix or caught.value.rule
    return caught.value


def test_source_faults(tmp_path):
    fails(tmp_path / "nowhere", "nothing at this path")
    (tmp_path / "empty").mkdir()
    put(tmp_path / "empty", ".DS_Store")
    fails(tmp_path / "empty", "the folder is empty")
    put(tmp_path, "a.txt")
    assert ".csv" in fails(tmp_path / "a.txt", "not a table").fix
    put(tmp_path / "text", "roadwork/.gitkeep", "readme.txt")
    fails(tmp_path / "text", "no photographs")
    put(tmp_path / "many", "a.csv", "b.parquet")
    assert "a.csv, b.parquet" in str(fails(tmp_path / "many", "2 tables"))


def test_images_outside_the_class_folders(tmp_path):
    put(tmp_path, "roadwork/a.jpg", "no_roadwork/b.jpg", "maybe/c.jpg", "d.PNG")
    error = fails(tmp_path, r"outside the class folders: maybe/, d\.PNG")
    assert "roadwork/ or no_roadwork/" in error.rule


def test_table_faults(tmp_path):
    (tmp_path / "t.csv").write_text("path,lable\na.jpg,1\n")
    assert fails(tmp_path, "column `label` is missing").fix == "rename `lable` to `label`"
    (tmp_path / "t.csv").write_text("path,label\n")
    fails(tmp_path, "the table has no rows")
    (tmp_path / "t.csv").write_text("")
    fails(tmp_path, "column `path` is missing")


def test_a_row_without_path_is_a_record_without_name(tmp_path):
    (tmp_path / "t.csv").write_text("path,label\n,1\n")
    [record] = read_folder(tmp_path).records
    assert (record.place, record.name) == ("t.csv row 2", "")
