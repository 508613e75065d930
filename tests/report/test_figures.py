import re
from xml.etree import ElementTree as ET

import pytest

from roadwork.report import figures

POINTS = {
    "train/total": [(0, 1.0), (1, 0.5)],
    "val/loss": [(0, 1.2), (1, 0.7)],
    "learning_rate": [(0, 1e-4), (1, 3e-4)],
}
MAKE = {
    "intervals": lambda: figures.intervals_figure([("a", 0.5, (0.4, 0.6), False), ("b", 0.1, None, True)]),
    "roc": lambda: figures.roc_figure([{"fpr": 0.0, "tpr": 0.0}, {"fpr": 1.0, "tpr": 1.0}], (0.2, 0.8)),
    "precision_recall": lambda: figures.precision_recall_figure([{"recall": 0.0, "precision": 1.0}], (0.5, 0.8), 0.3),
    "reliability": lambda: figures.reliability_figure([{"predicted": 0.2, "observed": 0.1, "n": 5}]),
    "training": lambda: figures.training_figure(POINTS),
    "losses": lambda: figures.losses_figure(POINTS),
}


@pytest.mark.parametrize("name", MAKE)
def test_a_figure_is_svg_without_dates_or_references_outside(name):
    svg = MAKE[name]()
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    assert "dc:date" not in svg
    targets = re.findall(r'href="([^"]*)"', svg)
    assert all(target.startswith("#") for target in targets)
    assert "<text" not in svg  # outlines: no font is needed to read it


@pytest.mark.parametrize("name", MAKE)
def test_equal_data_give_equal_bytes(name):
    assert MAKE[name]() == MAKE[name]()


def test_other_data_give_another_figure():
    other = figures.intervals_figure([("a", 0.7, (0.4, 0.8), False), ("b", 0.1, None, True)])
    assert other != MAKE["intervals"]()
