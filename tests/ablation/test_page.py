import pytest

from roadwork.ablation.page import HARMS, HELPS, OPEN, page, verdict
from roadwork.ablation.table import table


def line(text, start):
    return next(line for line in text.splitlines() if line.startswith(start))


def test_rows_are_sorted_from_the_largest_loss_to_the_largest_gain(ablation):
    text = page(ablation)
    titles = ["**full head**", "without the pyramid", "without the gate", "without metadata"]
    places = [text.index(f"| {title} |") for title in titles]
    assert places == sorted(places)


def test_a_row_holds_its_numbers(ablation):
    row = line(page(ablation), "| without the pyramid | 0")
    assert row == (
        "| without the pyramid | 0.500 ± 0.030 | −0.100 | [−0.200, −0.010] | 31 % | 0.900 ± 0.010 | 0.500 "
        "| 1,234,567 | 11.3 | 0.50 | – |"
    )


def test_what_is_said_of_the_blocks_comes_from_the_numbers(ablation):
    text = page(ablation)
    assert line(text, "- Shown to help") == "- Shown to help: the pyramid."
    assert line(text, "- **Not shown") == (
        "- **Not shown to matter**: the description, the gate, fine-tuning. Each stays switchable in `params.yaml`."
    )
    assert line(text, "- Shown to harm") == "- Shown to harm: metadata."
    assert "- Pruning that keeps all 12, instead: worse than the full head." in text
    for row in ablation["rows"][1:]:
        row["difference"] |= {"mcc_ci95": [-0.1, 0.1]}
    text = page(ablation)
    assert line(text, "- Shown to help") == "- Shown to help: nothing."
    assert "- Pruning that keeps all 12, instead: no difference shown." in text


@pytest.mark.parametrize(
    ("interval", "by_seed", "expected"),
    [
        ([-0.2, -0.1], [-0.1, -0.2], HELPS),
        ([-0.2, -0.1], [-0.4, 0.1], OPEN),
        ([-0.2, 0.0], [-0.1, -0.2], OPEN),
        ([0.0, 0.0], [0.0, 0.0], OPEN),
        ([0.1, 0.2], [0.1, 0.2], HARMS),
        ([0.1, 0.2], [0.1, -0.2], OPEN),
        (None, [-0.1, -0.2], OPEN),
    ],
)
def test_verdict(interval, by_seed, expected):
    assert verdict({"mcc": 0.1, "mcc_by_seed": by_seed, "mcc_ci95": interval}, "mcc_ci95") == expected


def test_no_difference_is_no_verdict():
    assert verdict(None, "mcc_ci95") == OPEN


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"weights": "random"}, ["Untrained features (`backbone.weights: random`): this"]),
        ({"source": "sample"}, ["Drawn scenes (`ingest.source: sample`): this"]),
        ({"weights": "random", "source": "sample"}, ["`backbone.weights: random`) and drawn scenes"]),
    ],
)
def test_untrained_features_and_drawn_scenes_say_nothing_about_roadwork(data, words, ablation):
    ablation["data"] |= data
    text = page(ablation)
    assert "nothing about roadwork" in text.split("## How")[0].replace("\n> ", " ")
    assert all(word in text for word in words)
    assert "Anything about roadwork, as said above" in text


def test_real_features_of_real_photographs_get_no_such_warning(ablation):
    assert "nothing about roadwork" not in page(ablation)
    assert "as said above" not in page(ablation)


def test_what_is_missing_or_was_skipped_is_said(ablation):
    text = page(ablation)
    assert "Missing" not in text
    assert "Not run" not in text
    ablation["missing"] = [{"name": "no_gate", "seed": 2}, {"name": "no_gate", "seed": 3}]
    ablation["skipped"] = [{"name": "keep_12", "title": "pruning that keeps all 12", "reason": "already so: keep=12"}]
    ablation["rows"][1]["seeds"] = 1
    text = page(ablation)
    assert "**Missing**, because the experiment failed: no_gate with seed 2, no_gate with seed 3." in text
    assert "pruning that keeps all 12 (already so: keep=12)." in text
    assert "| without the gate (1 of 3 seeds) |" in text
    assert "missing: no_gate with seed 2" in table(ablation)


def test_fine_tuning_has_its_own_table_or_none(ablation):
    assert "| without fine-tuning | 0.630 ± – | −0.020 | [−0.060, +0.020] | 31 % |" in page(ablation)
    assert "**fine-tuned** (2 of 3 seeds)" in page(ablation)
    ablation["finetuning"] = None
    assert "Fine-tuning is measured" not in page(ablation)


def test_another_confidence_has_another_key(ablation):
    ablation["confidence"] = 0.9
    for difference in [row["difference"] for row in ablation["rows"][1:]] + [ablation["finetuning"]["difference"]]:
        difference["mcc_ci90"] = difference.pop("mcc_ci95")
    text = page(ablation)
    assert "| 90 % interval |" in text
    assert "about one interval of 90 % in 10" in text
    assert "−0.100" in table(ablation).replace("-", "−")


def test_the_table_for_a_terminal(ablation):
    lines = table(ablation).splitlines()
    assert lines[0].split() == ["full", "head", "0.600", "±", "0.030"]
    assert lines[1].split("  ")[0] == "without the pyramid"
    assert lines[1].endswith("-0.100  [-0.200, -0.010]  helps")
    assert lines[-1].endswith("-0.020  [-0.060, +0.020]  not shown to matter")
    assert "±   –" in lines[-1]
