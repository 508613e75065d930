"""Which benchmarks there are, in the order of the page, and how one is run: alone, in a process of its own."""

from __future__ import annotations

import multiprocessing
from importlib import import_module
from multiprocessing.connection import Connection

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
RAY = ("scaling", "ray_overhead")


class FailedError(RuntimeError):
    """A benchmark that gave no rows."""


def names_of(scale: Scale) -> tuple[str, ...]:
    """The benchmarks of a suite."""
    if scale.ray:
        return RAY
    return GPU if scale.gpu else CPU


def run_alone(name: str, scale: Scale) -> list[Row]:
    """The rows of benchmark `name`, measured in a fresh process: no threads, caches or memory of another's.

    Whatever ends this call ends that process too. Raises FailedError with what it printed last.
    """
    spawn = multiprocessing.get_context("spawn")
    receiving, sending = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_measure, args=(name, scale, sending))
    process.start()
    sending.close()  # so that the other end's death is the end of what is received
    try:
        rows = receiving.recv()
        process.join()
        return rows
    except EOFError:
        raise FailedError(f"benchmark {name} ended without a result; why stands above") from None
    finally:
        process.kill()
        process.join()


def _measure(name: str, scale: Scale, sending: Connection) -> None:
    sending.send(import_module(f"benchmarks.rows.{name}").measure(scale))
