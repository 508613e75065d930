"""Map of the sampling: where the training images lie, how far from the reference regions, how often each is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from roadwork.data.clusters import nearest_km
from roadwork.data.distance import EARTH_RADIUS_KM
from roadwork.data.sampling import band_of
from roadwork.data.sampling_config import SamplingConfig
from roadwork.data.sampling_plan import SamplingPlan

_REFERENCE = "#d55e00"  # vermilion of Okabe and Ito: apart from every shade of viridis to colour-blind readers too
_MARKERS = "os^Dvph"
_AS_PIXELS_ABOVE = 4000
_PIXELS_PER_INCH = 150
_FIELD = 160  # points per side of the grid on which the distance bands are drawn
_MAP_IN, _LINE_IN = 5.5, 0.25  # width of the map, height of a line of the legend
_WIDE = 1.15  # kilometres sideways for each upwards
_KM_PER_DEG = EARTH_RADIUS_KM * np.pi / 180.0


class _Extent(NamedTuple):
    """What the map shows, in degrees."""

    south: float
    north: float
    west: float
    east: float

    @property
    def scale(self) -> float:
        """How many degrees of longitude are as long as one of latitude, at the middle latitude."""
        return 1.0 / np.cos(np.radians(np.clip((self.south + self.north) / 2.0, -75.0, 75.0)))


def write_sampling_picture(path: Path, plan: SamplingPlan, config: SamplingConfig) -> None:
    """Write the picture to `path` as SVG: the same plan gives the same bytes (for one version of matplotlib)."""
    with rc_context({"svg.hashsalt": "roadwork", "svg.fonttype": "path", "font.size": 11.0}):
        figure = sampling_figure(plan, config)
        figure.savefig(path, format="svg", dpi=_PIXELS_PER_INCH, metadata={"Date": None, "Title": "Sampling"})


def sampling_figure(plan: SamplingPlan, config: SamplingConfig) -> Figure:
    """The map: distance bands as areas, training images by band, reference images, cluster centres.

    The legend gives each band's weight and its share of the images and of the draws.
    """
    colours = colormaps["viridis"](np.linspace(0.0, 0.92, len(config.weights)))
    handles = _legend(plan, config, colours)
    below_in = 0.75 + _LINE_IN * len(handles)
    width_in, height_in = 0.9 + _MAP_IN, below_in + _MAP_IN / _WIDE + 0.4
    figure = Figure(figsize=(width_in, height_in))
    axes = figure.add_axes((0.75 / width_in, below_in / height_in, _MAP_IN / width_in, _MAP_IN / _WIDE / height_in))
    near, weighted, uniform = (plan.metrics[key] for key in ("near_km", "weighted", "uniform"))
    axes.set_title(
        f"Drawn within {near:g} km: {_percent(uniform['share_near'])} → {_percent(weighted['share_near'])}",
        loc="left",
        fontweight="bold",
    )
    if len(plan.centres_deg):
        extent = _extent(plan, config.near_km)
        _draw_bands(axes, extent, plan, config, colours)
        _draw_images(axes, plan, config, colours)
        _draw_centres(axes, plan, config)
        axes.set(xlim=(extent.west, extent.east), ylim=(extent.south, extent.north), aspect=extent.scale)
    else:
        _draw_images(axes, plan, config, colours)
        axes.text(0.5, 0.5, "no reference position is known", transform=axes.transAxes, ha="center")
    axes.grid(color="#d0d7de", linewidth=0.6)
    axes.set_axisbelow(True)
    degrees = FuncFormatter(lambda value, _: f"{value:g}°")
    axes.xaxis.set_major_formatter(degrees)
    axes.yaxis.set_major_formatter(degrees)
    axes.set(xlabel="longitude", ylabel="latitude")
    figure.legend(handles=handles, loc="lower left", frameon=False, handletextpad=0.4, borderaxespad=0.2)
    return figure


def _draw_bands(axes: Axes, extent: _Extent, plan: SamplingPlan, config: SamplingConfig, colours: Any) -> None:
    """The distance to the nearest centre as shaded areas between the bands' edges, each edge named."""
    latitude = np.linspace(extent.south, extent.north, _FIELD)
    longitude = np.linspace(extent.west, extent.east, _FIELD)
    grid = np.meshgrid(latitude, longitude, indexing="ij")
    distance, _ = nearest_km(grid[0], grid[1], plan.centres_deg)
    edges = [0.0, *config.bands_km, 2.0 * np.pi * EARTH_RADIUS_KM]
    axes.contourf(longitude, latitude, distance, levels=edges, colors=colours, alpha=0.16, zorder=0)
    inside = [edge for edge in config.bands_km if distance.min() < edge < distance.max()]
    if inside:
        lines = axes.contour(longitude, latitude, distance, levels=inside, colors="#6e7781", linewidths=0.7, zorder=1)
        axes.clabel(lines, fmt=lambda edge: f"{edge:g} km", fontsize=9)


