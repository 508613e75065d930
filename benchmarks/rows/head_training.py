"""Training the head: against the plain loop, against the bare gradient steps, and what saving its state costs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from torch import nn

from benchmarks.pairs import Pairs, paired, seconds_of
from benchmarks.rivals.plain_training import Photograph, StoredFeatures, plain_epoch, plain_optimizer
from benchmarks.row import Row, Scale, Target, UnequalError
from benchmarks.synthetic import DIM, VIEWS, embedding_blocks, image_ids, labels
from roadwork.config import load_section
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.capture import steps_of
from roadwork.train.compilation import forward_of
from roadwork.train.config import TrainConfig
from roadwork.train.embeddings import Resident
from roadwork.train.epoch import train_epoch
from roadwork.train.features import FeatureTable
from roadwork.train.loss_config import LossConfig
from roadwork.train.losses import total
from roadwork.train.optimizer import AdamW
from roadwork.train.pretrain import fresh_head
from roadwork.train.pretrain_config import PretrainConfig
from roadwork.train.reproducible import reproducible
from roadwork.train.resume import State, save_state
from roadwork.train.saving_pace import SHARE, Pace
from roadwork.train.trainer import Trainer

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
CHUNK = 256  # images, as in features/images.zarr
ON_CUDA = {"compile": "default"}  # what one sets there; on the CPU the parameters are taken as committed
TOLERANCE = 1e-3  # of a loss, in float32: the batches are added up in another order


@dataclass(frozen=True)
class World:
    """Features and parameters: in memory as the project has them, on disk as the rival reads them."""

    table: FeatureTable
    features: StoredFeatures
    in_memory: StoredFeatures
    spec: HeadSpec
    train: TrainConfig
    loss: LossConfig
    rates: PretrainConfig
    device: torch.device

    @property
    def weather_null(self) -> int:
        """Index of NULL."""
        return self.spec.metadata.null_index("weather")


def measure(scale: Scale) -> list[Row]:
    """The rows; raises UnequalError where the two loops don't compute the same losses."""
    device = torch.device("cuda" if scale.gpu else "cpu")
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder), images=scale.of(1024, 96), device=device)
        check_equal(world)
        rounds = scale.of(5, 1)
        with reproducible(world.train.reproducible, device, compiled=scale.gpu):
            world = world if not scale.gpu else replace(world, train=world.train.model_copy(update=ON_CUDA))
            rows = [
                _against(world, world.features, rounds, target=Target("at least", 5.0 if scale.gpu else 1.5)),
                _against(world, world.in_memory, scale.of(3, 1), target=None),
                _overhead(world, rounds),
                _saving(world, Path(folder) / "area", rounds),
            ]
    return rows


def make_world(folder: Path, *, images: int, device: torch.device) -> World:
    """`images` synthetic images of the real size with the committed parameters."""
    metadata = load_section(PARAMS, "metadata", MetadataConfig)
    embeddings = np.concatenate(list(embedding_blocks(images)))
    array = zarr.create_array(
        folder / "images.zarr" / "embeddings", shape=embeddings.shape, chunks=(CHUNK, VIEWS, DIM), dtype="float16",
        compressors=None,
    )  # fmt: skip
    zarr.open_group(folder / "images.zarr", mode="a")
    array[:] = embeddings
    known = _known(images, metadata)
    answers = labels(images)
    photographs = [
        Photograph(int(answers[row]), {name: column[row] for name, column in known._asdict().items()})
        for row in range(images)
    ]
    table = FeatureTable(
        image_ids=image_ids(images),
        embeddings=Resident(torch.from_numpy(embeddings)),
        metadata=known,
        labels=torch.from_numpy(answers),
        split=np.full(images, "train"),
        block=np.arange(images, dtype=np.int32),
        roles=np.full((images, 1), ""),
        fingerprint="synthetic",
        digest="synthetic",
    )
    return World(
        table=table.to(device),
        features=StoredFeatures(folder / "images.zarr", photographs, in_memory=False),
        in_memory=StoredFeatures(folder / "images.zarr", photographs, in_memory=True),
        spec=HeadSpec(head=load_section(PARAMS, "head", HeadConfig), metadata=metadata, embedding_dim=DIM, views=VIEWS),
        train=load_section(PARAMS, "train", TrainConfig),
        loss=load_section(PARAMS, "loss", LossConfig),
        rates=load_section(PARAMS, "pretrain", PretrainConfig),
        device=device,
    )


