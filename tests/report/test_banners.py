import json

import pytest

from roadwork.report.banners import banners_of


@pytest.fixture
def card(run):
    return json.loads(json.dumps(run.scorecard))


def test_a_flagged_field_is_named_with_how_it_leaks_and_left_out(run, card):
    found = banners_of(card, run.sections)
    assert [(leak.field, leak.by, leak.used) for leak in found.leaks] == [
        ("text", "value", True),
        ("text", "being known", True),
    ]
    assert found.leaks[0].score["mcc"] == 0.955
    assert found.kept_fields == ["gps", "weather", "daytime", "scene"]


def test_null_ness_alone_is_a_leak(run, card):
    card["leak_audit"]["fields"]["text"]["flagged"] = False
    assert [leak.by for leak in banners_of(card, run.sections).leaks] == ["being known"]


def test_without_a_flag_there_is_no_leak(run, card):
    for field in card["leak_audit"]["fields"].values():
        field["flagged"] = field["null_flagged"] = False
    found = banners_of(card, run.sections)
    assert found.leaks == []
    assert found.kept_fields == run.sections["metadata"]["fields"]


def test_copies_are_counted_across_splits_only(run, card):
    found = banners_of(card, run.sections)
    assert (found.copies, found.near_copies, found.conflicts) == (2, 1, 0)
