"""A project's files as `roadwork verify` reads them: each once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pandas as pd

from pipeline.part import load_part
from pipeline.paths import FINETUNED, FOLDS, IMAGE_STORE, MANIFEST, PRETRAINED, TEXT_STORE
from roadwork.config import Section, load_seed, parse_section, read_params
from roadwork.data.folds_config import FoldsConfig
from roadwork.data.manifest import Manifest, read_manifest
from roadwork.data.table_file import read_table_file
from roadwork.embed.store import ImageStore, TextStore, read_image_store, read_text_store
from roadwork.errors import ParameterError, RoadworkError
from roadwork.model.head_config import HeadSpec
from roadwork.train.checkpoint import load_head
from roadwork.train.config import TrainConfig
from roadwork.train.data_digest import data_digest
from roadwork.train.features import FeatureTable, load_features
from roadwork.train.head_folder import WEIGHTS, file_sha256
from roadwork.verify.metrics_file import read_metrics

S = TypeVar("S", bound=Section)
T = TypeVar("T")


class HeadOnDisk(NamedTuple):
    """What a folder of a trained head says."""

    spec: HeadSpec
    details: dict[str, Any]
    weights_sha256: str


class Project:
    """The project in the current folder, with the parameter file `params`.

    Every attribute raises the reader's own RoadworkError where its file is missing or damaged; those whose name starts
    with `known_` are None then, for checks that can do without.
    """

    def __init__(self, params: Path) -> None:
        self.params = params
        self._heads: dict[Path, HeadOnDisk] = {}
        self._metrics: dict[Path, Any] = {}
        self._sha256: dict[Path, str] = {}

    def section(self, name: str, model: type[S]) -> S:
        """A section of the parameters."""
        if name not in self._values:
            raise ParameterError(f"section `{name}` is missing", where=str(self.params), fix=f"add a section `{name}:`")
        return parse_section(self._values[name], name, model, where=self.params)

    def part(self, name: str, model: type[S]) -> S:
        """Those keys of a section that `model` has."""
        return load_part(self.params, name, model)

    @cached_property
    def _values(self) -> Mapping[str, Any]:
        return read_params(self.params)

    @cached_property
    def seed(self) -> int:
        """The run's seed."""
        return load_seed(self.params)

    @cached_property
    def training_seed(self) -> int:
        """The seed of the trainings."""
        return self.section("train", TrainConfig).training_seed(self.seed)

    @cached_property
    def folds(self) -> tuple[int, ...]:
        """`finetune.folds`."""
        return load_part(self.params, "finetune", FoldsConfig).folds

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest."""
        return read_manifest(MANIFEST)

    @cached_property
    def known_manifest(self) -> Manifest | None:
        """The manifest, or None."""
        return _or_none(self, "manifest")

    @property
    def known_frame(self) -> pd.DataFrame | None:
        """The manifest's table, or None."""
        return None if self.known_manifest is None else self.known_manifest.frame

    @property
    def known_ids(self) -> list[str] | None:
        """The manifest's image ids in their order, or None."""
        return None if self.known_frame is None else self.known_frame["image_id"].astype(str).tolist()

    @cached_property
    def divided(self) -> pd.DataFrame:
        """The table of folds."""
        return read_table_file(FOLDS, stage="folds")

    @cached_property
    def known_divided(self) -> pd.DataFrame | None:
        """The table of folds, or None."""
        return _or_none(self, "divided")

    @cached_property
    def images(self) -> ImageStore:
        """The image store, whichever rows it has."""
        return read_image_store(IMAGE_STORE)

    @cached_property
    def known_images(self) -> ImageStore | None:
        """The image store, or None."""
        return _or_none(self, "images")

    @cached_property
    def text(self) -> TextStore:
        """The text store, whichever rows it has."""
        return read_text_store(TEXT_STORE)

    @cached_property
    def pretrained(self) -> HeadOnDisk:
        """The pretrained head."""
        return self.head(PRETRAINED)

    @cached_property
    def known_pretrained(self) -> HeadOnDisk | None:
        """The pretrained head, or None."""
        return _or_none(self, "pretrained")

    @cached_property
    def known_table(self) -> FeatureTable | None:
        """Everything that heads are trained on, or None where a part of it is missing or damaged."""
        return _or_none(self, "_table")

    @cached_property
    def known_data_digest(self) -> str | None:
        """The digest of features, manifest and folds, or None where one of them is missing or has no seal."""
        return _or_none(self, "_data_digest")

    @property
    def _data_digest(self) -> str:
        return data_digest(IMAGE_STORE, TEXT_STORE, MANIFEST, FOLDS)

    @property
    def known_division(self) -> tuple[pd.DataFrame, pd.DataFrame] | None:
        """The manifest's table and that of the folds, where both are known and have the same number of rows."""
        frame, divided = self.known_frame, self.known_divided
        return None if frame is None or divided is None or len(frame) != len(divided) else (frame, divided)

    @property
    def _table(self) -> FeatureTable:
        return load_features(IMAGE_STORE, TEXT_STORE, MANIFEST, FOLDS, self.pretrained.spec.metadata)

    def head(self, folder: Path) -> HeadOnDisk:
        """The trained head in `folder`, checked."""
        if folder not in self._heads:
            _, spec, details = load_head(folder)
            self._heads[folder] = HeadOnDisk(spec, details, file_sha256(folder / WEIGHTS))
        return self._heads[folder]

    def known_members(self) -> dict[int, HeadOnDisk]:
        """The fine-tuned heads that can be read, by fold."""
        found = {}
        for fold in self.folds:
            try:
                found[fold] = self.head(FINETUNED / str(fold))
            except RoadworkError:  # told by the link of that fold
                continue
        return found

    def sha256(self, path: Path) -> str:
        """Of the bytes of `path`; "missing" where there is no such file."""
        if path not in self._sha256:
            self._sha256[path] = file_sha256(path) if path.is_file() else "missing"
        return self._sha256[path]

    def metrics(self, path: Path, stage: str) -> Mapping[str, Any]:
        """The JSON object in the metrics file `path`."""
        if path not in self._metrics:
            self._metrics[path] = read_metrics(path, stage)
        return self._metrics[path]


def _or_none(project: Project, name: str) -> Any:
    """The attribute, or None where its reader refuses the file, or stumbles over it: its own link tells of that."""
    try:
        return getattr(project, name)
    except Exception:
        return None
