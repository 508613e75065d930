from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from roadwork.data.clusters import fit_clusters, nearest_km
from roadwork.data.distance import haversine_km
from roadwork.data.sources.sample.cities import CITIES, position_in
from roadwork.data.sources.sample.drive import split_sizes
from roadwork.data.sources.sample.facts import FEWEST_IMAGES, plan_facts, scaled_px
from roadwork.data.sources.sample.label import NULLABLE
from roadwork.errors import DataError


@pytest.fixture(scope="module")
def facts():
    return plan_facts(seed=17, images=256, max_width_px=4032)


def test_the_full_sample_has_the_stated_splits(facts):
    assert split_sizes(256) == {"train": 140, "val": 32, "test": 60, "holdout": 24}
    assert Counter(fact.split for fact in facts) == split_sizes(256)


@pytest.mark.parametrize("images", [24, 25, 31, 48, 100, 1000])
def test_every_split_holds_both_classes_in_balance(images):
    facts = plan_facts(seed=3, images=images, max_width_px=320)
    assert [fact.index for fact in facts] == list(range(images))
    for split, size in split_sizes(images).items():
        labels = [fact.label for fact in facts if fact.split == split]
        assert len(labels) == size
        assert abs(2 * sum(labels) - size) <= 1
        assert set(labels) == {0, 1}


def test_sequences_stay_in_one_split_on_one_street(facts):
    for group in {fact.group for fact in facts}:
        frames = [fact for fact in facts if fact.group == group]
        assert len({(fact.split, fact.street_seed) for fact in frames}) == 1
        assert [fact.frame for fact in frames] == list(range(len(frames)))
        first, last = frames[0], frames[-1]
        assert haversine_km(first.latitude_deg, first.longitude_deg, last.latitude_deg, last.longitude_deg) < 0.03


def test_sequences_are_far_enough_apart_never_to_meet(facts):
    starts = [fact for fact in facts if fact.frame == 0]
    latitude, longitude = (
        np.array([getattr(fact, name) for fact in starts]) for name in ("latitude_deg", "longitude_deg")
    )
    apart = haversine_km(latitude[:, None], longitude[:, None], latitude[None], longitude[None])
    assert apart[~np.eye(len(starts), dtype=bool)].min() > 0.3


def test_the_test_split_has_blocks_enough_for_five_stratified_folds(facts):
    for label in (0, 1):
        assert len({fact.group for fact in facts if fact.split == "test" and fact.label == label}) >= 12


def test_a_small_sample_has_shorter_sequences_so_that_its_test_split_can_be_divided():
    facts = plan_facts(seed=17, images=48, max_width_px=320)
    for label in (0, 1):
        assert len({fact.group for fact in facts if fact.split == "test" and fact.label == label}) >= 5


def test_weighting_by_distance_is_needed_and_is_enough(facts):
    def positions(split):
        return np.array([(fact.latitude_deg, fact.longitude_deg) for fact in facts if fact.split == split])

    test, train = positions("test"), positions("train")
    centres = fit_clusters(test[:, 0], test[:, 1], 5, seed=0)
    nearest, _ = nearest_km(train[:, 0], train[:, 1], centres)
    weight = np.array([5.0, 2.5, 1.0, 0.3])[np.digitize(nearest, [50, 200, 500])]
    assert 0.55 <= (nearest < 100).mean() <= 0.65
    assert weight[nearest < 100].sum() / weight.sum() >= 0.7
    assert {0, 1, 2, 3} == set(np.digitize(nearest, [50, 200, 500]))


def test_metadata_is_null_in_the_same_share_for_both_labels(facts):
    for field in NULLABLE:
        for split in ("train", "test"):
            shares = [
                np.mean([field not in fact.known for fact in facts if fact.split == split and fact.label == label])
                for label in (0, 1)
            ]
            assert shares == pytest.approx([0.6, 0.6], abs=0.02)


def test_labels_are_balanced_in_every_city_of_a_split(facts):
    def city(fact):
        return min(CITIES, key=lambda c: haversine_km(fact.latitude_deg, fact.longitude_deg, c[1], c[2]))

    for split, place in {(fact.split, city(fact)) for fact in facts}:
        labels = [fact.label for fact in facts if fact.split == split and city(fact) is place]
        assert abs(2 * sum(labels) - len(labels)) <= 2


def test_sizes_turned_photographs_and_positions_are_varied(facts):
    sizes = Counter((fact.width_px, fact.height_px) for fact in facts)
    assert sizes[(4032, 3024)] >= 12
    assert sizes[(1080, 1920)] > 0
    assert len(sizes) >= 5
    assert {fact.orientation for fact in facts} == {1, 3, 6, 8}
    assert {fact.gps for fact in facts} == {"table", "both", "exif", "none"}


def test_a_smaller_widest_width_shrinks_every_size_in_order():
    assert scaled_px((4032, 3024), 320) == (320, 240)
    assert scaled_px((1280, 960), 4032) == (1280, 960)
    widths = [scaled_px((width, 3 * width // 4), 320)[0] for width in (1280, 1600, 1920, 4032)]
    assert widths == sorted(set(widths))
    assert widths[-1] == 320


def test_another_seed_gives_another_sample(facts):
    assert plan_facts(seed=17, images=256, max_width_px=4032) == facts
    assert plan_facts(seed=18, images=256, max_width_px=4032) != facts


def test_too_few_images_and_too_small_pictures_are_refused():
    with pytest.raises(DataError, match=r"ingest\.sample\.images") as caught:
        plan_facts(seed=1, images=FEWEST_IMAGES - 1, max_width_px=320)
    assert str(FEWEST_IMAGES) in caught.value.rule
    with pytest.raises(DataError, match=r"ingest\.sample\.max_width_px"):
        plan_facts(seed=1, images=FEWEST_IMAGES, max_width_px=40)


def test_streets_of_a_city_lie_within_its_radius():
    for city in CITIES:
        latitude, longitude = zip(*(position_in(city, place, 40) for place in range(40)), strict=True)
        away = haversine_km(latitude, longitude, city.latitude_deg, city.longitude_deg)
        assert away.max() < 17
