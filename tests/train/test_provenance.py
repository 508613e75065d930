from dataclasses import replace

import pytest

from roadwork.errors import BundleError
from roadwork.train.provenance import TrainedOn, check_trained_on


def check(found, expected):
    check_trained_on(found, expected, model="the head", where="a/head.json", fix="run it again")


def test_a_head_of_this_table_passes(table, setting):
    check(TrainedOn.from_details(setting.provenance(table)), TrainedOn.from_table(table))


@pytest.mark.parametrize(
    ("change", "name"),
    [(lambda t: {"fingerprint": "other"}, "feature fingerprint"), (lambda t: {"digest": "0" * 64}, "data digest")],
)
def test_a_head_of_another_table_is_refused(table, setting, change, name):
    details = setting.provenance(replace(table, **change(table)))
    with pytest.raises(BundleError, match=f"the head was trained on other features or data: its {name}") as caught:
        check(TrainedOn.from_details(details), TrainedOn.from_table(table))
    assert (caught.value.where, caught.value.fix) == ("a/head.json", "run it again")
    assert caught.value.rule


def test_a_head_that_does_not_tell_is_refused(table):
    with pytest.raises(BundleError, match="not recorded"):
        check(TrainedOn.from_details({}), TrainedOn.from_table(table))
