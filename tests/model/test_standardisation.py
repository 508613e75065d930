from __future__ import annotations

import torch

from roadwork.model.standardisation import Standardisation, Unstandardised


def test_the_identity_until_it_is_fitted():
    x = torch.randn(3, 4, 5)
    assert torch.equal(Standardisation(4, 5)(x), x)


def test_the_usual_is_gone_and_every_dimension_has_unit_spread():
    torch.manual_seed(0)
    common, size = 100 * torch.randn(4, 5), torch.tensor([1e-3, 0.1, 1.0, 10.0, 1000.0])
    x = common + size * torch.randn(3000, 4, 5)
    box = Standardisation(4, 5)
    box.fit(x)
    y = box(x)
    assert y.mean(dim=0).abs().max() < 1e-2
    torch.testing.assert_close(y.std(dim=(0, 1)), torch.ones(5), atol=0.02, rtol=0)


def test_known_answer_with_a_constant_dimension():
    x = torch.tensor([[[1.0, 7.0], [10.0, 7.0]], [[3.0, 7.0], [14.0, 7.0]]])
    box = Standardisation(2, 2)
    box.fit(x.half())
    assert box.mean.tolist() == [[2, 7], [12, 7]]
    torch.testing.assert_close(box.scale, torch.tensor([2.5**0.5, 1.0]))
    assert box(x)[:, :, 1].abs().max() == 0


def test_the_statistics_are_saved_with_the_weights_and_never_trained():
    box = Standardisation(2, 3)
    assert sorted(box.state_dict()) == ["mean", "scale"]
    assert list(box.parameters()) == []


def test_given_views_have_their_own_statistics():
    box = Standardisation(4, 2)
    box.fit(torch.randn(30, 4, 2) + torch.arange(4.0).view(1, 4, 1))
    x = torch.randn(2, 4, 2)
    views = torch.tensor([[0, 3], [1, 2]])
    part = box(torch.stack([x[0, [0, 3]], x[1, [1, 2]]]), views)
    assert torch.equal(part, torch.stack([box(x)[0, [0, 3]], box(x)[1, [1, 2]]]))


def test_switched_off_it_passes_everything():
    x, box = torch.randn(3, 4, 5), Unstandardised()
    box.fit(7 + 3 * x)
    assert box(x) is x
    assert box(x[:, :2], torch.tensor([[0, 3]] * 3)).shape == (3, 2, 5)
    assert dict(box.state_dict()) == {}


def test_pieces_give_the_bits_of_the_whole_and_nothing_that_was_given_changes():
    class OnDisk:
        shape = (2500, 2, 3)

        def pieces(self, images):
            return (piece.half() for piece in x.split(images))

    torch.manual_seed(1)
    x = (5 + torch.randn(2500, 2, 3)).half().double()
    before = x.clone()
    whole, pieces = Standardisation(2, 3), Standardisation(2, 3)
    whole.fit(x)
    pieces.fit(OnDisk())
    assert torch.equal(whole.mean, pieces.mean)
    assert torch.equal(whole.scale, pieces.scale)
    assert torch.equal(x, before)