def check_equal(world: World) -> None:
    """Raise UnequalError unless both loops log the same losses over three steps, without randomness, in float32."""
    still = without_randomness(world)
    rows = list(range(min(len(world.table), 3 * world.train.batch_size * world.train.accumulation)))
    ours, rival = new_trainer(still), new_trainer(still)
    logged = plain_epoch(
        rival.head, plain_optimizer(rival.head, still.rates), still.features, rows, **_rivals_parameters(still)
    )
    means = train_epoch(ours, torch.tensor(rows), epoch=1, first_step=0)
    sizes = [len(batch) for batch in torch.tensor(rows).split(still.train.batch_size)]
    for name, mean in means._asdict().items():
        expected = sum(step[name] * size for step, size in zip(logged, sizes, strict=True)) / len(rows)
        if abs(float(mean) - expected) > TOLERANCE * max(abs(expected), TOLERANCE):
            raise UnequalError(f"{name}: ours {float(mean)}, the plain loop's {expected}")
    for (name, one), other in zip(ours.head.named_parameters(), rival.head.parameters(), strict=True):
        if not torch.allclose(one, other, atol=TOLERANCE, rtol=TOLERANCE):
            raise UnequalError(f"after three steps {name} differs by {float((one - other).detach().abs().max())}")


def without_randomness(world: World) -> World:
    """The same without dropout, in float32 and with PyTorch's attention, where both loops do the same arithmetic."""
    head = world.spec.head.model_copy(update={"dropout": 0.0})
    metadata = world.spec.metadata.model_copy(update={"dropout": 0.0})
    return replace(
        world,
        spec=world.spec.model_copy(update={"head": head, "metadata": metadata}),
        train=world.train.model_copy(update={"precision": "fp32"}),
    )


def new_trainer(world: World) -> Trainer:
    """The project's, with a head drawn from a seed."""
    head = fresh_head(world.spec, 1)
    head.fit_standardisation(world.table.embeddings.gather(torch.arange(len(world.table))).cpu())
    head.to(world.device)
    return Trainer(
        head=head,
        forward=forward_of(head, world.train.compile, batch_size=world.train.batch_size),
        optimizer=AdamW(head, weight_decay=world.rates.weight_decay),
        table=world.table,
        config=world.train,
        loss=world.loss,
        weather_null=world.weather_null,
        lr=lambda step: world.rates.lr,
    )


def bare_epoch(trainer: Trainer, batches: list[tuple[torch.Tensor, Metadata, torch.Tensor]]) -> None:
    """Forward, backward and optimizer step of `batches`, and nothing else."""
    config = trainer.config
    trainer.head.train()
    for start in range(0, len(batches), config.accumulation):
        group = batches[start : start + config.accumulation]
        trainer.optimizer.zero_grad()
        with trainer.autocast():
            for embeddings, metadata, answers in group:
                output = trainer.forward(embeddings, metadata)
                parts = total(output, answers, metadata.weather, null_index=trainer.weather_null, config=trainer.loss)
                with trainer.autocast(enabled=False):
                    (parts.total / len(group)).backward()
        trainer.optimizer.step(trainer.lr(0))


def _against(world: World, features: StoredFeatures, rounds: int, *, target: Target | None) -> Row:
    ours, rival = new_trainer(world), new_trainer(_with_plain_attention(world))
    order = torch.randperm(len(world.table), generator=torch.Generator().manual_seed(3))
    optimizer, step = plain_optimizer(rival.head, world.rates), steps_of(ours)

    def run_ours() -> None:
        train_epoch(ours, order, epoch=1, first_step=0, step=step)
        _wait(world.device)

    def run_rival() -> None:
        plain_epoch(rival.head, optimizer, features, order.tolist(), **_rivals_parameters(world))
        _wait(world.device)

    pairs = paired(run_ours, run_rival, rounds=rounds)
    in_memory = features is world.in_memory
    return Row(
        name=f"head_training.samples_{'from_memory' if in_memory else 'per_second'}",
        what="samples/s of an epoch against the plain loop "
        + ("that has read the array into memory before" if in_memory else "over the Zarr array"),
        figure=pairs.speedup,
        unit="x",
        low=min(1 / ratio for ratio in pairs.ratios),
        high=max(1 / ratio for ratio in pairs.ratios),
        target=target,
        limit="the arithmetic of the gradient steps, which both do"
        + (": 1, but for what the loop around them costs, and the attention" if in_memory else ""),
        note="train.compile: default, the step captured as one CUDA graph" if world.device.type == "cuda" else "",
        detail=_samples(pairs, len(order), world),
    )


