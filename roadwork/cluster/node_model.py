"""The backbone and the cache, as one process on a node has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np
import torch

from roadwork.cluster.model_task import ModelTask
from roadwork.cluster.node_backbone import build_on_node, notes_kept
from roadwork.cluster.told_error import node_name
from roadwork.embed.backbone import embed_views
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.fingerprint import Fingerprint, feature_fingerprint
from roadwork.embed.photograph import Photograph
from roadwork.embed.stream import Views, copy_size, embed_stream
from roadwork.errors import BackboneError, CapabilityError, PhotographError, RoadworkError
from roadwork.storage.place import reopened


class NodeModel:
    """Views in, a finished block of the cache out."""

    def __init__(self, task: ModelTask) -> None:
        """Build the backbone. Raises BackboneError where its features would be others than the starter expects."""
        for sight in task.sights:
            sight.check()
        with notes_kept():  # they were told when the backbone was described
            self._backbone = build_on_node(task.backbone)
        fingerprint = Fingerprint(task.fingerprint)
        _check_same(feature_fingerprint(self._backbone, task.views), fingerprint)
        self._cache = EmbeddingCache(reopened(task.cache_root), fingerprint)
        self._task = task

    def embed(
        self, photographs: Sequence[Photograph], cut: Mapping[str, Views | RoadworkError]
    ) -> dict[str, PhotographError]:
        """Append the rows of `photographs` to the cache as one block; those that can't be embedded, by image id.

        `cut` has a photograph's views by its image id, or what stands in their way; an error that is no
        PhotographError is raised. Raises CapabilityError where the GPU's memory doesn't suffice.
        """
        failures: dict[str, PhotographError] = {}

        def views_of(photo: Photograph) -> Views:
            views = cut[photo.image_id]
            if isinstance(views, RoadworkError):
                raise views
            return views

        def failed(photo: Photograph, error: PhotographError) -> None:
            failures[photo.image_id] = error

        device = self._backbone.device
        try:
            rows = embed_stream(
                photographs,
                cut=views_of,
                embed=partial(embed_views, self._backbone),
                failed=failed,
                device=device,
                workers=1,
                batch_images=copy_size(self._task.batch_images, device),
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
            self._cache.append(done, np.concatenate([piece.embeddings for piece in pieces]))
        return failures


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
