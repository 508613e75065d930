"""Embedding on this machine."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch

from roadwork.embed.assembly import WriteJob, Written, run_job
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.config import EmbedConfig
from roadwork.embed.decode_workers import worker_count
from roadwork.embed.engine import Engine
from roadwork.embed.stream import Cut, Embed, Rows, copy_size, embed_stream
from roadwork.embed.worklist import Worklist
from roadwork.errors import CapabilityError, StoreError
from roadwork.storage.place import is_remote

_REMOTE_PIECES = 16
"""Blocks that are claimed at a time where the cache is in an object store, which is slower to ask than a disk."""


@dataclass(frozen=True)
class LocalEngine(Engine):
    """Threads decode, `device` embeds, finished rows are appended to `cache`."""

    cache: EmbeddingCache
    cut: Cut
    embed: Embed
    device: torch.device
    config: EmbedConfig

    @property
    def name(self) -> str:
        """As `embed.engine` names it."""
        return "local"

    @property
    def piece(self) -> int:
        """As many photographs as make a block."""
        return self.config.block_images * (_REMOTE_PIECES if is_remote(self.cache.folder) else 1)

    def compute(self, work: Worklist) -> None:
        """Embed what `work` gives; CapabilityError where the GPU's memory doesn't suffice."""
        try:
            with closing(self._rows(work)) as pieces:
                self._keep(pieces, work)
        except torch.OutOfMemoryError as error:
            raise CapabilityError(
                f"the GPU's memory doesn't suffice: {str(error).splitlines()[0]}",
                where="params.yaml: embed.batch_images, embed.device",
                rule="model and views must fit in what other processes leave",
                fix="wait for the others, or lower embed.batch_images, or choose another embed.device; finished "
                "rows are kept",
            ) from error

    def write(self, jobs: Iterable[WriteJob]) -> Iterator[Written]:
        """One after the other: a disk gets no quicker by more writers."""
        return map(run_job, jobs)

    def _rows(self, work: Worklist) -> Generator[Rows, None, None]:
        return embed_stream(
            work,
            cut=self.cut,
            embed=self.embed,
            failed=work.fail,
            device=self.device,
            workers=worker_count(self.config.decode_workers),
            batch_images=copy_size(self.config.batch_images, self.device),
            timeout_s=self.config.timeout_s,
        )

    def _keep(self, rows: Iterable[Rows], work: Worklist) -> None:
        """Append `rows` to the cache in blocks; whatever ends the stream, finished rows are kept."""
        held: list[Rows] = []
        try:
            for piece in rows:
                held.append(piece)
                work.beat()
                if sum(len(each.image_ids) for each in held) >= self.config.block_images:
                    try:
                        self._append(held, work)
                    except StoreError:  # the cache takes nothing: it may have been asked for minutes
                        held = []
                        raise
                    held = []
        finally:
            if held:  # after an interrupt within an append this is the same block once more, under the same name
                self._append(held, work)

    def _append(self, held: Sequence[Rows], work: Worklist) -> None:
        ids = [image_id for piece in held for image_id in piece.image_ids]
        self.cache.append(ids, np.concatenate([piece.embeddings for piece in held]))
        work.add(ids)
