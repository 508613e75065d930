"""`roadwork ablate` with real git and real DVC, on a project whose stages are toys."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.ablate import run
from pipeline.ablation import listing
from pipeline.ablation.determinants import GIVEN
from pipeline.ablation.repository import Repository, git
from roadwork.errors import DataError, ParameterError

ROOT = Path(__file__).resolve().parents[2]
ONLY = ["no_pruning"]


def command(*arguments: str) -> list[str]:
    """The command line of this checkout, run in a project that has a `pipeline` of its own."""
    return [sys.executable, "-P", "-m", "pipeline", "ablate", *arguments]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def state(folder: Path) -> tuple[str, str, str]:
    """What git sees of a working tree."""
    return (
        git("status", "--porcelain", "--untracked-files=all", folder=folder),
        git("diff", "HEAD", folder=folder),
        git("stash", "list", folder=folder),
    )


def wait(look: Any) -> Any:
    for _ in range(600):
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError("that never happened")


def running(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_table_from_experiments_that_are_found_again(toy: Path, journal: Any) -> None:
    (toy / "params.yaml").write_text((toy / "params.yaml").read_text() + "# not committed\n")
    (toy / "pipeline" / "unused.py").write_text("")
    before = state(toy)
    outcome = run(seeds=2, jobs=2, only=ONLY)

    assert outcome.passed
    full, minus = outcome.result["rows"]
    assert (full["name"], minus["name"]) == ("full", "no_pruning")
    assert minus["changes"] == ["head.pruning.enabled=false"]
    assert full["seeds"] == minus["seeds"] == 2
    assert minus["difference"]["mcc"] < 0
    assert outcome.result["data"] == {
        "fingerprint": "fff", "manifest_digest": "mmm", "source": "sample", "test_images": 24, "weights": "random",
    }  # fmt: skip
    assert json.loads((toy / "metrics" / "ablation.json").read_text()) == outcome.result
    assert "shows that" in (toy / "docs" / "ablation.md").read_text()
    assert "without view pruning" in outcome.text

    trained = [(seed, pruned) for _, seed, pruned, _ in journal()]
    assert sorted(trained) == [(1, False), (1, True), (2, False), (2, True)]
    assert {threads for *_, threads in journal()} == {max(1, len(os.sched_getaffinity(0)) // 2)}
    after = state(toy)
    assert after[1:] == before[1:]
    new = set(after[0].split("\n")) - set(before[0].split("\n"))
    assert new == {"?? docs/ablation.md", "?? metrics/ablation.json"}
    assert not (toy / ".dvc" / "tmp" / "ablation" / "benches").exists()

    # Another commit changes nothing: the experiments are known by what they are made of.
    git("commit", "--quiet", "--allow-empty", "--message", "two", folder=toy)
    again = run(seeds=2, jobs=1, only=ONLY)
    assert len(journal()) == 4
    assert again.result == outcome.result
    listed = {row["name"]: row["finished"] for row in listing.run(seeds=3, only=ONLY).result["variants"]}
    assert listed == {"full": 2, "no_pruning": 2}


@pytest.mark.slow
def test_an_experiment_says_what_it_is_and_took_the_features_as_they_are(toy: Path) -> None:
    run(seeds=1, jobs=1, only=ONLY)
    repository = Repository.opened(toy)
    found = repository.experiments()
    (name,) = [name for name in found if name.startswith("ablation-no_pruning-1-")]
    (commit,) = found[name]
    assert git("rev-parse", f"{commit}^", folder=toy).strip() == repository.head
    changed = git("diff", "--name-only", "HEAD", commit, folder=toy).split()
    assert "params.yaml" in changed
    assert "metrics/headline.json" in changed or "dvc.lock" in changed
    assert not {"metrics/embed_images.json", "metrics/ingest.json"} & set(changed)
    log = (toy / ".dvc" / "tmp" / "ablation" / "logs" / f"{name}.log").read_text()
    assert "Running stage 'pretrain'" in log
    assert not [stage for stage in GIVEN if f"Running stage '{stage}'" in log]


@pytest.mark.slow
def test_fine_tuning_comes_from_the_full_heads_experiments(toy: Path, journal: Any) -> None:
    assert run(seeds=1, jobs=1, only=ONLY).result["finetuning"] is None
    outcome = run(seeds=1, jobs=1, only=["finetuning"])
    assert outcome.result["finetuning"]["seeds"] == 1
    assert outcome.result["finetuning"]["difference"]["mcc"] == 0
    assert [row["name"] for row in outcome.result["rows"]] == ["full", "no_pruning"]
    run(seeds=1, jobs=1, only=ONLY)  # the longer experiment serves the shorter one's purpose
    assert len(journal()) == 2  # and took the training from DVC's run cache


@pytest.mark.slow
def test_a_failed_experiment_is_told_and_the_others_go_on(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOY_BREAKS", "1")
    outcome = run(seeds=2, jobs=2, only=ONLY)
    said = capfd.readouterr().err
    assert not outcome.passed
    assert outcome.result["missing"] == [{"name": "no_pruning", "seed": 1}, {"name": "no_pruning", "seed": 2}]
    assert [row["name"] for row in outcome.result["rows"]] == ["full"]
    assert said.count("broken on purpose") == 2
    assert "ablation-no_pruning-1-" in said
    assert "**Missing**" in (toy / "docs" / "ablation.md").read_text()

    monkeypatch.delenv("TOY_BREAKS")
    assert run(seeds=2, jobs=2, only=ONLY).passed


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_killed_ablation_leaves_nothing_running_and_goes_on(
    number: signal.Signals, status: int, toy: Path, journal: Any
) -> None:
    before = state(toy)
    ablation = subprocess.Popen(
        command("--seeds", "1", "-j", "1", "--only", *ONLY),
        env=environment(TOY_SECONDS="1.5"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait(lambda: len(journal()) == 2)  # one is finished, one in the middle
    ablation.send_signal(number)
    said = ablation.communicate(timeout=30)[0]
    assert ablation.returncode == status
    assert number == signal.SIGKILL or "finished work is kept" in said
    wait(lambda: not any(running(process) for process, *_ in journal()))
    assert state(toy) == before
    finished = [name for name in Repository.opened(toy).experiments() if name.startswith("ablation-")]
    assert len(finished) == 1

    again = command("--seeds", "1", "--only", *ONLY, "--json")
    done = subprocess.run(again, env=environment(), capture_output=True, text=True, check=True)
    assert [row["name"] for row in json.loads(done.stdout)["rows"]] == ["full", "no_pruning"]
    assert [pruned for _, _, pruned, _ in journal()] == [True, False, False]  # what was finished isn't trained again
    assert not (toy / ".dvc" / "tmp" / "ablation" / "benches").exists()


@pytest.mark.slow
def test_a_second_ablation_is_refused_while_one_is_at_work(toy: Path, journal: Any) -> None:
    first = subprocess.Popen(command("--seeds", "1", "--only", *ONLY), env=environment(TOY_SECONDS="60"))
    wait(lambda: len(journal()) == 2)
    with pytest.raises(DataError, match="another `roadwork ablate`"):
        run(seeds=1, jobs=1, only=ONLY)
    first.terminate()
    assert first.wait(30) == 143


@pytest.mark.slow
def test_features_that_the_parameters_would_change_are_refused(toy: Path, journal: Any) -> None:
    (toy / "pipeline" / "embed_images.py").write_text("raise SystemExit('never run')\n")
    with pytest.raises(DataError, match=r"(?s)embed_images would run again.*dvc repro headline"):
        run(seeds=1, jobs=1, only=ONLY)
    assert journal() == []


@pytest.mark.slow
def test_features_that_dvcs_cache_has_lost_are_refused(toy: Path) -> None:
    shutil.rmtree(toy / ".dvc" / "cache")
    with pytest.raises(DataError, match=r"(?s)cache lacks.*features/images\.zarr.*dvc commit --force"):
        run(seeds=1, jobs=1, only=ONLY)
    mend = [sys.executable, "-m", "dvc", "commit", "--quiet", "--force", "--with-deps", "headline"]
    subprocess.run(mend, check=True)
    assert run(seeds=1, jobs=2, only=ONLY).passed


@pytest.mark.slow
def test_a_result_that_dvcs_cache_has_lost_is_made_again(toy: Path, journal: Any) -> None:
    run(seeds=1, jobs=2, only=ONLY)
    shell = [sys.executable, "-m", "dvc", "gc", "--quiet", "--workspace", "--force"]
    subprocess.run(shell, check=True)
    assert run(seeds=1, jobs=2, only=ONLY).passed
    assert len(journal()) == 4


def test_nothing_is_run_where_the_features_were_never_made(toy: Path) -> None:
    shutil.rmtree(toy / "features")
    with pytest.raises(DataError, match=r"(?s)features aren't there yet.*features.*dvc repro headline"):
        run(seeds=1, jobs=1)
    (toy / "dvc.lock").unlink()
    with pytest.raises(DataError, match="features aren't there yet"):
        listing.run(seeds=1)


def test_an_unknown_variant_is_refused_before_anything_runs(toy: Path) -> None:
    with pytest.raises(ParameterError, match=r"(?s)no variant `no_prunning`.*did you mean `no_pruning`"):
        run(seeds=1, jobs=1, only=["no_prunning"])


def test_the_list_names_every_variant_and_runs_none(toy: Path, journal: Any) -> None:
    outcome = listing.run(seeds=3)
    assert outcome.text.splitlines()[0].split() == ["full", "0/3", "full", "head"]
    assert "no_text" in outcome.text
    assert "metadata.fields=[gps,weather,daytime,scene]" in outcome.text
    assert journal() == []
    done = subprocess.run(command("--list", "--only", "keep_12"), env=environment(), capture_output=True, text=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["full", "keep_12"], done.stderr
