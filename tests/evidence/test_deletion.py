import numpy as np
import pytest
import torch

from roadwork.evidence import deletion
from roadwork.evidence.deletion import withheld_margins
from roadwork.train.inference import answers, margins_of

CPU = torch.device("cpu")


def asked(head, table, *, hide=True):
    """Margins with all views, which views are kept, and the margins with each withheld."""
    found = answers(head, table, batch_size=4, device=CPU)
    margins, kept = margins_of(found.logits(hide_metadata=hide)), ~torch.isnan(found.view_margins).numpy()
    return margins, kept, withheld_margins(head, table, margins, kept, hide_metadata=hide, device=CPU)


def by_hand(head, table, image, view):
    """The margin of one image when the head is run on the other views."""
    others = torch.tensor([[other for other in range(12) if other != view]])
    with torch.no_grad():
        logits = head(
            table.embeddings.tensor[image : image + 1, others[0]].float(), table.rows([image]).metadata, others
        ).logits
    return float(logits[0, 1] - logits[0, 0])


@pytest.mark.parametrize("changes", [{}, {"keep": 12}, {"enabled": False}])
def test_each_margin_is_the_heads_on_the_other_views(make_head, table, changes):
    head = make_head(1, **changes)
    _, _, found = asked(head, table)
    expected = [[by_hand(head, table, image, view) for view in range(12)] for image in range(len(table))]
    assert found == pytest.approx(np.array(expected), abs=1e-5)


def test_a_dropped_view_costs_no_pass_and_changes_nothing(make_head, table):
    head, passed = make_head(1), []
    head.register_forward_hook(lambda module, given, output: passed.append(given[0].shape))
    margins, kept, found = asked(head, table)
    assert kept.sum() == 9 * 8
    assert np.array_equal(found[~kept], np.broadcast_to(margins[:, None], kept.shape)[~kept])
    assert (found[kept] != np.broadcast_to(margins[:, None], kept.shape)[kept]).all()
    assert passed[-1] == (72, 11, 10)


def test_chunks_do_not_matter(make_head, table, monkeypatch):
    head = make_head(2)
    whole = asked(head, table)[2]
    monkeypatch.setattr(deletion, "_PASSES", 5)
    sizes = []
    head.register_forward_hook(lambda module, given, output: sizes.append(len(given[0])))
    assert asked(head, table)[2] == pytest.approx(whole, abs=1e-5)
    assert max(sizes) == 5


def test_metadata_is_hidden_when_asked_to(make_head, table):
    known = table.metadata._replace(
        gps_deg=torch.full((9, 2), 47.0), gps_present=torch.ones(9, dtype=torch.bool), daytime=torch.zeros(9).long()
    )
    informed, head = type(table)(**(vars(table) | {"metadata": known})), make_head(1)
    assert asked(head, informed)[2] == pytest.approx(asked(head, table)[2], abs=1e-6)
    assert np.abs(asked(head, informed, hide=False)[2] - asked(head, table)[2]).min() > 1e-6


def test_the_heads_mode_is_given_back_and_dropout_is_off(make_head, table):
    head = make_head(1)
    head.train()
    assert np.array_equal(asked(head, table)[2], asked(head, table)[2])
    assert head.training


def test_no_images(make_head, table):
    assert asked(make_head(1), table.rows([]))[2].shape == (0, 12)
