import hashlib
import io
import random
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageOps

from roadwork.data.probe import probe_photograph
from roadwork.errors import PhotographError

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos" / "no_roadwork"
LIMIT = 1_000_000


@pytest.mark.parametrize(
    ("form", "suffix"),
    [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp"), ("TIFF", ".tif"), ("BMP", ".bmp"), ("GIF", ".gif")],
)
def test_digest_size_and_suffix(tmp_path, photograph, form, suffix):
    content = photograph(form=form)
    (tmp_path / "a.bin").write_bytes(content)
    for source in (content, tmp_path / "a.bin"):
        probe = probe_photograph(source, LIMIT)
        assert probe.image_id == hashlib.sha256(content).hexdigest()
        assert (probe.width_px, probe.height_px) == (64, 48)
        assert probe.suffix == suffix
        assert probe.gps_deg is None


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_is_that_of_the_upright_photograph(photograph, form, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = photograph(form=form, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    probe = probe_photograph(content, LIMIT)
    assert (probe.width_px, probe.height_px) == upright.size == ((64, 48) if orientation < 5 else (48, 64))


def test_position_from_exif(photograph, gps_exif):
    assert probe_photograph(photograph(exif=gps_exif()), LIMIT).gps_deg == pytest.approx((41.5, -81.7))


@pytest.mark.filterwarnings("ignore")
def test_broken_exif_is_no_fault(photograph, gps_exif):
    content = photograph(exif=gps_exif())
    start = content.index(b"Exif\0\0") + 6
    probe = probe_photograph(content[:start] + b"\xff" * 60 + content[start + 60 :], LIMIT)
    assert probe.gps_deg is None
    assert (probe.width_px, probe.height_px) == (64, 48)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_truncated_file_is_told(photograph, form, share):
    content = photograph(form=form)
    with pytest.raises(PhotographError) as caught:
        probe_photograph(content[: int(len(content) * share)], LIMIT)
    assert caught.value.rule


def test_a_large_truncated_jpeg_is_told(photograph):
    content = photograph(size_px=(800, 600))
    with pytest.raises(PhotographError, match="truncated") as caught:
        probe_photograph(content[:-2000], LIMIT)
    assert caught.value.rule.startswith("the file must decode to its end: ")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "must not be empty"),
        (b"hello", "known format"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "save HEIC as JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "known format"),
    ],
)
def test_what_is_no_photograph(content, rule):
    with pytest.raises(PhotographError) as caught:
        probe_photograph(content, LIMIT)
    assert rule in caught.value.rule


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(PhotographError, match=r"a\.jpg: no such file"):
        probe_photograph(tmp_path / "a.jpg", LIMIT)
    with pytest.raises(PhotographError, match="directory"):
        probe_photograph(tmp_path, LIMIT)


def test_too_many_pixels_are_told_from_the_header(photograph):
    content = photograph(size_px=(64, 48))
    assert probe_photograph(content, 64 * 48).width_px == 64
    with pytest.raises(PhotographError) as caught:
        probe_photograph(content[: len(content) // 2], 64 * 48 - 1)
    assert caught.value.rule == "at most ingest.max_pixels pixels: 3072 of 3071"


def test_max_pixels_replaces_pillow_s_own_limit(photograph, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert probe_photograph(photograph(), LIMIT).height_px == 48
    assert Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_damaged_bytes_give_a_probe_or_a_photograph_error(photograph, form):
    dice = random.Random(form)
    whole = photograph(form=form, size_px=(24, 16))
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            damaged[dice.randrange(min(len(damaged), 400))] = dice.randrange(256)
        try:
            rule = "" if probe_photograph(bytes(damaged), LIMIT).width_px > 0 else None
        except PhotographError as error:
            rule = error.rule or None
        assert rule is not None


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the shared photographs are not here")
def test_real_photographs():
    probes = {file.name: probe_photograph(file, 200_000_000) for file in sorted(PHOTOS.glob("*.jpg"))}
    assert sum(probe.gps_deg is not None for probe in probes.values()) == 32
    phone = probes["phone_4032x3024.jpg"]
    assert (phone.width_px, phone.height_px) == (4032, 3024)
    assert phone.gps_deg == pytest.approx((48.8925, 2.23639), abs=1e-5)
