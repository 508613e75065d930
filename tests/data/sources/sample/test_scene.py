from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from roadwork.data.sources.sample.scene import draw_scene, objects_of, plan_scene
from roadwork.data.sources.sample.works import KINDS
from roadwork.seeding import derive


def plan(number, label, width_px=240, height_px=180):
    return plan_scene(
        street_seed=derive(number, "street"),
        image_seed=derive(number, "image"),
        frame=number % 3,
        label=label,
        width_px=width_px,
        height_px=height_px,
    )


@pytest.mark.parametrize("number", range(6))
def test_a_plan_and_its_picture_are_functions_of_their_seeds(number):
    first, again = draw_scene(plan(number, 1)), draw_scene(plan(number, 1))
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1] == again[1] == objects_of(plan(number, 1))
    assert first[0].size == (240, 180)
    assert first[0].mode == "RGB"


def test_roadwork_is_of_the_known_kinds_and_all_kinds_occur():
    kinds = {found.kind for number in range(40) for found in objects_of(plan(number, 1))}
    assert kinds == set(KINDS)


def test_an_image_without_roadwork_has_no_objects_but_colourful_traffic():
    plans = [plan(number, 0) for number in range(60)]
    assert not any(objects_of(each) for each in plans)
    kinds = {thing.kind for each in plans for thing in each.traffic}
    assert {"car", "warning_sign", "walker", "fixture"} <= kinds
    assert any(thing.colour == (236, 106, 24) for each in plans for thing in each.traffic)
    assert any(house.awning for each in plans for house in each.street.buildings)
    assert any(each.street.season == "autumn" for each in plans)


@pytest.mark.parametrize(("width_px", "height_px"), [(160, 120), (108, 192), (400, 100)])
def test_any_shape_of_image_has_room_for_roadwork(width_px, height_px):
    for number in range(25):
        assert 2 <= len(objects_of(plan(number, 1, width_px, height_px))) <= 8


@pytest.mark.parametrize("number", [n for n in range(60) if plan(n, 1).street.daytime == "day"][:10])
def test_taking_one_object_away_changes_the_picture_inside_its_box_only(number):
    whole = plan(number, 1)
    picture = np.asarray(draw_scene(whole)[0], np.int16)
    for index, thing in enumerate(whole.works):
        if thing.kind == "works_vehicle" or (thing.kind == "barrier" and thing.look == 1):
            continue  # their lamps throw a halo
        without = replace(whole, works=whole.works[:index] + whole.works[index + 1 :])
        changed = np.abs(picture - np.asarray(draw_scene(without)[0], np.int16)).max(axis=2) > 0
        rows, columns = np.nonzero(changed)
        box = thing.box(whole.camera)
        assert box is not None
        left, top, right, bottom = box
        if len(rows):
            assert left - 2 <= columns.min()
            assert columns.max() <= right + 1  # antialiasing
            assert top - 2 <= rows.min()
            assert rows.max() <= bottom + 1


def test_the_same_street_with_and_without_roadwork_differs_by_the_works_only():
    without, with_works = plan(3, 0), plan(3, 1)
    assert without.street == with_works.street
    assert without.camera == with_works.camera
    assert set(with_works.traffic) <= set(without.traffic)
