from dataclasses import replace

import pytest

from roadwork.bundle.card import model_card
from roadwork.bundle.description import Member
from roadwork.embed.backbone_config import BackboneConfig

MEMBERS = (Member(fold=2, inner_val_mcc=0.75), Member(fold=0, inner_val_mcc=0.5))
IDENTITY = {"weights_digest": "a1b2", "pool": "cls", "precision": "bf16"}

TITLES = (
    "Intended use", "Not to be used", "Scores", "Calibration", "Data", "Backbone and licence", "How to use it",
    "How to verify it",
)  # fmt: skip


def backbone(name="vit_tiny_patch16_224", weights="pretrained"):
    return BackboneConfig(name=name, weights=weights, weights_sha256=None, kwargs={}, pool="cls", precision="auto")


def row(mcc, interval=(0.7, 0.9), **changes):
    found = {"n": 40, "blocks": 12}
    for name in ("mcc", "auroc", "f1", "ece", "brier"):
        found |= {name: 0.25, f"{name}_ci95": interval and list(interval)}
    return found | {"mcc": mcc} | changes


def card(facts, config=None, **changes):
    metrics = {"test_image_only": row(0.8125), "oof": row(0.5625, **changes)}
    return model_card(MEMBERS, config or backbone(), IDENTITY, metrics, facts)


def section(text, title):
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_scores_stand_with_intervals_and_the_model_they_are_of(facts):
    scores = section(card(facts), "Scores")
    assert (
        "| test, image only | the pretrained head, before fine-tuning | 0.812 [0.70, 0.90] | 0.250 [0.70, 0.90] |"
        in scores
    )
    assert (
        "| out-of-fold, image only | fine-tuned heads, each on the fold it never saw | 0.562 [0.70, 0.90] |" in scores
    )
    assert "95 % interval" in scores
    assert "adapted to the test distribution" in scores
    assert "not scored here" in scores
    assert "| 2 | 0.750 |" in scores


def test_a_score_without_interval_or_value_is_shown_as_such(facts):
    scores = section(card(facts, mcc_ci95=None, auroc=None), "Scores")
    assert "| 0.562 | – | 0.250 [0.70, 0.90] |" in scores


def test_another_confidence_finds_its_intervals(facts):
    metrics = {"oof": {key.replace("ci95", "ci90"): value for key, value in row(0.5).items()}}
    text = model_card(MEMBERS, backbone(), IDENTITY, metrics, replace(facts, confidence=0.9))
    assert "0.500 [0.70, 0.90]" in text
    assert "90 % interval" in text


def test_a_row_that_nobody_explained_is_a_bug(facts):
    with pytest.raises(KeyError):
        model_card(MEMBERS, backbone(), IDENTITY, {"something": row(0.5)}, facts)


def test_data_divisions_and_digests_are_told(facts):
    data = section(card(facts), "Data")
    assert "| train | 10 | 4 | 5 | 1 |" in data
    assert "No photographs of `train` or `val` are of a sequence or place that `test` has" in data
    assert "transductive" in data
    assert f"| manifest | `{'e' * 64}` |" in data
    assert "gps, weather" in data
    told = section(card(replace(facts, shared_images=1, transductive=False)), "Data")
    assert "1 photograph of `train` or `val` is of a sequence or place" in told
    assert "transductive" not in told


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("natix", "natix-network-org/roadwork"),
        ("roadwork_coco", "Carnegie Mellon University"),
        ("sample", "draws itself"),
        ("folder", "whoever trained this bundle"),
        ("dashcam of 2024", "whoever trained this bundle"),
    ],
)
def test_every_source_has_its_terms(facts, source, words):
    data = section(card(replace(facts, sources=(source,))), "Data")
    assert words in data
    assert f"`{source}`" in data
    assert ("follows them" in data) == (source in ("natix", "roadwork_coco"))


def test_use_limits_calibration_and_verification_are_told(facts):
    text = card(facts)
    assert "with a person or a further check" in section(text, "Intended use")
    assert "free of roadwork" in section(text, "Not to be used")
    assert "| hidden | 2.0000 | 0.2500 |" in section(text, "Calibration")
    assert "roadwork predict" in section(text, "How to use it")
    assert "sha256sum" in section(text, "How to verify it")
    assert "{{" not in text
    assert "{%" not in text


def test_only_what_is_known_of_the_calibration_is_said(facts):
    calibration = section(card(facts), "Calibration")
    assert "slightly cautious" not in calibration
    assert "fitted on margins of single members" in calibration
    assert "ECE and Brier in the table above say" in calibration


def test_where_the_holdout_score_and_the_baselines_stand_is_said(facts):
    scores = section(card(facts), "Scores")
    assert "**Not in this card**: the ensemble's score on holdout" in scores
    assert "`metrics/evaluate.json`" in scores
    assert "`reports/index.html`" in scores
    assert "or without a single error" in scores


def test_tables_are_not_broken_by_blank_lines(facts):
    lines = card(facts).splitlines()
    headers = [i for i, line in enumerate(lines) if line.startswith("|---")]
    assert len(headers) == 5
    for header in headers:
        assert lines[header - 1].startswith("| ")
        assert lines[header + 1].startswith("| ")
        assert lines[header - 1].count("|") == lines[header].count("|") == lines[header + 1].count("|")


def test_headings_stand_free_and_lines_end_clean(facts):
    for config in (backbone(), backbone(weights="random"), backbone(weights="/a/file.pth")):
        for licence in ("mit", None):
            text = card(replace(facts, licence=licence), config)
            assert "\n\n\n" not in text
            assert all(f"\n\n## {title}" in text for title in TITLES)
            assert all(line == line.rstrip() for line in text.splitlines())
            assert text.endswith("same.\n")


def test_untrained_features_are_said_loudly(facts):
    assert "features are untrained" in card(facts, backbone(weights="random"))
    assert "features are untrained" not in card(facts)


@pytest.mark.parametrize(
    ("weights", "licence", "words"),
    [
        ("pretrained", "dinov3-license", "They come under Meta's **DINOv3 License**"),
        ("pretrained", "apache-2.0", "They come under the **Apache License 2.0**"),
        ("pretrained", "bsd-3-clause", "They come under `bsd-3-clause`"),
        ("pretrained", None, "timm names no licence"),
        ("/a/file.pth", "dinov3-license", "The published weights of this model come under Meta's"),
        ("random", "dinov3-license", "Random weights are under no licence. The pretrained ones"),
        ("random", None, "Random weights are under no licence."),
    ],
)
def test_the_backbones_licence_is_named(facts, weights, licence, words):
    text = section(card(replace(facts, licence=licence), backbone(weights=weights)), "Backbone and licence")
    assert words in text
    assert "`a1b2`" in text
    assert "None" not in text


def test_a_path_on_the_makers_machine_stays_out(facts):
    text = card(facts, backbone(weights="/home/someone/weights.safetensors"))
    assert "someone" not in text
    assert "from a local file" in text


def test_equal_runs_give_equal_cards(facts):
    assert card(facts) == card(facts)
