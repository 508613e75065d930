"""What is known about a photograph beside its pixels, and its encoder. The metadata box of the head's figure."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from roadwork.data.vocabulary import CATEGORIES
from roadwork.model.gps import GpsEncoder
from roadwork.model.metadata_config import MetadataConfig


class Metadata(NamedTuple):
    """The facts of a batch of images. In the three categories the last index, or -1, means NULL."""

    gps_deg: Float[Tensor, "image 2"]  # latitude, longitude; float32; 0 where absent
    gps_present: Bool[Tensor, " image"]
    weather: Int64[Tensor, " image"]
    daytime: Int64[Tensor, " image"]
    scene: Int64[Tensor, " image"]
    text: Float[Tensor, "image text"]  # sentence vectors; float32; zeros where absent

    @staticmethod
    def null(images: int, config: MetadataConfig) -> Metadata:
        """Nothing known about any of `images` images (on the CPU)."""
        return Metadata(
            gps_deg=torch.zeros(images, 2),
            gps_present=torch.zeros(images, dtype=torch.bool),
            weather=torch.full((images,), config.null_index("weather")),
            daytime=torch.full((images,), config.null_index("daytime")),
            scene=torch.full((images,), config.null_index("scene")),
            text=torch.zeros(images, config.text_dim),
        )

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Metadata:
        """The same on `device`."""
        return Metadata(*(part.to(device, non_blocking=non_blocking) for part in self))

    def index(self, rows: Tensor) -> Metadata:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The images `rows`: int64 positions or a bool mask."""
        return Metadata(*(part[rows] for part in self))

    def hide(self, mask: Bool[Tensor, " image"]) -> Metadata:
        """A copy in which nothing is known about the images where `mask` is true; their categories become -1."""
        wide = mask.unsqueeze(1)
        return Metadata(
            gps_deg=self.gps_deg.masked_fill(wide, 0),
            gps_present=self.gps_present & ~mask,
            weather=self.weather.masked_fill(mask, -1),
            daytime=self.daytime.masked_fill(mask, -1),
            scene=self.scene.masked_fill(mask, -1),
            text=self.text.masked_fill(wide, 0),
        )

    def hide_some(self, share: float, generator: torch.Generator | None = None) -> Metadata:
        """A copy with each image hidden with probability `share` (whole-metadata dropout, for training).

        Draws from `generator`, by default torch's own of the device that the metadata is on.
        """
        if share == 0:
            return self
        chance = torch.rand(len(self.gps_present), device=self.gps_present.device, generator=generator)
        return self.hide(chance < share)


class MetadataEncoder(nn.Module):
    """[GPS sinusoids; weather; daytime; scene; text], as far as `config.fields` has them, always in this order.

    An absent fact is a learned vector (GPS, categories) or zeros (text: its map has no bias, so zeros stay zeros).
    """

    def __init__(self, config: MetadataConfig) -> None:
        super().__init__()
        self.dim = config.dim
        self.gps = GpsEncoder(config.gps_dim) if "gps" in config.fields else None
        self.nulls = {name: config.null_index(name) for name in CATEGORIES if name in config.fields}
        self.categories = nn.ModuleDict(
            {name: nn.Embedding(null + 1, config.category_dim) for name, null in self.nulls.items()}
        )
        self.text = nn.Linear(config.text_dim, config.text_dim, bias=False) if "text" in config.fields else None

    def forward(self, metadata: Metadata) -> Float[Tensor, "image {self.dim}"]:
        """One float32 vector per image; `[image 0]` when no field is in use."""
        parts = [metadata.text.new_zeros(len(metadata.text), 0)]
        if self.gps is not None:
            parts.append(self.gps(metadata.gps_deg, metadata.gps_present))
        for name, table in self.categories.items():
            index = getattr(metadata, name)
            parts.append(table(index.masked_fill(index == -1, self.nulls[name])))
        if self.text is not None:
            parts.append(self.text(metadata.text).float())
        return torch.cat(parts, dim=1)
