import numpy as np
import pytest
import torch

from roadwork.evaluate.calibration import Calibration
from roadwork.evidence.deletion import withheld_margins
from roadwork.evidence.evidence import find_evidence
from roadwork.train.inference import answers, margins_of
from roadwork.views.geometry import view_names

CPU = torch.device("cpu")
CALIBRATION = Calibration(scale=8.0, threshold=-0.1)


def of(heads, table):
    return find_evidence(heads, table, CALIBRATION, hide_metadata=True, device=CPU)


def parts(head, table):
    """One head's margins, withheld margins, gates and own margins of the views."""
    found = answers(head, table, batch_size=256, device=CPU)
    own, margins = found.view_margins.numpy(), margins_of(found.image_only)
    return margins, withheld_margins(head, table, margins, ~np.isnan(own), hide_metadata=True, device=CPU), found, own


def test_one_head(make_head, table):
    head = make_head(1)
    margins, withheld, found, own = parts(head, table)
    evidence = of([head], table)
    assert np.array_equal(evidence.probabilities, CALIBRATION.probabilities(margins))
    expected = CALIBRATION.probabilities(margins)[:, None] - CALIBRATION.probabilities(withheld)
    assert evidence.deletions == pytest.approx(expected, abs=1e-7)
    assert np.abs(evidence.deletions).max() > 0.01
    assert np.array_equal(evidence.gates, found.gates.numpy())
    assert np.array_equal(evidence.kept, (~np.isnan(own)).astype(np.float32))
    assert np.array_equal(evidence.logits, own, equal_nan=True)
    dropped = evidence.kept == 0
    assert (evidence.deletions[dropped] == 0).all()
    assert (evidence.gates[dropped] == 0).all()


def test_several_heads_are_averaged_before_calibration(make_head, table):
    heads = [make_head(seed) for seed in (1, 2, 3)]
    margins, withheld, found, own = (list(column) for column in zip(*(parts(h, table) for h in heads), strict=True))
    evidence = of(heads, table)
    whole = CALIBRATION.probabilities(np.mean(margins, axis=0))
    assert evidence.probabilities == pytest.approx(whole, abs=1e-9)
    expected = whole[:, None] - CALIBRATION.probabilities(np.mean(withheld, axis=0))
    assert evidence.deletions == pytest.approx(expected, abs=1e-6)
    assert evidence.gates == pytest.approx(np.mean([each.gates.numpy() for each in found], axis=0), abs=1e-6)
    keepers = (~np.isnan(own)).sum(axis=0)
    assert evidence.kept == pytest.approx(keepers / 3, abs=1e-6)
    assert 0 < (keepers == 0).sum() < keepers.size
    assert {1, 2, 3} <= set(keepers.ravel().tolist())
    for image, view in np.argwhere(keepers > 0).tolist():
        says = [each[image, view] for each in own if not np.isnan(each[image, view])]
        assert evidence.logits[image, view] == pytest.approx(np.mean(says), abs=1e-5)
    assert np.array_equal(np.isnan(evidence.logits), keepers == 0)


def test_images_do_not_influence_each_other(make_head, table):
    heads = [make_head(1), make_head(2)]
    together, alone = of(heads, table), of(heads, table.rows([4]))
    assert alone.deletions[0] == pytest.approx(together.deletions[4], abs=1e-6)
    assert alone.probabilities[0] == pytest.approx(together.probabilities[4], abs=1e-6)


def test_the_views_of_one_photograph(make_head, table):
    evidence, names = of([make_head(1)], table), view_names(3)
    views = evidence.views(2, names)
    assert [view.name for view in views] == list(names)
    assert [view.deletion for view in views] == evidence.deletions[2].tolist()
    assert [view.logit is None for view in views] == (evidence.kept[2] == 0).tolist()
    assert all(type(value) is float for view in views for value in (view.gate, view.kept, view.deletion))


def test_names_of_another_geometry_are_a_bug(make_head, table):
    with pytest.raises(ValueError, match="zip"):
        of([make_head(1)], table).views(0, view_names(2))
