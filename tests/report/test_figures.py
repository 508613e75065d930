import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from roadwork.report import curve_figures, decision_figures
from roadwork.report.figures import figures_of

CURVES = {
    "train/focal": [(1, 1.0), (2, 0.5)],
    "train/weather": [(1, 0.0), (2, 0.0)],
    "val/loss": [(1, 1.2), (2, 0.7)],
    "val/mcc_image_only": [(1, -0.2), (2, 0.7)],
    "learning_rate": [(1, 1e-4), (2, 3e-4)],
    "near_share": [(1, 0.8), (2, 0.9)],
}
BINS = [{"predicted": 0.2, "observed": 0.1, "n": 5}, {"predicted": 0.8, "observed": 0.7, "n": 9}]


def drawn():
    figures = {
        "roc": decision_figures.roc_figure([{"fpr": 0.0, "tpr": 0.0}, {"fpr": 1.0, "tpr": 1.0}], (0.2, 0.8)),
        "ranking": decision_figures.precision_recall_figure([{"recall": 0.0, "precision": 1.0}], (0.5, 0.8), 0.3),
        "reliability": decision_figures.reliability_figure(BINS, BINS[:1]),
        "near": curve_figures.near_figure(CURVES),
    }
    figures |= {f"training {name}": svg for name, svg in curve_figures.training_figures(CURVES, 2).items()}
    return figures | {f"folds {name}": svg for name, svg in curve_figures.fold_figures({0: CURVES, 3: {}}).items()}


@pytest.fixture(scope="module")
def figures():
    return drawn()


def test_a_figure_is_svg_without_dates_or_references_outside(figures):
    assert len(figures) == 11
    for svg in figures.values():
        root = ET.fromstring(svg)
        assert root.tag.endswith("svg")
        assert "dc:date" not in svg
        assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', svg))
        assert "<text" not in svg  # outlines: no font is needed to read it
        assert float(root.attrib["width"].removesuffix("pt")) < 350  # a phone's width, or text would shrink there


def test_equal_data_give_equal_bytes_and_others_another_figure(figures):
    again = drawn()
    assert again == figures
    assert len(set(figures.values())) == len(figures)


def test_the_page_gets_every_figure_by_name(run):
    names = {
        "roc", "precision_recall", "reliability", "oof_reliability", "near_share",
        *(f"training_{name}" for name in ("loss", "mcc", "learning_rate", "parts")),
        *(f"folds_{name}" for name in ("loss", "mcc", "learning_rate")),
    }  # fmt: skip
    assert set(figures_of(run)) == names


def test_without_curves_or_with_one_class_figures_are_left_out(run):
    images = [{"actual": "none", "predicted": "none"}]
    plots = {**run.plots, "roc": [], "precision_recall": [], "confusion": images}
    found = figures_of(replace(run, plots=plots, curves={}, fold_curves={0: {}}))
    assert not {"roc", "precision_recall", "near_share"} & set(found)
    assert "training_loss" in found
