"""Runs `python -m pipeline ...` under watch. As a program of its own: `run_watched.py ORDER`, or a nursery (`-`).

A nursery imports what the stages import, computes nothing, and forks a child for each order that it reads from its
input: many runs of real stages for one start-up. No thread runs when it forks.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import threading
import traceback
from typing import Any

from harness.events import Plan, Watch

from roadwork.train import saving_pace


def run(order: dict[str, Any]) -> None:
    """Become the stage that `order` asks for; leaves by SystemExit, by an exception, or by the planned signal."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started the tests with it ignored
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir(order["project"])
    os.environ["ROADWORK_CACHE"] = order["cache"]
    os.environ.update(order.get("environment", {}))
    saving_pace.SHARE = 1.0  # after every epoch, so that a run's file operations don't depend on its speed
    Watch([order["project"], order["cache"]], order["log"], Plan(**order["plan"])).install()
    sys.argv = ["pipeline", *order["arguments"]]
    runpy.run_module("pipeline", run_name="__main__", alter_sys=True)


def nursery() -> None:
    """Serve orders, one JSON document a line; answers each with the child's wait status."""
    from pipeline.stages import STAGES

    for stage in STAGES:
        importlib.import_module(f"pipeline.{stage}")
    importlib.import_module("pipeline.unchanged")
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()  # so that no child's collector touches, and thereby copies, the pages that all share
    answers = os.fdopen(os.dup(1), "w")
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            _redirect(order["output"])
            if "call" in order:
                os.execvp(order["call"][0], order["call"])
            _leave(_code_of(order))
        print(os.waitpid(child, 0)[1], file=answers, flush=True)
    _leave(0)


def _code_of(order: dict[str, Any]) -> int:
    try:
        run(order)
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _leave(code: int) -> None:
    """End the process as the interpreter would, less the seconds for taking down every module."""
    threading._shutdown()  # waits for the threads that are no daemons
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _redirect(output: str) -> None:
    """Standard output and error into the file `output`, nothing on standard input."""
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(source, target)


if __name__ == "__main__":
    nursery() if sys.argv[1] == "-" else run(json.loads(sys.argv[1]))
