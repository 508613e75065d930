import dataclasses

import numpy as np
import pytest
import torch
from sklearn.metrics import matthews_corrcoef

from roadwork.config import parse_section, read_params
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.leak_audit import FIELDS, leak_audit

SPLITS = ("train", "val", "test")


@pytest.fixture
def config(request):
    params = request.config.rootpath / "params.yaml"
    changes = {"resamples": 100, "confidence": 0.9, "regularisation": [0.1, 1.0], "leak_mcc": 0.5}
    return parse_section({**read_params(params)["evaluate"], **changes}, "evaluate", EvaluateConfig, where=params)


@pytest.fixture
def leaky(table):
    """Weather is the label itself; a sentence stands with every image of roadwork and no other; scene is at random."""
    labels = table.labels
    text = torch.zeros(len(labels), 3)
    text[labels == 1] = torch.tensor([0.6, 0.8, 0.0])
    scene = torch.from_numpy(np.random.default_rng(0).integers(0, 3, len(labels)))
    return dataclasses.replace(table, metadata=table.metadata._replace(text=text, scene=scene))


@pytest.fixture
def run(metadata_config, config):
    def call(table, *, metadata=metadata_config, seed=1):
        parts = {split: table.rows((table.split == split) & (table.labels.numpy() >= 0)) for split in SPLITS}
        return leak_audit(parts, metadata, config, Resampling(100, 0.9, 1), seed=seed)

    return call


def test_every_field_is_audited_whether_the_head_uses_it_or_not(run, leaky):
    audit = run(leaky)
    assert set(audit) == {"flagged", "leak_mcc", "label_entropy", "fields"}
    assert tuple(audit["fields"]) == FIELDS == ("gps", "weather", "daytime", "scene", "text")
    assert [field for field in FIELDS if audit["fields"][field]["used"]] == ["gps", "weather"]
    keys = {"used", "null", "known", "mutual_information", "alone", "null_alone", "flagged", "null_flagged"}
    for field, row in audit["fields"].items():
        assert set(row) - {"values"} == keys
        assert ("values" in row) == (field in ("weather", "daytime", "scene"))
        assert set(row["alone"]) == set(row["null_alone"]) == {"mcc", "mcc_ci90", "n"}
        assert row["alone"]["n"] == 114


def test_a_description_that_is_the_label_is_flagged_for_being_there(run, leaky):
    audit = run(leaky)
    text = audit["fields"]["text"]
    assert text["null"]["roadwork"] == text["known"]["none"] == 0
    assert text["known"]["roadwork"] > 0
    assert text["alone"]["mcc"] == text["null_alone"]["mcc"] == 1
    assert text["alone"]["mcc_ci90"] is None, "without an error there is nothing to resample"
    assert (text["flagged"], text["null_flagged"]) == (True, True)


def test_a_value_that_is_the_label_is_flagged_and_its_being_there_is_not(run, leaky):
    weather = run(leaky)["fields"]["weather"]
    assert weather["alone"]["mcc"] == 1
    assert weather["null_alone"]["mcc"] == 0  # always known
    assert (weather["flagged"], weather["null_flagged"]) == (True, False)


def test_flagged_lists_what_reaches_the_limit(run, leaky):
    assert run(leaky)["flagged"] == ["weather", "text", "text_null"]


def test_values_are_counted_by_label(run, leaky):
    fields = run(leaky)["fields"]
    counted = leaky.labels[torch.from_numpy(leaky.split != "holdout")]
    none, roadwork = int((counted == 0).sum()), int((counted == 1).sum())
    assert fields["weather"]["values"] == {
        "a": {"roadwork": 0, "none": none}, "b": {"roadwork": roadwork, "none": 0},
    }  # fmt: skip
    scene = fields["scene"]
    for label, total in (("roadwork", roadwork), ("none", none)):
        assert sum(counts[label] for counts in scene["values"].values()) == scene["known"][label]
        assert scene["known"][label] + scene["null"][label] == total