def _draw_images(axes: Axes, plan: SamplingPlan, config: SamplingConfig, colours: Any) -> None:
    latitude, longitude = plan.training_deg.T
    band = band_of(plan.table["distance_km"], config.bands_km)
    drawn_as_pixels = len(latitude) + len(plan.reference_deg) > _AS_PIXELS_ABOVE
    for number in reversed(range(len(config.weights))):
        rows = (band == number) & np.isfinite(latitude)
        if rows.any():
            axes.scatter(
                longitude[rows], latitude[rows], s=34, color=colours[number], edgecolors="white", linewidths=0.5,
                marker=_marker(number), label=f"train, {list(plan.metrics['bands'])[number]}",
                rasterized=drawn_as_pixels, zorder=2,
            )  # fmt: skip
    axes.scatter(
        plan.reference_deg[:, 1], plan.reference_deg[:, 0], s=7, color=_REFERENCE, linewidths=0,
        label=f"{config.reference} (reference)", rasterized=drawn_as_pixels, zorder=3,
    )  # fmt: skip


def _draw_centres(axes: Axes, plan: SamplingPlan, config: SamplingConfig) -> None:
    for centre in plan.centres_deg:
        circle = _circle(centre, config.near_km)
        axes.plot(circle[:, 1], circle[:, 0], color=_REFERENCE, linewidth=1.2, linestyle="--", zorder=4)
    axes.scatter(
        plan.centres_deg[:, 1], plan.centres_deg[:, 0], s=130, marker="+", color="black", linewidths=1.6,
        label=_centre(config), zorder=5,
    )  # fmt: skip


def _legend(plan: SamplingPlan, config: SamplingConfig, colours: Any) -> list[Line2D]:
    """Every band, nearest first, then what else is drawn; bands without an image too."""
    handles = []
    for number, (name, band) in enumerate(plan.metrics["bands"].items()):
        unknown = number == len(config.weights)
        label = (
            f"train, {name}{' (no position)' if unknown else ''}: weight {band['weight']:g}, "
            f"{_percent(band['share_of_images'])} of images, {_percent(band['share_of_draws'])} of draws"
        )
        marker, colour = ("", "none") if unknown else (_marker(number), colours[number])
        handles.append(Line2D([], [], linestyle="", marker=marker, color=colour, markersize=7, label=label))
    dot = Line2D(
        [], [], linestyle="", marker="o", color=_REFERENCE, markersize=4, label=f"{config.reference} (reference)"
    )
    cross = Line2D([], [], linestyle="", marker="+", color="black", markersize=10, label=_centre(config))
    return [*handles, dot, *([cross] if len(plan.centres_deg) else [])]


def _marker(band: int) -> str:
    return _MARKERS[band % len(_MARKERS)]


def _centre(config: SamplingConfig) -> str:
    return f"centre, dashed: {config.near_km:g} km around it"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"


def _extent(plan: SamplingPlan, margin_km: float) -> _Extent:
    """All known positions with `margin_km` around them, widened to the map's shape."""
    known = np.concatenate([plan.training_deg, plan.reference_deg, plan.centres_deg])
    known = known[np.isfinite(known).all(axis=1)]
    (south, west), (north, east) = known.min(axis=0), known.max(axis=0)
    margin = 1.2 * margin_km / _KM_PER_DEG
    scale = _Extent(south, north, west, east).scale
    height, width = north - south + 2.0 * margin, (east - west) / scale + 2.0 * margin
    height, width = max(height, width / _WIDE), max(width, height * _WIDE)
    middle, centre = (south + north) / 2.0, (west + east) / 2.0
    return _Extent(
        max(-90.0, middle - height / 2.0),
        min(90.0, middle + height / 2.0),
        max(-180.0, centre - scale * width / 2.0),
        min(180.0, centre + scale * width / 2.0),
    )


def _circle(centre_deg: NDArray[np.float64], radius_km: float) -> NDArray[np.float64]:
    """Points (latitude, longitude in degrees) at `radius_km` from the centre; NaN rows where the date line cuts it."""
    lat, lon = np.radians(centre_deg)
    angle = radius_km / EARTH_RADIUS_KM
    bearing = np.linspace(0.0, 2.0 * np.pi, 121)
    to_lat = np.arcsin(np.sin(lat) * np.cos(angle) + np.cos(lat) * np.sin(angle) * np.cos(bearing))
    to_lon = lon + np.arctan2(
        np.sin(bearing) * np.sin(angle) * np.cos(lat), np.cos(angle) - np.sin(lat) * np.sin(to_lat)
    )
    points = np.degrees(np.stack([to_lat, (to_lon + np.pi) % (2.0 * np.pi) - np.pi], axis=1))
    jumps = np.flatnonzero(np.abs(np.diff(points[:, 1])) > 180.0) + 1
    return np.insert(points, jumps, np.nan, axis=0)
