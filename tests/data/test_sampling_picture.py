import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.contour import QuadContourSet

from roadwork.config import parse_section
from roadwork.data.clusters import nearest_km
from roadwork.data.distance import haversine_km
from roadwork.data.sampling_config import SamplingConfig
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


def legend(figure):
    return {text.get_text(): handle for text, handle in zip(figure.legends[0].texts, handles(figure), strict=True)}


def handles(figure):
    return figure.legends[0].legend_handles


def test_map_shows_every_located_image_in_the_colour_and_shape_of_its_band():
    figure = sampling_figure(*EUROPE)
    points = [found for found in figure.axes[0].collections if isinstance(found, PathCollection)]
    shown = {str(found.get_label()): found for found in points}
    assert {label: len(found.get_offsets()) for label, found in shown.items()} == {
        "train, below 50 km": 1,
        "train, 200 to 500 km": 1,
        "train, beyond 500 km": 1,
        "test (reference)": 2,
        "centre, dashed: 100 km around it": 2,
    }
    assert shown["train, beyond 500 km"].get_offsets()[0].tolist() == [12.5, 41.9]
    near, far = handles(figure)[0], handles(figure)[3]
    assert shown["train, below 50 km"].get_facecolor()[0].tolist() == pytest.approx(to_rgba(near.get_color()))
    assert near.get_marker() != far.get_marker()


def test_distance_bands_are_areas_between_their_edges():
    axes = sampling_figure(*EUROPE).axes[0]
    filled, lines = (found for found in axes.collections if isinstance(found, QuadContourSet))
    assert filled.levels[:4].tolist() == [0, 50, 200, 500]
    assert lines.levels.tolist() == [50, 200, 500]
    edge = next(path for path, level in zip(lines.get_paths(), lines.levels, strict=True) if level == 200)
    distance, _ = nearest_km(edge.vertices[:, 1], edge.vertices[:, 0], EUROPE[0].centres_deg)
    assert distance == pytest.approx(200, rel=0.02)


def test_the_map_holds_every_position_and_is_true_to_scale():
    axes = sampling_figure(*EUROPE).axes[0]
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    assert south < 41.9 < 53.5 < north
    assert west < 10.0 < 13.4 < east
    middle = (south + north) / 2
    sideways, upwards = haversine_km(middle, 10.0, middle, 11.0), haversine_km(middle - 0.5, 10.0, middle + 0.5, 10.0)
    assert axes.get_aspect() == pytest.approx(upwards / sideways, rel=1e-3)


def test_the_legend_tells_the_shares_before_and_after():
    assert list(legend(sampling_figure(*EUROPE)))[:2] == [
        f"train, below 50 km: weight 5, 25% of images, {5 / 7.3:.0%} of draws",
        "train, 50 to 200 km: weight 2.5, 0% of images, 0% of draws",
    ]


def test_without_positions_the_picture_says_so(tmp_path):
    plan, config = pictured([(np.nan, np.nan)] * 2, [(np.nan, np.nan)], enabled=False)
    write_sampling_picture(tmp_path / "empty.svg", plan, config)
    axes = sampling_figure(plan, config).axes[0]
    assert "no reference position is known" in [text.get_text() for text in axes.texts]
    assert "unknown → unknown" in axes.get_title(loc="left")


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