def test_mutual_information_by_the_formula(run, leaky):
    audit = run(leaky)
    share = leaky.labels[torch.from_numpy(leaky.split != "holdout")].double().mean().item()
    entropy = -share * np.log2(share) - (1 - share) * np.log2(1 - share)
    assert audit["label_entropy"] == pytest.approx(entropy, abs=1e-6)
    fields = audit["fields"]
    assert fields["text"]["mutual_information"] == {"null": pytest.approx(entropy, abs=1e-6), "value": None}
    assert fields["weather"]["mutual_information"] == {"null": 0, "value": pytest.approx(entropy, abs=1e-6)}
    assert fields["daytime"]["mutual_information"] == {"null": 0, "value": None}  # never known
    assert fields["gps"]["mutual_information"] == {"null": 0, "value": None}

    table = np.array([[scene["roadwork"], scene["none"]] for scene in fields["scene"]["values"].values()], float)
    both = table / table.sum()
    apart = both.sum(1, keepdims=True) * both.sum(0, keepdims=True)
    told = (both * np.log2(both / apart)).sum()
    assert fields["scene"]["mutual_information"]["value"] == pytest.approx(told, abs=1e-6)


def test_fields_that_say_nothing_score_about_nothing(run, leaky):
    fields = run(leaky)["fields"]
    assert fields["gps"]["known"] == {"roadwork": 0, "none": 0}
    assert fields["gps"]["alone"]["mcc"] == 0
    assert abs(fields["scene"]["alone"]["mcc"]) < 0.3
    assert not fields["scene"]["flagged"]


def test_the_mcc_of_being_known_is_that_of_the_table(run, leaky):
    """Known for most of one class: the decision is 'known', in whichever direction the class leans."""
    rng = np.random.default_rng(3)
    labels = leaky.labels.numpy()
    for lean in (labels, 1 - labels):
        known = rng.random(len(labels)) < np.where(lean == 1, 0.95, 0.05)
        metadata = leaky.metadata._replace(gps_present=torch.from_numpy(known))
        counted = leaky.split != "holdout"
        found = run(dataclasses.replace(leaky, metadata=metadata))["fields"]["gps"]
        expected = abs(matthews_corrcoef(labels[counted], known[counted]))
        assert found["null_alone"]["mcc"] == pytest.approx(expected, abs=1e-6)
        assert found["null_flagged"]


def test_roadwork_in_one_city_and_none_in_another_is_a_leak_of_gps(run, leaky):
    rng = np.random.default_rng(4)
    labels = leaky.labels.numpy()
    gps = np.where(labels[:, None] == 1, (48.1, 11.6), (53.5, 10.0)) + rng.normal(0, 0.05, (len(labels), 2))
    metadata = leaky.metadata._replace(
        gps_deg=torch.from_numpy(gps.astype(np.float32)), gps_present=torch.ones(len(labels), dtype=torch.bool)
    )
    audit = run(dataclasses.replace(leaky, metadata=metadata))
    assert audit["fields"]["gps"]["alone"]["mcc"] > 0.95
    assert audit["flagged"] == ["gps", "weather", "text", "text_null"]


def test_a_place_learned_by_heart_is_no_leak(run, leaky):
    """Every block has a place and a label of its own: only the same place tells it, and that is never seen twice."""
    block_label = np.random.default_rng(5).integers(0, 2, leaky.block.max() + 1)
    place = np.random.default_rng(6).uniform(-60, 60, (leaky.block.max() + 1, 2))
    labels = block_label[leaky.block]
    table = dataclasses.replace(
        leaky,
        labels=torch.from_numpy(labels),
        metadata=leaky.metadata._replace(
            gps_deg=torch.from_numpy(place[leaky.block].astype(np.float32)),
            gps_present=torch.ones(len(labels), dtype=torch.bool),
        ),
    )
    assert abs(run(table)["fields"]["gps"]["alone"]["mcc"]) < 0.4


def test_a_class_of_one_block_is_not_measurable(run, leaky):
    table = dataclasses.replace(leaky, block=leaky.labels.numpy().astype(np.int32))
    audit = run(table)
    assert audit["flagged"] == []
    assert audit["fields"]["text"]["alone"] == {"mcc": None, "mcc_ci90": None, "n": 114}


def test_the_same_seed_gives_the_same_audit(run, leaky):
    assert run(leaky, seed=3) == run(leaky, seed=3)
