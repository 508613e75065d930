from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from roadwork.config import load_section, parse_section, read_params
from roadwork.errors import ParameterError
from roadwork.model.head import HeadOutput
from roadwork.train.loss_config import LossConfig
from roadwork.train.losses import consistency, focal, total, weather

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
NULL = 7


def logits_of(*p_roadwork: float) -> torch.Tensor:
    """Two-class logits whose softmax gives class 1 these probabilities."""
    p = torch.tensor(p_roadwork, dtype=torch.float64)
    return torch.stack([(1 - p).log(), p.log()], dim=-1).float()


def plain(logits: torch.Tensor, labels: torch.Tensor, *, gamma=0.0, alpha=None, label_smoothing=0.0) -> torch.Tensor:
    return focal(logits, labels, gamma=gamma, alpha=alpha, label_smoothing=label_smoothing)


def test_focal_without_its_extras_is_cross_entropy():
    logits, labels = torch.randn(9, 2, generator=torch.Generator().manual_seed(0)), torch.arange(9) % 2
    torch.testing.assert_close(plain(logits, labels), F.cross_entropy(logits, labels))
    torch.testing.assert_close(
        plain(logits, labels, label_smoothing=0.1), F.cross_entropy(logits, labels, label_smoothing=0.1)
    )


@pytest.mark.parametrize(
    ("p", "label", "gamma", "alpha", "smoothing", "expected"),
    [
        (0.8, 1, 2.0, None, 0.0, 0.2**2 * -math.log(0.8)),
        (0.8, 0, 2.0, None, 0.0, 0.8**2 * -math.log(0.2)),
        (0.8, 1, 2.0, 0.25, 0.0, 0.25 * 0.2**2 * -math.log(0.8)),
        (0.8, 0, 2.0, 0.25, 0.0, 0.75 * 0.8**2 * -math.log(0.2)),
        # Smoothing 0.1 over two classes: 0.95 of the target on the true class; the factor keeps the true p.
        (0.8, 1, 2.0, None, 0.1, 0.2**2 * -(0.95 * math.log(0.8) + 0.05 * math.log(0.2))),
        (0.8, 1, 2.0, 0.25, 0.1, 0.25 * 0.2**2 * -(0.95 * math.log(0.8) + 0.05 * math.log(0.2))),
        (0.8, 1, 0.5, None, 0.0, 0.2**0.5 * -math.log(0.8)),
    ],
)
def test_focal_by_hand(p, label, gamma, alpha, smoothing, expected):
    loss = plain(logits_of(p), torch.tensor([label]), gamma=gamma, alpha=alpha, label_smoothing=smoothing)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_focal_is_the_mean_over_images():
    logits, labels = logits_of(0.8, 0.3), torch.tensor([1, 0])
    each = [plain(logits[i : i + 1], labels[i : i + 1], gamma=2.0, alpha=0.25).item() for i in range(2)]
    assert plain(logits, labels, gamma=2.0, alpha=0.25).item() == pytest.approx(sum(each) / 2, rel=1e-6)


def test_a_confident_correct_image_costs_nothing_even_with_smoothing():
    """exp(-smoothed CE) in place of p would leave a loss here."""
    sure = torch.tensor([[-10.0, 10.0]])
    assert plain(sure, torch.tensor([1]), gamma=2.0, alpha=None, label_smoothing=0.1).item() < 1e-12
    assert plain(sure, torch.tensor([0]), gamma=2.0, alpha=None, label_smoothing=0.1).item() > 10


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_gradients_are_finite_at_both_ends(gamma: float):
    logits = torch.tensor([[-100.0, 100.0], [100.0, -100.0]], requires_grad=True)
    plain(logits, torch.tensor([1, 1]), gamma=gamma, alpha=0.25, label_smoothing=0.1).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_an_unlabelled_image_is_an_error():
    with pytest.raises((IndexError, RuntimeError)):
        plain(logits_of(0.5), torch.tensor([-1]))


def test_consistency_by_hand():
    """Views 0.9 and 0.1: the mean is ½, and either KL is log 2 minus the entropy of 0.9."""
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    loss = consistency(logits_of(0.9, 0.1).unsqueeze(0))
    assert loss.item() == pytest.approx(math.log(2) - entropy, rel=1e-5)


def test_consistency_goes_from_the_view_to_the_mean():
    views = torch.tensor([[0.1, 0.9], [0.5, 0.5], [0.6, 0.4]], dtype=torch.float64)
    mean = views.mean(0)
    expected = sum((p * (p / mean).log()).sum().item() for p in views) / 3
    reverse = sum((mean * (mean / p).log()).sum().item() for p in views) / 3
    loss = consistency(views.log().float().unsqueeze(0)).item()
    assert loss == pytest.approx(expected, rel=1e-5)
    assert loss != pytest.approx(reverse, rel=1e-2)


def test_consistency_is_zero_for_agreeing_views_and_for_a_single_one():
    assert consistency(logits_of(0.7, 0.7, 0.7).unsqueeze(0)).item() == pytest.approx(0, abs=1e-7)
    assert consistency(logits_of(0.7).unsqueeze(0)).item() == pytest.approx(0, abs=1e-7)


