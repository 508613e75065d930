"""Picture of the sampling: where the training images lie, and how weighting shifts what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import NDArray

from roadwork.data.distance import EARTH_RADIUS_KM
from roadwork.data.sampling import SamplingConfig, band_of
from roadwork.data.sampling_plan import SamplingPlan

_UNKNOWN = "#9a9a9a"
_REFERENCE = "#d55e00"  # vermilion of Okabe and Ito: apart from every shade of viridis to colour-blind readers too
_AS_PIXELS_ABOVE = 4000
_PIXELS_PER_INCH = 150


def write_sampling_picture(path: Path, plan: SamplingPlan, config: SamplingConfig) -> None:
    """Write the picture to `path` as SVG: the same plan gives the same bytes (for one version of matplotlib)."""
    with rc_context({"svg.hashsalt": "roadwork", "svg.fonttype": "path", "font.size": 9.0}):
        figure = sampling_figure(plan, config)
        figure.savefig(path, format="svg", dpi=_PIXELS_PER_INCH, metadata={"Date": None, "Title": "Sampling"})


def sampling_figure(plan: SamplingPlan, config: SamplingConfig) -> Figure:
    """Left: training images by band, test positions and cluster centres. Right: shares before and after weighting."""
    figure = Figure(figsize=(11.0, 4.8), layout="constrained")
    place, shares = figure.subplots(1, 2, width_ratios=(1.3, 1.0))
    colours = [*colormaps["viridis"](np.linspace(0.0, 0.92, len(config.weights))), _UNKNOWN]
    _draw_map(place, plan, config, colours)
    _draw_shares(shares, plan, config, colours)
    return figure


def _draw_map(axes: Axes, plan: SamplingPlan, config: SamplingConfig, colours: list) -> None:
    axes.set_title("Positions of the training images", loc="left", fontweight="bold")
    axes.set_xlabel("longitude")
    axes.set_ylabel("latitude")
    axes.grid(color="#e3e3e3", linewidth=0.6)
    axes.set_axisbelow(True)
    latitude, longitude = plan.training_deg.T
    band = band_of(plan.table["distance_km"], config.bands_km)
    names = list(plan.metrics["bands"])
    drawn_as_pixels = len(latitude) + len(plan.reference_deg) > _AS_PIXELS_ABOVE
    for number in reversed(range(len(config.weights))):
        rows = (band == number) & np.isfinite(latitude)
        if rows.any():
            axes.scatter(
                longitude[rows], latitude[rows], s=26, color=colours[number], edgecolors="white", linewidths=0.4,
                label=f"train, {names[number]}", rasterized=drawn_as_pixels, zorder=2,
            )  # fmt: skip
    axes.scatter(
        plan.reference_deg[:, 1], plan.reference_deg[:, 0], s=5, color=_REFERENCE, linewidths=0,
        label=f"{config.reference} (reference)", rasterized=drawn_as_pixels, zorder=3,
    )  # fmt: skip
    for centre in plan.centres_deg:
        circle = _circle(centre, config.near_km)
        axes.plot(circle[:, 1], circle[:, 0], color=_REFERENCE, linewidth=0.9, linestyle="--", zorder=4)
    if len(plan.centres_deg):
        axes.scatter(
            plan.centres_deg[:, 1], plan.centres_deg[:, 0], s=95, marker="+", color="black", linewidths=1.4,
            label=f"centre, {config.near_km:g} km around it", zorder=5,
        )  # fmt: skip
        _equal_scales(axes, np.concatenate([plan.training_deg, plan.reference_deg])[:, 0])
    else:
        axes.text(0.5, 0.5, "no reference position is known", transform=axes.transAxes, ha="center")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda degrees, _: f"{degrees:g}°"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda degrees, _: f"{degrees:g}°"))
    handles, labels = axes.get_legend_handles_labels()
    trained = len(handles) - 1 - (len(plan.centres_deg) > 0)
    order = [*reversed(range(trained)), *range(trained, len(handles))]  # drawn farthest first, listed nearest first
    axes.figure.legend(
        [handles[place] for place in order],
        [labels[place] for place in order],
        loc="outside lower left",
        ncols=3,
        frameon=False,
        handletextpad=0.3,
    )


def _draw_shares(axes: Axes, plan: SamplingPlan, config: SamplingConfig, colours: list) -> None:
    bands = plan.metrics["bands"]
    rows = np.arange(len(bands))
    before = [band["share_of_images"] for band in bands.values()]
    after = [band["share_of_draws"] for band in bands.values()]
    axes.barh(rows - 0.2, before, height=0.36, facecolor="white", edgecolor=colours, linewidth=1.3, hatch="////")
    axes.barh(rows + 0.2, after, height=0.36, color=colours)
    for row, uniform, weighted in zip(rows, before, after, strict=True):
        for share, height, of in ((uniform, row - 0.2, "images"), (weighted, row + 0.2, "draws")):
            axes.annotate(f"{share:.0%} of {of}", (share, height), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(rows, [f"{name}\nweight {band['weight']:g}" for name, band in bands.items()])
    axes.invert_yaxis()
    axes.set_xlim(0.0, 1.3 * max(*before, *after))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.spines[["top", "right"]].set_visible(False)
    weighted, uniform = plan.metrics["weighted"], plan.metrics["uniform"]
    axes.set_title(
        f"Drawn within {config.near_km:g} km: {_percent(uniform['share_near'])} → {_percent(weighted['share_near'])}",
        loc="left",
        fontweight="bold",
    )
    axes.set_xlabel(
        f"effective sample size {weighted['effective_sample_size']:.0f} of {plan.metrics['training_images']} images"
    )


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"


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


def _equal_scales(axes: Axes, latitude_deg: NDArray[np.float64]) -> None:
    """Make one km as long upwards as sideways, at the middle latitude."""
    middle = np.clip((np.nanmin(latitude_deg) + np.nanmax(latitude_deg)) / 2.0, -75.0, 75.0)
    axes.set_aspect(1.0 / np.cos(np.radians(middle)), adjustable="datalim")
