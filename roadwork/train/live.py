"""The curves of a training, as DVCLive writes them: one TSV per quantity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dvclive.live import Live

from roadwork.disk_fault import disk_faults_told
from roadwork.train.record import EpochRecord


class _Curves(Live):
    """DVCLive's curves alone.

    Its `metrics.json` is no stage's output, so DVC would leave it beside another run's. The repository is left alone:
    nothing of it is recorded, opening it takes time, and DVCLive raises in one that has no commit yet.
    """

    def sync(self) -> None:
        return

    def _init_dvc(self) -> None:
        return


@contextmanager
def live_curves(folder: Path, view_names: Sequence[str]) -> Iterator[Callable[[EpochRecord], None]]:
    """Yields a function that adds an epoch's record to the curves in `folder`.

    The first record deletes earlier curves there: a training that fails before it leaves them as they are.

    A resumed training repeats its whole history into it, so the files are those of an unbroken run. `view_names` are
    the names of the views, in order. Nothing is committed, uploaded or added to `dvc.yaml`. The function raises
    StoreError where the disk refuses.
    """
    live: Live | None = None
    with ExitStack() as stack:

        def add(record: EpochRecord) -> None:
            nonlocal live
            with disk_faults_told(folder):
                if live is None:
                    live = stack.enter_context(_opened(folder))
                live.step = record.epoch
                for name, value in curves(record, view_names).items():
                    live.log_metric(name, value)
                live.next_step()

        yield add


def curves(record: EpochRecord, view_names: Sequence[str]) -> dict[str, float]:
    """What is plotted of an epoch, by path; quantities that the epoch doesn't have are left out."""
    values = {
        "train/total": record.train_total,
        "train/focal": record.train_focal,
        "train/consistency": record.train_consistency,
        "train/weather": record.train_weather,
        "val/loss": record.val_loss,
        "val/mcc_image_only": record.val_mcc_image_only,
        "val/mcc_with_metadata": record.val_mcc_with_metadata,
        "learning_rate": record.learning_rate,
        "near_share": record.near_share,
    }
    values |= {f"gate/{name}": gate for name, gate in zip(view_names, record.gates, strict=True)}
    return {name: value for name, value in values.items() if value is not None}


def _opened(folder: Path) -> Live:
    folder.mkdir(parents=True, exist_ok=True)
    return _Curves(str(folder), report=None, save_dvc_exp=False, dvcyaml=None)
