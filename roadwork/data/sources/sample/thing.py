"""A thing that stands on the street: what it is, where, and how large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadwork.data.sources.sample.camera import Camera, Point
from roadwork.data.sources.sample.canvas import Canvas
from roadwork.data.sources.sample.palette import Colour, shade


@dataclass(frozen=True)
class Thing:
    """A cuboid on the ground, `z_m` being its near face; the drawing stays inside it.

    `look` chooses among a kind's variants. The camera looks at the near face and at one flank.
    """

    kind: str
    x_m: float
    z_m: float
    width_m: float
    height_m: float
    length_m: float
    colour: Colour
    look: int = 0

    def box(self, camera: Camera) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom in whole pixels, cut at the image's edge; None where nothing of it is in view.

        What stands in front is not subtracted.
        """
        half = self.width_m / 2
        corners = [
            (self.x_m + side * half, y, z)
            for side in (-1, 1)
            for y in (0.0, self.height_m)
            for z in (self.z_m, self.z_m + self.length_m)
        ]
        left, top, right, bottom = camera.bounds(corners)
        left, right = max(0, int(left)), min(camera.width_px, int(right) + 1)
        top, bottom = max(0, int(top)), min(camera.height_px, int(bottom) + 1)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def seen_share(self, camera: Camera) -> float:
        """The share of its near face that lies inside the image, 0 to 1."""
        half = self.width_m / 2
        left, top, right, bottom = camera.bounds(
            [(self.x_m - half, 0.0, self.z_m), (self.x_m + half, self.height_m, self.z_m)]
        )
        wide = min(right, camera.width_px) - max(left, 0.0)
        high = min(bottom, camera.height_px) - max(top, 0.0)
        return max(0.0, wide) * max(0.0, high) / ((right - left) * (bottom - top))

    def face(self, canvas: Canvas, corners: Sequence[Point], colour: Colour, glow: float = 0.0) -> None:
        """Paint a polygon in the thing's own metres: x from its middle, y from the ground, z from its near face."""
        canvas.face([(self.x_m + x, y, self.z_m + z) for x, y, z in corners], colour, glow=glow)

    def plate(self, canvas: Canvas, outline: Sequence[tuple[float, float]], colour: Colour, glow: float = 0.0) -> None:
        """Paint a polygon on the near face."""
        self.face(canvas, [(x, y, 0.0) for x, y in outline], colour, glow)

    def block(
        self,
        canvas: Canvas,
        across: tuple[float, float],
        up: tuple[float, float],
        along: tuple[float, float],
        colour: Colour,
        glow: float = 0.0,
    ) -> None:
        """Paint a cuboid in the thing's own metres: the flank in view, the top if below the eye, the near face."""
        (x0, x1), (y0, y1), (z0, z1) = across, up, along
        flank = x0 if self.x_m + x0 > canvas.camera.x_m else x1
        if not self.x_m + x0 <= canvas.camera.x_m <= self.x_m + x1:
            side = [(flank, y0, z0), (flank, y0, z1), (flank, y1, z1), (flank, y1, z0)]
            self.face(canvas, side, shade(colour, 0.82), glow)
        if y1 < canvas.camera.height_m:
            self.face(canvas, [(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)], shade(colour, 1.12), glow)
        self.face(canvas, [(x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)], colour, glow)
