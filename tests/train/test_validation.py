import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from roadwork.errors import SplitError
from roadwork.train.pretrain import fresh_head
from roadwork.train.validation import best_decision, require_both_classes, validate


def test_a_shifted_boundary_costs_nothing():
    assert best_decision([0, 0, 1, 1], [-9.0, -8.0, -5.0, -4.0]) == (1.0, -5.0)


def test_no_useful_threshold_gives_zero():
    assert best_decision([0, 0, 1, 1], [4.0, 3.0, 2.0, 1.0]).mcc == 0.0
    assert best_decision([0, 1], [0.0, 0.0]).mcc == 0.0


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=30))
def test_agrees_with_scikit_learn_at_every_threshold(rows):
    labels, margins = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    best = best_decision(labels, margins)
    reachable = [matthews_corrcoef(labels, margins >= threshold) for threshold in np.unique(margins)]
    assert best.mcc == pytest.approx(max(0.0, *reachable))
    assert matthews_corrcoef(labels, margins >= best.threshold) == pytest.approx(best.mcc)


def test_image_only_scores_do_not_depend_on_metadata(table, spec, setting):
    head = fresh_head(spec, 1)
    val = table.rows(table.split == "val")
    other = type(val)(**{**vars(val), "metadata": val.metadata._replace(gps_deg=-val.metadata.gps_deg)})
    one, two = (validate(head, part, setting.loss, batch_size=7, device=setting.device) for part in (val, other))
    assert (one.mcc_image_only, one.loss, one.gates) == (two.mcc_image_only, two.loss, two.gates)


def test_gates_are_one_number_per_view(table, spec, setting):
    checked = validate(
        fresh_head(spec, 1), table.rows(table.split == "val"), setting.loss, batch_size=16, device=setting.device
    )
    assert len(checked.gates) == spec.views
    assert all(0 <= gate <= 1 for gate in checked.gates)
    assert sum(checked.gates) <= spec.tokens


def test_one_class_is_refused_with_counts(table):
    require_both_classes(table, "split train", "")
    only = table.rows(table.labels.numpy() == 1)
    with pytest.raises(SplitError, match=r"(?s)split val: 110 images, 110 with roadwork and 0 without.*raise it"):
        require_both_classes(only, "split val", "raise it")
