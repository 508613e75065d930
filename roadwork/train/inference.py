"""The head's answer for every image of a table, without gradients and in table order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadwork.model.head import Head
from roadwork.model.metadata import Metadata
from roadwork.train.features import FeatureTable


class Answers(NamedTuple):
    """What the head says, on the CPU."""

    logits: Tensor  # float32 [image class]
    gates: Tensor  # float32 [image view]; 0 for a view that was pruned away


def margins(
    head: Head,
    table: FeatureTable,
    *,
    hide_metadata: bool,
    batch_size: int,
    device: torch.device,
) -> NDArray[np.float64]:
    """Margin of each image [image]: logit of roadwork minus logit of none; larger means more like roadwork.

    `hide_metadata` replaces every field by its learned null, as for a photograph that comes alone.
    """
    return margins_of(answers(head, table, hide_metadata=hide_metadata, batch_size=batch_size, device=device).logits)


def margins_of(logits: Tensor) -> NDArray[np.float64]:
    """Logit of roadwork minus logit of none [image], from `logits [image class]`."""
    wide = logits.double()
    return (wide[:, 1] - wide[:, 0]).numpy()


def answers(
    head: Head,
    table: FeatureTable,
    *,
    hide_metadata: bool,
    batch_size: int,
    device: torch.device,
) -> Answers:
    """Logits and view gates of every image, dropout off. The head is moved to `device` and keeps its mode.

    In float32, whatever it was trained in; only a head that insists on xformers, which refuses float32, runs in bf16.
    """
    training = head.training
    head.to(device).eval()
    views = table.embeddings.shape[1]
    half = any(getattr(module, "backend", None) == "xformers" for module in head.modules())
    logits, gates = [torch.empty(0, 2)], [torch.empty(0, views)]
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=half):
        for start in range(0, len(table), batch_size):
            span = slice(start, start + batch_size)
            embeddings = table.embeddings[span].to(device).float()
            metadata = Metadata(*(column[span] for column in table.metadata)).to(device)
            if hide_metadata:
                metadata = metadata.hide(torch.ones(len(embeddings), dtype=torch.bool, device=device))
            output = head(embeddings, metadata)
            by_view = torch.zeros(len(embeddings), views, device=device)
            by_view.scatter_(1, output.kept, output.gates.float())
            logits.append(output.logits.float().cpu())
            gates.append(by_view.cpu())
    head.train(training)
    return Answers(torch.cat(logits), torch.cat(gates))
