"""Experiments run the code, parameters and data of their own checkout, and give what the workspace would."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from harness.clone import Clone
from harness.under_way import LONG_S

CHANGE = ("-S", "evaluate.resamples=150")
CODE = ("pipeline/headline.py", "found.metrics)", "{**found.metrics, 'made_by': 'the edited code'})")


def headline(clone: Clone, revision: str) -> dict:
    """`metrics/headline.json` as the experiment, or the branch, committed it."""
    listed = clone.run("git", "for-each-ref", "--format=%(refname)", "refs/exps", "refs/heads").stdout.split()
    (reference,) = [name for name in listed if name.endswith(f"/{revision}")]
    return json.loads(clone.run("git", "show", f"{reference}:metrics/headline.json").stdout)


def edit(clone: Clone) -> None:
    """Other code than that of the checkout that is installed: it signs what it wrote."""
    name, old, new = CODE
    path = clone.folder / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def in_the_workspace(clone: Clone) -> dict:
    """What the workspace itself makes of the same code and parameters."""
    clone.change({"evaluate.resamples": 150})
    clone.repro()
    return clone.json("metrics/headline.json")


def test_an_experiment_in_a_temporary_folder(project: Clone) -> None:
    edit(project)
    before = project.results()
    project.run("dvc", "exp", "run", "--temp", *CHANGE, "-n", "aside")
    assert project.results() == before, "the workspace is left as it was"
    found = headline(project, "aside")
    assert (found["resamples"], found["made_by"]) == (150, "the edited code")
    assert in_the_workspace(project) == found

    project.run("git", "checkout", "--", ".")
    project.run("dvc", "checkout")
    project.run("dvc", "exp", "apply", "aside")
    assert project.json("metrics/headline.json") == found
    assert project.up_to_date()
    project.run("dvc", "exp", "branch", "aside", "kept")
    assert headline(project, "kept") == found


@contextmanager
def worker(clone: Clone) -> Iterator[None]:
    """The queue's worker, at work; none is left afterwards."""
    clone.run("dvc", "queue", "start")
    try:
        yield
    finally:
        subprocess.run(["dvc", "queue", "stop", "--kill"], cwd=clone.folder, env=clone.environment,
                       capture_output=True, check=False)  # fmt: skip


def wait_for_the_queue(clone: Clone) -> None:
    deadline = time.monotonic() + LONG_S
    while time.monotonic() < deadline:
        states = clone.run("dvc", "queue", "status").stdout
        if "Success" in states or "Failed" in states:
            break
        time.sleep(1)
    assert "Success" in states, states + clone.run("dvc", "queue", "logs", "queued").stdout


def test_an_experiment_in_the_queue(project: Clone) -> None:
    edit(project)
    project.run("dvc", "exp", "run", "--queue", *CHANGE, "-n", "queued")
    with worker(project):
        wait_for_the_queue(project)
    found = headline(project, "queued")
    assert (found["resamples"], found["made_by"]) == (150, "the edited code")
    assert in_the_workspace(project) == found
