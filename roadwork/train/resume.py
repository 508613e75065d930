"""The state of an unfinished training, so that a killed run goes on where it was, bit for bit.

A run's work area is a folder whose name is the digest of everything that determines the run; another configuration
never meets it. It holds one folder per finished epoch (only the latest survives), each published by a rename. It lies
in the user's cache, outside DVC: an output that DVC sees half-written would be reverted by `dvc exp run`.

A kill finds either the state or the complete results: the area is given up with one rename, after they are published.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

import roadwork
from roadwork.errors import StoreError, TrainingError
from roadwork.locks import Busy, exclusive
from roadwork.progress import note
from roadwork.publish import published_folder, write_json
from roadwork.sealed_json import parse_sealed, seal
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
    """The folder for the states of the run `digest` under `root`, for this process alone: another one is waited for.

    Publish the result inside the `with`: on a clean exit the folder is removed, on an error it stays for the next try.
    Raises StoreError where no folder can be written.
    """
    folder, given_up = root / digest, root / f".{digest}.partial"
    with ExitStack() as stack:
        try:
            _enter_alone(stack, root / f"{digest}.lock")
            _remove(given_up)  # a kill came while it was being removed
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from error
        yield folder
        try:
            _give_up(folder, given_up)
        except OSError as error:
            raise _unwritable(folder, error) from error


def _enter_alone(stack: ExitStack, lock: Path) -> None:
    """Hold `lock` for as long as `stack`; a process that is at the very same run is let finish first."""
    try:
        stack.enter_context(exclusive(lock, timeout_s=0))
    except Busy:
        note(f"Another process is training exactly this run: waiting until it has ended ({lock}).")
        stack.enter_context(exclusive(lock))


def save_state(area: Path, state: State) -> None:
    """Publish `state` in `area`, then delete the earlier ones: at every moment one complete state exists.

    Where `area` has vanished it is made again. Raises StoreError where it can't be written.
    """
    name = f"epochs_{len(state.history):05d}"
    tensors = {
        f"{part}:{key}": tensor.detach().cpu().contiguous()
        for part in ("head", "best", "optimizer")
        for key, tensor in getattr(state, part).items()
    }
    try:
        with published_folder(area / name) as folder:
            save_file(tensors, folder / _TENSORS)
            digest = file_sha256(folder / _TENSORS)
            write_json(folder / _HISTORY, seal({"tensors_sha256": digest, "history": state.history}))
        for other in area.iterdir():
            if other.name != name:
                _remove(other)
    except (OSError, SafetensorError) as error:
        raise _unwritable(area, error) from error


def load_state(area: Path) -> State | None:
    """The latest state in `area`, on the CPU; None where no epoch was finished.

    Raises TrainingError when it is damaged.
    """
    folders = sorted(area.glob("epochs_*"))
    if not folders:
        return None
    folder = folders[-1]
    try:
        description = parse_sealed((folder / _HISTORY).read_bytes())
        history = description["history"]
        intact = file_sha256(folder / _TENSORS) == description["tensors_sha256"]
    except (OSError, KeyError, ValueError):
        history, intact = [], False
    if not intact:
        raise TrainingError(
            "the saved state of an unfinished training is damaged",
            where=str(folder),
            rule="its tensors and its history have the digests that were recorded with them",
            fix="delete this folder; training then starts from its beginning",
        )
    parts: dict[str, dict[str, Tensor]] = {"head": {}, "best": {}, "optimizer": {}}
    for key, tensor in load_file(folder / _TENSORS).items():
        part, name = key.split(":", 1)
        parts[part][name] = tensor
    return State(history=history, **parts)


def _give_up(folder: Path, given_up: Path) -> None:
    try:
        os.replace(folder, given_up)
    except FileNotFoundError:  # somebody emptied the cache; the results are published all the same
        return
    _remove(given_up)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _unwritable(folder: Path, error: Exception) -> StoreError:
    return StoreError(
        f"the folder for unfinished trainings can't be written: {getattr(error, 'strerror', None) or error}",
        where=str(folder),
        rule="the state after each epoch needs a writable folder with free space",
        fix="free space, mend the permissions, or set ROADWORK_CACHE to another folder; finished epochs are kept",
    )
