import csv

import pytest

from roadwork.data.rejects import Reject, write_rejects


def test_rejects_are_a_csv_of_four_columns(tmp_path):
    rejects = [Reject("a.csv row 2", "label", "a, b", "0 or 1"), Reject("b", "path", 'say "x"\n', "each once: of a")]
    write_rejects(rejects, tmp_path / "rejects.csv")
    with (tmp_path / "rejects.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["file", "column", "value", "rule"],
        ["a.csv row 2", "label", "a, b", "0 or 1"],
        ["b", "path", 'say "x"\\n', "each once: of a"],
    ]


def test_no_rejects_give_the_header(tmp_path):
    write_rejects([], tmp_path / "rejects.csv")
    assert (tmp_path / "rejects.csv").read_text() == "file,column,value,rule\n"


def test_rejects_of_one_kind_differ_in_the_particulars_only():
    assert Reject("b", "path", "x", "duplicate of: a").kind == "path: duplicate of"
    assert Reject("b", "label", "2", "0 or 1").kind == "label: 0 or 1"


def test_one_reject_is_one_line_whatever_it_is_called(tmp_path):
    name = "a\nb.jpg,label,9,forged\r\x1b[31m\u2028\u202e caf\udce9 日本"
    write_rejects(
        [Reject(name, "path", name, "rule"), Reject("b", "path", "x" * 3_000_000, "rule")], tmp_path / "r.csv"
    )
    text = (tmp_path / "r.csv").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 3
    assert r"a\nb.jpg,label,9,forged\r\x1b[31m\u2028\u202e caf\udce9 日本" in text
    assert len(text) < 5000


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"), ("+x", "'+x"),
        ("-91.5", "-91.5"), ("+1e3", "+1e3"), ("-inf", "-inf"), ("a=b", "a=b"), ("", ""),
    ],
)  # fmt: skip
def test_a_spreadsheet_computes_nothing(tmp_path, value, cell):
    write_rejects([Reject("=t.csv row 2", "label", value, "rule")], tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="", encoding="utf-8") as stream:
        assert list(csv.reader(stream))[1] == ["'=t.csv row 2", "label", cell, "rule"]
