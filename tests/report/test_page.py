import re
from html.parser import HTMLParser

import pytest

from roadwork.report.page import ReportConfig, render

CONFIG = ReportConfig(title="Roadwork on <sample>")
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Checks that tags nest, and gathers ids, references and pictures."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.references, self.pictures, self.words = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.references += [value for name, value in attrs if name in ("href", "src", "srcset", "data")]
        if tag == "img":
            self.pictures.append(found)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_the_page_is_whole_and_refers_to_nothing_outside(run):
    text = render(run(), CONFIG)
    page = Page(text)
    assert page.open == []
    assert all(reference.startswith(("#", "data:")) for reference in page.references)
    assert not re.search(r"@import|url\(|<script|https?://", text)
    for reference in page.references:
        assert not reference.startswith("#") or reference[1:] in page.ids


def test_every_picture_has_a_text(run):
    pictures = Page(render(run(), CONFIG)).pictures
    assert len(pictures) == 8
    assert all(len(picture["alt"]) > 15 for picture in pictures)


def test_scores_stand_with_interval_and_paired_difference(run):
    text = Page(render(run(), CONFIG)).text
    assert "test, image only (headline) 0.611 0.511 to 0.711 4" in text
    assert "out-of-fold, image only (adapted to the test distribution) 0.633" in text
    assert "baseline: linear probe mean 0.361" in text
    assert "+0.250 (0.125 to 0.375)" in text
    assert "above 0 in 98 % of resamples" in text
    assert "holdout, ensemble, image only – not measurable on this data" in text
    assert "3 test images without a label are left out" in text


def test_the_leak_audit_stands_with_counts_and_scores(run):
    text = Page(render(run(), CONFIG)).text
    assert "text 80 of 81 2 of 92 0.955 0.900 to 0.990" in text
    assert "weather sunny 11 12" in text


def test_folds_members_and_reuse_are_told(run):
    text = Page(render(run(), CONFIG)).text
    assert "The members 1 make the bundle" in text
    assert "0 0.400 0.500 1 0.0003 0 2" in text
    assert "1 yes 0.400 0.500 1 0.0003 0 2" in text
    assert "1,200 reused from the cache, 34 computed" in text
    assert "splits.train.images 7" in text


@pytest.mark.parametrize(
    ("changes", "untrained", "transductive"),
    [
        ({}, True, True),
        ({"backbone": {"name": "v", "weights": "pretrained"}}, False, True),
        ({"sampling_setting": {"enabled": False, "reference": "test"}}, True, False),
        ({"sampling_setting": {"enabled": True, "reference": "train"}}, True, False),
    ],
)
def test_warnings_stand_where_they_are_true(run, changes, untrained, transductive):
    text = Page(render(run(**changes), CONFIG)).text
    assert ("The features are untrained." in text) == untrained
    assert ("The training is transductive." in text) == transductive


def test_text_from_outside_is_never_markup(run):
    text = render(run(), CONFIG)
    assert "<b>not markup</b>" not in text
    assert "&lt;b&gt;not markup&lt;/b&gt;" in text
    assert "<sample>" not in text


def test_one_class_only_has_no_curves_but_a_page(run):
    given = run()
    plots = dict(given.plots) | {
        "roc": [],
        "precision_recall": [],
        "confusion": [{"actual": "none", "predicted": "none"}],
    }
    page = Page(render(run(plots=plots), CONFIG))
    assert len(page.pictures) == 6


def test_a_holdout_has_its_row(run):
    given = run()
    card = dict(given.scorecard) | {"holdout": given.scorecard["oof"], "holdout_with_metadata": given.scorecard["oof"]}
    assert "holdout, ensemble, image only 0.633" in Page(render(run(scorecard=card), CONFIG)).text


def test_equal_runs_give_equal_bytes(run):
    assert render(run(), CONFIG) == render(run(), CONFIG)
