"""Run a command that can't outlive whoever started it.

`python -P leash.py COMMAND ...`, in a session of its own, with a pipe as standard input: that pipe is the leash. The
starter holds its other end and writes nothing. When that end closes, on purpose or because the starter was killed in
whatever way, the command and everything it started are killed. Work that is worth keeping is published by renames, so
that nothing is lost but what was unfinished.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

GRACE_S = 10.0


class Leashed:
    """A running command on a leash, its output in `log`."""

    def __init__(self, command: list[str], *, folder: Path, environment: dict[str, str], log: IO[bytes]) -> None:
        self._process = subprocess.Popen(  # nosec B603  # this very file under this Python, no shell
            [sys.executable, "-P", __file__, *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the starter alone, which then lets go
        )

    def poll(self) -> int | None:
        """The command's exit status; None while it runs."""
        return self._process.poll()

    def cut(self) -> None:
        """Kill the command and everything it started, and wait until it is gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(GRACE_S)


def main(command: list[str]) -> int:
    """Run `command` until it ends or the leash is cut; its exit status."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # nosec B603  # the caller's own command, no shell
    threading.Thread(target=_watch, daemon=True).start()
    return child.wait()


def _watch() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
