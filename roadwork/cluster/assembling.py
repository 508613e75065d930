"""Pieces of a store written by the nodes of a cluster."""

# pyright: reportMissingImports=false
# Ray is an extra.

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from math import ceil
from typing import Any

import ray

from roadwork.cluster.told_error import as_error, told
from roadwork.embed.assembly import WriteJob, Written, run_job
from roadwork.errors import RoadworkError
from roadwork.progress import note

_AHEAD = 2
"""Jobs under way for each CPU."""


def spread(jobs: Iterable[WriteJob], *, cpus: float) -> Iterator[Written]:
    """Run each job on some node, a bounded number at a time; a killed worker's job is begun anew elsewhere.

    A job whose store its node doesn't see is run here. Raises the errors of `run_job`.
    """
    write: Any = ray.remote(_write)
    write = write.options(num_cpus=min(1.0, cpus), max_retries=-1, scheduling_strategy="SPREAD", name="write_piece")
    most = max(1, ceil(_AHEAD * cpus))
    under_way: dict[ray.ObjectRef, WriteJob] = {}
    is_seen = True

    def finish_one() -> Written:
        nonlocal is_seen
        (reference, *_), _ = ray.wait(list(under_way), num_returns=1)
        job = under_way.pop(reference)
        written = ray.get(reference)
        if isinstance(written, str):
            raise as_error(written)
        if written is not None:
            return written
        if is_seen:
            is_seen = False
            note(f"not every node sees {job.store}: what those don't see is written here")
        return run_job(job)

    try:
        for job in jobs:
            under_way[write.remote(job)] = job
            if len(under_way) >= most:
                yield finish_one()
        while under_way:
            yield finish_one()
    finally:
        for reference in under_way:  # an error or an interrupt: what isn't begun yet needn't be
            ray.cancel(reference)


def _write(job: WriteJob) -> Written | str | None:
    """On a node: what became of the job, an error as text, or None where the store can't be seen from there."""
    if "://" not in job.store and not os.path.isdir(job.store):
        return None
    try:
        return run_job(job)
    except RoadworkError as error:
        return told(error)
