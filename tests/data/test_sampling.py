from pathlib import Path

import numpy as np
import pytest

from roadwork.config import load_section, parse_section
from roadwork.data.sampling import band_of, effective_sample_size, gate, measure_draws, sampling_weights
from roadwork.data.sampling_config import BatchConfig, SamplingConfig
from roadwork.errors import ParameterError, SamplingError

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
BANDS, WEIGHTS = (50.0, 200.0, 500.0), (5.0, 2.5, 1.0, 0.3)
SECTION = {
    "enabled": True, "clusters": 5, "reference": "test", "bands_km": [50, 200, 500], "weights": [5.0, 2.5, 1.0, 0.3],
    "unknown_weight": 1.0, "near_km": 100, "draws": 1000, "target_share": 0.7, "min_share": 0.6,
}  # fmt: skip


def config(**changes):
    return parse_section({**SECTION, **changes}, "sampling", SamplingConfig, where="params.yaml")


@pytest.mark.parametrize(
    ("distance_km", "weight"),
    [
        (0.0, 5.0), (49.999, 5.0), (50.0, 2.5), (199.999, 2.5), (200.0, 1.0), (500.0, 1.0), (500.001, 0.3),
        (20015.0, 0.3), (np.nan, 0.7),
    ],
)  # fmt: skip
def test_weight_at_every_band_edge(distance_km, weight):
    assert sampling_weights([distance_km], BANDS, WEIGHTS, 0.7).tolist() == [weight]


def test_bands_are_numbered_from_the_nearest():
    assert band_of([600, 300, 100, 10, np.nan], BANDS).tolist() == [3, 2, 1, 0, -1]
    assert band_of([10, 60], [50]).tolist() == [0, 1]


def test_kish_by_hand():
    assert effective_sample_size([2.0, 2.0, 2.0]) == 3.0
    assert effective_sample_size([3.0, 1.0]) == pytest.approx(16 / 10)
    assert effective_sample_size([1.0, 0.0]) == 1.0


def test_draws_follow_the_weights():
    distance, weight = np.array([10.0, 99.0, 100.0, 400.0, np.nan]), np.array([5.0, 2.0, 2.0, 1.0, 10.0])
    drawn = measure_draws(distance, weight, near_km=100, draws=4000, batch_size=32, seed=3)
    assert drawn.share_known == pytest.approx(0.5, abs=0.01)
    assert drawn.share_near == pytest.approx(0.7, abs=0.01)  # 100 km itself is no longer within
    assert drawn.mean_distance_km == pytest.approx((50 + 198 + 200 + 400) / 10, abs=2)
    assert drawn.effective_sample_size == pytest.approx(400 / 134)
    assert drawn.share_near_std == pytest.approx(np.sqrt(0.7 * 0.3 / 16), abs=0.01)


def test_draws_repeat_by_seed():
    distance = np.linspace(0, 300, 50)
    arguments = {"near_km": 100, "draws": 20, "batch_size": 8}
    first = measure_draws(distance, np.ones(50), **arguments, seed=1)
    assert first == measure_draws(distance, np.ones(50), **arguments, seed=1)
    assert first != measure_draws(distance, np.ones(50), **arguments, seed=2)


def test_draws_without_positions_have_no_share():
    drawn = measure_draws([np.nan, np.nan], [1.0, 1.0], near_km=100, draws=10, batch_size=4, seed=0)
    assert drawn == (None, None, None, 0.0, 2.0)


def test_draws_need_a_weight():
    with pytest.raises(SamplingError, match="none of the 2 training images has a weight above 0"):
        measure_draws([1.0, 2.0], [0.0, 0.0], near_km=100, draws=10, batch_size=4, seed=0)


@pytest.mark.parametrize(("share", "verdict"), [(1.0, "passed"), (0.7, "passed"), (0.699, "warning"), (0.6, "warning")])
def test_gate_lets_pass(share, verdict):
    assert gate(share, config(), [10.0], [5.0]) == verdict


def test_gate_fails_with_numbers_and_a_weight_that_would_do():
    distance = np.array([10.0] * 10 + [1000.0] * 50 + [300.0] * 50 + [np.nan] * 4)
    weight = sampling_weights(distance, BANDS, WEIGHTS, 1.0)
    with pytest.raises(SamplingError) as caught:
        gate(0.435, config(), distance, weight)
    message = str(caught.value)
    for number in ("43.5%", "10 of 110", "4 have none", "at least 60%", "better 70%", "from 5 to 15.2"):
        assert number in message
    assert "sampling.enabled: false" in caught.value.fix

    raised = sampling_weights(distance, BANDS, (15.2, 2.5, 1.0, 0.3), 1.0)
    drawn = measure_draws(distance, raised, near_km=100, draws=4000, batch_size=32, seed=0)
    assert drawn.share_near == pytest.approx(0.7, abs=0.01)


def test_gate_offers_no_weight_where_no_image_is_near():
    with pytest.raises(SamplingError, match="0 of 2 training images") as caught:
        gate(0.0, config(), [900.0, 700.0], [0.3, 0.3])
    assert "sampling.weights" not in caught.value.fix
    assert "add training images of the reference regions" in caught.value.fix


def test_gate_without_any_position():
    with pytest.raises(SamplingError, match="none of the 2 training images that can be drawn has GPS"):
        gate(None, config(), [np.nan, np.nan], [1.0, 1.0])


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"bands_km": [50, 50, 500]}, "each larger than the one before"),
        ({"bands_km": [500, 200, 50]}, "each larger than the one before"),
        ({"bands_km": [0, 200, 500]}, r"sampling\.bands_km(.|\n)*edges above 0"),
        ({"bands_km": []}, "bands_km"),
        ({"weights": [5.0, 2.5, 1.0]}, "3 weights for 3 bands_km"),
        ({"weights": [5.0, 2.5, 1.0, -0.3]}, r"sampling\.weights(.|\n)*no weight below 0"),
        ({"weights": [0, 0, 0, 0]}, "at least one above"),
        ({"min_share": 0.8}, r"min_share 0\.8 is above target_share 0\.7"),
        ({"reference": "val"}, r"sampling\.reference"),
        ({"clusters": 0}, r"sampling\.clusters"),
        ({"unknown_weight": -1}, r"sampling\.unknown_weight"),
        ({"near_km": 0}, r"sampling\.near_km"),
        ({"draws": 0}, r"sampling\.draws"),
        ({"target_share": 1.5}, r"sampling\.target_share"),
        ({"band_km": [1]}, r"sampling\.bands_km"),
    ],
)
def test_every_rule_of_the_section(change, rule):
    with pytest.raises(ParameterError, match=rule):
        config(**change)


def test_committed_parameters_are_the_specified_bands():
    section = load_section(PARAMS, "sampling", SamplingConfig)
    assert (section.bands_km, section.weights) == (BANDS, WEIGHTS)
    assert (section.clusters, section.draws, section.target_share, section.min_share) == (5, 1000, 0.7, 0.6)


def test_batch_size_is_positive():
    with pytest.raises(ParameterError, match=r"train\.batch_size"):
        parse_section({"batch_size": 0}, "train", BatchConfig, where="params.yaml")
