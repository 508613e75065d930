import pandas as pd
import pytest

from roadwork.data.sources.table import is_table, open_table, require_columns
from roadwork.errors import DataError


def read_table(file):
    table = open_table(file)
    return list(table.columns), list(table.rows(table.columns))


def test_a_csv_s_values_are_texts_and_rows_count_from_the_header(tmp_path):
    file = tmp_path / "t.csv"
    file.write_bytes('\ufeffpath, label\r\na.jpg,1\r\n\r\n"b, c.jpg",\r\n'.encode())
    columns, rows = read_table(file)
    assert columns == ["path", "label"]
    assert rows == [(2, {"path": "a.jpg", "label": "1"}), (4, {"path": "b, c.jpg", "label": ""})]


def test_a_parquet_file_keeps_its_types(tmp_path):
    file = tmp_path / "t.PARQUET"
    pd.DataFrame({"path": ["a.jpg", "b.jpg"], "label": [1, None], "weather": [["Sunny"], None]}).to_parquet(file)
    columns, rows = read_table(file)
    assert columns == ["path", "label", "weather"]
    assert [number for number, _ in rows] == [1, 2]
    assert rows[0][1] == {"path": "a.jpg", "label": 1.0, "weather": ["Sunny"]}
    assert rows[1][1]["label"] is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"path,label\na.jpg,1,2\n", "row 2 has 3 values, the header 2"),
        (b"path,label\na.jpg\n", "row 2 has 1 values"),
        (b'path,label\n"a.jpg,1\n', "not readable as a table"),
        (b"path,label\n\xff\xfe,1\n", "utf-8"),
        (b"path,label,label\na,1,0\n", "`label` stands twice"),
        (b"path;label\na.jpg;1\n", "separated by semicolons"),
        (b"path\tlabel\na.jpg\t1\n", "separated by tabs"),
    ],
)
def test_an_unreadable_csv(tmp_path, content, told):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=told) as caught:
        read_table(tmp_path / "t.csv")
    assert caught.value.where.endswith("t.csv")
    assert caught.value.fix


def test_an_unreadable_parquet_file(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match="not readable as a table"):
        read_table(tmp_path / "t.parquet")


def test_a_missing_column_names_the_nearest():
    require_columns(["label", "path", "x"], ["path", "label"], "t.csv")
    with pytest.raises(DataError, match="column `label` is missing") as caught:
        require_columns(["path", "labels"], ["path", "label"], "t.csv")
    assert caught.value.where == "t.csv"
    assert caught.value.fix == "rename `labels` to `label`"
    with pytest.raises(DataError) as caught:
        require_columns(["zzz"], ["path"], "t.csv")
    assert "the table has: zzz" in caught.value.fix


def test_table_names(tmp_path):
    assert is_table(tmp_path / "a.CSV")
    assert not is_table(tmp_path / "a.json")
