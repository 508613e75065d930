"""The head's answer for every image of a table, without gradients and in table order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadwork.model.head import Head
from roadwork.model.metadata import Metadata
from roadwork.train.features import FeatureTable
from roadwork.train.not_finite import check_answers


class Answers(NamedTuple):
    """What the head says, on the CPU, in float32."""

    image_only: Tensor  # logits [image class], all metadata hidden
    with_metadata: Tensor  # logits [image class]
    gates: Tensor  # [image view]; 0 for a view that was pruned away
    view_margins: Tensor  # [image view]; what the view's own classifier says, NaN for a view that was pruned away

    def logits(self, *, hide_metadata: bool) -> Tensor:
        """The logits of one of the two modes."""
        return self.image_only if hide_metadata else self.with_metadata


def margins(
    head: Head,
    table: FeatureTable,
    *,
    hide_metadata: bool,
    batch_size: int,
    device: torch.device,
) -> NDArray[np.float64]:
    """Margin of each image [image]: logit of roadwork minus logit of none; larger means more like roadwork.

    `hide_metadata` replaces every field by its learned null, as for a photograph that comes alone. Raises TrainingError
    that names the images whose answer is no number.
    """
    found = answers(head, table, batch_size=batch_size, device=device)
    return margins_of(found.logits(hide_metadata=hide_metadata))


def margins_of(logits: Tensor) -> NDArray[np.float64]:
    """Logit of roadwork minus logit of none [image], from `logits [image class]`."""
    wide = logits.double()
    return (wide[:, 1] - wide[:, 0]).numpy()


def answers(
    head: Head,
    table: FeatureTable,
    *,
    batch_size: int,
    device: torch.device,
    where: str = "",
) -> Answers:
    """Logits, gates and the views' own margins of every image, as `at_rest` runs the head.

    Each image is looked at once and decided upon twice, with and without its metadata: deciding costs next to nothing.

    Raises TrainingError that names the images whose logits or gates aren't finite; `where` says in it when that was.
    """
    views = table.embeddings.shape[1]
    logits = {hide: [torch.empty(0, 2)] for hide in (True, False)}
    gates, view_margins = [torch.empty(0, views)], [torch.empty(0, views)]
    order = table.embeddings.expect(torch.arange(len(table), device=table.embeddings.device))
    with at_rest(head, device):
        for start in range(0, len(table), batch_size):
            span = slice(start, start + batch_size)
            embeddings = table.embeddings.gather(order[span]).to(device).float()
            seen = head.look(embeddings)
            for hide, parts in logits.items():
                parts.append(head.decide(seen.vision, metadata_of(table, span, device, hide=hide)).float().cpu())
            by_view = torch.zeros(len(embeddings), views, device=device)
            own = seen.view_logits.float()
            gates.append(by_view.scatter(1, seen.kept, seen.gates.float()).cpu())
            view_margins.append(by_view.fill_(torch.nan).scatter(1, seen.kept, own[..., 1] - own[..., 0]).cpu())
    image_only, with_metadata, *shown = (torch.cat(parts) for parts in (*logits.values(), gates, view_margins))
    found = Answers(image_only, with_metadata, *shown)
    told = torch.cat([image_only, with_metadata, found.gates], dim=1)
    check_answers(table, told.isfinite().all(dim=1), where)
    return found


@contextmanager
def at_rest(head: Head, device: torch.device) -> Iterator[None]:
    """The head on `device` (where it stays), dropout off, no gradients; its mode is given back.

    In float32, whatever it was trained in; only a head that insists on xformers, which refuses float32, runs in bf16.
    """
    training = head.training
    head.to(device).eval()
    half = any(getattr(module, "backend", None) == "xformers" for module in head.modules())
    try:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=half):
            yield
    finally:
        head.train(training)


def metadata_of(table: FeatureTable, rows: slice | Tensor, device: torch.device, *, hide: bool) -> Metadata:
    """The metadata of `rows` on `device`; every field null where it is to be hidden."""
    metadata = Metadata(*(column[rows] for column in table.metadata)).to(device)
    if not hide:
        return metadata
    return metadata.hide(torch.ones(len(metadata.text), dtype=torch.bool, device=device))
