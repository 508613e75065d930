"""Whole photographs in every format and of every kind that the corpus starts from, written from seeds."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

SIZE_PX = (72, 56)


def picture(number=0, size_px=SIZE_PX):
    """A smooth scene with some noise, like a photograph; another `number` gives other pixels."""
    width_px, height_px = size_px
    dice = np.random.default_rng(number)
    across, down = np.meshgrid(np.linspace(0, 1, width_px), np.linspace(0, 1, height_px))
    planes = [90 + 80 * np.sin(3 * across + phase) + 60 * down for phase in dice.uniform(0, 6, 3)]
    pixels = np.stack(planes, axis=-1) + dice.normal(0, 6, (height_px, width_px, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def encoded(image, form, **options):
    stream = io.BytesIO()
    if "append_images" in options:
        options["append_images"] = [more.copy() for more in options["append_images"]]
    image.copy().save(stream, form, **options)  # a save leaves its options in the image for the next one
    return stream.getvalue()


def exif(orientation=None, gps=None):
    """EXIF with an orientation and GPS tags (a dict by tag number)."""
    block = Image.Exif()
    block[0x010F] = "a camera"
    if orientation is not None:
        block[0x0112] = orientation
    if gps is not None:
        block.get_ifd(0x8825).update(gps)
    return block


def interlaced_png(image):
    """An Adam7 PNG of 8-bit RGB, which Pillow reads but doesn't write."""
    pixels = np.asarray(image.convert("RGB"))
    rows = []
    for top, left, down, right in (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):
        rows += [b"\0" + row.tobytes() for row in pixels[top::down, left::right] if row.size]
    return png(image.size, zlib.compress(b"".join(rows)), interlace=1)


def png(size_px, data, *, depth=8, colour=2, interlace=0, before=b""):
    """A PNG from its compressed rows, with the chunks `before` them."""
    header = struct.pack(">IIBBBBB", *size_px, depth, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def whole_photographs():
    """Name and bytes of a good photograph of each kind, all of SIZE_PX unless the name says otherwise."""
    rgb = picture()
    grey, more = rgb.convert("L"), [picture(1), picture(2)]
    palette = rgb.quantize(64)
    cmyk = encoded(rgb.convert("CMYK"), "JPEG")
    adobe = cmyk.index(b"Adobe")
    alpha = Image.merge("RGBA", (*rgb.split(), grey))
    position = {1: "N", 2: (41.0, 30.0, 0.0), 3: "W", 4: (81.0, 42.0, 0.0)}
    return {
        "baseline.jpg": encoded(rgb, "JPEG"),
        "progressive.jpg": encoded(rgb, "JPEG", progressive=True),
        "exif.jpg": encoded(rgb, "JPEG", exif=exif(1, position)),
        "restart.jpg": encoded(rgb, "JPEG", restart_marker_rows=1),
        "grey.jpg": encoded(grey, "JPEG"),
        "cmyk.jpg": cmyk,
        "ycck.jpg": cmyk[: adobe + 11] + b"\x02" + cmyk[adobe + 12 :],
        "no_subsampling.jpg": encoded(rgb, "JPEG", subsampling=0),
        "two_pictures.jpg": encoded(rgb, "MPO", save_all=True, append_images=more),
        "plain.png": encoded(rgb, "PNG"),
        "interlaced.png": interlaced_png(rgb),
        "16_bit.png": encoded(Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), "PNG"),
        "16_bit_rgb.png": png(
            rgb.size,
            zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in np.asarray(rgb).astype(int) * 257)),
            depth=16,
        ),
        "palette_alpha.png": encoded(palette, "PNG", transparency=bytes(range(64))),
        "1_bit.png": encoded(rgb.convert("1"), "PNG"),
        "grey_alpha.png": encoded(Image.merge("LA", (grey, grey)), "PNG"),
        "alpha.png": encoded(alpha, "PNG"),
        "animated.png": encoded(rgb, "PNG", save_all=True, append_images=more),
        "lossy.webp": encoded(rgb, "WEBP"),
        "lossless_alpha.webp": encoded(alpha, "WEBP", lossless=True),
        "animated.webp": encoded(rgb, "WEBP", save_all=True, append_images=more),
        "plain.gif": encoded(palette, "GIF"),
        "animated.gif": encoded(rgb, "GIF", save_all=True, append_images=more, duration=50),
        "plain.tif": encoded(rgb, "TIFF"),
        "lzw.tif": encoded(rgb, "TIFF", compression="tiff_lzw"),
        "deflate.tif": encoded(rgb, "TIFF", compression="tiff_adobe_deflate"),
        "jpeg.tif": encoded(rgb, "TIFF", compression="jpeg"),
        "frames.tif": encoded(rgb, "TIFF", save_all=True, append_images=more),
        "float.tif": encoded(Image.fromarray(np.asarray(grey).astype(np.float32) / 255), "TIFF"),
        "plain.bmp": encoded(rgb, "BMP"),
        "palette.bmp": encoded(palette, "BMP"),
        "plain.ppm": encoded(rgb, "PPM"),
        "grey.pgm": encoded(grey, "PPM"),
        "plain.jp2": encoded(rgb, "JPEG2000"),
        "plain.avif": encoded(rgb, "AVIF", speed=10),
    }
