import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from roadwork.config import read_params
from roadwork.data.manifest import manifest_frame
from roadwork.errors import ParameterError
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.cities import find_cities
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.score import Predictions, score_row
from roadwork.evaluate.subgroups import Cities, place_name, size_names, subgroups

SECTION = read_params(Path(__file__).resolve().parents[2] / "params.yaml")["evaluate"]
RESAMPLING = Resampling(100, 0.95, 5)
PARTS = ["city", "size", "metadata", "description", "weather", "daytime", "scene"]
ZURICH, SYDNEY = (47.37, 8.54), (-33.87, 151.21)


def config(**changes):
    return EvaluateConfig.model_validate(SECTION | {"city_clusters": 2, "size_bands_megapixels": (1, 4)} | changes)


def row(position=None, size_px=(1000, 1000), **facts):
    latitude, longitude = position or (None, None)
    width, height = size_px
    return {"width_px": width, "height_px": height, "latitude_deg": latitude, "longitude_deg": longitude, **facts}


def groups(rows, labels, probabilities=None, blocks=None, **changes):
    labels = np.array(labels)
    probabilities = labels * 0.8 + 0.1 if probabilities is None else np.array(probabilities)
    predictions = Predictions(
        labels, np.arange(len(labels)) if blocks is None else np.array(blocks), probabilities, 0.3
    )
    frame = manifest_frame([{"image_id": str(i), "path": str(i)} | given for i, given in enumerate(rows)])
    chosen = config(**changes)
    cities = find_cities(frame, chosen.city_clusters, 5)
    return subgroups(predictions, frame, cities, chosen.size_bands_megapixels, RESAMPLING)


def counts(part):
    return {name: found["n"] for name, found in part.items()}


def test_cities_are_named_by_their_position_the_largest_first_and_no_position_is_a_group():
    rows = [row(SYDNEY), row(ZURICH), row(ZURICH), row(), row(ZURICH), row(SYDNEY), row((10.0, None))]
    found = groups(rows, [0, 1, 0, 1, 1, 1, 0])
    assert counts(found["city"]) == {"47.4° N, 8.5° E": 3, "33.9° S, 151.2° E": 2, "no position": 2}
    assert list(found["city"]) == ["47.4° N, 8.5° E", "33.9° S, 151.2° E", "no position"]
    assert [part["roadwork"] for part in found["city"].values()] == [2, 1, 1]


def test_centres_that_round_alike_keep_names_of_their_own():
    rows = [row((47.3711, 8.5)), row((47.3722, 8.5)), row((47.3722, 8.5))]
    assert counts(groups(rows, [0, 1, 1])["city"]) == {"47.372° N, 8.500° E": 2, "47.371° N, 8.500° E": 1}
    nearer_than_names_tell = [row((47.0, 8.0)), row((47.0, 8.0 + 1e-7))]
    assert counts(groups(nearer_than_names_tell, [0, 1])["city"]) == {"47.0000° N, 8.0000° E": 2}


def test_without_any_position_there_is_one_group():
    assert counts(groups([row(), row()], [0, 1])["city"]) == {"no position": 2}


def test_positions_on_opposite_sides_of_the_earth_are_an_error_that_names_the_parameter():
    with pytest.raises(ParameterError, match=r"evaluate\.city_clusters"):
        groups([row((0.0, 0.0)), row((0.0, 180.0))], [0, 1], city_clusters=1)


def test_a_size_on_an_edge_belongs_below_it_and_empty_bands_do_not_appear():
    rows = [row(size_px=size) for size in ((1000, 1000), (1000, 1001), (2000, 2000), (4032, 3024))]
    assert counts(groups(rows, [0, 1, 0, 1])["size"]) == {"up to 1 MP": 1, "1 to 4 MP": 2, "above 4 MP": 1}
    assert counts(groups(rows[:1], [0])["size"]) == {"up to 1 MP": 1}
    assert size_names((0.5, 2.5)) == ["up to 0.5 MP", "0.5 to 2.5 MP", "above 2.5 MP"]


def test_known_metadata_is_anything_but_the_position():
    rows = [row(ZURICH), row(weather="sunny"), row(scene="urban", description="a street"), row()]
    found = groups(rows, [0, 1, 0, 1])
    assert counts(found["metadata"]) == {"known": 2, "null": 2}
    assert counts(found["description"]) == {"known": 1, "null": 3}


