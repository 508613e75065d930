import itertools

import pytest

from roadwork.data.duplicates import Accepted, choose, faulty_duplicate
from roadwork.data.probe import Probe
from roadwork.data.record import Record
from roadwork.data.row import Row

PROBE = Probe(image_id="a" * 64, width_px=4, height_px=3, gps_deg=None, suffix=".jpg")
ORDER = (None, "train", "val", "test", "holdout")


def accepted(place, split=None, label=1):
    return Accepted(place, f"{place}.jpg", Row(split=split, label=label), PROBE, f"{place}.jpg")


@pytest.mark.parametrize(("less", "more"), list(itertools.combinations(ORDER, 2)))
def test_the_row_that_is_scored_stays_wherever_it_stands(less, more):
    one, other = accepted("a", less), accepted("b", more)
    assert choose(one, other).kept is choose(other, one).kept is other
    assert choose(one, other).dropped is choose(other, one).dropped is one


@pytest.mark.parametrize("split", ORDER)
def test_of_one_split_the_first_stays(split):
    one, other = accepted("a", split), accepted("b", split)
    assert choose(one, other).kept is one
    assert not choose(one, other).across_splits


def test_a_row_without_split_contradicts_none():
    assert not choose(accepted("a"), accepted("b", "test")).across_splits
    assert choose(accepted("a", "train"), accepted("b", "test")).across_splits


@pytest.mark.parametrize(("labels", "conflict"), [((0, 1), True), ((1, 1), False), ((None, 1), False)])
def test_labels_conflict_only_where_both_are_known(labels, conflict):
    pair = choose(accepted("a", "val", labels[0]), accepted("b", "val", labels[1]))
    assert pair.labels_conflict is conflict


def test_the_reject_names_the_row_that_stays_and_what_it_has_other():
    def told(first, second):
        reject = choose(first, second).reject
        return reject.file, reject.column, reject.value, reject.rule

    assert told(accepted("a", "test"), accepted("b", "test")) == ("b", "path", "b.jpg", "duplicate of: a")
    assert told(accepted("a", "train", 1), accepted("b", "test", 0)) == (
        "a", "path", "a.jpg", "duplicate in another split: b, which is in test and has label 0",
    )  # fmt: skip
    assert told(accepted("a", None, None), accepted("b", None, 1))[3] == "duplicate of: a, which has no label"


def test_a_row_with_other_faults_is_told_to_be_a_duplicate_too():
    record = Record("c", "c.jpg", None, b"x")
    assert faulty_duplicate(record, None, accepted("a")).rule == "duplicate of: a"


def test_messages_have_place_split_and_label():
    assert accepted("t.csv row 3", "train", 0).described == "t.csv row 3 (train, label 0)"
    assert accepted("t.csv row 3", None, None).described == "t.csv row 3 (no split, no label)"