def test_consistency_takes_one_hot_views():
    logits = torch.tensor([[[-1000.0, 1000.0], [1000.0, -1000.0]]], requires_grad=True)
    loss = consistency(logits)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2), rel=1e-5)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=12))
def test_consistency_lies_between_zero_and_the_log_of_the_views(margins: list[float]):
    logits = torch.tensor([[[0.0, margin] for margin in margins]])
    assert -1e-6 <= consistency(logits).item() <= math.log(len(margins)) + 1e-6


def test_weather_is_cross_entropy_over_the_known():
    logits = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    loss = weather(logits, torch.tensor([2, NULL, 5, -1]), NULL)
    torch.testing.assert_close(loss, F.cross_entropy(logits[[0, 2]], torch.tensor([2, 5])))


def test_weather_by_hand():
    """Eight equal logits: log 8, however many images are unknown."""
    assert weather(torch.zeros(3, 8), torch.tensor([NULL, 0, NULL]), NULL).item() == pytest.approx(math.log(8))


@pytest.mark.parametrize("unknown", [NULL, -1])
def test_weather_of_a_batch_that_knows_none_is_exactly_zero_with_a_graph(unknown: int):
    logits = torch.randn(3, 8, requires_grad=True)
    loss = weather(logits, torch.full((3,), unknown), NULL)
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert torch.equal(logits.grad, torch.zeros(3, 8))


@pytest.fixture
def output() -> HeadOutput:
    g = torch.Generator().manual_seed(4)
    return HeadOutput(
        logits=torch.randn(6, 2, generator=g).requires_grad_(),
        view_logits=torch.randn(6, 3, 2, generator=g).requires_grad_(),
        weather_logits=torch.randn(6, 8, generator=g).requires_grad_(),
        kept=torch.arange(3).expand(6, 3),
        gates=torch.full((6, 3), 0.5),
    )


LABELS, WEATHER = torch.tensor([0, 1, 1, 0, 1, 0]), torch.tensor([0, 3, NULL, NULL, 6, 1])


def test_the_total_is_half_focal_three_tenths_consistency_two_tenths_weather(output: HeadOutput):
    config = load_section(PARAMS, "loss", LossConfig)
    parts = total(output, LABELS, WEATHER, null_index=NULL, config=config)
    assert parts.focal.item() == pytest.approx(
        plain(output.logits, LABELS, gamma=2.0, alpha=0.25, label_smoothing=0.1).item()
    )
    assert parts.consistency.item() == pytest.approx(consistency(output.view_logits).item())
    assert parts.weather.item() == pytest.approx(weather(output.weather_logits, WEATHER, NULL).item())
    assert parts.total.item() == pytest.approx(
        0.5 * parts.focal.item() + 0.3 * parts.consistency.item() + 0.2 * parts.weather.item()
    )


def test_each_part_teaches_its_own_output(output: HeadOutput):
    config = load_section(PARAMS, "loss", LossConfig).model_copy(update={"consistency": 0.0})
    total(output, LABELS, WEATHER, null_index=NULL, config=config).total.backward()
    assert output.logits.grad is not None
    assert output.logits.grad.abs().min() > 0
    assert output.weather_logits.grad is not None
    assert output.weather_logits.grad.any(dim=1).tolist() == (WEATHER != NULL).tolist()
    assert output.view_logits.grad is not None
    assert not output.view_logits.grad.any()


def test_golden_total(output: HeadOutput):
    config = load_section(PARAMS, "loss", LossConfig)
    parts = total(output, LABELS, WEATHER, null_index=NULL, config=config)
    assert [part.item() for part in parts] == pytest.approx([0.898094, 0.589903, 0.193087, 2.726084], abs=1e-5)


def test_float32_whatever_comes_in(output: HeadOutput):
    config = load_section(PARAMS, "loss", LossConfig)
    half = HeadOutput(*(part.bfloat16() if part.is_floating_point() else part for part in output))
    with torch.autocast("cpu", torch.bfloat16):
        parts = total(half, LABELS, WEATHER, null_index=NULL, config=config)
    assert {part.dtype for part in parts} == {torch.float32}
    expected = total(
        HeadOutput(*(part.float() if part.is_floating_point() else part for part in half)),
        LABELS,
        WEATHER,
        null_index=NULL,
        config=config,
    )
    assert parts.total.item() == expected.total.item()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"focal": 0.0}, "focal"),
        ({"alpha": 1.0}, "alpha"),
        ({"gamma": -1.0}, "gamma"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
    ],
)
def test_a_wrong_parameter_is_named(change, key: str):
    with pytest.raises(ParameterError) as caught:
        parse_section({**read_params(PARAMS)["loss"], **change}, "loss", LossConfig, where=PARAMS)
    assert caught.value.where.endswith(f": loss.{key}")


def test_alpha_may_be_null():
    section = {**read_params(PARAMS)["loss"], "alpha": None}
    assert parse_section(section, "loss", LossConfig, where=PARAMS).alpha is None
