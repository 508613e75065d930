"""Photographs to work on: drawn street scenes of several sizes, and large ones with the noise of a camera."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import numpy as np
from PIL import Image

from roadwork.data.exif import orientation, read_exif
from roadwork.data.sources.sample.source import write_sample
from roadwork.embed.photograph import Photograph
from roadwork.views.geometry import view_boxes

_SEED = 17
_FEWEST = 24  # photographs that the sample has at least
GRID, OVERLAP = 3, 0.25


def sample_files(folder: Path, count: int, *, max_width_px: int = 4032) -> list[Path]:
    """`count` files of the source `sample`, 1280×960 to 4032×3024 in its own mixture, some of them stored turned.

    Beyond 24 they repeat with other bytes behind the picture's end: other files to a cache, the same work.
    """
    drawn = [
        record.file
        for record in write_sample(folder, seed=_SEED, images=_FEWEST, max_width_px=max_width_px, workers=1)
        if isinstance(record.file, Path)
    ]
    return _repeated(drawn, folder, count)


def camera_files(folder: Path, count: int, *, width_px: int = 4032, height_px: int = 3024) -> list[Path]:
    """`count` files of 4032×3024 px, about 4 MB each as a phone writes them: smooth areas, edges, sensor noise."""
    rng = np.random.default_rng(_SEED)
    coarse = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    scene = np.asarray(Image.fromarray(coarse).resize((width_px, height_px), Image.Resampling.BICUBIC)).astype(np.int16)
    scene[height_px // 3 :, ::97] //= 2  # thin upright edges, as of fences and poles
    scene += rng.normal(0, 5, scene.shape).astype(np.int16)
    path = folder / "camera.jpg"
    Image.fromarray(scene.clip(0, 255).astype(np.uint8)).save(path, quality=92)
    return _repeated([path], folder, count)


def photographs_of_files(files: list[Path]) -> list[Photograph]:
    """`files` as the stage `embed_images` takes them, with the views of the committed geometry."""
    photographs = []
    for path in files:
        with Image.open(path) as image:
            width_px, height_px = image.size
            if orientation(read_exif(image)) >= 5:
                width_px, height_px = height_px, width_px
        boxes = view_boxes(width_px, height_px, grid=GRID, overlap=OVERLAP)
        image_id = hashlib.sha256(path.read_bytes()).hexdigest()
        photographs.append(Photograph(image_id, path, boxes, width_px * height_px))
    return photographs


def _repeated(files: list[Path], folder: Path, count: int) -> list[Path]:
    made = files[:count]
    for number, path in zip(range(len(made), count), itertools.cycle(files), strict=False):
        copy = folder / f"copy_{number:05d}.jpg"
        copy.write_bytes(path.read_bytes() + number.to_bytes(4, "big"))
        made.append(copy)
    return made
