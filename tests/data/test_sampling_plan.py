import json

import numpy as np
import pandas as pd
import pytest
from geopy.distance import great_circle

from roadwork.config import parse_section
from roadwork.data.sampling_config import SamplingConfig
from roadwork.data.sampling_plan import plan_sampling
from roadwork.errors import DataError, SamplingError

SECTION = {
    "enabled": True, "clusters": 2, "reference": "test", "bands_km": [50, 200, 500], "weights": [5.0, 2.5, 1.0, 0.3],
    "unknown_weight": 1.0, "near_km": 100, "draws": 500, "target_share": 0.7, "min_share": 0.6,
}  # fmt: skip
BERLIN, MUNICH, ROME, HAMBURG = (52.5, 13.4), (48.1, 11.6), (41.9, 12.5), (53.55, 10.0)
UNKNOWN = (np.nan, np.nan)


def config(**changes):
    return parse_section({**SECTION, **changes}, "sampling", SamplingConfig, where="params.yaml")


def images(train, test=(BERLIN, MUNICH)):
    """Manifest and folds, test images first."""
    positions = np.array([*test, *train], dtype=float).reshape(-1, 2)
    names = [f"{number:064x}" for number in range(len(positions))]
    frame = pd.DataFrame({"image_id": names, "latitude_deg": positions[:, 0], "longitude_deg": positions[:, 1]})
    split = ["test"] * len(test) + ["train"] * len(train)
    return frame, pd.DataFrame({"image_id": names, "split": pd.array(split, dtype="str")})


def plan(train, test=(BERLIN, MUNICH), **changes):
    return plan_sampling(*images(train, test), config(**changes), batch_size=32, seed=17)


def test_weights_by_hand():
    made = plan([BERLIN, HAMBURG, UNKNOWN, ROME, MUNICH, (52.5, np.nan)], min_share=0.0)
    assert made.table["weight"].tolist() == [5.0, 1.0, 1.0, 0.3, 5.0, 1.0]
    assert made.table["distance_km"][:2].tolist() == pytest.approx([0.0, great_circle(BERLIN, HAMBURG).km])
    assert made.table["distance_km"].isna().tolist() == [False, False, True, False, False, True]
    assert made.table["cluster"].isna().tolist() == [False, False, True, False, False, True]
    assert made.centres_deg[made.table["cluster"][0]] == pytest.approx(BERLIN)
    assert made.table["image_id"].tolist() == [f"{number:064x}" for number in range(2, 8)]
    assert [str(dtype) for dtype in made.table.dtypes] == ["str", "float64", "float64", "Int16"]


def test_metrics_tell_the_story():
    metrics = plan([BERLIN] * 60 + [HAMBURG] * 40 + [UNKNOWN] * 10).metrics
    json.dumps(metrics, allow_nan=False)
    assert (metrics["reference"], metrics["transductive"], metrics["gate"]) == ("test", True, "passed")
    assert metrics["weighted"]["share_near"] == pytest.approx(300 / 340, abs=0.01)
    assert metrics["uniform"]["share_near"] == pytest.approx(60 / 100, abs=0.01)
    assert metrics["weighted"]["mean_distance_km"] < metrics["uniform"]["mean_distance_km"]
    assert metrics["weighted"]["effective_sample_size"] == pytest.approx(350**2 / (60 * 25 + 50))
    assert metrics["uniform"]["effective_sample_size"] == 110
    assert (metrics["training_images"], metrics["training_images_with_gps"]) == (110, 100)
    assert [band["images"] for band in metrics["bands"].values()] == [60, 0, 40, 0, 10]
    assert next(iter(metrics["bands"])) == "below 50 km"
    assert metrics["bands"]["unknown"]["share_of_draws"] == pytest.approx(10 / 350)
    for share in ("share_of_images", "share_of_draws"):
        assert sum(band[share] for band in metrics["bands"].values()) == pytest.approx(1)


def test_same_seed_same_plan():
    train = [BERLIN] * 60 + [HAMBURG] * 40
    first, again = plan(train), plan(train)
    assert first.metrics == again.metrics
    pd.testing.assert_frame_equal(first.table, again.table)


def test_between_minimum_and_target_is_a_warning():
    made = plan([BERLIN] * 40 + [HAMBURG] * 100)  # 200 of 300
    assert made.metrics["gate"] == "warning"
    assert "below sampling.target_share 0.7" in made.warnings()[0]


def test_below_the_minimum_fails():
    with pytest.raises(SamplingError, match="10 of 110 training images"):
        plan([BERLIN] * 10 + [HAMBURG] * 100)


def test_fewer_positions_than_clusters_is_recorded_and_said():
    made = plan([BERLIN] * 10, clusters=5)
    assert (made.metrics["clusters_asked"], made.metrics["clusters"]) == (5, 2)
    assert "only 2 distinct positions" in made.warnings()[0]


def test_reference_train_is_not_transductive():
    metrics = plan([BERLIN] * 10 + [ROME], test=[UNKNOWN], reference="train").metrics
    assert (metrics["reference"], metrics["transductive"]) == ("train", False)
    assert metrics["reference_images"] == 11


def test_switched_off_is_uniform_ungated_and_still_measured():
    made = plan([BERLIN] * 10 + [HAMBURG] * 100, enabled=False)
    assert set(made.table["weight"]) == {1.0}
    assert (made.metrics["gate"], made.metrics["transductive"]) == ("off", False)
    assert made.metrics["weighted"]["share_near"] == pytest.approx(10 / 110, abs=0.02)
    assert made.metrics["bands"]["below 50 km"]["weight"] == 1.0
    assert made.warnings() == []


def test_switched_off_needs_no_positions():
    made = plan([UNKNOWN] * 3, test=[UNKNOWN], enabled=False)
    assert made.metrics["weighted"]["share_near"] is None
    assert made.metrics["clusters"] == 0
    assert made.table["cluster"].isna().all()
    json.dumps(made.metrics, allow_nan=False)


def test_reference_without_positions_says_how_to_do_without():
    with pytest.raises(SamplingError, match=r"set sampling\.enabled: false"):
        plan([BERLIN], test=[UNKNOWN, UNKNOWN])


def test_training_without_positions():
    with pytest.raises(SamplingError, match="none of the 2 training images that can be drawn has GPS"):
        plan([UNKNOWN, UNKNOWN])


def test_folds_of_another_manifest():
    frame, divided = images([BERLIN])
    with pytest.raises(DataError, match="different images") as caught:
        plan_sampling(frame, divided.iloc[::-1], config(), batch_size=32, seed=17)
    assert "run stage folds again" in caught.value.fix
