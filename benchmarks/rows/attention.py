"""The attention backends, forward and backward, at the sizes that the head has: the parameter's default follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, get_args

import torch
from torch import Tensor

from benchmarks.pairs import seconds_of
from benchmarks.row import Row, Scale, UnequalError
from roadwork.model.attention import attention, xformers_refusal
from roadwork.model.head_config import Backend

HEADS, DIM = 8, 64
TOKENS = (8, 12)
BATCHES = (32, 256, 1024, 4096)
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 5e-2}
BACKENDS: tuple[Backend, ...] = tuple(name for name in get_args(Backend) if name != "auto")


class Case(NamedTuple):
    """One size of the table; `dtype` is that of q, k and v, bfloat16 being what autocast gives."""

    device: torch.device
    dtype: torch.dtype
    tokens: int
    images: int

    def __str__(self) -> str:
        precision = {torch.float32: "fp32", torch.bfloat16: "bf16"}[self.dtype]
        return f"{precision}_{self.tokens}x{self.images}"


def measure(scale: Scale) -> list[Row]:
    """A row per size; raises UnequalError where two backends differ."""
    device = torch.device("cuda" if scale.gpu else "cpu")
    rows = []
    for case in cases(device, BATCHES if not scale.quick else BATCHES[:1]):
        check_equal(case)
        rows.append(_row(case, rounds=scale.of(3, 1), images=scale.of(2048, 64)))
    return rows


def cases(device: torch.device, batches: tuple[int, ...]) -> Iterator[Case]:
    """Every precision, number of tokens and batch."""
    for dtype in (torch.float32, torch.bfloat16):
        for tokens in TOKENS:
            for images in batches:
                yield Case(device, dtype, tokens, images)


def runs(backend: Backend, case: Case) -> str | None:
    """Why `backend` can't run the case; None when it can."""
    return xformers_refusal(case.device, case.dtype, DIM) if backend == "xformers" else None


def check_equal(case: Case) -> None:
    """Raise UnequalError unless all backends that run agree with float64, forward and backward."""
    case = case._replace(images=min(case.images, 32))
    exact = _forward_backward("math", _inputs(case), torch.float64)
    for backend in BACKENDS:
        if runs(backend, case) is None:
            found = _forward_backward(backend, _inputs(case), case.dtype)
            for name, one, other in zip(("output", "q", "k", "v"), found, exact, strict=True):
                distance = float((one.double() - other).abs().max() / other.abs().max())
                if not distance <= TOLERANCE[case.dtype]:
                    raise UnequalError(f"{backend} at {case}: {name} is off by {distance:.2g} of its largest value")


def taken_by_auto(case: Case) -> Backend:
    """What `auto` takes for the case, found by its bits: on the CPU equal calls give equal ones."""
    inputs = _inputs(case._replace(images=32))
    taken = _forward_backward("auto", inputs, case.dtype)
    for backend in BACKENDS:
        if runs(backend, case) is None and torch.equal(taken[0], _forward_backward(backend, inputs, case.dtype)[0]):
            return backend
    raise UnequalError(f"at {case} `auto` gives what no backend gives")


def _row(case: Case, *, rounds: int, images: int) -> Row:
    taken, inputs = taken_by_auto(case), _inputs(case)
    refusals = {backend: runs(backend, case) for backend in BACKENDS}
    seconds = {
        name: _seconds(name, case, inputs, rounds=rounds, images=images) for name in BACKENDS if refusals[name] is None
    }
    return Row(
        name=f"attention.{case}",
        what=f"what `auto` takes against the fastest backend, forward and backward, {case.images} images of "
        f"{case.tokens} tokens, {str(case.dtype).removeprefix('torch.')}",
        figure=seconds[taken] / min(seconds.values()),
        unit="x",
        limit="1: the default is the fastest",
        note="; ".join(f"{name} not measured: {refusal}" for name, refusal in refusals.items() if refusal),
        detail={"auto": taken, **{f"milliseconds, {name}": round(1000 * each, 3) for name, each in seconds.items()}},
    )


def _seconds(backend: Backend, case: Case, inputs: list[Tensor], *, rounds: int, images: int) -> float:
    """Seconds of one forward and backward pass, repeated within a round for about `images` images."""
    repeats = max(1, images // case.images)

    def run() -> None:
        for _ in range(repeats):
            _forward_backward(backend, inputs, case.dtype)
        if case.device.type == "cuda":
            torch.cuda.synchronize(case.device)

    return seconds_of(run, rounds=rounds, clock=_clock(case.device)) / repeats


def _clock(device: torch.device) -> Callable[[], float]:
    """CPU seconds on the CPU, where others may use the cores meanwhile."""
    return time.perf_counter if device.type == "cuda" else time.process_time


def _inputs(case: Case) -> list[Tensor]:
    """q, k, v and the gradient of the output, as the head's projections give them: heads within the last axis."""
    generator = torch.Generator().manual_seed(1)
    shape = (case.images, case.tokens, HEADS * DIM)
    return [
        torch.randn(shape, generator=generator).to(case.dtype).to(case.device).unflatten(-1, (HEADS, DIM))
        for _ in range(4)
    ]


def _forward_backward(backend: Backend, inputs: list[Tensor], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """The output, and the gradients of q, k and v."""
    q, k, v, gradient = (tensor.to(dtype) for tensor in inputs)
    q, k, v = (tensor.requires_grad_() for tensor in (q, k, v))
    output = attention(q, k, v, backend=backend)
    return output.detach(), *torch.autograd.grad(output, (q, k, v), gradient)
