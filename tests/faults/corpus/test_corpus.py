"""Every photograph of the corpus ends as a row that embeds or as a reject with a reason, the same each time."""

import io

import numpy as np
import pytest
from corpus import hostile
from corpus.fuzz import damaged
from corpus.pictures import SIZE_PX, encoded, exif, picture, whole_photographs
from PIL import Image

from roadwork.data.probe import Probe
from roadwork.data.probe_limits import ProbeLimits
from roadwork.data.probe_pool import ProbePool
from roadwork.errors import PhotographError
from roadwork.views.decode import decode_rgb

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

LIMIT = 20_000_000
WHOLE = whole_photographs()
NOT_A_PHOTOGRAPH = "a photograph in a known format"
BROKEN = "the file must decode to its end"


def pixels(content):
    return decode_rgb(content, max_pixels=LIMIT).astype(int)


@pytest.mark.parametrize("name", WHOLE)
def test_every_kind_of_photograph_is_taken_with_its_pixels(end, name):
    probe = end(WHOLE[name])
    assert (probe.width_px, probe.height_px) == SIZE_PX
    if not name.startswith(("ycck", "1_bit", "palette_alpha")):
        grey = name.startswith(("grey", "16_bit.", "float"))
        expected = np.asarray(picture().convert("L").convert("RGB") if grey else picture()).astype(int)
        if "alpha" in name:
            alpha = np.asarray(picture().convert("L"))[..., None] / 255
            expected = expected * alpha + 255 * (1 - alpha)
        assert np.abs(pixels(WHOLE[name]) - expected).mean() < 8


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("AVIF", {"quality": 95, "speed": 10}),
    ],
)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(end, form, options, orientation):
    turns = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_90",
        7: "TRANSVERSE",
        8: "ROTATE_270",
    }
    stored = picture().transpose(Image.Transpose[turns[orientation]]) if orientation > 1 else picture()
    content = encoded(stored, form, exif=exif(orientation).tobytes(), **options)
    probe = end(content)
    assert (probe.width_px, probe.height_px) == SIZE_PX
    assert np.abs(pixels(content) - np.asarray(picture()).astype(int)).mean() < 8


def test_broken_exif_is_no_fault_of_the_pixels(end):
    for name, content in hostile.broken_exif().items():
        assert isinstance(end(content), Probe), name


def test_absurd_positions_are_none(end):
    for name, content in hostile.absurd_positions().items():
        assert end(content).gps_deg == ((41.5, -81.7) if name == "gps_one_number.jpg" else None), name
    assert end(WHOLE["exif.jpg"]).gps_deg == pytest.approx((41.5, -81.7))


def test_one_pixel_one_row_and_one_column_are_photographs(end):
    for name, content in hostile.odd_sizes().items():
        size = name.partition(".")[0]
        found = end(content)
        assert isinstance(found, Probe), (name, found)
        assert f"{found.width_px}x{found.height_px}" == size


def test_bombs_are_refused_by_their_headers_and_take_no_memory(end, peak_bytes):
    end(WHOLE["plain.tif"])
    before = peak_bytes()
    for name, content in hostile.bombs().items():
        rule = end(content)
        # Two of the formats' own parsers refuse the size before it can be read.
        other = {"bomb.webp": BROKEN, "bomb.avif": NOT_A_PHOTOGRAPH}.get(name, "at most ingest.max_pixels pixels: ")
        assert str(rule).startswith(other), (name, rule)
    assert peak_bytes() < before + 20_000_000


def test_metadata_cost_no_more_than_a_few_times_the_file(end, peak_bytes):
    for name, content in hostile.metadata_bombs().items():
        found = end(content)
        assert isinstance(found, str if "_bomb" in name else Probe), (name, found)
    assert peak_bytes() < 400_000_000


REFUSED = {
    "zero_bytes.jpg": "the file must not be empty",
    **dict.fromkeys(
        ("one_byte.jpg", "text.jpg", "html.jpg", "script.svg.png", "postscript.jpg", "pdf.jpg", "zeros.jpg",
         "signature_only.png", "start_only.jpg", "sof_zero.jpg", "no_directory.tif", "negative.ppm"),
        NOT_A_PHOTOGRAPH,
    ),
    **dict.fromkeys(
        ("no_pixels.png", "filter_9.png", "palette_missing.png", "strip_far_away.tif", "width_text.tif", "nan.tif",
         "infinite.tif", "maxval_0.ppm", "maxval_huge.ppm", "token_endless.ppm", "comment_endless.ppm",
         "offset_absurd.bmp", "colours_absurd.bmp", "rle_endless.bmp"),
        BROKEN,
    ),
}  # fmt: skip


def test_files_that_lie_are_told_or_decode(end, peak_bytes):
    files = hostile.lies()
    assert REFUSED.keys() <= files.keys()
    for name, content in files.items():
        found = end(content)
        if name in REFUSED:
            assert str(found).startswith(REFUSED[name]), (name, found)
    assert peak_bytes() < 400_000_000


def cut_off(name, shares):
    """What is taken of a photograph that was cut off must be the whole photograph: only what follows it may lack."""
    content = WHOLE[name]
    for share in shares:
        part = content[: max(1, int(len(content) * share))]
        yield part, pixels(content)


@pytest.mark.parametrize("name", WHOLE)
def test_a_photograph_cut_off_is_never_taken_for_whole(end, name):
    for part, expected in cut_off(name, (0.2, 0.6, 0.97)):
        if isinstance(end(part), Probe):
            np.testing.assert_array_equal(pixels(part), expected)


@pytest.mark.parametrize("name", WHOLE)
def test_damaged_bytes_give_a_row_that_embeds_or_a_reject(end, name):
    for seed in range(3):
        end(damaged(WHOLE[name], f"{name} {seed}"))


@pytest.mark.slow
def test_a_jpeg_that_would_take_minutes_is_rejected_in_time():
    content = hostile.scan_bomb()
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (8000, 8000)  # nothing about its size is suspect
    with ProbePool(ProbeLimits(max_pixels=10**8, max_bytes=10**8, timeout_s=1)) as pool:
        with pytest.raises(PhotographError) as caught:
            pool(content)
        assert caught.value.rule == "a photograph is read in ingest.timeout_s: it took longer than 1 s"
        assert pool(WHOLE["baseline.jpg"]).width_px == SIZE_PX[0]


@pytest.mark.faults
@pytest.mark.parametrize("name", WHOLE)
def test_fuzz(end, name, tally):
    number = 80 if name.endswith(".jpg") else 40
    for seed in range(number):
        end(damaged(WHOLE[name], f"{name} long {seed}"))
    tally.add("files fuzzed", number)


@pytest.mark.faults
@pytest.mark.parametrize("name", WHOLE)
def test_cuts_at_every_hundredth(end, name, tally):
    for part, expected in cut_off(name, np.linspace(0, 1, 100, endpoint=False)):
        if isinstance(end(part), Probe):
            np.testing.assert_array_equal(pixels(part), expected)
    tally.add("files cut off", 100)


@pytest.mark.faults
def test_a_hundred_megabytes_of_comments(end, peak_bytes):
    assert isinstance(end(hostile.comment_chain(100)), Probe)
    assert peak_bytes() < 700_000_000
