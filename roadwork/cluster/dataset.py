"""The two kinds of processes in a row, by Ray Data: photographs, views, blocks of the cache."""

# pyright: reportMissingImports=false
# Ray is an extra.

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import ray.data
from ray.data import ExecutionResources
from ray.data.read_api import from_blocks

from roadwork.cluster.capacity import Pools
from roadwork.cluster.cutter import Cutter, CutterTask
from roadwork.cluster.model import Model
from roadwork.cluster.model_task import ModelTask
from roadwork.cluster.photograph_table import photograph_tables
from roadwork.cluster.shares import shares_of
from roadwork.cluster.watch import Watch
from roadwork.embed.photograph import Photograph

_AHEAD = 4
"""Of what the processes are at, so much may wait for them or have been left by them."""

_MOST_FAILED_STARTS = 5
"""Processes that may end while they start, one after the other: a node that goes takes them along."""


def results(
    photographs: Sequence[Photograph],
    *,
    pools: Pools,
    cutter: CutterTask,
    model: ModelTask,
    decode_images: int,
    block_images: int,
) -> Iterator[list[tuple[str, str | None]]]:
    """Image ids block by block, in the order of `photographs`, each with None or its error as text.

    Memory holds a few blocks' views on each node, whatever the number of photographs. What a process leaves undone
    that is killed, another takes over. Raises the exceptions of `Watch` and Ray's own.
    """
    shares = shares_of(len(photographs), pools, decode_images=decode_images, block_images=block_images)
    pools = shares.pools
    ahead = pools.decode_actors * max(shares.piece_images) + pools.model_actors * block_images
    _configure(view_bytes=_AHEAD * ahead * max(len(photo.boxes) for photo in photographs) * cutter.size_px**2 * 3)
    tables = list(photograph_tables(photographs, sizes=shares.piece_images))
    done = (
        from_blocks(tables)  # from_arrow has tasks look at every table, and they'd need CPUs
        .map_batches(
            Cutter,
            fn_constructor_args=(cutter,),
            batch_size=None,  # a piece each: with a number Ray would join the smaller ones, across blocks
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=pools.decode_actors),
            num_cpus=pools.decode_cpus,
        )
        .map_batches(
            Model,
            fn_constructor_args=(model,),
            batch_size=block_images,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=pools.model_actors),
            num_cpus=pools.model_cpus,
            num_gpus=pools.model_gpus or None,
        )
    )
    batches: Any = iter(done.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0))
    with closing(batches):  # a generator; closing it ends the processes
        for table in batches:
            yield list(zip(table.column("image_id").to_pylist(), table.column("error").to_pylist(), strict=True))


def _configure(*, view_bytes: int) -> None:
    """Ours are the progress and the notes; blocks stay as they are cut, in their order, so the cache's are the same.

    No more than about `view_bytes` of views wait in the nodes' shared memory.
    """
    context = ray.data.DataContext.get_current()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = None
    context.execution_options.preserve_order = True
    context.execution_options.resource_limits = ExecutionResources.for_limits(object_store_memory=view_bytes)
    context.execution_options.verbose_progress = False
    context.max_consecutive_actor_init_deaths = _MOST_FAILED_STARTS
    context.custom_execution_callback_classes = [Watch]
