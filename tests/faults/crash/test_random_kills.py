"""Real processes, killed whenever it pleases a die: again and again until they get through."""

from __future__ import annotations

import random
import signal
import subprocess
import time

import pytest
from harness.nursery import SIGNALLED
from harness.recovery import Progress, assert_finished, assert_recovers
from harness.trees import cached_rows

KILLS = {("embed_images",): 30, ("embed_text",): 6, ("pretrain",): 10, ("finetune", "1"): 8, ("ensemble",): 6}
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LONGEST_S = 300.0


def kill_until(kills, stage, reference, nursery, tmp_path, tally, *, seed):
    """Start `stage` and kill it, `kills` times; whenever a run gets through, its result is checked and all begins anew.

    A moment is drawn from the time that an undisturbed run takes from its first file operation to its last.
    """
    dice = random.Random(seed)
    place, done = reference.copy(stage, tmp_path / "place"), 0
    while done < kills:
        process, log, output = nursery.start(place, stage)
        began = first_sign(process, log)
        sent = dice.choice(SIGNALS)
        rows = cached_rows(place.cache).keys()
        wait_until(process, began + dice.uniform(0, reference.seconds(stage)))
        process.send_signal(sent)
        code = process.wait(LONGEST_S)
        text = output.read_text(encoding="utf-8")
        assert code in (0, -sent, SIGNALLED.get(sent)), text
        if code == -sent and sent != signal.SIGKILL:  # the command was over already, the interpreter was leaving
            assert Progress.of(place, stage, reference).published, text
        else:
            assert "Traceback" not in text, text
        assert rows <= cached_rows(place.cache).keys(), "finished rows were lost"
        tally.add("rows lost", len(rows - cached_rows(place.cache).keys()))
        if code == 0:
            assert_finished(place, stage, reference, "got through between kills")
            place = reference.copy(stage, tmp_path / "place")
        else:
            done += 1
            tally.add("kills")
    assert_recovers(place, stage, reference, nursery, f"after {done} kills")
    tally.add("faults survived", done)


def first_sign(process, log):
    """When the process did something to a file for the first time; imports and the reading of parameters lie before."""
    give_up = time.monotonic() + LONGEST_S
    while process.poll() is None and not (log.exists() and log.stat().st_size):
        assert time.monotonic() < give_up, "no sign of life"
        time.sleep(0.01)
    return time.monotonic()


def wait_until(process, moment):
    try:
        process.wait(max(moment - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        return


@pytest.mark.slow
def test_a_kill_at_random_costs_nothing(reference, nursery, tmp_path, tally):
    kill_until(1, ("embed_images",), reference, nursery, tmp_path, tally, seed=1)


@pytest.mark.faults
@pytest.mark.parametrize("stage", KILLS, ids="-".join)
def test_kills_at_random_cost_nothing(stage, reference, nursery, tmp_path, tally):
    kill_until(KILLS[stage], stage, reference, nursery, tmp_path, tally, seed=2)
