"""The optimizer step as one CUDA graph: a thousand small kernels for one launch.

A graph repeats kernels on fixed memory. So everything that changes from step to step lies in tensors that are filled
before: the rows, the learning rate, whether an earlier step broke. Groups of another size than the full one, such as
the last of an epoch, are taken as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from roadwork.train.embeddings import Resident
from roadwork.train.epoch import Step, Taken, take_step
from roadwork.train.trainer import Trainer

Replay = Callable[[], None]
Capture = Callable[[Callable[[], Taken]], tuple[Replay, Taken]]

_WARM_UP = 3  # steps before the capture: libraries choose kernels and take workspaces in their first ones


def steps_of(trainer: Trainer) -> Step:
    """How `trainer` takes its steps: as a CUDA graph where the head is compiled for CUDA and all features lie there."""
    on_cuda = trainer.table.labels.is_cuda and isinstance(trainer.table.embeddings, Resident)
    if on_cuda and trainer.config.compile != "off":
        return CapturedStep(trainer, capture=cuda_graph)
    return partial(take_step, trainer)


class CapturedStep:
    """`take_step` on full groups by replaying what `capture` made of the first one."""

    def __init__(self, trainer: Trainer, *, capture: Capture) -> None:
        device, config = trainer.table.labels.device, trainer.config
        self._trainer, self._capture = trainer, capture
        self._rows = torch.zeros(config.accumulation, config.batch_size, dtype=torch.int64, device=device)
        self._lr = torch.zeros((), device=device)
        self._broken = torch.ones((), device=device)
        self._captured: tuple[Replay, Taken] | None = None

    def __call__(self, group: Sequence[Tensor], lr: float, broken: Tensor) -> Taken:
        """As `take_step`. The learning rate is rounded to float32."""
        if [len(rows) for rows in group] != [self._rows.shape[1]] * self._rows.shape[0]:
            return take_step(self._trainer, group, lr, broken)
        torch.stack(list(group), out=self._rows)
        if self._captured is None:
            self._captured = self._capture_the_step()
        replay, taken = self._captured
        self._lr.fill_(lr)
        self._broken.copy_(broken)
        replay()
        broken.copy_(self._broken)
        return Taken(*(tensor.clone() for tensor in taken))

    def _capture_the_step(self) -> tuple[Replay, Taken]:
        """Nothing moves meanwhile: a step after a broken one leaves weights, moments and their count as they are."""
        device = self._rows.device

        def step() -> Taken:
            return take_step(self._trainer, self._rows.unbind(), self._lr, self._broken)

        self._broken.fill_(1)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            return self._capture(step)


def cuda_graph(step: Callable[[], Taken]) -> tuple[Replay, Taken]:
    """`step` as a CUDA graph: a function that repeats it, and where it leaves its results."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        taken = step()
    return graph.replay, taken
