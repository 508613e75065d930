import re

import pytest

from roadwork.errors import DataError
from roadwork.report.documents import ablation_names, checked, scorecard_names

WHOLE = {"a": {"x": 1, "y": {"b": 2}}, "rows": [{"n": 1}], "none": None}


@pytest.mark.parametrize("name", ["a", "a.y.b", "a.*", "a.+", "rows.[*].n", "rows.[+].n", "none", "none?.n", "z?.n"])
def test_what_is_there_passes(name):
    assert checked(WHOLE, [name], where="here", fix="again") is WHOLE


@pytest.mark.parametrize(
    ("document", "name", "lacking"),
    [
        (WHOLE, "a.z", "a.z"),
        (WHOLE, "a.x.n", "a.x.n"),
        (WHOLE, "a.*.b", "a.x.b"),
        (WHOLE, "a.[*]", "a.[*]"),
        (WHOLE, "rows.*", "rows.*"),
        (WHOLE, "rows.[*].m", "rows.0.m"),
        (WHOLE, "none.n", "none.n"),
        ({"rows": []}, "rows.[+].n", "rows.[+]"),
        ({"a": {}}, "a.+", "a.+"),
        ([], "a", "a"),
        (WHOLE, "a?.z", "a.z"),
        ([], "a?.b", "a"),
    ],
)
def test_what_is_not_there_is_named(document, name, lacking):
    with pytest.raises(DataError, match=rf"(?s)here lacks `{re.escape(lacking)}`.*where: here.*fix: again"):
        checked(document, [name], where="here", fix="again")


def leaves(names):
    return {name.split(".")[-1] for name in names}


def test_intervals_are_looked_for_at_the_documents_own_confidence():
    assert {"mcc_ci95", "brier_ci95"} <= leaves(scorecard_names({"confidence": 0.95}, 3))
    assert "mcc_ci90" in leaves(ablation_names({"confidence": 0.9}))
    assert "confidence as a number" in set(scorecard_names({"confidence": None}, 3))


def test_every_view_of_the_grid_is_looked_for():
    assert {"views.tile_2_2.gate", "views.right.kept"} <= set(scorecard_names({}, 2))
    assert "views.tile_3_3.gate" not in set(scorecard_names({}, 2))


@pytest.mark.parametrize(
    ("part", "unshown"),
    [("scorecard", {"made_from", "head_sha256"}), ("ablation", {"resamples", "threads_per_job"})],
)
def test_a_whole_document_lacks_nothing_and_each_of_its_parts_is_missed(run, part, unshown):
    document = getattr(run, part)
    names = list(scorecard_names(document, 3) if part == "scorecard" else ablation_names(document))
    checked(document, names, where="here", fix="")
    for key in document.keys() - unshown:
        with pytest.raises(DataError, match=key):
            checked({name: value for name, value in document.items() if name != key}, names, where="here", fix="")
