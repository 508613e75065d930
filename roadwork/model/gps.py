"""GPS as sinusoids of many wavelengths. A part of the metadata box of the head's figure."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

LONGEST_DEG = 360.0
SHORTEST_DEG = 0.1  # about 11 km: finer waves would tell single streets apart, so a place could be learned by heart


class GpsEncoder(nn.Module):
    """sin and cos of 2π·latitude/λ and 2π·longitude/λ for `dim`/4 wavelengths λ; a learned vector where GPS is absent.

    The wavelengths run from 360° down to 0.1° in equal ratios (Fourier features, arXiv 2006.10739, along one axis at a
    time). The learned vector starts at zero, which no position is encoded as: sin² + cos² = 1.
    """

    wavelengths_deg: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        wavelengths = torch.logspace(math.log10(LONGEST_DEG), math.log10(SHORTEST_DEG), dim // 4)
        self.register_buffer("wavelengths_deg", wavelengths, persistent=False)
        self.absent = nn.Parameter(torch.zeros(dim))

    def forward(
        self, gps_deg: Float[Tensor, "image 2"], present: Bool[Tensor, " image"]
    ) -> Float[Tensor, "image {self.absent.shape[0]}"]:
        """Float32 always: in bfloat16 a longitude is only good to about half a degree."""
        turns = gps_deg.float().unsqueeze(-1) / self.wavelengths_deg  # [image 2 wave]
        angles = (2 * math.pi * turns).flatten(1)
        waves = torch.cat([angles.sin(), angles.cos()], dim=1)
        return torch.where(present.unsqueeze(-1), waves, self.absent)
