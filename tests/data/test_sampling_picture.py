import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba

from roadwork.config import parse_section
from roadwork.data.distance import haversine_km
from roadwork.data.sampling import SamplingConfig
from roadwork.data.sampling_picture import _circle, sampling_figure, write_sampling_picture
from roadwork.data.sampling_plan import plan_sampling

SECTION = {
    "enabled": True, "clusters": 2, "reference": "test", "bands_km": [50, 200, 500], "weights": [5.0, 2.5, 1.0, 0.3],
    "unknown_weight": 1.0, "near_km": 100, "draws": 50, "target_share": 0.1, "min_share": 0.0,
}  # fmt: skip


def pictured(train, test, **changes):
    config = parse_section({**SECTION, **changes}, "sampling", SamplingConfig, where="params.yaml")
    positions = np.array([*test, *train], dtype=float)
    names = [f"{number:064x}" for number in range(len(positions))]
    frame = pd.DataFrame({"image_id": names, "latitude_deg": positions[:, 0], "longitude_deg": positions[:, 1]})
    divided = pd.DataFrame({"image_id": names, "split": ["test"] * len(test) + ["train"] * len(train)})
    return plan_sampling(frame, divided, config, batch_size=8, seed=0), config


EUROPE = pictured([(52.5, 13.4), (53.5, 10.0), (41.9, 12.5), (np.nan, np.nan)], [(52.5, 13.4), (48.1, 11.6)])


def test_the_same_plan_gives_the_same_bytes(tmp_path):
    write_sampling_picture(tmp_path / "one.svg", *EUROPE)
    write_sampling_picture(tmp_path / "two.svg", *EUROPE)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert ElementTree.parse(tmp_path / "one.svg").getroot().tag.endswith("svg")
    assert "<dc:date>" not in (tmp_path / "one.svg").read_text()


def test_map_shows_every_located_image_in_the_colour_of_its_band():
    place, shares = sampling_figure(*EUROPE).axes
    points = [found for found in place.collections if isinstance(found, PathCollection)]
    shown = {str(found.get_label()): found for found in points}
    assert {label: len(found.get_offsets()) for label, found in shown.items()} == {
        "train, below 50 km": 1,
        "train, 200 to 500 km": 1,
        "train, beyond 500 km": 1,
        "test (reference)": 2,
        "centre, 100 km around it": 2,
    }
    assert shown["train, beyond 500 km"].get_offsets()[0].tolist() == [12.5, 41.9]
    bar = shares.containers[1][0].get_facecolor()
    assert shown["train, below 50 km"].get_facecolor()[0].tolist() == pytest.approx(to_rgba(bar))


def test_bars_are_the_shares_before_and_after():
    shares = sampling_figure(*EUROPE).axes[1]
    before, after = ([bar.get_width() for bar in bars] for bars in shares.containers)
    assert before == pytest.approx([0.25, 0, 0.25, 0.25, 0.25])
    assert after == pytest.approx([5 / 7.3, 0, 1 / 7.3, 0.3 / 7.3, 1 / 7.3])
    assert shares.get_yticklabels()[0].get_text() == "below 50 km\nweight 5"


def test_without_positions_the_picture_says_so(tmp_path):
    plan, config = pictured([(np.nan, np.nan)] * 2, [(np.nan, np.nan)], enabled=False)
    write_sampling_picture(tmp_path / "empty.svg", plan, config)
    place, shares = sampling_figure(plan, config).axes
    assert "no reference position is known" in [text.get_text() for text in place.texts]
    assert "unknown → unknown" in shares.get_title(loc="left")


def test_many_images_become_pixels_so_that_the_file_stays_small(tmp_path):
    crowd = np.random.default_rng(0).uniform(40, 50, (5000, 2))
    write_sampling_picture(tmp_path / "crowd.svg", *pictured(crowd, [(45.0, 45.0), (46.0, 46.0)]))
    assert (tmp_path / "crowd.svg").stat().st_size < 1_000_000


@pytest.mark.parametrize("centre", [(0.0, 0.0), (52.5, 13.4), (-60.0, 179.9), (89.9, 10.0)])
def test_circle_has_its_radius_and_breaks_at_the_date_line(centre):
    circle = _circle(np.array(centre), 100.0)
    drawn = circle[~np.isnan(circle).any(axis=1)]
    assert haversine_km(drawn[:, 0], drawn[:, 1], *centre) == pytest.approx(100.0)
    assert np.nanmax(np.abs(np.diff(circle[:, 1]))) <= 180
