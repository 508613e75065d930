"""The first day's way to embeddings: a Dataset of Pillow views, a DataLoader, and the timm model as it comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.rivals.pillow_views import normalised, pillow_views


class PhotographViews(Dataset[Tensor]):
    """The views of each file, float32 `[view 3 size size]`."""

    def __init__(self, files: list[Path], boxes: list[NDArray[np.int32]], size_px: int) -> None:
        self.files, self.boxes, self.size_px = files, boxes, size_px

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        return torch.from_numpy(normalised(pillow_views(self.files[index], self.boxes[index], self.size_px)).copy())


def dataloader_embeddings(
    files: list[Path],
    boxes: list[NDArray[np.int32]],
    model: nn.Module,
    *,
    size_px: int,
    batch_size: int,
    workers: int,
) -> NDArray[np.float32]:
    """`[image view dim]`, computed in eager float32."""
    loader = DataLoader(PhotographViews(files, boxes, size_px), batch_size=batch_size, num_workers=workers)
    rows = []
    with torch.inference_mode():
        for batch in loader:
            images, views = batch.shape[:2]
            rows.append(model(batch.flatten(0, 1)).view(images, views, -1).numpy())
    return np.concatenate(rows)
