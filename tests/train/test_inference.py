import numpy as np
import pytest
import torch

from roadwork.train.inference import answers, at_rest, margins, metadata_of
from roadwork.train.pretrain import fresh_head

CPU = torch.device("cpu")
PARTS = torch.arange(9).split(4)


@pytest.fixture
def head(spec):
    return fresh_head(spec, 1)


def test_margin_is_the_logit_of_roadwork_minus_the_other(head, table):
    few = table.rows(range(5))
    head.eval()
    with torch.no_grad():
        logits = head(few.embeddings.tensor.float(), few.metadata).logits
    found = margins(head, few, hide_metadata=False, batch_size=8, device=CPU)
    assert found.dtype == np.float64
    assert found == pytest.approx((logits[:, 1] - logits[:, 0]).numpy(), abs=1e-6)


def test_batches_do_not_matter(head, table):
    whole = margins(head, table, hide_metadata=False, batch_size=1000, device=CPU)
    parts = margins(head, table, hide_metadata=False, batch_size=7, device=CPU)
    assert whole == pytest.approx(parts, abs=1e-5)


def test_hidden_metadata_has_no_effect(head, table):
    known = table.rows(table.metadata.gps_present.numpy())
    hidden = margins(head, known, hide_metadata=True, batch_size=64, device=CPU)
    shown = margins(head, known, hide_metadata=False, batch_size=64, device=CPU)
    assert np.abs(hidden - shown).min() > 0


def test_dropout_is_off_and_the_mode_is_given_back(head, table):
    head.train()
    one, two = (margins(head, table, hide_metadata=True, batch_size=64, device=CPU) for _ in range(2))
    assert np.array_equal(one, two)
    assert head.training


def test_gates_stand_at_the_kept_views(head, table, spec):
    few = table.rows(range(9))
    head.eval()
    with torch.no_grad():
        output = head(few.embeddings.tensor.float(), few.metadata)
    gates = answers(head, few, batch_size=4, device=CPU).gates
    assert gates.shape == (9, spec.views)
    assert torch.allclose(gates.gather(1, output.kept), output.gates, atol=1e-6)
    assert ((gates > 0).sum(dim=1) == spec.tokens).all()


def test_one_look_gives_the_answers_of_both_modes(head, table, monkeypatch):
    few, looks = table.rows(range(9)), []
    monkeypatch.setattr(head, "look", lambda *given, look=head.look: looks.append(len(given[0])) or look(*given))
    found = answers(head, few, batch_size=4, device=CPU)
    assert looks == [4, 4, 1]
    for hide in (True, False):
        with at_rest(head, CPU):
            given = metadata_of(few, slice(None), CPU, hide=hide)
            alone = torch.cat([head(few.embeddings.gather(part), given.index(part)).logits for part in PARTS])
        assert torch.equal(found.logits(hide_metadata=hide), alone)
    assert not torch.equal(found.image_only, found.with_metadata)


def test_an_empty_table_has_no_margins(head, table):
    assert margins(head, table.rows([]), hide_metadata=True, batch_size=4, device=CPU).shape == (0,)


def test_a_views_own_margin_stands_at_the_kept_views(head, table, spec):
    few = table.rows(range(9))
    head.eval()
    with torch.no_grad():
        output = head(few.embeddings.tensor.float(), few.metadata)
    found = answers(head, few, batch_size=4, device=CPU)
    own = (output.view_logits[..., 1] - output.view_logits[..., 0]).detach()
    assert torch.allclose(found.view_margins.gather(1, output.kept), own, atol=1e-6)
    assert (found.view_margins.isfinite().sum(dim=1) == spec.tokens).all()
    assert torch.equal(found.view_margins.isnan(), found.gates == 0)


def test_a_failure_gives_the_mode_back(head):
    head.train()
    with pytest.raises(ZeroDivisionError), at_rest(head, CPU):
        assert not head.training
        assert not torch.is_grad_enabled()
        raise ZeroDivisionError
    assert head.training
    assert torch.is_grad_enabled()
