"""What dropping four of twelve views saves, in the head's arithmetic and time. The backbone has seen all twelve."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.pairs import paired
from benchmarks.row import Row, Scale, UnequalError
from benchmarks.synthetic import DIM, VIEWS
from roadwork.config import load_section
from roadwork.model.head import Head, HeadOutput
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.config import TrainConfig
from roadwork.train.loss_config import LossConfig
from roadwork.train.losses import total
from roadwork.train.pretrain import fresh_head

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
_NOTE = (
    "of the head; nothing is saved of the backbone, whose work is a hundred thousand times as large: it has embedded "
    "all twelve views by then"
)


def measure(scale: Scale) -> list[Row]:
    """The rows; raises UnequalError where a head that keeps all views isn't the head that drops the last ones."""
    check_equal()
    pruned, whole = head_of(kept()), head_of(VIEWS)
    return [*_arithmetic(pruned, whole), _time(pruned, whole, scale)]


def kept() -> int:
    """Views that the committed parameters keep."""
    return load_section(PARAMS, "head", HeadConfig).pruning.keep


def head_of(keep: int) -> Head:
    """The committed head with `keep` views; the weights are the same for every `keep`."""
    config = load_section(PARAMS, "head", HeadConfig)
    config = config.model_copy(update={"pruning": config.pruning.model_copy(update={"keep": keep})})
    metadata = load_section(PARAMS, "metadata", MetadataConfig)
    return fresh_head(HeadSpec(head=config, metadata=metadata, embedding_dim=DIM, views=VIEWS), 1)


def check_equal(images: int = 4) -> None:
    """Raise UnequalError unless pruning to the views kept gives what an unpruned head says of those views alone."""
    pruned, whole = head_of(kept()).eval(), head_of(VIEWS).eval()
    embeddings, metadata = _batch(images)
    with torch.inference_mode():
        answer = pruned(embeddings, metadata)
        alone = embeddings.gather(1, answer.kept.unsqueeze(-1).expand(-1, -1, DIM))
        expected = whole(alone, metadata, answer.kept)
    if answer.kept.shape[1] != kept() or not torch.allclose(answer.logits, expected.logits, atol=1e-4):
        raise UnequalError("the pruned head isn't the whole head on the views kept")


def flops(head: Head, *, backward: bool) -> int:
    """Floating-point operations for one image: matrix products, which are nearly all."""
    head = head.train(backward)
    embeddings, metadata = _batch(1)
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(backward):
        output = head(embeddings, metadata)
        if backward:
            _loss(output, metadata).backward()
    return counter.get_total_flops()


def _arithmetic(pruned: Head, whole: Head) -> list[Row]:
    rows = []
    for name, what, backward in (("forward", "prediction", False), ("training", "forward and backward", True)):
        with_pruning, without = (flops(head, backward=backward) for head in (pruned, whole))
        rows.append(
            Row(
                name=f"pruning.flops_{name}",
                what=f"the head's arithmetic with {kept()} of {VIEWS} views against all, {what}",
                figure=with_pruning / without,
                unit="x",
                limit=f"{kept()}/{VIEWS} = {kept() / VIEWS:.2f}, were it not for the scorer and what follows the views",
                note=_NOTE,
                detail={
                    "MFLOP an image, pruned": round(with_pruning / 1e6, 1),
                    "MFLOP an image, whole": round(without / 1e6, 1),
                },
            )
        )
    return rows


def _time(pruned: Head, whole: Head, scale: Scale) -> Row:
    train = load_section(PARAMS, "train", TrainConfig)
    embeddings, metadata = _batch(train.batch_size)

    def step(head: Head) -> None:
        head.train().zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=train.precision == "bf16"):
            output = head(embeddings, metadata)
        _loss(output, metadata).backward()

    pairs = paired(lambda: step(pruned), lambda: step(whole), rounds=scale.of(15, 1), clock=time.process_time)
    return Row(
        name="pruning.time_training",
        what=f"CPU seconds of forward and backward with {kept()} of {VIEWS} views against all",
        figure=pairs.ratio,
        unit="x",
        low=min(pairs.ratios),
        high=max(pairs.ratios),
        limit="the share of the arithmetic, above",
        note=_NOTE,
        detail={"batch": train.batch_size, "precision": train.precision},
    )


def _batch(images: int) -> tuple[torch.Tensor, Metadata]:
    generator = torch.Generator().manual_seed(2)
    config = load_section(PARAMS, "metadata", MetadataConfig)
    return torch.randn(images, VIEWS, DIM, generator=generator), Metadata.null(images, config)


def _loss(output: HeadOutput, metadata: Metadata) -> torch.Tensor:
    labels = torch.arange(len(metadata.weather)) % 2
    null = output.weather_logits.shape[1] - 1
    return total(
        output, labels, metadata.weather, null_index=null, config=load_section(PARAMS, "loss", LossConfig)
    ).total
