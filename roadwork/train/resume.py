"""The state of an unfinished training, so that a killed run goes on where it was, bit for bit.

The run's work area holds one folder per saved epoch (only the latest survives), each published by a rename.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from roadwork.errors import TrainingError
from roadwork.publish import published_folder, write_json
from roadwork.sealed_json import parse_sealed, seal
from roadwork.train.head_folder import file_sha256
from roadwork.train.work_area import remove, unwritable

_TENSORS = "state.safetensors"
_HISTORY = "state.json"


class State(NamedTuple):
    """What stands after the epochs of `history`."""

    history: list[dict[str, Any]]  # one record per validated epoch
    head: dict[str, Tensor]
    best: dict[str, Tensor]  # the head of the best epoch so far
    optimizer: dict[str, Tensor]

    @property
    def size_bytes(self) -> int:
        """Of all tensors."""
        return sum(tensor.nbytes for part in (self.head, self.best, self.optimizer) for tensor in part.values())


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
                remove(other)
    except (OSError, SafetensorError) as error:
        raise unwritable(area, error) from error


def load_state(area: Path) -> State | None:
    """The latest state in `area`, on the CPU; None where none was saved.

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
