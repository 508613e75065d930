"""The process that holds the backbone: views in, a finished block of the cache out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch

from roadwork.cluster.node_backbone import BackboneTask, build_on_node, notes_kept
from roadwork.cluster.node_sight import Sight
from roadwork.cluster.photograph_table import photographs_in, result_table, views_in
from roadwork.cluster.told_error import as_error, node_name, told
from roadwork.embed.backbone import Backbone, embed_views
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.fingerprint import Fingerprint, feature_fingerprint
from roadwork.embed.photograph import Photograph
from roadwork.embed.stream import Views, copy_size, embed_stream
from roadwork.errors import BackboneError, CapabilityError, PhotographError, RoadworkError
from roadwork.storage.place import reopened
from roadwork.views.geometry import ViewsConfig


@dataclass(frozen=True)
class ModelTask:
    """What a model's process has to know. Plain values: it travels to the nodes."""

    backbone: BackboneTask
    views: ViewsConfig
    fingerprint: Mapping[str, Any]  # its facts
    cache_root: str  # `str` of its place
    sights: tuple[Sight, ...]
    batch_images: int | Literal["auto"]
    timeout_s: float


class Model:
    """Embeds a table of views and appends the rows to the cache as one block.

    What goes back says which rows are in the cache, and why the others aren't. An error that concerns more than a
    photograph stands beside the first of them and ends the run there, where it was started.
    """

    def __init__(self, task: ModelTask) -> None:
        self._task = task
        self._backbone: Backbone | None = None
        self._cache: EmbeddingCache | None = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """The results of the photographs of `table`, see `result_table`."""
        photographs = photographs_in(table)
        ids = [photo.image_id for photo in photographs]
        try:
            cut: dict[str, Views | RoadworkError] = dict(
                zip(ids, views_in(table, self._task.views.size_px), strict=True)
            )
            for image_id, text in zip(ids, table.column("error").to_pylist(), strict=True):
                if text is not None:
                    cut[image_id] = as_error(text)
            failures = self._embed(photographs, cut)
        except RoadworkError as error:
            return result_table(ids[:1], [told(error)])
        return result_table(ids, [failures.get(image_id) for image_id in ids])

    def _embed(self, photographs: list[Photograph], cut: Mapping[str, Views | RoadworkError]) -> dict[str, str]:
        """Append the rows; the failures by image id, as text."""
        failures: dict[str, str] = {}
        cache, backbone = self._ready()

        def views_of(photo: Photograph) -> Views:
            views = cut[photo.image_id]
            if isinstance(views, RoadworkError):
                raise views
            return views

        def failed(photo: Photograph, error: PhotographError) -> None:
            failures[photo.image_id] = told(error)

        try:
            rows = embed_stream(
                photographs,
                cut=views_of,
                embed=partial(embed_views, backbone),
                failed=failed,
                device=backbone.device,
                workers=1,
                batch_images=copy_size(self._task.batch_images, backbone.device),
                timeout_s=self._task.timeout_s,
            )
            with closing(rows):
                pieces = list(rows)
        except torch.OutOfMemoryError as error:
            raise CapabilityError(
                f"the GPU's memory doesn't suffice: {str(error).splitlines()[0]}",
                where=f"{node_name()}; params.yaml: embed.batch_images, embed.ray.actors_per_gpu",
                rule="model and views must fit in what other processes leave",
                fix="lower embed.batch_images or embed.ray.actors_per_gpu; finished rows are kept",
            ) from error
        if pieces:
            done = [image_id for piece in pieces for image_id in piece.image_ids]
            cache.append(done, np.concatenate([piece.embeddings for piece in pieces]))
        return failures

    def _ready(self) -> tuple[EmbeddingCache, Backbone]:
        if self._cache is None or self._backbone is None:
            for sight in self._task.sights:
                sight.check()
            with notes_kept():  # they were told when the backbone was described
                self._backbone = build_on_node(self._task.backbone)
            fingerprint = Fingerprint(self._task.fingerprint)
            _check_same(feature_fingerprint(self._backbone, self._task.views), fingerprint)
            self._cache = EmbeddingCache(reopened(self._task.cache_root), fingerprint)
        return self._cache, self._backbone


def _check_same(own: Fingerprint, wanted: Fingerprint) -> None:
    if own.key == wanted.key:
        return
    ours, theirs = _flat(own.fields), _flat(wanted.fields)
    differing = [name for name in sorted(ours.keys() | theirs.keys()) if ours.get(name) != theirs.get(name)]
    lines = [f"{name}: {ours.get(name)!r} there, {theirs.get(name)!r} elsewhere" for name in differing]
    raise BackboneError(
        f"{node_name()} would give other features",
        where="; ".join(lines),
        rule="every node has the same weights, and devices with the same arithmetic",
        fix="give that node the same weights file and roadwork; where its GPU has no bfloat16, set backbone.precision "
        "to fp32 or leave the node out",
    )


def _flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat
