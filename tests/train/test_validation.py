import pytest

from roadwork.errors import SplitError
from roadwork.train.pretrain import fresh_head
from roadwork.train.validation import require_both_classes, validate


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
