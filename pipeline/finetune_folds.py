"""Train folds one after the other in this process, each exactly as it would be trained alone.

They share the imports, the features and the pretrained head. Every result is sealed in its fold's work area.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from pipeline.finetune_receipt import is_published
from pipeline.finetune_run import code_digest
from pipeline.paths import FINETUNE_LIVE
from pipeline.pretrained import open_pretrained
from roadwork.device import resolve_device
from roadwork.errors import DataError, RoadworkError
from roadwork.evaluate.answers import unseen_margins
from roadwork.evaluate.margins import head_margins
from roadwork.progress import note
from roadwork.publish import write_json
from roadwork.train.checkpoint import save_head
from roadwork.train.finetune import Finetuned, Finetuning, finetune
from roadwork.train.finetune_run import FinetuneRun
from roadwork.train.finished import CURVES, FINISHED, HEAD, METRICS, TIMING, finished, finished_folder
from roadwork.train.head_folder import HOLDOUT, PREDICTIONS
from roadwork.train.live import live_curves
from roadwork.train.record import EpochRecord
from roadwork.train.setting import Setting
from roadwork.train.timing import timing
from roadwork.train.work_area import kept_area


class FoldTrainer:
    """Trains folds of `run` with features and a pretrained head that are loaded once."""

    def __init__(self, run: FinetuneRun) -> None:
        """Load both; the errors are those of `open_pretrained` and `resolve_device`."""
        self.run = run
        self._pretrained = open_pretrained(views=len(run.views), train=run.train)
        device = resolve_device(run.train.device, parameter="train.device")
        self._setting = Setting(run.train, run.loss, run.seed, device)

    def train_own(self, fold: int, area: Path) -> Path:
        """Train `fold` in its work area and show its curves meanwhile; returns the folder of the sealed result."""
        with live_curves(FINETUNE_LIVE / str(fold), self.run.views) as log:
            return self._train(fold, area, log)

    def train_others(self, own: int, root: Path) -> None:
        """Train the folds but `own` that aren't finished or published, in their work areas below `root`.

        One that another process is at is left to it, and one that fails to its own stage, which says why.
        """
        for fold in self.run.config.folds:
            if fold == own:
                continue
            digest = self.run.digest(fold)
            with kept_area(root, digest) as area:
                if area is None or is_published(fold, digest) or finished(area):
                    continue
                try:
                    self._train(fold, area, lambda record: None)
                except RoadworkError as error:
                    note(f"Fold {fold} is left to its own stage: {error.what}")

    def _train(self, fold: int, area: Path, on_epoch: Callable[[EpochRecord], None]) -> Path:
        digest, run, pretrained = self.run.digest(fold), self.run, self._pretrained
        plan = Finetuning(
            table=pretrained.table,
            fold=fold,
            head=pretrained.head,
            spec=pretrained.spec,
            weights_sha256=pretrained.weights_sha256,
            config=run.config,
            setting=self._setting,
        )
        start = perf_counter()
        member = finetune(plan, area=area, on_epoch=on_epoch)
        seconds = perf_counter() - start
        self._require_what_the_digest_says(digest, fold)
        with finished_folder(area) as folder:
            self._write(member, folder)
            took = timing(seconds, member.gradient_s, member.epochs_here, self._setting.device)
            write_json(folder / TIMING, took)
        return area / FINISHED

    def _require_what_the_digest_says(self, digest: str, fold: int) -> None:
        """The digest was taken of files before they were loaded: what was loaded must be what it is of."""
        same = (
            (self.run.digest(fold), code_digest()) == (digest, self.run.code)
            and self._pretrained.weights_sha256 == self.run.head[1]
            and self._pretrained.table.digest == self.run.data
        )
        if not same:
            raise DataError(
                "what this stage is made from changed while it ran",
                where="code, models/pretrained, features or data",
                rule="what is recorded beside a result is what produced it",
                fix="run the stage again",
            )

    def _write(self, member: Finetuned, folder: Path) -> None:
        head = folder / HEAD
        head.mkdir()
        ask = head_margins(member.head, self._setting.device)
        unseen_margins(self._pretrained.table, ask, ("holdout",)).to_parquet(head / HOLDOUT, index=False)
        member.predictions.to_parquet(head / PREDICTIONS, index=False)
        save_head(head, member.head, member.spec, member.details, beside=(PREDICTIONS, HOLDOUT))
        write_json(folder / METRICS, member.metrics)
        with live_curves(folder / CURVES, self.run.views) as log:
            for record in member.details["history"]:
                log(EpochRecord(**record))
