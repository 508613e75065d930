"""The process that holds the backbone, as Ray Data calls it: views in, a finished block of the cache out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from roadwork.cluster.model_task import ModelTask
from roadwork.cluster.photograph_table import photographs_in, result_table, views_in
from roadwork.cluster.told_error import as_error, told
from roadwork.errors import RoadworkError

if TYPE_CHECKING:
    from roadwork.cluster.node_model import NodeModel
    from roadwork.embed.stream import Views


class Model:
    """Embeds a table of views and appends the rows to the cache as one block.

    What goes back says which rows are in the cache, and why the others aren't. An error that concerns more than a
    photograph stands beside the first of them and ends the run there, where it was started.
    """

    def __init__(self, task: ModelTask) -> None:
        self._task = task
        self._model: NodeModel | None = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """The results of the photographs of `table`, see `result_table`."""
        photographs = photographs_in(table)
        ids = [photo.image_id for photo in photographs]
        cut: dict[str, Views | RoadworkError] = dict(zip(ids, views_in(table, self._task.views.size_px), strict=True))
        for image_id, text in zip(ids, table.column("error").to_pylist(), strict=True):
            if text is not None:
                cut[image_id] = as_error(text)
        try:
            failures = self._ready().embed(photographs, cut)
        except RoadworkError as error:
            return result_table(ids[:1], [told(error)])
        return result_table(ids, [told(failures[name]) if name in failures else None for name in ids])

    def _ready(self) -> NodeModel:
        if self._model is None:
            from roadwork.cluster.node_model import NodeModel  # PyTorch: the starter knows this class, and has none

            self._model = NodeModel(self._task)
        return self._model
