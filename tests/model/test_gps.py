from __future__ import annotations

import math

import pytest
import torch

from roadwork.model.gps import GpsEncoder

YES, NO = torch.tensor([True]), torch.tensor([False])


def test_a_known_answer():
    """dim 8: wavelengths 360° and 0.1°; 90° is a quarter of the first and 900 whole turns of the second."""
    code = GpsEncoder(8)(torch.tensor([[90.0, 30.0]]), YES)[0]
    sin, cos = code[:4], code[4:]
    assert sin.tolist() == pytest.approx([1.0, 0.0, 0.5, 0.0], abs=2e-3)
    assert cos.tolist() == pytest.approx([0.0, 1.0, math.sqrt(0.75), 1.0], abs=2e-3)


def test_wavelengths_are_in_equal_ratios_from_the_globe_to_11_km():
    wavelengths = GpsEncoder(128).wavelengths_deg
    assert len(wavelengths) == 32
    assert wavelengths[[0, -1]].tolist() == pytest.approx([360.0, 0.1], rel=1e-5)
    ratios = wavelengths[1:] / wavelengths[:-1]
    torch.testing.assert_close(ratios, ratios[:1].expand(31), atol=1e-5, rtol=0)


def test_near_places_look_alike_and_far_ones_dont():
    places = torch.tensor([[48.137, 11.575], [48.138, 11.575], [40.713, -74.006]])
    code = GpsEncoder(128)(places, torch.ones(3, dtype=torch.bool))
    near, far = (code[0] - code[1]).norm(), (code[0] - code[2]).norm()
    assert near < 0.15 * far


def test_latitude_and_longitude_are_told_apart():
    code = GpsEncoder(16)(torch.tensor([[10.0, 20.0], [20.0, 10.0]]), torch.tensor([True, True]))
    assert not torch.allclose(code[0], code[1])


def test_an_absent_position_is_the_learned_vector_whatever_stands_in_its_place():
    encoder = GpsEncoder(8)
    torch.nn.init.normal_(encoder.absent)
    gps = torch.tensor([[0.0, 0.0], [math.nan, math.inf]])
    code = encoder(gps, torch.tensor([False, False]))
    assert torch.equal(code, encoder.absent.expand(2, 8))
    code.sum().backward()
    assert encoder.absent.grad is not None
    assert encoder.absent.grad.tolist() == [2.0] * 8


def test_null_island_is_a_place_unlike_absence():
    encoder = GpsEncoder(8)
    zero = torch.zeros(1, 2)
    assert not torch.equal(encoder(zero, YES), encoder(zero, NO))


def test_autocast_doesnt_blur_it():
    encoder, gps = GpsEncoder(128), torch.tensor([[48.137, 11.575]])
    with torch.autocast("cpu", torch.bfloat16):
        code = encoder(gps, YES)
    assert code.dtype == torch.float32
    assert torch.equal(code, encoder(gps, YES))


def test_the_wavelengths_are_not_in_the_weights():
    assert list(GpsEncoder(8).state_dict()) == ["absent"]
