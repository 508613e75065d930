"""The golden loss curve: a training on drawn photographs, and what is written down about each of its epochs.

`python tests/train/golden/curve.py` writes `curve.json` anew. Do that only for a change that is meant to change what
training does (an initialisation, a loss, the schedule, the order of images, the drawn sample, a decoder), say so in the
commit, and look at the difference first.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
CURVE = Path(__file__).with_name("curve.json")

# 64 drawn photographs of 200 px, timm's test backbone with random weights, a head of 32 numbers, six epochs.
CHANGES: dict[str, Any] = {
    "ingest.val_fraction": 0.3,
    "ingest.sample.images": 64,
    "ingest.sample.max_width_px": 200,
    "views.size_px": 160,
    "backbone.name": "test_vit.r160_in1k",
    "backbone.kwargs": {},
    "backbone.precision": "fp32",
    "embed.device": "cpu",
    "embed.decode_workers": 1,
    "metadata.gps_dim": 16,
    "metadata.category_dim": 8,
    "sampling.draws": 50,
    "sampling.target_share": 0.2,
    "sampling.min_share": 0.1,
    "head.pruning.hidden": 16,
    "head.projection.dim": 32,
    "head.pyramid.dims": [32, 16, 8],
    "head.attention.layers": 2,
    "head.attention.heads": 4,
    "head.view_fusion.heads": 4,
    "head.view_fusion.gate_hidden": 8,
    "head.classifier.hidden": 16,
    "train.device": "cpu",
    "train.precision": "fp32",
    "train.batch_size": 4,
    "train.clip_norm": 0.2,
    "pretrain.lr": 2e-3,
    "pretrain.epochs": 6,
    "pretrain.warmup_max_fraction": 0.2,
    "pretrain.patience": 6,
}


def make_plan(folder: Path) -> Any:
    """The training that is recorded, from features made in `folder` by the stages before it."""
    from pipeline import embed_images, folds, ingest, paths, sampling, tile
    from roadwork.config import load_section, load_seed
    from roadwork.data.manifest import read_manifest
    from roadwork.data.table_file import read_table_file
    from roadwork.embed.store import write_text_store
    from roadwork.model.head_config import HeadConfig, HeadSpec
    from roadwork.model.metadata_config import MetadataConfig
    from roadwork.train.config import TrainConfig
    from roadwork.train.features import load_features
    from roadwork.train.loss_config import LossConfig
    from roadwork.train.pretrain import Pretraining
    from roadwork.train.pretrain_config import PretrainConfig
    from roadwork.train.setting import Setting

    before, cache = Path.cwd(), os.environ.get("ROADWORK_CACHE")
    os.chdir(folder)
    os.environ["ROADWORK_CACHE"] = str(folder / "cache")
    try:
        params = Path("params.yaml")
        write_params(params)
        for stage in (ingest, tile, embed_images, folds, sampling):
            stage.run()
        ids = read_manifest(paths.MANIFEST).frame["image_id"].tolist()
        rng = np.random.default_rng(4)  # the sentence encoder takes longer to load than all of this takes to run
        sentences = rng.normal(size=(len(ids), 384)) / 384**0.5
        write_text_store(paths.TEXT_STORE, ids, sentences, rng.random(len(ids)) < 0.8, attributes={})
        metadata = load_section(params, "metadata", MetadataConfig)
        table = load_features(paths.IMAGE_STORE, paths.TEXT_STORE, paths.MANIFEST, paths.FOLDS, metadata)
        _, views, dim = table.embeddings.shape
        return Pretraining(
            table=table,
            sampling=read_table_file(paths.SAMPLING, stage="sampling"),
            near_km=100.0,
            spec=HeadSpec(
                head=load_section(params, "head", HeadConfig), metadata=metadata, embedding_dim=dim, views=views
            ),
            config=load_section(params, "pretrain", PretrainConfig),
            setting=Setting(
                train=load_section(params, "train", TrainConfig),
                loss=load_section(params, "loss", LossConfig),
                seed=load_seed(params),
                device=torch.device("cpu"),
            ),
        )
    finally:
        os.chdir(before)
        os.environ.pop("ROADWORK_CACHE")
        if cache is not None:
            os.environ["ROADWORK_CACHE"] = cache


def write_params(path: Path) -> None:
    yaml = YAML()
    params = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for dotted, value in CHANGES.items():
        *sections, name = dotted.split(".")
        owner = params
        for section in sections:
            owner = owner[section]
        assert name in owner, f"params.yaml has no {dotted} any more"
        owner[name] = value
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def curve_of(plan: Any, area: Path, epochs: int = 6) -> list[dict[str, Any]]:
    """The records of the first `epochs` epochs, on one thread."""
    from roadwork.train.pretrain import pretrain

    records: list[dict[str, Any]] = []

    def keep(record: Any) -> None:
        records.append(record.model_dump())
        if len(records) == epochs:
            raise StopIteration

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with suppress(StopIteration):
            pretrain(plan, area=area, on_epoch=keep)
    finally:
        torch.set_num_threads(threads)
    return records


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        curve = curve_of(make_plan(Path(name)), Path(name) / "area")
    lines = ",\n  ".join(json.dumps(record) for record in curve)
    CURVE.write_text(f"[\n  {lines}\n]\n", encoding="utf-8")
    sys.stderr.write(f"{len(curve)} epochs in {CURVE}\n")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
