"""The drawing surface: flat faces of the world, projected by the camera and coloured by the light."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from roadwork.data.sources.sample.camera import NEAR_M, Camera, Point
from roadwork.data.sources.sample.light import Light
from roadwork.data.sources.sample.palette import Colour


class Canvas:
    """An RGB image that world geometry is painted on, far things first."""

    def __init__(self, camera: Camera, light: Light, background: Image.Image) -> None:
        self.camera, self.light, self.image = camera, light, background
        self.pen = ImageDraw.Draw(background, "RGBA")
        self.lamps: list[tuple[float, float, float, Colour]] = []

    def face(self, corners: Sequence[Point], colour: Colour, *, glow: float = 0.0, alpha: int = 255) -> None:
        """Paint a flat polygon; its colour fades with the mean distance of its corners."""
        outline = self.camera.outline(corners)
        if len(outline) < 3:
            return
        distance_m = max(NEAR_M, sum(corner[2] for corner in corners) / len(corners))
        self.pen.polygon(outline, (*self.light.falls_on(colour, distance_m, glow), alpha))

    def ground(
        self, left_m: float, right_m: float, near_m: float, far_m: float, colour: Colour, alpha: int = 255
    ) -> None:
        """Paint a rectangle that lies on the ground."""
        corners = [(left_m, 0.0, near_m), (right_m, 0.0, near_m), (right_m, 0.0, far_m), (left_m, 0.0, far_m)]
        self.face(corners, colour, alpha=alpha)

    def upright(
        self,
        left_m: float,
        right_m: float,
        bottom_m: float,
        top_m: float,
        z_m: float,
        colour: Colour,
        glow: float = 0.0,
    ) -> None:
        """Paint a rectangle that faces the camera."""
        low, high = (bottom_m, top_m)
        self.face(
            [(left_m, low, z_m), (right_m, low, z_m), (right_m, high, z_m), (left_m, high, z_m)], colour, glow=glow
        )

    def disc(self, x_m: float, y_m: float, z_m: float, radius_m: float, colour: Colour, glow: float = 0.0) -> None:
        """Paint a ball, or a disc that faces the camera."""
        if z_m < NEAR_M:
            return
        u, v = self.camera.project((x_m, y_m, z_m))
        radius = max(0.5, radius_m * self.camera.focal_px / z_m)
        self.pen.ellipse(
            (u - radius, v - radius, u + radius, v + radius), (*self.light.falls_on(colour, z_m, glow), 255)
        )

    def wheel(self, x_m: float, z_m: float, radius_m: float) -> None:
        """Paint a wheel that stands on the ground and points along the road."""
        for scale, colour in ((1.0, (28, 28, 30)), (0.55, (150, 152, 156))):
            rim = [
                (x_m, radius_m + scale * radius_m * math.sin(turn), z_m + scale * radius_m * math.cos(turn))
                for turn in (math.tau * k / 14 for k in range(14))
            ]
            self.face(rim, colour)

    def shadow(self, x_m: float, z_m: float, width_m: float, depth_m: float) -> None:
        """Darken the ground under a thing that is `width_m` wide, inside its own footprint."""
        rim = [
            (x_m + width_m / 2 * math.cos(turn), 0.0, z_m + depth_m / 2 * (1 + math.sin(turn)))
            for turn in (math.tau * k / 14 for k in range(14))
        ]
        self.face(rim, (20, 22, 26), alpha=90)

    def shine(self, x_m: float, y_m: float, z_m: float, radius_m: float, colour: Colour) -> None:
        """Remember a lamp; its glow is added when everything is drawn."""
        if z_m >= NEAR_M:
            u, v = self.camera.project((x_m, y_m, z_m))
            self.lamps.append((u, v, radius_m * self.camera.focal_px / z_m, colour))
