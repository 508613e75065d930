"""Which benchmarks there are, in the order of the page, and how one is run: alone, in a process of its own."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module

from benchmarks.row import Row, Scale

CPU = (
    "views",
    "streaming",
    "obvious_way",
    "head_training",
    "finetuning",
    "attention",
    "pruning",
    "loop",
    "growth",
    "larger_than_memory",
)
GPU = ("gpu", "head_training", "attention")


def names_of(scale: Scale) -> tuple[str, ...]:
    """The benchmarks of a suite."""
    return GPU if scale.gpu else CPU


def run_alone(name: str, scale: Scale) -> list[Row]:
    """The rows of benchmark `name`, measured in a fresh process: no threads, caches or memory of another's."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
        return pool.submit(_measure, name, scale).result()


def _measure(name: str, scale: Scale) -> list[Row]:
    return import_module(f"benchmarks.rows.{name}").measure(scale)
