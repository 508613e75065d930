import pytest

from roadwork.report.scores import BASELINES, METRICS, chosen, differences, scored_rows, strongest_baseline, verdict


def test_rows_stand_in_the_order_of_what_may_be_claimed(run):
    rows = list(scored_rows(run.scorecard))
    kinds = [row.kind for row in rows]
    assert kinds[:7] == ["headline", "system", "adapted", "adapted", "adapted", "holdout", "holdout"]
    assert set(kinds[7:]) == {"baseline"}
    assert [row.title for row in rows[7:]] == [BASELINES[name][0] for name in run.scorecard["baselines"]]
    assert all(f"{name}_ci95" in row.row for row in rows for name in METRICS)


def test_a_missing_holdout_keeps_its_rows(run):
    card = {**run.scorecard, "holdout": None, "holdout_with_metadata": None}
    assert [row.row for row in scored_rows(card) if row.kind == "holdout"] == [None, None]


def test_every_baseline_and_what_metadata_and_fine_tuning_change_are_compared(run):
    titles = [line.title for line in differences(run.scorecard)]
    assert titles[-2:] == ["with metadata − image only", "fine-tuned − not, out-of-fold"]
    assert len(titles) == len(run.scorecard["baselines"]) + 2


def test_the_strongest_baseline_is_the_first_of_the_highest_that_see_photographs_only():
    rows = {
        "metadata_only": {"mcc": 0.9},
        "majority": {"mcc": 0.0},
        "nearest_neighbours": {"mcc": 0.5},
        "attention_mil": {"mcc": 0.5},
    }
    assert strongest_baseline({"baselines": rows}) == ("nearest neighbours", rows["nearest_neighbours"])


@pytest.mark.parametrize(
    ("interval", "says"),
    [((0.1, 0.2), "above"), ((-0.2, -0.1), "below"), ((-0.1, 0.1), "open"), ((0.0, 0.1), "open"), (None, "unknown")],
)
def test_a_verdict_needs_an_interval_without_0(interval, says):
    assert verdict(interval) == says


def test_what_validation_chose_is_told_apart_from_scores(run):
    assert chosen(run.scorecard["baselines"]["linear_probe_mean"]) == {"regularisation": 0.1}
    assert chosen(run.scorecard["baselines"]["majority"]) == {}
