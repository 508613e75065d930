"""The stage `report` on a finished run on disk."""

import json
import re
from uuid import uuid4

import pandas as pd
import pytest

from pipeline import paths, report
from roadwork.data.manifest import Manifest, read_manifest, write_manifest
from roadwork.errors import DataError, PhotographError, StoreError
from roadwork.evidence.table import read_evidence, write_evidence
from roadwork.publish import write_json
from roadwork.storage.objects import delete_object, write_object
from roadwork.storage.place import place_of

NEEDED = {
    paths.EVALUATE_METRICS: "evaluate",
    paths.PLOTS / "oof_calibration_before.json": "evaluate",
    paths.INGEST_METRICS: "ingest",
    paths.EMBED_IMAGES_METRICS: "embed_images",
    paths.SAMPLING_METRICS: "sampling",
    paths.PRETRAIN_METRICS: "pretrain",
    paths.TIMING: "pretrain",
    paths.FINETUNE_METRICS / "1.json": "finetune 1",
    paths.OOF_PREDICTIONS: "ensemble",
    paths.ENSEMBLE_METRICS: "ensemble",
    paths.PREDICTIONS: "headline",
    paths.HEADLINE_METRICS: "headline",
    paths.EVIDENCE: "evaluate",
    paths.MANIFEST: "ingest",
    paths.CONTACT_SHEET: "tile",
    paths.SAMPLING_PICTURE: "sampling",
}


def test_the_page_is_small_and_the_same_every_time(project):
    first = report.run()
    page = paths.REPORT.read_bytes()
    assert first == {"report": "reports/index.html", "bytes": len(page)}
    assert len(page) <= 5_000_000
    report.run()
    assert paths.REPORT.read_bytes() == page


def test_the_page_names_the_digest_of_every_file_it_was_made_from(project):
    made_from = report.read_run().made_from
    assert {path.as_posix() for path in NEEDED} <= set(made_from)
    assert "params.yaml" in made_from
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in made_from.values())


@pytest.mark.parametrize("path", NEEDED, ids=str)
def test_a_missing_input_is_named_with_its_stage(project, path):
    path.unlink()
    with pytest.raises(DataError, match=rf"(?s){re.escape(str(path))}.*run `roadwork {NEEDED[path]}`") as error:
        report.run()
    assert "Traceback" not in str(error.value)
    assert not paths.REPORT.exists()


def test_missing_metrics_of_a_fold_are_called_that(project):
    (paths.FINETUNE_METRICS / "2.json").unlink()
    with pytest.raises(DataError, match="there is no metrics file of fold 2 yet"):
        report.run()


def change(path):
    """What another training leaves behind differs in its numbers."""
    if path.suffix == ".json":
        write_json(path, {"head_sha256": "b" * 64})
    else:
        table = pd.read_parquet(path)
        number = next(name for name in table if table[name].dtype.kind == "f")
        table.assign(**{number: table[number] * 1.0001}).to_parquet(path)


@pytest.mark.parametrize(
    "path", [paths.PREDICTIONS, paths.OOF_PREDICTIONS, paths.EVIDENCE, paths.HEADLINE_METRICS], ids=str
)
def test_a_file_that_the_scorecard_was_not_made_from_is_refused(project, path):
    change(path)
    told = rf"(?s)^{re.escape(str(path))} is not the one.*evaluate\.json.*rule: .*fix: .*roadwork evaluate.*dvc repro"
    with pytest.raises(StoreError, match=told):
        report.run()
    assert not paths.REPORT.exists()


@pytest.mark.parametrize("digest", ["b" * 64, None])
def test_metrics_of_another_head_are_refused(project, digest):
    write_json(paths.PRETRAIN_METRICS, json.loads(paths.PRETRAIN_METRICS.read_text()) | {"head_sha256": digest})
    with pytest.raises(StoreError, match=r"(?s)pretrain\.json.*rule: .*fix: .*dvc repro report"):
        report.run()


@pytest.mark.parametrize("key", ["made_from", "head_sha256"])
def test_a_scorecard_that_tells_nothing_of_its_origin_is_refused(project, key):
    card = json.loads(paths.EVALUATE_METRICS.read_text())
    write_json(paths.EVALUATE_METRICS, {name: value for name, value in card.items() if name != key})
    with pytest.raises(StoreError, match=r"(?s)evaluate\.json doesn't say which.*fix: run `roadwork evaluate` again"):
        report.run()


DOCUMENTS = {
    path: stage
    for path, stage in (NEEDED | {paths.ABLATION_METRICS: "ablate"}).items()
    if path.suffix == ".json" and path != paths.HEADLINE_METRICS
}


@pytest.mark.parametrize("content", ["{}", "[]"])
@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_json_that_is_valid_but_not_what_the_stage_wrote_is_refused(project, path, content):
    path.write_text(content)
    with pytest.raises(DataError, match=rf"(?s){re.escape(str(path))} lacks `.*fix: .*roadwork {DOCUMENTS[path]}"):
        report.run()


def test_a_damaged_input_is_named(project):
    paths.TIMING.write_text("{")
    with pytest.raises(DataError, match=r"(?s)not readable as JSON.*timing\.json.*roadwork pretrain"):
        report.run()


def test_without_an_ablation_there_is_a_page(project):
    paths.ABLATION_METRICS.unlink()
    assert report.read_run().ablation is None
    report.run()


def shown_photograph():
    return paths.DATA / report.read_run().gallery.errors[0].path


def test_a_photograph_that_is_gone_is_named(project):
    photograph = shown_photograph()
    photograph.unlink()
    with pytest.raises(PhotographError, match=rf"(?s){photograph.name}.*where ingest found them.*fix: put it back"):
        report.run()


def test_another_photograph_in_its_place_is_refused(project):
    photograph = shown_photograph()
    photograph.write_bytes(photograph.read_bytes() + b"\0")
    with pytest.raises(PhotographError, match=rf"(?s)not the one that was ingested.*{photograph.name}"):
        report.run()


def test_photographs_in_an_object_store_are_shown(project, belonging):
    expected = report.read_run().gallery
    manifest = read_manifest(paths.MANIFEST)
    store = place_of(f"memory://{uuid4().hex}/archive", parameter="test")
    for row, name in enumerate(manifest.frame["path"]):
        write_object(store / name, manifest.photograph(row).read_bytes())
    write_manifest(Manifest(manifest.frame, store), paths.MANIFEST)
    belonging()
    assert report.read_run().gallery == expected
    gone = store / expected.errors[0].path
    delete_object(gone)
    with pytest.raises(PhotographError, match="where ingest found them"):
        report.run()


def test_evidence_of_other_images_is_refused(project, belonging):
    write_evidence(paths.EVIDENCE, read_evidence(paths.EVIDENCE).iloc[:12])
    belonging()
    with pytest.raises(DataError, match=r"(?s)has no evidence.*roadwork evaluate"):
        report.run()