def _overhead(world: World, rounds: int) -> Row:
    trainer = new_trainer(world)
    order = torch.arange(len(world.table))
    step = steps_of(trainer)
    batches = [
        (
            world.table.embeddings.gather(rows).float(),
            world.table.metadata.index(rows),
            world.table.labels.index_select(0, rows),
        )
        for rows in order.to(world.device).split(world.train.batch_size)
    ]

    def epoch() -> None:
        train_epoch(trainer, order, epoch=1, first_step=0, step=step)
        _wait(world.device)

    def bare() -> None:
        bare_epoch(trainer, batches)
        _wait(world.device)

    pairs = paired(epoch, bare, rounds=rounds)
    return Row(
        name="head_training.overhead",
        what="an epoch against the bare forward, backward and optimizer step of the same batches",
        figure=pairs.ratio,
        unit="x",
        low=min(pairs.ratios),
        high=max(pairs.ratios),
        target=Target("at most", 1.05),
        limit="1: nothing but gradient steps",
        note="on a GPU below 1, because the bare steps aren't captured" if world.device.type == "cuda" else "",
        detail=_samples(pairs, len(order), world),
    )


def _saving(world: World, area: Path, rounds: int) -> Row:
    """The pace of saving is a rule over times: here it is played through with the times measured."""
    trainer = new_trainer(world)
    batch = torch.arange(world.train.batch_size)
    train_epoch(trainer, batch, epoch=1, first_step=0)  # so that the optimizer has its moments
    weights = trainer.head.state_dict()
    best = {name: tensor.clone() for name, tensor in weights.items()}
    state = State([{"epoch": 1}], weights, best, trainer.optimizer.state())
    epoch_s = seconds_of(lambda: train_epoch(trainer, torch.arange(len(world.table)), epoch=1, first_step=0), rounds=1)
    save_s = seconds_of(lambda: save_state(area, state), rounds=rounds)
    share, saves = played(epoch_s, save_s, state.size_bytes, epochs=world.rates.epochs)
    return Row(
        name="head_training.saving",
        what=f"share of the time of {world.rates.epochs} epochs that goes into saving the state, at the pace allowed",
        figure=share,
        unit="share",
        target=Target("at most", 0.05),
        limit="0: nothing is saved",
        detail={
            "seconds of a save": round(save_s, 3),
            "megabytes": round(state.size_bytes / 1e6, 1),
            "seconds of an epoch": round(epoch_s, 3),
            "saves": saves,
            "share if every epoch were saved": round(save_s / (save_s + epoch_s), 3),
        },
    )


def played(epoch_s: float, save_s: float, size_bytes: int, *, epochs: int) -> tuple[float, int]:
    """Share of the time that saving takes over `epochs`, and the number of saves."""
    now, saves = 0.0, 0
    pace = Pace(SHARE, lambda: now)
    for _ in range(epochs):
        now += epoch_s
        if pace.allows(size_bytes):
            saves += 1
            with pace.saving():
                now += save_s
    return saves * save_s / now, saves


def _known(images: int, config: MetadataConfig) -> Metadata:
    """Metadata of which half is known."""
    generator = torch.Generator().manual_seed(7)
    null = Metadata.null(images, config)
    categories = {
        name: torch.randint(config.null_index(name) + 1, (images,), generator=generator)
        for name in ("weather", "daytime", "scene")
    }
    return null._replace(
        gps_deg=torch.rand(images, 2, generator=generator) * 60,
        gps_present=torch.rand(images, generator=generator) < 0.5,
        text=nn.functional.normalize(torch.randn(images, config.text_dim, generator=generator)),
        **categories,
    )


def _with_plain_attention(world: World) -> World:
    """The head that one writes at first, which calls PyTorch's attention."""
    attention = world.spec.head.attention.model_copy(update={"backend": "sdpa"})
    head = world.spec.head.model_copy(update={"attention": attention})
    return replace(world, spec=world.spec.model_copy(update={"head": head}))


def _rivals_parameters(world: World) -> dict[str, Any]:
    return {
        "train": world.train,
        "loss": world.loss,
        "weather_null": world.weather_null,
        "device": world.device,
        "workers": 4 if world.device.type == "cuda" else 0,  # on the CPU they would only take cores from the training
    }


def _samples(pairs: Pairs, images: int, world: World) -> dict[str, Any]:
    return {
        "samples/s, ours": round(images / float(np.median(pairs.ours_s)), 1),
        "samples/s, other": round(images / float(np.median(pairs.rival_s)), 1),
        "batch": world.train.batch_size,
        "accumulation": world.train.accumulation,
        "precision": world.train.precision,
    }


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
