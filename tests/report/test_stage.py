"""The stage `report` on a finished run on disk."""

import re

import pytest

from pipeline import paths, report
from roadwork.errors import DataError, PhotographError
from roadwork.evidence.table import read_evidence, write_evidence

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


def test_evidence_of_other_images_is_refused(project):
    write_evidence(paths.EVIDENCE, read_evidence(paths.EVIDENCE).iloc[:12])
    with pytest.raises(DataError, match=r"(?s)has no evidence.*roadwork evaluate"):
        report.run()
