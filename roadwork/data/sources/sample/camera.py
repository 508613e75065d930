"""A pinhole camera on the street: x to the right, y up, z ahead, all in metres; the road runs along z."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

Point = tuple[float, float, float]

NEAR_M = 0.7


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and how it maps metres to pixels of an upright image."""

    width_px: int
    height_px: int
    focal_px: float
    centre_px: float
    horizon_px: float
    x_m: float
    height_m: float

    def project(self, point: Point) -> tuple[float, float]:
        """Pixel position of a point that lies ahead of the near plane."""
        x, y, z = point
        scale = self.focal_px / z
        return self.centre_px + (x - self.x_m) * scale, self.horizon_px + (self.height_m - y) * scale

    def outline(self, polygon: Sequence[Point]) -> list[tuple[float, float]]:
        """Pixels of a flat polygon, cut at the near plane (Sutherland–Hodgman); empty when it lies behind."""
        if all(point[2] >= NEAR_M for point in polygon):
            return [self.project(point) for point in polygon]
        kept: list[Point] = []
        for here, there in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
            if here[2] >= NEAR_M:
                kept.append(here)
            if (here[2] >= NEAR_M) != (there[2] >= NEAR_M):
                share = (NEAR_M - here[2]) / (there[2] - here[2])
                kept.append((here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1]), NEAR_M))
        return [self.project(point) for point in kept]

    def bounds(self, points: Iterable[Point]) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels around points; those behind the near plane count as on it."""
        pixels = [self.project((x, y, max(z, NEAR_M))) for x, y, z in points]
        across, down = [u for u, _ in pixels], [v for _, v in pixels]
        return min(across), min(down), max(across), max(down)

    def enlarged(self, factor: int) -> Camera:
        """The same view on a canvas `factor` times as large."""
        return replace(
            self,
            width_px=self.width_px * factor,
            height_px=self.height_px * factor,
            focal_px=self.focal_px * factor,
            centre_px=self.centre_px * factor,
            horizon_px=self.horizon_px * factor,
        )
