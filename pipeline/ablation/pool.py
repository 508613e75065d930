"""Run experiments on benches, a few at a time, and take the finished ones over into the project."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pipeline.ablation.bench import Bench
from pipeline.ablation.determinants import GIVEN, Determinants
from pipeline.ablation.experiments import Experiment
from pipeline.ablation.leash import Leashed
from pipeline.ablation.repository import Repository
from pipeline.ablation.side_by_side import side_by_side
from roadwork.errors import DataError
from roadwork.locks import Busy, exclusive
from roadwork.progress import note, progress

_LOG_LINES = 15


def run_experiments(
    wanted: Sequence[Experiment],
    repository: Repository,
    project: Determinants,
    *,
    jobs: int,
    threads: int,
    on_finished: Callable[[Experiment], object],
) -> None:
    """Run `wanted`, `jobs` at a time with `threads` threads each; `on_finished` is called with each that succeeded.

    One that fails is told with the end of its log, and the others go on. Nothing runs on after this function has been
    left, however that happens. Raises DataError where another ablation is at work here, or the features are stale.
    """
    folder = repository.root / ".dvc" / "tmp" / "ablation"
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with _alone(folder), _benches(repository, folder, min(jobs, len(wanted)), project, environment) as benches:

        def log(experiment: Experiment) -> Path:
            return folder / "logs" / f"{experiment.name}.log"

        def start(experiment: Experiment, bench: Bench) -> Leashed:
            return bench.run(experiment.command, environment, log(experiment))

        with (
            progress("ablate", len(wanted), unit="experiments") as advance,
            side_by_side(wanted, benches, start) as ended,
        ):
            for experiment, bench, status in ended:
                reason = fault(status, log(experiment)) or _taken_over(repository, bench, experiment)
                if reason is None:
                    on_finished(experiment)
                else:
                    note(f"{experiment.name} failed: {reason}\n{end_of(log(experiment))}")
                advance()


def _taken_over(repository: Repository, bench: Bench, experiment: Experiment) -> str | None:
    """Fetch the experiment's commit; why that wasn't possible, None where it was."""
    try:
        repository.fetch(bench.folder, repository.ref(experiment.name))
    except DataError as error:
        return error.what
    return None


def fault(status: int, log: Path) -> str | None:
    """Why the experiment counts as failed; None where it doesn't."""
    if status:
        return f"dvc ended with exit status {status}, its log is {log}"
    said = log.read_text(encoding="utf-8", errors="replace")
    again = [stage for stage in GIVEN if f"Running stage '{stage}'" in said]
    return f"it ran {', '.join(again)} again, whose results are given" if again else None


def end_of(log: Path) -> str:
    """The last lines of the log, indented."""
    lines = log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
    return "\n".join(f"  | {line}" for line in lines[-_LOG_LINES:])


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(folder / "lock", timeout_s=0))
        except Busy:
            raise DataError(
                "another `roadwork ablate` is at work in this project",
                where=str(folder),
                rule="one at a time, so that no experiment is run twice",
                fix="wait for it to end, or end it",
            ) from None
        yield


@contextmanager
def _benches(
    repository: Repository, folder: Path, count: int, project: Determinants, environment: Mapping[str, str]
) -> Iterator[list[Bench]]:
    """`count` benches that hold what `project` was read from; they are removed at the end, killed ones at the start."""
    place = folder / "benches"
    shutil.rmtree(place, ignore_errors=True)
    cache = _cache(repository.root)
    try:
        benches = [Bench.built(repository, place / str(number), cache=cache) for number in range(count)]
        for bench in benches:
            bench.check_out(environment)
        benches[0].check_current(environment)
        for bench in benches:
            if Determinants.of(bench.folder) != project:
                raise DataError(
                    "a file of the project changed meanwhile",
                    where=str(repository.root),
                    rule="all experiments are made of the same code and parameters",
                    fix="run `roadwork ablate` again",
                )
        yield benches
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _cache(root: Path) -> Path:
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        return Path(repo.cache.local_cache_dir)
