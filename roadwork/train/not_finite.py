"""Numbers that went wrong: whose they are, said in one error. Looked into only once they did, so it may be slow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from roadwork.errors import TrainingError
from roadwork.train.features import FeatureTable
from roadwork.train.trainer import Trainer

_NAMED = 8  # image ids in an error message
_LOOKED_AT = 1024  # images at once: 31 MB at 12 views of 1280
_RULE = "features, losses, gradients and weights are finite; the state after the last good epoch is kept"
_LOWER = "lower the learning rate, or set train.precision to fp32; the training then starts anew"


@dataclass(frozen=True)
class Place:
    """A group of batches within a training; all counted from 1."""

    epoch: int
    step: int  # of the optimizer, over all epochs
    first_batch: int  # of the group, in its epoch
    batches: int  # in the epoch

    def of(self, which: Sequence[int]) -> str:
        """The place of the batches `which`, counted from 0 within the group."""
        numbers = [str(self.first_batch + each) for each in which]
        names = f"batch {numbers[0]}" if len(numbers) == 1 else f"batches {', '.join(numbers)}"
        return f"epoch {self.epoch}, optimizer step {self.step}, {names} of {self.batches}"


def place_of(table: FeatureTable, group: Sequence[Tensor], place: Place) -> str:
    """The place of all batches of `group`, and their images."""
    return f"{place.of(range(len(group)))}, {images(table, torch.cat(list(group)).tolist())}"


def first_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first of the floating-point `tensors` with a NaN or an infinity; one wait for the device.

    A finite norm, one fast pass over the numbers, says that all are; only where one isn't, each number is asked.
    """
    numbers = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point() and tensor.numel()}
    if not numbers:
        return None
    device = next(iter(numbers.values())).device
    norms = torch.stack([torch.linalg.vector_norm(tensor).float().to(device) for tensor in numbers.values()])
    if norms.isfinite().all():
        return None
    return next((name for name, tensor in numbers.items() if not tensor.isfinite().all()), None)


def check_weights(trainer: Trainer, where: str) -> None:
    """Raise TrainingError, naming a weight, unless the head and its optimizer hold finite numbers only."""
    name = first_not_finite({**trainer.head.state_dict(), **trainer.optimizer.state()})
    if name is not None:
        raise TrainingError(f"the weight {name} is no number any more", where=where, rule=_RULE, fix=_LOWER)


def check_features(table: FeatureTable, where: str) -> None:
    """Raise TrainingError, naming the images, unless all features and metadata of `table` are finite."""
    bad, fix = _broken_inputs(table, torch.arange(len(table), device=table.labels.device))
    if len(bad):
        raise TrainingError(
            "features aren't finite", where=f"{where}, {images(table, bad.tolist())}", rule=_RULE, fix=fix
        )


def check_answers(table: FeatureTable, good: Tensor, where: str) -> None:
    """Raise TrainingError, naming the images that aren't `good [image]` (bool): the head's answer is no number."""
    bad = (~good).nonzero().flatten()
    if len(bad):
        _, fix = _broken_inputs(table, bad.to(table.labels.device))
        raise TrainingError(
            f"the head's answer is no number for {len(bad)} of {len(table)} images",
            where=", ".join(part for part in (where, images(table, bad.tolist())) if part),
            rule="logits and gates are finite",
            fix=fix or "lower the learning rate of the training that made this head, and run it again",
        )


def step_error(
    trainer: Trainer, group: Sequence[Tensor], losses: Sequence[Tensor], norm: Tensor, place: Place
) -> TrainingError:
    """The TrainingError about the batches `group` (rows of the table), their `losses` and their gradient's `norm`.

    At fault are, in this order: a broken weight; images whose own features or metadata aren't finite; images whose own
    loss or gradient isn't, each run alone without dropout; else the batches whose loss isn't, or all of the group.
    """
    rows = torch.cat(list(group))
    fix = _LOWER
    weight = first_not_finite(trainer.head.state_dict())
    named = rows
    if weight is None:
        named, found = _broken_inputs(trainer.table, rows.unique())
        fix = found or fix
        if not len(named):
            named = _alone_at_fault(trainer, rows.unique())
        if not len(named):
            bad = [batch for batch, loss in zip(group, losses, strict=True) if not loss.isfinite()]
            named = torch.cat(bad or list(group))
    chosen = set(named.tolist())
    batches = [number for number, batch in enumerate(group) if chosen & set(batch.tolist())]
    mean = sum(float(loss) * len(batch) for loss, batch in zip(losses, group, strict=True)) / len(rows)
    because = "" if weight is None else f", because the weight {weight} is no number any more"
    return TrainingError(
        f"the numbers went wrong: loss {mean:g}, gradient norm {float(norm):g}{because}",
        where=f"{place.of(batches)}, {images(trainer.table, [row for row in rows.tolist() if row in chosen])}",
        rule=_RULE,
        fix=fix,
    )


def images(table: FeatureTable, rows: Sequence[int]) -> str:
    """The images of `rows` of the table as an error names them, each once: the first few, and how many more."""
    ids = [table.image_ids[row] for row in dict.fromkeys(rows)]
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"{'image' if len(ids) == 1 else 'images'} {', '.join(ids[:_NAMED])}{more}"


def _broken_inputs(table: FeatureTable, rows: Tensor) -> tuple[Tensor, str]:
    """Those of `rows` whose inputs aren't finite, and what to do about it."""
    columns = {
        "embed_images": table.embeddings.gather,
        "embed_text": lambda some: table.metadata.text.index_select(0, some),
        "ingest": lambda some: table.metadata.gps_deg.index_select(0, some),
    }
    for stage, column in columns.items():
        good = [column(some).isfinite().flatten(1).all(dim=1) for some in rows.split(_LOOKED_AT)]
        bad = rows[~torch.cat(good)] if good else rows
        if len(bad):
            return bad, f"run `roadwork {stage}` again: what it wrote about these images isn't finite"
    return rows[:0], ""


def _alone_at_fault(trainer: Trainer, rows: Tensor) -> Tensor:
    """Those of `rows` whose own loss or gradient isn't finite."""
    head = trainer.head
    training = head.training
    head.eval()
    bad = []
    try:
        for row in rows.split(1):
            head.zero_grad(set_to_none=True)
            loss = trainer.losses(head, row).total
            loss.backward()
            gradients = {name: p.grad for name, p in head.named_parameters() if p.grad is not None}
            bad.append(first_not_finite({"loss": loss.detach(), **gradients}) is not None)
    finally:
        head.zero_grad(set_to_none=True)
        head.train(training)
    return rows[torch.tensor(bad, device=rows.device)]
