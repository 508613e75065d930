"""`roadwork ablate`: train every variant of the head with several seeds, each a DVC experiment, and compare them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.ablation.archive import Archive
from pipeline.ablation.choice import choice
from pipeline.ablation.determinants import Determinants
from pipeline.ablation.experiments import Experiment, experiments
from pipeline.ablation.machine import cores, cpu_name
from pipeline.ablation.pool import run_experiments
from pipeline.ablation.repository import Repository
from pipeline.inputs import Inputs
from pipeline.outcome import Outcome
from pipeline.part import load_part
from pipeline.paths import ABLATION_METRICS, ABLATION_PAGE, EMBED_IMAGES_METRICS, INGEST_METRICS, PARAMS
from roadwork.ablation.page import page
from roadwork.ablation.result import Result
from roadwork.ablation.rows import finetuning, rows
from roadwork.ablation.table import table
from roadwork.ablation.variants import FULL
from roadwork.config import load_seed
from roadwork.errors import DataError
from roadwork.evaluate.config import IntervalConfig
from roadwork.progress import note, progress
from roadwork.publish import published_file, write_json


def run(*, seeds: int, jobs: int, only: Sequence[str] = ()) -> Outcome:
    """Run what isn't finished yet, then write `metrics/ablation.json` and `docs/ablation.md` from all that is.

    With `only`, just these variants are run; the tables still have every one that was ever finished. The outcome isn't
    passed where an experiment failed. Raises RoadworkError outside a repository and where the features aren't there.
    """
    root = Path.cwd()
    repository = Repository.opened(root)
    project = Determinants.of(root)
    chosen = choice(project.params, only)
    numbers = range(1, seeds + 1)
    threads = max(1, cores() // jobs)
    resampling = load_part(PARAMS, "evaluate", IntervalConfig).resampling(load_seed(PARAMS))
    data = _data(project.params)
    archive = Archive(repository, project)

    finished = repository.experiments()
    wanted = experiments(chosen.chosen, numbers, project, finished=finished, fine_tune=chosen.fine_tune)
    with progress("reading", len(wanted), unit="experiments") as advance:
        waiting = []
        for experiment in wanted:
            if archive.result(experiment) is None:
                waiting.append(experiment)
            advance()
    for variant in chosen.skipped:
        note(f"not run: {variant.title} ({variant.pointless})")
    note(
        f"{len(wanted)} experiments: {len(wanted) - len(waiting)} finished, {len(waiting)} to run, "
        f"{jobs} at a time with {threads} thread{'s' if threads > 1 else ''} each"
    )
    if waiting:
        run_experiments(waiting, repository, project, jobs=jobs, threads=threads, on_finished=archive.result)
    missing = [experiment for experiment in waiting if archive.result(experiment) is None]

    finished = repository.experiments()
    tabled = experiments(chosen.every, numbers, project, finished=finished, fine_tune=False)
    results = _results(tabled, archive)
    example = results[FULL][0]
    ablation = {
        "threads_per_job": example.timing["threads"],
        "jobs": jobs if waiting else _jobs_then(jobs),
        "seeds": list(numbers),
        "cpu": cpu_name(),
        "cores": cores(),
        "confidence": resampling.confidence,
        "resamples": resampling.resamples,
        "data": {**data, "test_images": len(example.image_ids())},
        "rows": rows(chosen.every, results, resampling),
        "finetuning": finetuning(results[FULL], resampling),
        "missing": [{"name": one.variant.name, "seed": one.seed} for one in missing],
        "skipped": [{"name": one.name, "title": one.title, "reason": one.pointless} for one in chosen.skipped],
    }
    write_json(ABLATION_METRICS, ablation)
    with published_file(ABLATION_PAGE) as aside:
        aside.write_text(page(ablation), encoding="utf-8")
    return Outcome(result=ablation, text=f"{table(ablation)}\npage: {ABLATION_PAGE}", passed=not missing)


def _results(tabled: Sequence[Experiment], archive: Archive) -> dict[str, list[Result]]:
    """Of those that are finished, by variant; DataError where the full head, with which all are compared, has none."""
    results: dict[str, list[Result]] = {}
    for experiment in tabled:
        if (result := archive.result(experiment)) is not None:
            results.setdefault(experiment.variant.name, []).append(result)
    if FULL not in results:
        raise DataError(
            "the full head has no finished experiment",
            where=", ".join(experiment.name for experiment in tabled if experiment.variant.name == FULL),
            rule="every variant is compared with it",
            fix="mend what its log above tells, then run `roadwork ablate` again",
        )
    return results


def _jobs_then(otherwise: int) -> int:
    """How many ran at a time when all these were run, as far as the last table tells."""
    try:
        return int(json.loads(ABLATION_METRICS.read_text(encoding="utf-8"))["jobs"])
    except (OSError, ValueError, KeyError):  # no table yet, or a damaged one, which is about to be written anew
        return otherwise


def _data(params: Mapping[str, Any]) -> dict[str, Any]:
    """What the experiments are trained and tested on."""
    return {
        "fingerprint": Inputs().json(EMBED_IMAGES_METRICS, "embed_images")["fingerprint"],
        "manifest_digest": Inputs().json(INGEST_METRICS, "ingest")["manifest_digest"],
        "source": params["ingest"]["source"],
        "weights": params["backbone"]["weights"],
    }
