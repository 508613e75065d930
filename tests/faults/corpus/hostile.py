"""Photographs made to hurt: headers that lie, metadata that point in circles, bombs, and sizes at the edge."""

import io
import struct
import zlib

import numpy as np
from corpus.pictures import chunk, encoded, exif, picture, png
from PIL import Image

HUGE_PX = 60_000


def jpeg_with(content, *segments):
    """A JPEG with segments (marker, content) put right behind its start."""
    between = b"".join(
        b"\xff" + bytes((marker,)) + struct.pack(">H", len(body) + 2) + body for marker, body in segments
    )
    return content[:2] + between + content[2:]


def with_sof(content, width_px, height_px):
    """A JPEG whose frame header claims another size."""
    start = next(
        content.index(b"\xff" + bytes((marker,))) for marker in (0xC0, 0xC2) if b"\xff" + bytes((marker,)) in content
    )
    return content[: start + 5] + struct.pack(">HH", height_px, width_px) + content[start + 9 :]


def tiff(tags, *, data=b"", order="<", next_ifd=0):
    """A TIFF file, or an EXIF block, of one directory; `tags` are (tag, type, count, four bytes or a number)."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    entries = b"".join(
        struct.pack(order + "HHI", tag, kind, count)
        + (value if isinstance(value, bytes) else struct.pack(order + "I", value))
        for tag, kind, count, value in tags
    )
    return head + struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", next_ifd) + data


def tiff_image(width_px=16, height_px=16, **changes):
    """A greyscale TIFF of one strip; `changes` replace or, with None, drop tags by number: `t273=...`."""
    tags = {
        256: (4, 1, width_px),
        257: (4, 1, height_px),
        258: (3, 1, 8),
        259: (3, 1, 1),
        262: (3, 1, 1),
        273: (4, 1, 0),
        277: (3, 1, 1),
        278: (4, 1, height_px),
        279: (4, 1, 256),
    }
    tags |= {int(name[1:]): change for name, change in changes.items()}
    tags = {number: tag for number, tag in tags.items() if tag is not None}
    offset = 8 + 2 + 12 * len(tags) + 4
    rows = [
        (number, kind, count, offset if number == 273 and value == 0 else value)
        for number, (kind, count, value) in sorted(tags.items())
    ]
    return tiff(rows, data=bytes(range(256)))


def broken_exif():
    """JPEGs whose EXIF is broken in one way each; their pixels are whole."""
    photograph = encoded(picture(), "JPEG")
    whole = exif(6, {1: "N", 2: (41.0, 30.0, 0.0), 3: "W", 4: (81.0, 42.0, 0.0)}).tobytes().removeprefix(b"Exif\0\0")
    gps = (0x8825, 4, 1)
    blocks = {
        "empty": b"",
        "header_only": b"II*\0",
        "no_magic": b"XX" + whole[2:],
        "cut": whole[: len(whole) // 2],
        "cut_early": whole[:14],
        "ifd_far_away": b"II*\0" + struct.pack("<I", 0xFFFFFFF0),
        "ifd_on_itself": b"II*\0" + struct.pack("<I", 0),
        "next_ifd_is_the_first": tiff([(0x0112, 3, 1, 1)], next_ifd=8),
        "gps_is_the_first_ifd": tiff([(*gps, 8)]),
        "gps_far_away": tiff([(*gps, 0x7FFFFFFF)]),
        "exif_ifd_is_the_first": tiff([(0x8769, 4, 1, 8)]),
        "count_absurd": tiff([(0x010F, 2, 0xFFFFFFFF, 26), (0x0112, 3, 0x7FFFFFFF, 26)]),
        "rationals_absurd": tiff([(0x011A, 5, 0x1FFFFFFF, 26)]),
        "entries_absurd": b"II*\0" + struct.pack("<IH", 8, 0xFFFF) + b"\xff" * 500,
        "type_unknown": tiff([(0x0112, 99, 1, 6)]),
        "orientation_is_text": tiff([(0x0112, 2, 4, b"six\0")]),
        "orientation_is_a_rational": tiff([(0x0112, 5, 1, 26)], data=struct.pack("<II", 0, 0)),
        "orientation_9": tiff([(0x0112, 3, 1, 9)]),
        "orientation_0": tiff([(0x0112, 3, 1, 0)]),
        "orientation_twice": tiff([(0x0112, 3, 1, 1), (0x0112, 3, 1, 1)]),
        "orientation_pair": tiff([(0x0112, 3, 2, struct.pack("<HH", 1, 1))]),
        "big_endian_in_name_only": b"MM" + whole[2:],
        "all_ones": b"\xff" * 200,
    }
    photographs = {
        f"exif_{name}.jpg": jpeg_with(photograph, (0xE1, b"Exif\0\0" + block)) for name, block in blocks.items()
    }
    photographs["exif_twice.jpg"] = jpeg_with(photograph, *[(0xE1, b"Exif\0\0" + whole[:-8])] * 2)
    photographs["exif_broken.png"] = png_with(chunk(b"eXIf", b"\xff" * 64))
    photographs["exif_cyclic.png"] = png_with(chunk(b"eXIf", tiff([(*gps, 8), (0x8769, 4, 1, 8)], next_ifd=8)))
    return photographs


def absurd_positions():
    """JPEGs with GPS tags that say nothing true."""
    good = {1: "N", 2: (41.0, 30.0, 0.0), 3: "W", 4: (81.0, 42.0, 0.0)}
    changes = {
        "latitude_91": {2: (91.0, 0.0, 0.0)},
        "longitude_999": {4: (999.0, 0.0, 0.0)},
        "no_references": {1: None, 3: None},
        "reference_garbage": {1: "Q"},
        "reference_empty": {1: ""},
        "one_number": {2: (41.5,)},
        "four_numbers": {2: (41.0, 30.0, 0.0, 0.0)},
        "null_island": {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
        "latitude_only": {3: None, 4: None},
    }
    photographs = {}
    for name, change in changes.items():
        tags = {tag: value for tag, value in {**good, **change}.items() if value is not None}
        photographs[f"gps_{name}.jpg"] = encoded(picture(), "JPEG", exif=exif(1, tags))
    nan = struct.pack("<f", float("nan"))
    entries = ((1, 2, 2, b"N\0\0\0"), (2, 11, 1, nan), (3, 2, 2, b"W\0\0\0"), (4, 11, 1, nan))
    position = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    block = tiff([(0x8825, 4, 1, 26)], data=struct.pack("<H", len(entries)) + position + bytes(4))
    photographs["gps_nan.jpg"] = jpeg_with(encoded(picture(), "JPEG"), (0xE1, b"Exif\0\0" + block))
    zero = encoded(picture(), "JPEG", exif=exif(1, good))
    at = (
        zero.index(struct.pack(">II", 41, 1))
        if struct.pack(">II", 41, 1) in zero
        else zero.index(struct.pack("<II", 41, 1))
    )
    photographs["gps_denominator_0.jpg"] = zero[:at] + b"\0" * 8 + zero[at + 8 :]
    return photographs


def odd_sizes():
    """Good photographs at the edges: one pixel, one line, one column."""
    grey = {
        "1x1": Image.new("L", (1, 1), 128),
        "1x20000": Image.fromarray((np.arange(20_000) % 251).astype(np.uint8)[:, None]),
        "20000x1": Image.fromarray((np.arange(20_000) % 251).astype(np.uint8)[None, :]),
        "7x3": picture(3, (7, 3)).convert("L"),
    }
    made = {}
    for name, image in grey.items():
        for form, suffix in (
            ("JPEG", "jpg"),
            ("PNG", "png"),
            ("TIFF", "tif"),
            ("BMP", "bmp"),
            ("GIF", "gif"),
            ("PPM", "pgm"),
        ):
            made[f"{name}.{suffix}"] = encoded(image, form)
    made["1x1.webp"] = encoded(grey["1x1"].convert("RGB"), "WEBP")
    made["1x16000.webp"] = encoded(grey["1x20000"].crop((0, 0, 1, 16_000)).convert("RGB"), "WEBP")
    made["1x1.jp2"] = encoded(grey["1x1"], "JPEG2000")
    made["1x1.avif"] = encoded(grey["1x1"], "AVIF", speed=10)
    return made


def bombs():
    """Small files whose headers claim 60,000 × 60,000 pixels, in every format that can say so."""
    huge = struct.pack(">II", HUGE_PX, HUGE_PX)
    bmp = encoded(picture(), "BMP")
    gif = encoded(picture(), "GIF")
    jp2 = encoded(picture(), "JPEG2000")
    avif = encoded(picture(), "AVIF", speed=10)
    siz, ihdr, ispe = jp2.index(b"\xff\x51") + 6, jp2.index(b"ihdr") + 4, avif.index(b"ispe") + 8
    old = jp2[siz : siz + 32]
    webp = encoded(Image.merge("RGBA", (*picture().split(), picture(1).convert("L"))), "WEBP")
    vp8x = webp.index(b"VP8X") + 12
    three = (HUGE_PX - 1).to_bytes(3, "little")
    return {
        "bomb_baseline.jpg": with_sof(encoded(picture(), "JPEG"), HUGE_PX, HUGE_PX),
        "bomb_progressive.jpg": with_sof(encoded(picture(), "JPEG", progressive=True), HUGE_PX, HUGE_PX),
        "bomb.png": png((HUGE_PX, HUGE_PX), zlib.compress(bytes(1000))),
        "bomb_interlaced.png": png((HUGE_PX, HUGE_PX), zlib.compress(bytes(1000)), interlace=1),
        "bomb_2_32.png": png((2**31 - 1, 2**31 - 1), zlib.compress(bytes(1000))),
        "bomb.gif": gif[:6] + struct.pack("<HH", HUGE_PX, HUGE_PX) + gif[10:],
        "bomb.bmp": bmp[:18] + struct.pack("<ii", HUGE_PX, HUGE_PX) + bmp[26:],
        "bomb_negative.bmp": bmp[:18] + struct.pack("<ii", HUGE_PX, -HUGE_PX) + bmp[26:],
        "bomb.tif": tiff_image(HUGE_PX, HUGE_PX),
        "bomb_tiled.tif": tiff_image(
            HUGE_PX, HUGE_PX, t322=(4, 1, HUGE_PX), t323=(4, 1, HUGE_PX), t324=(4, 1, 200), t325=(4, 1, 256)
        ),
        "bomb.ppm": f"P6\n{HUGE_PX} {HUGE_PX}\n255\n".encode() + bytes(1000),
        "bomb_plain.ppm": f"P3\n{HUGE_PX} {HUGE_PX}\n255\n".encode() + b"1 2 3 " * 100,
        "bomb.webp": webp[:vp8x] + three + three + webp[vp8x + 6 :],
        "bomb.jp2": jp2[:ihdr] + huge + jp2[ihdr + 8 : siz] + huge + old[8:16] + huge + old[24:] + jp2[siz + 32 :],
        "bomb.avif": avif[:ispe] + huge + avif[ispe + 8 :],
    }


def png_with(*chunks):
    """A good PNG with further chunks before its pixels."""
    good = encoded(picture(), "PNG")
    return good[:33] + b"".join(chunks) + good[33:]


def metadata_bombs():
    """Good pixels among metadata that are large, or small until they are unpacked."""
    packed = zlib.compress(bytes(100_000_000), 9)
    photograph = encoded(picture(), "JPEG")
    xmp = b"http://ns.adobe.com/xap/1.0/\0" + b" " * 65_000
    icc = [(0xE2, b"ICC_PROFILE\0" + bytes((number, 200)) + b"x" * 65_000) for number in range(1, 201)]
    return {
        "ztxt_bomb.png": png_with(chunk(b"zTXt", b"Comment\0\0" + packed)),
        "itxt_bomb.png": png_with(chunk(b"iTXt", b"Comment\0\1\0\0\0" + packed)),
        "iccp_bomb.png": png_with(chunk(b"iCCP", b"icc\0\0" + packed)),
        "texts.png": png_with(*[chunk(b"tEXt", b"Comment\0" + b"x" * 1000)] * 2000),
        "exif_huge.png": png_with(chunk(b"eXIf", tiff([(0x010F, 2, 20_000_000, 26)], data=b"x" * 20_000_000))),
        "xmp_huge.jpg": jpeg_with(photograph, *[(0xE1, xmp)] * 300),
        "icc_huge.jpg": jpeg_with(photograph, *icc),
        "icc_numbers.jpg": jpeg_with(photograph, *icc[:3], *icc[:1]),
        "mpf_absurd.jpg": jpeg_with(
            photograph, (0xE2, b"MPF\0" + tiff([(0xB001, 4, 1, 0xFFFFFFFF), (0xB002, 7, 0xFFFFFFFF, 26)]))
        ),
        "photoshop_absurd.jpg": jpeg_with(
            photograph, (0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0" + struct.pack(">I", 0xFFFFFFFF))
        ),
    }


def comment_chain(megabytes=100):
    """A JPEG behind so many megabytes of comments."""
    body = b"\xff\xfe\xff\xff" + b"c" * 65_533
    photograph = encoded(picture(), "JPEG")
    return photograph[:2] + body * (megabytes * 1_000_000 // len(body)) + photograph[2:]


def scan_bomb(side_px=8000, scans=2000):
    """A small progressive JPEG that goes over many pixels again and again."""
    content = encoded(Image.new("L", (side_px, side_px), 100), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * scans + content[-2:]


def lies():
    """Headers that contradict their contents, and structures that are none."""
    photograph = encoded(picture(), "JPEG")
    gif = encoded(picture(), "GIF")
    far = 0x7FFFFFF0
    return {
        "zero_bytes.jpg": b"",
        "one_byte.jpg": b"\xff",
        "text.jpg": b"this is no photograph, whatever it is called\n" * 20,
        "html.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "script.svg.png": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
        "pdf.jpg": b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n",
        "zeros.jpg": bytes(10_000),
        "signature_only.png": b"\x89PNG\r\n\x1a\n",
        "start_only.jpg": b"\xff\xd8\xff",
        "no_pixels.png": png((8, 8), b""),
        "too_few_rows.png": png((64, 64), zlib.compress(b"\0" + bytes(192))),
        "zero_wide.png": png((0, 8), zlib.compress(b"")),
        "filter_9.png": png((8, 8), zlib.compress((b"\x09" + bytes(24)) * 8)),
        "palette_missing.png": png((8, 8), zlib.compress((b"\0" + bytes(8)) * 8), colour=3),
        "depth_3.png": png((8, 8), zlib.compress((b"\0" + bytes(24)) * 8), depth=3),
        "sof_taller.jpg": with_sof(photograph, 72, 2000),
        "sof_smaller.jpg": with_sof(photograph, 8, 8),
        "sof_zero.jpg": with_sof(photograph, 0, 0),
        "tiny_frame_on_a_canvas.gif": gif[:6] + struct.pack("<HH", 900, 900) + gif[10:],
        "frame_beyond_the_canvas.gif": gif[:6] + struct.pack("<HH", 2, 2) + gif[10:],
        "strip_far_away.tif": tiff_image(t273=(4, 1, far)),
        "strip_huge.tif": tiff_image(t279=(4, 1, far)),
        "strips_many.tif": tiff_image(t273=(4, 0x0FFFFFFF, 8), t279=(4, 0x0FFFFFFF, 8)),
        "rows_per_strip_0.tif": tiff_image(t278=(4, 1, 0)),
        "rows_per_strip_huge.tif": tiff_image(t278=(4, 1, 0xFFFFFFFF)),
        "samples_65535.tif": tiff_image(t277=(3, 1, 65_535)),
        "bits_64.tif": tiff_image(t258=(3, 1, 64)),
        "bits_many.tif": tiff_image(t258=(3, 0x0FFFFFFF, 8)),
        "tile_huge.tif": tiff_image(t322=(4, 1, far), t323=(4, 1, far), t324=(4, 1, 8), t325=(4, 1, 256)),
        "tile_0.tif": tiff_image(t322=(4, 1, 0), t323=(4, 1, 0), t324=(4, 1, 8), t325=(4, 1, 256)),
        "compression_unknown.tif": tiff_image(t259=(3, 1, 31_337)),
        "compression_jpeg_without.tif": tiff_image(t259=(3, 1, 7)),
        "photometric_lab.tif": tiff_image(t262=(3, 1, 8)),
        "photometric_unknown.tif": tiff_image(t262=(3, 1, 999)),
        "width_missing.tif": tiff_image(t256=None),
        "width_text.tif": tiff_image(t256=(2, 4, b"ten\0")),
        "next_is_itself.tif": tiff_image()[:122] + struct.pack("<I", 8) + tiff_image()[126:],
        "no_directory.tif": b"II*\0" + struct.pack("<I", far),
        "lab.tif": encoded(picture().convert("LAB"), "TIFF"),
        "nan.tif": encoded(Image.fromarray(np.array([[0.5, np.nan]], dtype=np.float32)), "TIFF"),
        "infinite.tif": encoded(Image.fromarray(np.array([[0.5, np.inf]], dtype=np.float32)), "TIFF"),
        "negative.ppm": b"P6\n-5 5\n255\n" + bytes(75),
        "maxval_0.ppm": b"P6\n5 5\n0\n" + bytes(75),
        "maxval_huge.ppm": b"P6\n5 5\n99999999\n" + bytes(75),
        "token_endless.ppm": b"P6\n" + b"9" * 100_000,
        "comment_endless.ppm": b"P6\n#" + b"c" * 100_000,
        "offset_absurd.bmp": _patched(encoded(picture(), "BMP"), 10, struct.pack("<I", far)),
        "colours_absurd.bmp": _patched(encoded(picture().quantize(16), "BMP"), 46, struct.pack("<I", 0xFFFFFFFF)),
        "rle_endless.bmp": _rle_bmp(),
    }


def _patched(content, at, patch):
    return content[:at] + patch + content[at + len(patch) :]


def _rle_bmp():
    """A run-length BMP that never says that it ends."""
    stream = io.BytesIO()
    Image.new("P", (64, 64)).save(stream, "BMP")
    whole = stream.getvalue()
    offset = struct.unpack_from("<I", whole, 10)[0]
    return _patched(whole[:offset], 30, struct.pack("<I", 1)) + b"\x00\x02\x00\x00" * 1000