def test_values_come_by_frequency_and_null_last():
    rows = [row(weather=value) for value in (None, "sunny", None, "rainy", None, "rainy", "cloudy")]
    assert list(groups(rows, [0, 1, 0, 1, 0, 1, 0])["weather"]) == ["rainy", "cloudy", "sunny", "null"]


def test_a_group_is_scored_as_any_predictions_with_the_headlines_own_threshold():
    rng = np.random.default_rng(2)
    labels, probabilities, blocks = rng.integers(0, 2, 40), rng.uniform(size=40), np.arange(40) // 2
    night = rng.uniform(size=40) < 0.5
    rows = [row(daytime="night" if dark else "day") for dark in night]
    found = groups(rows, labels, probabilities, blocks)["daytime"]["night"]
    alone = score_row(Predictions(labels[night], blocks[night], probabilities[night], 0.3), RESAMPLING)
    assert found == {"n": int(night.sum()), "roadwork": int(labels[night].sum())} | alone
    assert found["threshold"] == 0.3
    assert found["mcc_ci95"][0] <= found["mcc"] <= found["mcc_ci95"][1]


def test_one_block_has_no_interval_and_one_class_keeps_what_is_defined():
    found = groups([row(weather="foggy"), row(weather="foggy"), row()], [1, 1, 0], blocks=[7, 7, 8])["weather"]
    assert found["foggy"]["mcc_ci95"] is None
    assert found["foggy"]["accuracy_ci95"] is None
    assert found["foggy"]["auroc"] is None
    assert found["foggy"]["accuracy"] == 1
    assert found["foggy"]["mcc"] == 0
    assert found["foggy"]["blocks"] == 1


VALUES = st.sampled_from([None, "sunny", "rainy"])
POSITIONS = st.sampled_from([None, ZURICH, SYDNEY, (0.0, 0.0), (47.3, 8.6)])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), VALUES, POSITIONS, st.integers(1, 5000)), min_size=1, max_size=12))
def test_every_part_divides_all_images(images):
    rows = [row(at, (width, 1000), weather=value, description=value) for _, value, at, width in images]
    labels = [label for label, *_ in images]
    found = groups(rows, labels, city_clusters=3)
    assert list(found) == PARTS
    for part in found.values():
        assert sum(counts(part).values()) == len(images)
        assert sum(one["roadwork"] for one in part.values()) == sum(labels)
    json.dumps(found, allow_nan=False)


def test_the_same_seed_gives_the_same_groups():
    rng = np.random.default_rng(0)
    rows = [row((latitude, longitude)) for latitude, longitude in rng.uniform(40, 50, (30, 2))]
    labels = np.arange(30) % 2
    assert json.dumps(groups(rows, labels)) == json.dumps(groups(rows, labels))


def test_rows_of_other_images_are_refused():
    predictions = Predictions(np.array([0, 1]), np.arange(2), np.array([0.1, 0.9]))
    frame = manifest_frame([{"image_id": "a", "path": "a"} | row()])
    with pytest.raises(ValueError, match="1 rows of the manifest for 2 predictions"):
        subgroups(predictions, frame, Cities([], [None] * 2), (1, 4), RESAMPLING)
    with pytest.raises(ValueError, match="2 predictions"):
        subgroups(predictions, pd.concat([frame, frame]), Cities([], [None]), (1, 4), RESAMPLING)


def test_rows_may_be_any_selection_of_the_manifest():
    frame = manifest_frame([{"image_id": str(i), "path": str(i)} | row(weather="sunny") for i in range(5)])
    chosen = frame[frame["image_id"].isin(["1", "3"])]
    predictions = Predictions(np.array([0, 1]), np.arange(2), np.array([0.1, 0.9]))
    assert counts(subgroups(predictions, chosen, Cities([], [None] * 2), (1, 4), RESAMPLING)["weather"]) == {"sunny": 2}
    assert isinstance(chosen, pd.DataFrame)


@pytest.mark.parametrize(
    ("position", "name"),
    [((47.37, 8.54), "47.4° N, 8.5° E"), ((-33.87, -70.0), "33.9° S, 70.0° W"), ((0.0, 0.0), "0.0° N, 0.0° E")],
)
def test_place_names(position, name):
    assert place_name(*position) == name


@pytest.mark.parametrize(
    "change", [{"city_clusters": 0}, {"size_bands_megapixels": ()}, {"size_bands_megapixels": (2, 1)},
               {"size_bands_megapixels": (0, 1)}, {"size_bands_megapixels": (1, 1)}],
)  # fmt: skip
def test_nonsense_parameters_are_refused(change):
    with pytest.raises(ValidationError):
        config(**change)
