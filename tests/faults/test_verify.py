"""`roadwork verify` on a finished project: what it says of a right one, and what it finds where files were mixed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from harness.finished import copied
from harness.nursery import Workplace
from harness.parameters import set_parameters
from typer.testing import CliRunner

from pipeline import paths, verify
from pipeline.app import app
from pipeline.paths import PARAMS
from roadwork.embed.store import read_image_store, read_text_store, write_image_store, write_text_store
from roadwork.publish import write_json
from roadwork.sealed_json import seal

pytestmark = pytest.mark.slow


@pytest.fixture
def place(finished_project: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> Workplace:
    """A finished project of its own, entered; without `dvc.lock`, so that the links have to find it themselves."""
    place = copied(finished_project, tmp_path / "copy")
    monkeypatch.chdir(place.project)
    monkeypatch.setenv("ROADWORK_CACHE", str(place.cache))
    Path("dvc.lock").rename(tmp_path / "dvc.lock")
    return place


def swap(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def swap_heads() -> None:
    """Both files of each, so each head is whole."""
    for name in ("head.safetensors", "head.json"):
        swap(paths.FINETUNED / "0" / name, paths.FINETUNED / "1" / name)


def swap_members() -> None:
    swap(paths.BUNDLE / "members/0", paths.BUNDLE / "members/1")


def swap_fold_metrics() -> None:
    swap(paths.FINETUNE_METRICS / "0.json", paths.FINETUNE_METRICS / "1.json")


def swap_predictions() -> None:
    swap(paths.FINETUNED / "0/predictions.parquet", paths.FINETUNED / "1/predictions.parquet")


def permute_images() -> None:
    store = read_image_store(paths.IMAGE_STORE)
    order = np.arange(len(store.image_ids))
    order[[3, 4]] = order[[4, 3]]
    ids, (_, views, dim) = [store.image_ids[row] for row in order], store.embeddings.shape
    write_image_store(
        paths.IMAGE_STORE, ids, [store.embeddings[order]], view_count=views, dim=dim, attributes=store.attributes
    )


def exchange_rows() -> None:
    """The ids stay where they are: only the cache can tell."""
    store = read_image_store(paths.IMAGE_STORE)
    rows, (_, views, dim) = store.embeddings.copy(), store.embeddings.shape
    rows[[3, 4]] = rows[[4, 3]]
    write_image_store(
        paths.IMAGE_STORE, store.image_ids, [rows], view_count=views, dim=dim, attributes=store.attributes
    )


def drop_text_row() -> None:
    store = read_text_store(paths.TEXT_STORE)
    write_text_store(
        paths.TEXT_STORE, store.image_ids[1:], store.embeddings[1:], store.present[1:], attributes=store.attributes
    )


def swap_stores() -> None:
    swap(paths.IMAGE_STORE, paths.TEXT_STORE)


def parameter(dotted: str, value: object) -> Callable[[], None]:
    def change() -> None:
        set_parameters(PARAMS, {dotted: value})

    return change


def table(path: Path, column: str, row: int, value: object) -> Callable[[], None]:
    def change() -> None:
        frame = pd.read_parquet(path)
        frame.loc[row, column] = value
        frame.to_parquet(path, index=False)

    return change


def other_label() -> None:
    frame = pd.read_parquet(paths.PREDICTIONS)
    frame.loc[0, "label"] = 1 - frame.loc[0, "label"]
    frame.to_parquet(paths.PREDICTIONS, index=False)


def details(folder: Path, **changes: object) -> Callable[[], None]:
    def change() -> None:
        told = json.loads((folder / "head.json").read_text())
        told["details"] |= changes
        write_json(folder / "head.json", seal(told))

    return change


def metrics(path: Path, **changes: object) -> Callable[[], None]:
    return lambda: write_json(path, json.loads(path.read_text()) | changes)


MIXED: dict[str, tuple[Callable[[], None], str, str]] = {
    "fold 0's head in fold 1's place": (swap_heads, "fold 0", "roadwork finetune 0"),
    "fold 0's metrics in fold 1's place": (swap_fold_metrics, "fold 0", "roadwork finetune 0"),
    "fold 0's predictions in fold 1's place": (swap_predictions, "fold 0", "roadwork finetune 0"),
    "members of the bundle exchanged": (swap_members, "bundle", "dvc repro ensemble"),
    "two rows of the image store permuted": (permute_images, "image store", "roadwork embed_images"),
    "two rows of the image store exchanged under their ids": (
        exchange_rows, "embedding cache", "roadwork embed_images",
    ),
    "a row of the text store missing": (drop_text_row, "text store", "roadwork embed_text"),
    "the stores exchanged": (swap_stores, "image store", "roadwork embed_images"),
    "other views": (parameter("views.overlap", 0.5), "image store", "roadwork embed_images"),
    "another backbone": (parameter("backbone.name", "test_vit2.r160_in1k"), "image store", "roadwork embed_images"),
    "another text model": (parameter("text.model", "elsewhere"), "text store", "roadwork embed_text"),
    "another head": (parameter("head.classifier.hidden", 8), "pretrained head", "roadwork pretrain"),
    "another seed": (parameter("seed", 18), "pretrained head", "roadwork pretrain"),
    "fewer epochs than were trained": (parameter("finetune.epochs", 1), "fold 0", "roadwork finetune 0"),
    "fewer members": (parameter("ensemble.members", 1), "bundle", "roadwork ensemble"),
    "a vocabulary without a value of the manifest": (
        parameter("metadata.vocabularies.weather", {"values": ["hail"], "aliases": {}}), "manifest", "roadwork ingest",
    ),
    "parameters that are none": (parameter("head.dropout", 7), "parameters", "docs/parameters.md"),
    "a label changed": (other_label, "headline", "roadwork headline"),
    "a probability that is none": (
        table(paths.OOF_PREDICTIONS, "probability_image_only", 2, float("nan")), "out-of-fold", "roadwork ensemble",
    ),
    "a margin changed": (table(paths.OOF_PREDICTIONS, "margin_image_only", 2, 9.5), "out-of-fold", "roadwork ensemble"),
    "a view's evidence changed": (table(paths.EVIDENCE, "name", 0, "left"), "evidence", "roadwork evaluate"),
    "a holdout margin changed": (
        table(paths.HOLDOUT_PREDICTIONS, "margin_image_only", 0, 9.5), "holdout", "roadwork ensemble",
    ),
    "a margin of the headline changed": (
        table(paths.PREDICTIONS, "margin_image_only", 0, 9.5), "headline", "roadwork headline",
    ),
    "a margin of the pretrained head changed": (
        table(paths.PRETRAINED / "predictions.parquet", "margin_image_only", 0, 9.5), "pretrained head", "pretrain",
    ),
    "a view's withheld margin changed": (
        table(paths.PRETRAINED / "evidence.parquet", "withheld", 0, 9.5), "pretrained head", "pretrain",
    ),
    "a deletion changed": (table(paths.EVIDENCE, "deletion", 0, 0.5), "evidence", "roadwork evaluate"),
    "a baseline's answer changed": (
        table(paths.BASELINES, "probability_majority", 0, 0.25), "baselines", "roadwork baselines",
    ),
    "baselines of other data": (
        metrics(paths.BASELINES_METRICS, data_digest="0" * 64), "baselines", "roadwork baselines",
    ),
    "baselines of other metadata": (
        metrics(paths.BASELINES_METRICS, metadata_fields=[]), "baselines", "roadwork baselines",
    ),
    "a weight below 0": (table(paths.SAMPLING, "weight", 0, -1.0), "sampling weights", "roadwork sampling"),
    "a head of other features": (details(paths.PRETRAINED, feature_fingerprint="0"), "pretrained head", "pretrain"),
    "a member of another pretrained head": (
        details(paths.FINETUNED / "1", pretrained_sha256="0" * 64), "fold 1", "roadwork finetune 1",
    ),
    "scores of another head": (metrics(paths.EVALUATE_METRICS, head_sha256="0" * 64), "scores", "roadwork evaluate"),
    "a headline of another head": (metrics(paths.HEADLINE_METRICS, head_sha256="0"), "headline", "roadwork headline"),
    "metrics of another manifest": (metrics(paths.INGEST_METRICS, manifest_digest="0"), "manifest", "roadwork ingest"),
}  # fmt: skip


QUICK = ("fold 0's head in fold 1's place", "two rows of the image store exchanged under their ids", "other views")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.faults) for name in MIXED]
)
def test_files_that_do_not_belong_together(place, name, tally):
    """Each file is whole and readable: only what the links hold against each other can tell."""
    change, link, fix = MIXED[name]
    change()
    outcome = verify.run(PARAMS)
    faults = {seen["name"]: seen["faults"] for seen in outcome.result["links"]}
    assert not outcome.passed
    assert faults[link], outcome.text
    assert any(fix in fault["fix"] for fault in faults[link]), outcome.text
    assert all(fault["what"] and fault["fix"] for found in faults.values() for fault in found)
    tally.add("faults survived")


def test_a_right_project(place, tmp_path):
    shutil.copy(tmp_path / "dvc.lock", "dvc.lock")
    outcome = verify.run(PARAMS, rehash=True)
    assert outcome.passed, outcome.text
    assert {link["state"] for link in outcome.result["links"]} == {"right"}
    lines = outcome.text.splitlines()
    assert all(line.startswith("✓ ") for line in lines[:-2])
    assert lines[-1] == "nothing is wrong"


def test_a_stage_whose_parameter_changed_is_out_of_date(place, tmp_path):
    shutil.copy(tmp_path / "dvc.lock", "dvc.lock")
    parameter("report.gallery", 3)()
    outcome = verify.run(PARAMS)
    assert "stage `report` is out of date" in outcome.text
    assert "dvc repro report" in outcome.text


def test_photographs_are_hashed_only_when_asked_for(place):
    photograph = sorted(paths.IMAGES.iterdir())[0]
    content = bytearray(photograph.read_bytes())
    content[-1] ^= 1
    photograph.write_bytes(content)
    assert verify.run(PARAMS).passed
    outcome = verify.run(PARAMS, rehash=True)
    assert not outcome.passed
    assert str(photograph) in outcome.text


def test_what_is_not_made_yet_is_no_fault(place):
    for path in (paths.FINETUNED, paths.BUNDLE):
        shutil.rmtree(path)
    for path in (paths.OOF_PREDICTIONS, paths.HOLDOUT_PREDICTIONS, paths.EVIDENCE, paths.REPORT):
        path.unlink()
    outcome = verify.run(PARAMS)
    assert outcome.passed, outcome.text
    assert "– bundle            not made yet: run `roadwork ensemble`" in outcome.text
    assert "10 not made yet" in outcome.text


def test_what_is_missing_behind_a_result_is_a_fault(place):
    shutil.rmtree(paths.PRETRAINED)
    outcome = verify.run(PARAMS)
    assert "models/pretrained is missing" in outcome.text
    assert "roadwork pretrain" in outcome.text


def test_an_empty_project(place, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    shutil.copy(PARAMS, tmp_path / "empty")
    monkeypatch.chdir(tmp_path / "empty")
    outcome = verify.run(PARAMS)
    assert outcome.passed
    assert {link["state"] for link in outcome.result["links"]} == {"right", "absent"}


def test_every_file_at_once_is_garbage(place):
    """Nothing readable is left: every link says so, and none of it is a traceback."""
    for folder in ("features", "models", "metrics", "data", "reports"):
        for file in Path(folder).rglob("*"):
            if file.is_file():
                file.write_bytes(b"\x00garbage")
    outcome = verify.run(PARAMS)
    assert not outcome.passed
    assert "Traceback" not in outcome.text
    wrong = {link["name"] for link in outcome.result["links"] if link["state"] == "wrong"}
    assert wrong >= {"manifest", "views", "folds", "image store", "text store", "pretrained head", "fold 0", "bundle"}


def test_the_command(place):
    done = CliRunner().invoke(app, ["verify", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["passed"] is True
    paths.VIEWS.write_bytes(b"")
    done = CliRunner().invoke(app, ["verify"])
    assert done.exit_code == 1
    assert "✗ views" in done.stdout
    assert "fix: run `roadwork tile` again" in done.stdout
