"""`python -m benchmarks [--gpu | --ray] [--quick] [NAME ...]`: measure, print, write the results beside the page."""

from __future__ import annotations

import datetime
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from benchmarks.machine import load_now, machine_facts
from benchmarks.page import with_results
from benchmarks.results import FOLDER, merged, read_results, results_path, write_results
from benchmarks.row import Row, Scale
from benchmarks.suite import FailedError, names_of, run_alone
from benchmarks.table import summary, terminal_table
from roadwork.publish import published_file

_PAGE = Path(__file__).with_name("README.md")


def main(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these.")] = None,
    gpu: Annotated[bool, typer.Option("--gpu", help="The suite for one CUDA GPU.")] = False,
    ray: Annotated[bool, typer.Option("--ray", help="The suite for Ray, on clusters of its own.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Tiny sizes, to see whether everything runs; nothing is written.")
    ] = False,
) -> None:
    """Time the project against honest rivals, in ratios, and say which targets are met."""
    scale = Scale(quick=quick, gpu=gpu, ray=ray)
    chosen = names or list(names_of(scale))
    if unknown := [name for name in chosen if name not in names_of(scale)]:
        _refuse(f"there is no benchmark {unknown[0]}", f"name one of {', '.join(names_of(scale))}")
    if ray and gpu:
        _refuse("--gpu and --ray are two suites", "name one of them")
    if gpu and not torch.cuda.is_available():
        _refuse("PyTorch sees no CUDA device here", "run `python -m benchmarks` for the CPU, or mend the driver")
    if ray and find_spec("ray") is None:
        _refuse("Ray isn't installed", "run `make bench-ray`, which installs it, or pip install -e '.[ray]'")
    machine, console = machine_facts(), Console()
    measured: list[Row] = []
    failed = False
    path = results_path(FOLDER, machine, gpu=gpu)
    for name in chosen:
        load, start = load_now(), time.perf_counter()
        try:
            rows = run_alone(name, scale)
        except FailedError as error:
            print(f"error: {error}", file=sys.stderr)
            failed = True
            continue
        console.print(terminal_table(name, rows))
        measured += rows
        if not quick:
            _keep(path, name, rows, machine, {"load": load, "seconds": round(time.perf_counter() - start, 1)})
    console.print(summary(measured))
    raise typer.Exit(1 if failed else 0)


def _keep(path: Path, name: str, rows: list[Row], machine: dict, taken: dict) -> None:
    taken |= {"date": datetime.date.today().isoformat(), "commit": _commit()}
    write_results(path, merged(read_results(path), name, rows, machine=machine, taken=taken))
    with published_file(_PAGE) as aside:
        aside.write_text(with_results(_PAGE.read_text(encoding="utf-8"), FOLDER), encoding="utf-8")


def _commit() -> str:
    """The commit, with `+` where files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"],
        capture_output=True,
        text=True,
        cwd=FOLDER.parent,
        check=False,
    )
    return told.stdout.strip() or "unknown"


def _refuse(what: str, fix: str) -> None:
    print(f"error: {what}\n  fix: {fix}", file=sys.stderr)
    raise typer.Exit(2)


if __name__ == "__main__":
    typer.run(main)
