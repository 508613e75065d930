import numpy as np
import pytest
import torch

from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.leak_audit import FIELDS, leak_audit
from roadwork.evaluate.scorecard import labelled

CONFIG = EvaluateConfig(resamples=100, confidence=0.9, neighbours=(1,), regularisation=(0.1, 1.0))


@pytest.fixture
def audit(table, metadata_config):
    """Weather is the label itself; a sentence stands with every image of roadwork and no other; scene is at random."""
    labels = table.labels
    text = torch.zeros(len(labels), 3)
    text[labels == 1] = torch.tensor([0.6, 0.8, 0.0])
    scene = torch.from_numpy(np.random.default_rng(0).integers(0, 3, len(labels)))
    given = table.metadata._replace(text=text, scene=scene)
    parts = {split: labelled(table, split) for split in ("train", "val", "test")}
    parts = {
        split: part.__class__(**(vars(part) | {"metadata": given.index(torch.from_numpy(table.split == split))}))
        for split, part in parts.items()
    }
    return leak_audit(parts, metadata_config, CONFIG, Resampling(100, 0.9, 1))


def test_every_field_is_audited_whether_the_head_uses_it_or_not(audit):
    assert tuple(audit) == FIELDS
    assert set(audit["gps"]["alone"]) == {"mcc", "mcc_ci90", "n"}


def test_a_description_that_is_the_label_is_found_by_its_being_there(audit):
    assert audit["text"]["null"]["roadwork"] == audit["text"]["known"]["none"] == 0
    assert audit["text"]["known"]["roadwork"] > 0
    assert audit["text"]["alone"]["mcc"] == 1


def test_values_are_counted_by_label(audit, table):
    fitted = table.labels[torch.from_numpy(table.split != "holdout")]
    none, roadwork = int((fitted == 0).sum()), int((fitted == 1).sum())
    assert audit["weather"]["values"] == {"a": {"roadwork": 0, "none": none}, "b": {"roadwork": roadwork, "none": 0}}
    assert audit["weather"]["alone"]["mcc"] == 1
    scene = audit["scene"]
    for label, total in (("roadwork", roadwork), ("none", none)):
        assert sum(counts[label] for counts in scene["values"].values()) == scene["known"][label]
        assert scene["known"][label] + scene["null"][label] == total


def test_fields_that_say_nothing_score_about_nothing(audit):
    assert audit["gps"]["known"] == {"roadwork": 0, "none": 0}
    assert audit["gps"]["alone"]["mcc"] == 0
    assert abs(audit["scene"]["alone"]["mcc"]) < 0.6
