import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwork.data.row import HALF_RULE, LABEL_RULE, NULL_LABEL_RULE, TEXT_RULE, WORDS_RULE, Row, check_row
from roadwork.data.vocabulary import words


@pytest.mark.parametrize(
    ("raw", "label"),
    [(0, 0), (1, 1), ("0", 0), ("1", 1), (1.0, 1), ("1.0", 1), (True, 1), (None, None), ("", None), (math.nan, None)],
)
def test_labels(raw, label):
    row, rejects = check_row("t", {"label": raw})
    assert rejects == []
    assert row.label == label


@pytest.mark.parametrize("raw", [2, -1, "2", 0.5, "roadwork", "yes", [1]])
def test_a_label_outside_0_and_1(raw):
    row, [reject] = check_row("table.csv row 4", {"label": raw})
    assert row is None
    assert (reject.file, reject.column, reject.value, reject.rule) == ("table.csv row 4", "label", str(raw), LABEL_RULE)


def test_a_null_label_is_a_fault_in_train_only():
    _, [reject] = check_row("t", {"split": "train", "label": ""})
    assert (reject.column, reject.rule) == ("label", NULL_LABEL_RULE)
    assert check_row("t", {"split": "train"})[1] == [type(reject)("t", "label", "", NULL_LABEL_RULE)]
    for split in ("val", "test", "holdout", None):
        assert check_row("t", {"split": split, "label": None})[1] == []


def test_splits():
    assert check_row("t", {"split": " val "})[0].split == "val"
    assert check_row("t", {"split": ""})[0].split is None
    _, [reject] = check_row("t", {"split": "dev"})
    assert (reject.column, reject.value, reject.rule) == ("split", "dev", "one of train, val, test, holdout")


@pytest.mark.parametrize(
    ("fields", "position"),
    [
        ({"latitude_deg": "41.5", "longitude_deg": "-81.7"}, (41.5, -81.7)),
        ({"gps": "[41.5, -81.7]"}, (41.5, -81.7)),
        ({"gps": "[1, 2]", "latitude_deg": 3, "longitude_deg": 4}, (3.0, 4.0)),
        ({"gps": "null", "latitude_deg": "", "longitude_deg": math.nan}, None),
        ({}, None),
    ],
)
def test_positions(fields, position):
    row, rejects = check_row("t", fields)
    assert rejects == []
    assert row.position == position


@pytest.mark.parametrize(
    ("fields", "column", "value", "told"),
    [
        ({"latitude_deg": 91, "longitude_deg": 0}, "latitude_deg", "91", "-90 to 90"),
        ({"latitude_deg": 0, "longitude_deg": "181"}, "longitude_deg", "181", "-180 to 180"),
        ({"latitude_deg": 10}, "longitude_deg", "", HALF_RULE),
        ({"longitude_deg": 10, "latitude_deg": ""}, "longitude_deg", "10", HALF_RULE),
        ({"latitude_deg": "north", "longitude_deg": 0}, "latitude_deg", "north", "-90 to 90"),
        ({"gps": "[91, 0]"}, "gps", "[91, 0]", "-90 to 90"),
        ({"gps": "[1, null]"}, "gps", "[1, null]", HALF_RULE),
        ({"gps": "home"}, "gps", "home", "a position such as"),
        ({"image_id": "abc"}, "image_id", "abc", "SHA-256"),
    ],
)
def test_faulty_fields(fields, column, value, told):
    row, [reject] = check_row("t", fields)
    assert row is None
    assert (reject.column, reject.value) == (column, value)
    assert told in reject.rule


def test_every_fault_is_told():
    _, rejects = check_row("t", {"split": "dev", "label": "x", "latitude_deg": 95, "longitude_deg": 200, "gps": "?"})
    assert [reject.column for reject in rejects] == ["split", "label", "gps", "latitude_deg", "longitude_deg"]


def test_texts_and_other_columns():
    row, _ = check_row("t", {"description": "  a road ", "group": 7, "weather": ["Sunny"], "city": "x"})
    assert (row.description, row.group, row.weather) == ("a road", "7", ["Sunny"])


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.decimals()
    | st.text(max_size=40)
    | st.sampled_from(["1.0", " 1 ", "yes", "NaN", "\ud800", "[", "['a', 'b']", "1e999", "0" * 200_000])
    | st.binary(max_size=5)
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.timedeltas()
)
cells = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*Row.model_fields, "something else"]), cells, max_size=6))
def test_any_cells_give_a_row_or_rejects(fields):
    row, rejects = check_row("t", fields)
    assert (row is None) == bool(rejects)
    for reject in rejects:
        assert reject.column in Row.model_fields
        assert reject.rule
        assert len(reject.value) <= 2000
    if row is not None:
        assert row.label in (0, 1, None)
        assert row.position is None or (abs(row.position[0]) <= 90 and abs(row.position[1]) <= 180)
        for text in (row.split, row.description, row.group, row.source, row.image_id):
            assert text is None or text.encode() is not None
        for category in (row.weather, row.daytime, row.scene):
            assert all(word.encode() is not None for word in words(category))


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("description", "x" * 100_001, TEXT_RULE),
        ("description", "caf\ud800", TEXT_RULE),
        ("group", {"a": 1}, TEXT_RULE),
        ("source", 10**5000, TEXT_RULE),
        ("weather", ["a", ["b"]], WORDS_RULE),
        ("scene", nested(100_000), WORDS_RULE),
        ("daytime", b"day", WORDS_RULE),
        ("label", 10**400, LABEL_RULE),
        ("gps", nested(100_000), "a position such as [41.5, -81.7] or 41°30'0\"N 81°42'0\"W"),
        ("latitude_deg", 10**400, "a number of degrees from -90 to 90"),
    ],
    ids=map(str, range(10)),
)
def test_values_that_no_column_can_hold(column, value, rule):
    row, rejects = check_row("t", {column: value})
    assert row is None
    assert (rejects[0].column, rejects[0].rule) == (column, rule)
    assert len(rejects[0].value) <= 2000


def test_numbers_of_other_types():
    row, _ = check_row(
        "t", {"label": Decimal("1.0"), "latitude_deg": Decimal("41.5"), "longitude_deg": "-81.7", "group": 7}
    )
    assert (row.label, row.position, row.group) == (1, (41.5, -81.7), "7")
