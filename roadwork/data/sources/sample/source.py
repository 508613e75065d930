"""The source `sample`: draws its photographs into a folder and hands their records over."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from roadwork.data.record import Record
from roadwork.data.sources.sample.description import category_values, describe
from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.facts import Facts, plan_facts
from roadwork.data.sources.sample.label import NULLABLE
from roadwork.data.sources.sample.photograph import write_photograph
from roadwork.data.sources.sample.scene import SceneObject, ScenePlan, draw_scene, objects_of, plan_scene
from roadwork.data.sources.sample.street import plan_street
from roadwork.isolation.leash import leave_with_parent
from roadwork.progress import progress
from roadwork.seeding import derive

_WORTH_A_POOL_PX = 20_000_000


def write_sample(
    folder: Path, *, seed: int, images: int, max_width_px: int, workers: int | None = None
) -> Iterator[Record]:
    """Draw `images` street scenes as JPEG files in `folder` and yield their records in order.

    The bytes depend on `seed`, `images` and `max_width_px` only, never on `workers` (default: one process per core,
    or none where the whole sample is a matter of seconds). A file exists under its name only when it is complete.

    Raises:
        DataError: too few images or pixels; before anything is drawn.
    """
    facts = plan_facts(seed=seed, images=images, max_width_px=max_width_px)
    return _drawn(facts, folder, _worker_count(facts) if workers is None else workers)


def scene_objects(*, seed: int, images: int, max_width_px: int, index: int) -> tuple[SceneObject, ...]:
    """The roadwork objects of image `index` of that sample, in pixels of the upright image; nothing is drawn for it."""
    return objects_of(_plan(plan_facts(seed=seed, images=images, max_width_px=max_width_px)[index]))


def _worker_count(facts: list[Facts]) -> int:
    if sum(fact.width_px * fact.height_px for fact in facts) < _WORTH_A_POOL_PX:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _drawn(facts: list[Facts], folder: Path, workers: int) -> Iterator[Record]:
    draw = partial(_draw, folder)
    with progress("drawing the sample", total=len(facts)) as advance:
        if workers <= 1:
            for record in map(draw, facts):
                advance()
                yield record
            return
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=spawn, initializer=leave_with_parent) as pool:
            for record in pool.map(draw, facts, chunksize=4):
                advance()
                yield record


def _plan(fact: Facts) -> ScenePlan:
    return plan_scene(
        street_seed=fact.street_seed,
        image_seed=fact.image_seed,
        frame=fact.frame,
        label=fact.label,
        width_px=fact.width_px,
        height_px=fact.height_px,
    )


def _draw(folder: Path, fact: Facts) -> Record:
    """Draw and publish one photograph; returns its record."""
    picture, _ = draw_scene(_plan(fact))
    name = f"{fact.index:05d}.jpg"
    position = (fact.latitude_deg, fact.longitude_deg)
    write_photograph(
        folder / name, picture, orientation=fact.orientation, gps_deg=position if fact.gps in ("exif", "both") else None
    )
    return Record(place=f"sample image {fact.index}", name=name, file=folder / name, content=None, fields=_fields(fact))


def _fields(fact: Facts) -> dict[str, object]:
    street, dice = plan_street(fact.street_seed), Dice(derive(fact.image_seed, "words"))
    words = {**category_values(dice, street), "description": describe(dice, street)}
    in_table = fact.gps in ("table", "both")
    return {
        "split": fact.split,
        "label": fact.label,
        "latitude_deg": fact.latitude_deg if in_table else None,
        "longitude_deg": fact.longitude_deg if in_table else None,
        "group": fact.group,
        **{field: words[field] if field in fact.known else None for field in NULLABLE},
    }
