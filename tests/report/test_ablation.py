import pytest

from roadwork.report.ablation import belongs, compared


@pytest.mark.parametrize(
    ("changes", "same"),
    [({}, True), ({"fingerprint": "x"}, False), ({"manifest_digest": "x"}, False), ({"source": "folder"}, True)],
)
def test_an_ablation_belongs_to_equal_features_and_manifest(run, changes, same):
    ablation = {**run.ablation, "data": {**run.ablation["data"], **changes}}
    assert belongs(ablation, run.embed_images, run.ingest) == same


def test_variants_stand_from_loss_to_gain_with_what_they_show(run):
    rows = compared(run.ablation)
    assert [(row.title, row.verdict) for row in rows] == [
        ("without the pyramid", "helps"),
        ("headwise gate", "no difference shown"),
        ("without view pruning", "not shown to matter"),
        ("without fine-tuning (out-of-fold)", "not shown to matter"),
    ]
    assert rows[0].interval == [-0.17, -0.01]


def test_without_fine_tuning_results_its_row_is_left_out(run):
    assert len(compared({**run.ablation, "finetuning": None})) == 3


def test_intervals_of_the_ablations_own_confidence_are_found(run):
    row = {**run.ablation["rows"][2]}
    row["difference"] = {"mcc": -0.1, "mcc_ci90": [-0.2, -0.05], "mcc_by_seed": [-0.1], "mcc_probability_positive": 0.0}
    ablation = {**run.ablation, "confidence": 0.9, "rows": [run.ablation["rows"][0], row], "finetuning": None}
    assert compared(ablation)[0].interval == [-0.2, -0.05]
