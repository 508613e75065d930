"""A project in which everything that comes before `finetune` is there: synthetic features, a head that wasn't trained.

How long fine-tuning takes depends on neither.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from benchmarks.synthetic import DIM, VIEWS, embedding_blocks, image_ids, labels
from pipeline import paths
from roadwork.config import load_section
from roadwork.data.manifest import Manifest, manifest_frame, write_manifest
from roadwork.embed.store import write_image_store, write_text_store
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.checkpoint import save_head
from roadwork.train.data_digest import data_digest
from roadwork.train.pretrain import fresh_head

ROOT = Path(__file__).resolve().parents[1]
_FINGERPRINT = "f" * 64
_INNER_VAL = 5  # one in so many of the images that aren't of the outer fold


def create_project(folder: Path, images: int, changes: Mapping[str, Any]) -> None:
    """Fill `folder` with `images` test images; `changes` are other parameters of `finetune`."""
    yaml = YAML()
    params = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["finetune"].update(changes)
    folder.mkdir(parents=True)
    with (folder / paths.PARAMS).open("w", encoding="utf-8") as stream:
        yaml.dump(params, stream)
    shutil.copy2(ROOT / paths.DVC_YAML, folder / paths.DVC_YAML)
    ids, truth = image_ids(images), labels(images)
    rows = [
        {"image_id": name, "path": f"{name}.jpg", "width_px": 4032, "height_px": 3024, "split": "test", "label": label}
        for name, label in zip(ids, truth.tolist(), strict=True)
    ]
    write_manifest(Manifest(manifest_frame(rows), folder / paths.DATA), folder / paths.MANIFEST)
    _write_folds(folder / paths.FOLDS, ids, len(params["finetune"]["folds"]))
    write_image_store(
        folder / paths.IMAGE_STORE,
        ids,
        embedding_blocks(images),
        view_count=VIEWS,
        dim=DIM,
        attributes={"fingerprint": _FINGERPRINT, "manifest_digest": "m" * 64, "provenance": {}},
    )
    text = np.zeros((images, params["metadata"]["text_dim"]), dtype=np.float32)
    write_text_store(folder / paths.TEXT_STORE, ids, text, np.zeros(images, dtype=bool), attributes={})
    spec = HeadSpec(
        head=load_section(folder / paths.PARAMS, "head", HeadConfig),
        metadata=load_section(folder / paths.PARAMS, "metadata", MetadataConfig),
        embedding_dim=DIM,
        views=VIEWS,
    )
    (folder / paths.PRETRAINED).mkdir(parents=True)
    inputs = (paths.IMAGE_STORE, paths.TEXT_STORE, paths.MANIFEST, paths.FOLDS)
    digest = data_digest(*(folder / path for path in inputs))
    made_from = {"feature_fingerprint": _FINGERPRINT, "data_digest": digest}
    save_head(folder / paths.PRETRAINED, fresh_head(spec, seed=17), spec, made_from)


def run_stage(folder: Path, fold: int, cache: Path) -> None:
    """Run the stage `finetune` of one fold in `folder`, in a process of its own as DVC does, with its own cache."""
    environment = os.environ | {"ROADWORK_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pipeline", "finetune", str(fold), "--json"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"finetune {fold} failed: {done.stderr[-2000:]}")


def _write_folds(path: Path, ids: list[str], folds: int) -> None:
    """Every image is in the outer fold that its number gives, so that each has both classes."""
    number = np.arange(len(ids))
    outer = number // 2 % folds
    table = pd.DataFrame({"image_id": ids, "split": "test", "block": number.astype(np.int32)})
    for fold in range(folds):
        inner = np.where(number // (2 * folds) % _INNER_VAL == 0, "val", "train")
        table[f"role_{fold}"] = np.where(outer == fold, "test", inner)
    table.to_parquet(path)
