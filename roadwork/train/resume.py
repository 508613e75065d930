"""The state of an unfinished training, so that a killed run goes on where it was, bit for bit.

A run's work area is a folder whose name is the digest of everything that determines the run; another configuration
never meets it. It holds one folder per finished epoch (only the latest survives), each published by a rename. It lies
in the user's cache, outside DVC: an output that DVC sees half-written would be reverted by `dvc exp run`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from filelock import FileLock, Timeout
from safetensors.torch import load_file, save_file
from torch import Tensor

import roadwork
from roadwork.errors import StoreError, TrainingError
from roadwork.publish import published_folder, write_json
from roadwork.train.checkpoint import file_sha256

_TENSORS = "state.safetensors"
_HISTORY = "state.json"


class State(NamedTuple):
    """What stands after the epochs of `history`."""

    history: list[dict[str, Any]]  # one record per validated epoch
    head: dict[str, Tensor]
    best: dict[str, Tensor]  # the head of the best epoch so far
    optimizer: dict[str, Tensor]


def run_digest(parts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over `parts` (JSON), the version of torch and the code that trains.

    `parts` are the configs, the seed, the device and the digests of data and starting weights.
    """
    package = Path(roadwork.__file__).parent
    code = {
        str(file.relative_to(package)): file_sha256(file)
        for part in ("model", "train")
        for file in sorted((package / part).rglob("*.py"))
    }
    everything = {"parts": dict(parts), "torch": torch.__version__, "code": code}
    return hashlib.sha256(json.dumps(everything, sort_keys=True, allow_nan=False).encode()).hexdigest()


@contextmanager
def work_area(root: Path, digest: str) -> Iterator[Path]:
    """The folder for the states of the run `digest` under `root`, for this process alone.

    Publish the result inside the `with`: on a clean exit the folder is removed, on an error it stays for the next try.
    Raises TrainingError when another process is at work on the same run, StoreError where no folder can be written.
    """
    folder = root / digest
    lock = FileLock(root / f"{digest}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TrainingError(
            "another process is training exactly this run",
            where=str(folder),
            rule="one process per run: same parameters, data and seed",
            fix="wait for it to end, or end it (a stage can outlive a killed `dvc`)",
        ) from error
    except OSError as error:  # after Timeout, which is one too
        raise StoreError(
            f"the folder for unfinished trainings can't be written: {error.strerror or error}",
            where=str(folder),
            rule="the state after each epoch needs a writable folder with free space",
            fix="set ROADWORK_CACHE to a folder that can be written",
        ) from error
    try:
        yield folder
        shutil.rmtree(folder)
    finally:
        lock.release()


def save_state(area: Path, state: State) -> None:
    """Publish `state` in `area`, then delete the earlier ones: at every moment one complete state exists."""
    name = f"epochs_{len(state.history):05d}"
    tensors = {
        f"{part}:{key}": tensor.detach().cpu().contiguous()
        for part in ("head", "best", "optimizer")
        for key, tensor in getattr(state, part).items()
    }
    with published_folder(area / name) as folder:
        save_file(tensors, folder / _TENSORS)
        write_json(folder / _HISTORY, {"tensors_sha256": file_sha256(folder / _TENSORS), "history": state.history})
    for other in area.iterdir():
        if other.name != name:
            shutil.rmtree(other)


def load_state(area: Path) -> State | None:
    """The latest state in `area`, on the CPU; None where no epoch was finished.

    Raises TrainingError when it is damaged.
    """
    folders = sorted(folder for folder in area.glob("epochs_*") if not folder.name.endswith(".partial"))
    if not folders:
        return None
    folder = folders[-1]
    try:
        description = json.loads((folder / _HISTORY).read_text(encoding="utf-8"))
        history = description["history"]
        intact = file_sha256(folder / _TENSORS) == description["tensors_sha256"]
    except (OSError, KeyError, ValueError):
        history, intact = [], False
    if not intact:
        raise TrainingError(
            "the saved state of an unfinished training is damaged",
            where=str(folder),
            rule="its tensors have the digest that was recorded with them",
            fix="delete this folder; training then starts from its beginning",
        )
    parts: dict[str, dict[str, Tensor]] = {"head": {}, "best": {}, "optimizer": {}}
    for key, tensor in load_file(folder / _TENSORS).items():
        part, name = key.split(":", 1)
        parts[part][name] = tensor
    return State(history=history, **parts)
