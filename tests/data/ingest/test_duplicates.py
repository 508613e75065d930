"""The same photograph more than once: within a split, across splits, with contradicting labels."""

import pytest

from roadwork.errors import DataError, SplitError


def test_a_rejected_row_s_photograph_may_come_again(run, table, put):
    table(count=39, extra=["x.jpg,7,,,,,", "x.jpg,1,,,,,"])
    put("x.jpg", 950)
    result = run(max_reject_fraction=0.1)
    assert result.manifest.frame["path"].tolist()[-1] == "x.jpg"
    assert [reject.column for reject in result.rejects] == ["label"]


def test_the_same_photograph_twice_in_one_split_is_one_image(run, table, put, tmp_path, capsys, rejects):
    put("x.jpg", 900)
    put("again.jpg", 900)
    put("third.jpg", 900)
    table(extra=["x.jpg,1,test,,,,", "again.jpg,1,test,,,,", "third.jpg,0,,,,,"])
    result = run(max_reject_fraction=0.1)
    assert result.manifest.frame["path"].tolist()[-1] == "x.jpg"
    assert len(result.manifest) == 41
    assert [row["rule"] for row in rejects()] == [
        "duplicate of: t.csv row 42",
        "duplicate of: t.csv row 42, which has label 1",
    ]
    assert result.metrics["duplicates"] == {"within_splits": 2, "across_splits": 0, "conflicting_labels": 1}
    told = "t.csv row 44 (no split, label 0) was dropped for t.csv row 42 (test, label 1)"
    assert told in capsys.readouterr().err


def test_a_row_with_a_split_goes_before_one_without(run, table, put):
    put("x.jpg", 900)
    put("again.jpg", 900)
    table(extra=["x.jpg,1,,,,,", "again.jpg,1,test,,,,"])
    frame = run(max_reject_fraction=0.1).manifest.frame
    assert frame.loc[40, ["path", "split"]].tolist() == ["again.jpg", "test"]


def test_the_same_photograph_in_two_splits_is_an_error(run, table, put, tmp_path, rejects):
    for name in ("x.jpg", "again.jpg", "third.jpg"):
        put(name, 900)
    table(extra=["x.jpg,1,train,,,,", "again.jpg,0,test,,,,", "third.jpg,1,val,,,,"])
    with pytest.raises(SplitError) as caught:
        run(max_reject_fraction=0)
    error = caught.value
    assert error.what == (
        "t.csv row 42 (train, label 1) is the same photograph as t.csv row 43 (test, label 0) "
        "(such rows: 2; with another label: 2)"
    )
    assert str(tmp_path / "data" / "rejects.csv") in error.where
    assert "can't be tested on" in error.rule
    assert "ingest.allow_duplicates" in error.fix
    assert [(row["file"], row["rule"]) for row in rejects()] == [
        ("t.csv row 42", "duplicate in another split: t.csv row 43, which is in test and has label 0"),
        ("t.csv row 44", "duplicate in another split: t.csv row 43, which is in test and has label 0"),
    ]


def test_allowed_duplicates_stay_where_they_are_scored_and_are_no_bad_rows(run, table, put, tmp_path, capsys, rejects):
    splits = {"a.jpg": "train", "b.jpg": "holdout", "c.jpg": "test", "d.jpg": "val", "e.jpg": "train"}
    for name in splits:
        put(name, 900 if name < "d.jpg" else 901)
    table(extra=[f"{name},1,{split},50,8,," for name, split in splits.items()])
    result = run(allow_duplicates=True, max_reject_fraction=0)
    kept = result.manifest.frame.iloc[40:]
    assert kept[["path", "split"]].to_numpy().tolist() == [["b.jpg", "holdout"], ["d.jpg", "val"]]
    assert result.metrics["duplicates"] == {"within_splits": 0, "across_splits": 3, "conflicting_labels": 0}
    assert (result.metrics["rows"], result.metrics["accepted"], result.metrics["rejected"]) == (45, 42, 3)
    assert result.metrics["rejects_by_rule"] == {"path: duplicate in another split": 3}
    assert result.metrics["nulls"]["latitude_deg"] == 40
    assert [row["file"] for row in rejects()] == ["t.csv row 42", "t.csv row 44", "t.csv row 46"]
    assert "3 rows dropped whose photograph another split has too" in capsys.readouterr().err


def test_other_faults_still_count_where_duplicates_are_allowed(run, table, put):
    put("x.jpg", 900)
    put("again.jpg", 900)
    table(extra=["x.jpg,1,train,,,,", "again.jpg,1,test,,,,", "gone.jpg,1,,,,,"])
    with pytest.raises(DataError, match=r"1 of 43 rows are bad .* \(1×\) path: the file must exist"):
        run(allow_duplicates=True, max_reject_fraction=0)
    assert len(run(allow_duplicates=True, max_reject_fraction=0.03).manifest) == 41


def test_what_a_dropped_row_says_is_not_counted(run, table, put, gps_exif):
    put("x.jpg", 900, exif=gps_exif())
    put("again.jpg", 900, exif=gps_exif())
    table(extra=["x.jpg,1,train,,,Hazy,", "again.jpg,1,test,,,Dusty,"])
    metrics = run(allow_duplicates=True).metrics
    assert metrics["unknown_values"]["weather"] == {"Dusty": 1}
    assert metrics["gps_from_exif"] == 1
