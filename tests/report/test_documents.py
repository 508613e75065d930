import copy
import re

import pytest

from roadwork.errors import DataError
from roadwork.report import documents
from roadwork.report.documents import ablation_names, checked, scorecard_names

WHOLE = {"a": {"x": 1, "y": {"b": 2}}, "rows": [{"n": 1}], "none": None}


@pytest.mark.parametrize(
    "name", ["a:any", "a.y.b", "a.*:any", "a.+:any", "rows.[*].n", "rows.[+].n", "none", "none?.n", "z?.n"]
)
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("mcc", "rows", "epochs", "share:number") for value in ("1", [], {}, True)),
        *((name, None) for name in ("rows", "epochs", "share:number", "flagged", "title")),
        *(("rows", value) for value in (1.5, float("nan"))),
        *(("flagged", value) for value in (0, "true")),
        *(("title", value) for value in (0, [])),
        *(("mcc_ci95", value) for value in (0.5, [], [0.1], [0.1, 0.2, 0.3], ["a", "b"], [None, 1], {})),
        ("mcc_ci99_9", 1),
    ],
)
def test_a_value_of_another_kind_is_named(name, value):
    key = name.partition(":")[0]
    with pytest.raises(DataError, match=rf"here has .* as `{key}`, which is a"):
        checked({key: value}, [name], where="here", fix="again")


@pytest.mark.parametrize(
    ("name", "value"),
    [("mcc", 0.5), ("mcc", None), ("mcc", 1), ("rows", 3), ("flagged", True), ("title", ""), ("mcc_ci95", [0.1, 1]),
     ("mcc_ci95", None), ("difference", {}), ("difference", None)],
)  # fmt: skip
def test_a_value_of_its_kind_passes(name, value):
    checked({name: value}, [name], where="here", fix="again")


@pytest.mark.parametrize("part", ["scorecard", "ablation", "ingest", "sampling", "pretrain", "timing", "ensemble"])
@pytest.mark.parametrize("wrong", ["a text", [], {}, {"a": 1}, ["a"]])
def test_no_number_of_a_whole_document_can_be_anything_else(run, part, wrong):
    """Each leaf that a name reaches is replaced in turn."""
    document = getattr(run, part)
    fixed = {"ingest": documents.INGEST, "sampling": documents.SAMPLING, "pretrain": documents.PRETRAIN,
             "timing": documents.TIMING, "ensemble": documents.ENSEMBLE}  # fmt: skip
    names = {"scorecard": lambda: scorecard_names(document, 3), "ablation": lambda: ablation_names(document)}
    listed = list(names[part]() if part in names else fixed[part])
    numbers = [name for name in listed if "*" not in name and "+" not in name and "?" not in name]
    for name in numbers:
        changed = copy.deepcopy(document)
        *path, last = name.split(".")
        owner = changed
        for key in path:
            owner = owner[key]
        if not isinstance(owner[last], int | float) or isinstance(owner[last], bool):
            continue
        owner[last] = wrong
        with pytest.raises(DataError, match=re.escape(last)):
            checked(changed, listed, where="here", fix="again")
