"""The one training loop, of pretraining and of fine-tuning: epochs, validation, early stopping, resuming.

Everything random in an epoch comes from the seed and the epoch's number (order, dropout, hidden metadata), so the state
between epochs holds no generators, and a resumed run repeats an unbroken one bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor

from roadwork.model.head import Head
from roadwork.progress import progress
from roadwork.seeding import derive
from roadwork.train import saving_pace
from roadwork.train.capture import steps_of
from roadwork.train.compilation import forward_of
from roadwork.train.early_stopping import Score, best_index, should_stop
from roadwork.train.epoch import Step, train_epoch
from roadwork.train.features import FeatureTable
from roadwork.train.not_finite import check_weights
from roadwork.train.optimizer import AdamW
from roadwork.train.record import EpochRecord
from roadwork.train.reproducible import reproducible
from roadwork.train.resume import State, load_state, save_state
from roadwork.train.saving_pace import Pace
from roadwork.train.schedule import lr_factor, steps_per_epoch, warmup_length
from roadwork.train.setting import Setting
from roadwork.train.trainer import Trainer
from roadwork.train.validation import validate

OnEpoch = Callable[[EpochRecord], None]


@dataclass(frozen=True)
class Course:
    """What one training has of its own."""

    name: str
    lr: float
    weight_decay: float
    epochs: int
    patience: int
    warmup_steps: int
    warmup_max_fraction: float
    order: Callable[[int], Tensor]  # epoch → rows of the training table, in order of use
    near_share: Callable[[Tensor], float | None]  # rows drawn → share of them near a reference cluster, where known
    keep_start: bool  # whether the head as given competes, as epoch 0


class Trained(NamedTuple):
    """The end of a training; the head that was given now has the weights of epoch `best.epoch`."""

    best: EpochRecord
    history: list[EpochRecord]
    resumed: int  # how many records of the history an earlier process had left
    gradient_s: float  # seconds that this process spent in gradient steps; the rest is validation and writing


def train_head(
    head: Head,
    train: FeatureTable,
    val: FeatureTable,
    course: Course,
    setting: Setting,
    *,
    weather_null: int,
    area: Path,
    on_epoch: OnEpoch,
) -> Trained:
    """Train `head` in place on `train`, keep the epoch that is best on `val`, stop early when none gets better.

    `area` holds the state after an epoch, saved as often as `saving_pace` allows; if there is one, training goes on
    from it. `on_epoch` is called with every record of the history in order, those of resumed epochs included. Raises
    TrainingError for numbers that aren't finite and for a damaged state.
    """
    device = setting.device
    head.to(device)
    train, val = train.to(device), val.to(device)
    epoch_steps = steps_per_epoch(len(train), setting.train.batch_size, setting.train.accumulation)
    total_steps = epoch_steps * course.epochs
    warmup = warmup_length(total_steps, course.warmup_steps, course.warmup_max_fraction)
    trainer = Trainer(
        head=head,
        forward=forward_of(head, setting.train.compile, batch_size=setting.train.batch_size),
        optimizer=AdamW(head, weight_decay=course.weight_decay),
        table=train,
        config=setting.train,
        loss=setting.loss,
        weather_null=weather_null,
        lr=lambda step: course.lr * lr_factor(step, total_steps=total_steps, warmup=warmup),
    )
    history, best = _resume(trainer, area)
    resumed, gradient_s = len(history), 0.0
    step, pace = steps_of(trainer), Pace(saving_pace.SHARE)
    for record in history:
        on_epoch(record)

    kernels = reproducible(setting.train.reproducible, device, compiled=setting.train.compile != "off")
    with kernels, progress(course.name, course.epochs, unit="epochs") as advance:
        advance(history[-1].epoch if history else 0)
        while not _finished(history, course):
            epoch = history[-1].epoch + 1 if history else int(not course.keep_start)
            record, seconds = _one_epoch(trainer, step, val, course, setting, epoch=epoch, epoch_steps=epoch_steps)
            gradient_s += seconds
            history.append(record)
            if best_index(_scores(history)) == len(history) - 1:
                best = {name: tensor.detach().clone() for name, tensor in head.state_dict().items()}
            records = [record.model_dump() for record in history]
            state = State(records, head.state_dict(), best, trainer.optimizer.state())
            if pace.allows(state.size_bytes):
                with pace.saving():
                    save_state(area, state)
            on_epoch(record)
            advance(min(epoch, 1))
    head.load_state_dict(best)
    return Trained(history[best_index(_scores(history))], history, resumed, gradient_s)


def _resume(trainer: Trainer, area: Path) -> tuple[list[EpochRecord], dict[str, Tensor]]:
    """History and best weights so far; the head and the optimizer take up the saved state, if there is one."""
    state = load_state(area)
    if state is None:
        return [], {}
    trainer.head.load_state_dict(state.head)
    trainer.optimizer.restore(state.optimizer)
    return [EpochRecord(**record) for record in state.history], state.best


def _one_epoch(
    trainer: Trainer, step: Step, val: FeatureTable, course: Course, setting: Setting, *, epoch: int, epoch_steps: int
) -> tuple[EpochRecord, float]:
    """Train epoch `epoch` (nothing, if it is 0) and validate; also the seconds of its gradient steps."""
    parts, near_share, seconds = (None, None, None, None), None, 0.0
    if epoch:
        order = course.order(epoch)
        with torch.random.fork_rng(devices=[setting.device] if setting.device.type == "cuda" else []):
            torch.manual_seed(derive(setting.seed, "epoch", epoch))
            start = perf_counter()
            means = train_epoch(trainer, order, epoch=epoch, first_step=(epoch - 1) * epoch_steps, step=step)
            parts = tuple(float(part) for part in means)
            seconds = perf_counter() - start
        near_share = course.near_share(order)
    else:
        check_weights(trainer, where="before epoch 1")
    checked = validate(
        trainer.head,
        val,
        setting.loss,
        batch_size=setting.train.batch_size,
        device=setting.device,
        where=f"validation after epoch {epoch}",
    )
    steps = epoch * epoch_steps
    record = EpochRecord(
        epoch=epoch,
        steps=steps,
        learning_rate=trainer.lr(steps - 1) if epoch else None,
        train_total=parts[0],
        train_focal=parts[1],
        train_consistency=parts[2],
        train_weather=parts[3],
        val_loss=checked.loss,
        val_mcc_image_only=checked.mcc_image_only,
        val_mcc_with_metadata=checked.mcc_with_metadata,
        val_threshold=checked.threshold,
        near_share=near_share,
        gates=checked.gates,
    )
    return record, seconds


def _finished(history: list[EpochRecord], course: Course) -> bool:
    return bool(history) and (history[-1].epoch >= course.epochs or should_stop(_scores(history), course.patience))


def _scores(history: list[EpochRecord]) -> list[Score]:
    return [Score(record.val_mcc_image_only, record.val_loss) for record in history]
