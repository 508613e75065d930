import csv

from roadwork.data.rejects import Reject, write_rejects


def test_rejects_are_a_csv_of_four_columns(tmp_path):
    rejects = [Reject("a.csv row 2", "label", "a, b", "0 or 1"), Reject("b", "path", 'say "x"\n', "each once: of a")]
    write_rejects(rejects, tmp_path / "rejects.csv")
    with (tmp_path / "rejects.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["file", "column", "value", "rule"],
        ["a.csv row 2", "label", "a, b", "0 or 1"],
        ["b", "path", 'say "x"\n', "each once: of a"],
    ]


def test_no_rejects_give_the_header(tmp_path):
    write_rejects([], tmp_path / "rejects.csv")
    assert (tmp_path / "rejects.csv").read_text() == "file,column,value,rule\n"


def test_rejects_of_one_kind_differ_in_the_particulars_only():
    assert Reject("b", "path", "x", "duplicate of: a").kind == "path: duplicate of"
    assert Reject("b", "label", "2", "0 or 1").kind == "label: 0 or 1"
