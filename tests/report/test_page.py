import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from roadwork.report.config import ReportConfig
from roadwork.report.figures import figures_of
from roadwork.report.numerals import signed
from roadwork.report.page import render

CONFIG = ReportConfig(title="Roadwork on <sample>", gallery=3)
CURVES = ("roc", "precision_recall")
VOID = {"meta", "link", "img", "br"}
DRAWN = {"svg", "line", "circle", "rect", "text"}


class Page(HTMLParser):
    """Checks that tags nest, and gathers ids, references, pictures and words."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.references, self.pictures, self.words = [], [], [], [], []
        self.sections, self.headings, self.tables = {}, [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.references += [value for name, value in attrs if name in ("href", "src", "srcset", "data", "poster")]
        if tag == "img":
            self.pictures.append(found)
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag, attrs):
        assert tag in DRAWN, "only SVG closes a tag in itself"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).replace("\xa0", " ").split())


@pytest.fixture(scope="module")
def figures(run):
    return figures_of(run)


@pytest.fixture(autouse=True)
def drawn_once(figures, monkeypatch):
    """Drawing takes most of the time; what the figures show is tested with them."""

    def of(run):
        return {name: svg for name, svg in figures.items() if run.plots["roc"] or name not in CURVES}

    monkeypatch.setattr("roadwork.report.page.figures_of", of)


def page(run):
    return Page(render(run, CONFIG))


def with_card(run, **changes):
    return replace(run, scorecard={**run.scorecard, **changes})


def test_the_page_is_whole_and_refers_to_nothing_outside(run):
    text = render(run, CONFIG)
    found = Page(text)
    assert found.open == []
    assert all(reference.startswith(("#", "data:")) for reference in found.references)
    assert not re.search(r"@import|url\(|<script|javascript:|https?://", text)
    assert {reference[1:] for reference in found.references if reference.startswith("#")} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_headings_go_down_one_level_at_a_time(run):
    levels = page(run).headings
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_every_section_is_in_the_contents_and_every_heading_has_an_anchor(run):
    text = render(run, CONFIG)
    contents = re.search(r"<nav.*?</nav>", text, re.DOTALL)
    assert contents
    listed = re.findall(r'href="#([^"]+)"', contents.group())
    assert listed == re.findall(r'<section aria-labelledby="([^"]+)">', text)
    assert len(listed) == 15
    for name in listed:
        assert f'<h2 id="{name}">' in text
        assert f'<a class="anchor" href="#{name}"' in text


def test_every_picture_has_a_text_of_its_own(run):
    alts = [picture["alt"] for picture in page(run).pictures]
    assert all(len(alt) > 15 for alt in alts)
    assert len(set(alts)) == len(alts)
    assert len(alts) >= 12 + len(run.gallery.errors) + len(run.gallery.closest)


def test_every_figure_says_how_to_read_it(run):
    text = render(run, CONFIG)
    for figure in re.findall(r"<figure.*?</figure>", text, re.DOTALL):
        caption = re.search(r"<figcaption>(.+?)</figcaption>", figure, re.DOTALL)
        assert caption
        assert len(Page(f"<p>{caption.group(1)}</p>").text) > 20


def test_scores_stand_with_their_intervals(run):
    row = run.scorecard["test"]["image_only"]
    low, high = row["mcc_ci95"]
    text = page(run).text
    assert f"test, image only headline {row['mcc']:.3f} [{low:.2f}, {high:.2f}]".replace("-", "−") in text
    assert f"MCC on test, image only {row['mcc']:.3f} 95 % interval {low:.3f} to {high:.3f}".replace("-", "−") in text
    for title in (
        "out-of-fold, not fine-tuned",
        "holdout, ensemble, image only",
        "attention MIL",
        "linear probe, mean",
    ):
        assert title in text
    assert "3 test photographs without a label are left out" in text


def test_intervals_of_another_confidence_are_found_and_named(run):
    at_90 = json.loads(json.dumps(run.scorecard).replace("_ci95", "_ci90"))
    at_90["confidence"] = 0.9
    text = page(with_card(replace(run, ablation=None), **at_90)).text
    assert "90 % interval" in text
    assert "95 % interval" not in text


def test_differences_stand_with_interval_and_probability(run):
    found = run.scorecard["baselines"]["nearest_neighbours"]["difference"]
    low, high = found["mcc_ci95"]
    expected = f"{found['mcc']:+.3f} [{low:.2f}, {high:.2f}] {100 * found['mcc_probability_positive']:.0f} %"
    assert f"head − nearest neighbours {expected}".replace("-", "−") in page(run).text


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ([0.1, 0.3], "The head beats attention MIL"),
        ([-0.3, -0.1], "Attention MIL beats the head"),
        ([-0.1, 0.3], "This data can't tell the head from attention MIL"),
        (None, "Too many resamples lose a class, so nothing can be said against attention MIL"),
        ([0.0, 0.0], "The head and attention MIL score alike"),
    ],
)
def test_the_headline_says_what_the_strongest_baseline_allows(run, interval, words):
    rows = {**run.scorecard["baselines"]}
    best = rows["attention_mil"]
    mcc = 0.0 if interval == [0.0, 0.0] else best["difference"]["mcc"]
    rows["attention_mil"] = best | {"mcc": 0.99, "difference": best["difference"] | {"mcc": mcc, "mcc_ci95": interval}}
    assert words.lower() in page(with_card(run, baselines=rows)).text.lower()


def test_one_block_is_the_reason_where_it_is_one(run):
    rows = {
        name: row | {"difference": row["difference"] | {"mcc_ci95": None, "mcc_probability_positive": None}}
        for name, row in run.scorecard["baselines"].items()
    }
    headline = run.scorecard["test"]["image_only"] | {"mcc": 0.5, "blocks": 1, "mcc_ci95": None}
    test = run.scorecard["test"] | {"image_only": headline}
    text = page(with_card(run, baselines=rows, test=test)).text
    assert "All test photographs are one block, so nothing can be said" in text
    assert "a single block of photographs: no interval can be given" in text


def test_the_strongest_baseline_is_said_to_be_chosen_after_looking(run):
    text, number = page(run).text, len(run.scorecard["baselines"]) - 1
    assert f"Against the strongest of {number} baselines on test" in text
    assert f"picked after looking, as the one of the {number} without metadata with the highest MCC on test" in text


def test_a_score_without_an_error_has_no_interval(run):
    holdout = run.scorecard["holdout"] | {"n": 24, "mcc": 1.0, "mcc_ci95": None}
    text = page(with_card(run, holdout=holdout)).text
    assert "1.000 no errors among 24: no interval can be given" in text
    assert "holdout, ensemble, image only 1.000 –" in text
    assert "or there is no error at all" in text


def test_a_difference_of_nothing_is_called_equal(run):
    found = run.scorecard["test"]["with_metadata"]
    same = {"mcc": 0.0, "mcc_ci95": [0.0, 0.0], "mcc_probability_positive": 0.0}
    with_metadata = found | {"difference": found["difference"] | same}
    text = page(with_card(run, test=run.scorecard["test"] | {"with_metadata": with_metadata})).text
    assert text.count("with metadata − image only 0.000 [0.00, 0.00] equal") == 2
    assert "equal above 0" not in text


def test_where_out_of_fold_lies_from_the_headline_is_told_part_by_part(run):
    card = run.scorecard
    rows = card["test"]["image_only"], card["oof_unadapted"], card["oof"]
    headline, between, adapted = (row["mcc"] for row in rows)
    text = page(run).text
    assert f"to the headline, {signed(adapted - headline)}, fine-tuning makes {signed(adapted - between)} (" in text
    assert f"chosen on test folds instead of validation, {signed(between - headline)}." in text


def test_fine_tuning_that_changed_nothing_is_told(run):
    card = run.scorecard
    nothing = card["oof"]["difference"] | {"mcc": 0.0, "mcc_ci95": [0.0, 0.0]}
    oof = card["oof"] | {"mcc": 0.75, "difference": nothing}
    test = card["test"] | {"image_only": card["test"]["image_only"] | {"mcc": 0.5}}
    text = page(with_card(run, oof=oof, oof_unadapted=card["oof_unadapted"] | {"mcc": 0.75}, test=test)).text
    assert "Fine-tuning changed nothing here" in text
    assert "The whole distance to the headline, +0.250, is the threshold, chosen on test folds" in text


def test_without_a_holdout_the_page_says_so(run):
    changed = with_card(run, holdout=None, holdout_with_metadata=None, holdout_note="not measurable on this data")
    text = page(changed).text
    assert "holdout, ensemble, image only not measurable on this data" in text
    assert "ingest.holdout_fraction" in text


def test_leaks_stand_at_the_top_with_what_to_do(run):
    text = page(run).text
    assert text.index("Some metadata gives the label away.") < text.index("MCC on test, image only")
    assert "text , by its value alone, reaches MCC 0.955" in text
    assert "metadata.fields: [gps, weather, daytime, scene]" in text
    assert "text ⚠ flagged 97 % 28 of 29 3 % 1 of 29" in text
    assert "weather sunny 10 9 53 %" in text


@pytest.mark.parametrize(
    ("section", "values", "sentence", "stands"),
    [
        ("backbone", {"weights": "random"}, "The features are untrained.", True),
        ("backbone", {"weights": "pretrained"}, "The features are untrained.", False),
        ("sampling", {"enabled": True, "reference": "test"}, "The training is transductive.", True),
        ("sampling", {"enabled": False, "reference": "test"}, "The training is transductive.", False),
        ("sampling", {"enabled": True, "reference": "train"}, "The training is transductive.", False),
    ],
)
def test_warnings_stand_where_they_are_true(run, section, values, sentence, stands):
    sections = {**run.sections, section: {**run.sections[section], **values}}
    assert (sentence in page(replace(run, sections=sections)).text) == stands


def test_duplicates_are_told_at_the_top_and_listed(run):
    text = page(run).text
    assert "The source gives the same photograph to more than one split." in text
    assert "Some photographs of different splits are nearly the same." in text
    assert "near 0 1 train, test: 1" in text
    none = {**run.scorecard["duplicates"], "exact": {"within_splits": 0, "across_splits": 0, "conflicting_labels": 0}}
    none["near"] = {**none["near"], "across_splits": 0, "by_splits": {}, "examples": []}
    clean = page(with_card(run, duplicates=none)).text
    assert "more than one split" not in clean
    assert "nearly the same." not in clean


def test_an_ablation_of_this_data_is_shown(run):
    text = page(run).text
    assert "without the pyramid helps −0.080 [−0.17, −0.01] 31 %" in text
    assert "headwise gate no difference shown −0.010" in text
    assert "Out-of-fold with fine-tuning 0.700 ± 0.020, without it 0.690" in text
    assert "Missing: headwise with seed 3." in text
    assert "Not run: without the description (it is not used)." in text
    assert "0.580 ± 0.031" in text
    assert "head.pyramid.enabled=false" in text


def test_an_ablation_of_other_data_is_not_shown(run):
    other = {**run.ablation, "data": {**run.ablation["data"], "fingerprint": "e" * 64}}
    text = page(replace(run, ablation=other)).text
    assert "was measured on other data" in text
    assert "eeeeeeeeeeee" in text
    assert "roadwork ablate" in text
    assert "without the pyramid" not in text


def test_no_ablation_is_told(run):
    text = page(replace(run, ablation=None)).text
    assert "No ablation was measured." in text
    assert "roadwork ablate" in text


def test_views_subgroups_folds_reuse_and_time_are_told(run):
    text = page(run).text
    gate = run.scorecard["views"]["tile_2_2"]["gate"]
    assert f"{gate:.3f}" in text
    for part in ("city", "size", "metadata", "weather", "daytime", "scene"):
        assert all(name in text for name in run.scorecard["subgroups"][part])
    assert "2 heads make the bundle" in text
    assert "60 reused from the cache, 4 computed" in text
    assert "Pretraining took 12.3 s for 11 epochs (1.12 s each) on cpu with 2 threads" in text
    assert "vary from run to run" in text


def test_a_subgroup_of_one_class_shows_no_mcc(run):
    row = {**run.scorecard["test"]["image_only"], "roadwork": 0, "n": 4, "mcc": 0.0, "auroc": None}
    text = page(with_card(run, subgroups={"weather": {"foggy": row}})).text
    assert "foggy – one class – one class – one class" in text


def test_the_gallery_names_every_photograph_with_probability_label_and_place(run):
    text = page(run).text
    assert f"{run.gallery.mistakes} of {run.gallery.images} decisions of the headline are wrong" in text
    for shown in (*run.gallery.errors, *run.gallery.closest):
        assert f"{shown.probability:.2f} called {shown.said}, labelled {shown.label}" in text
        assert shown.path in text
    for shown in run.gallery.errors:
        position = dict(shown.facts)["position"]
        assert position is None or f"position {position}" in text


def test_without_errors_the_gallery_says_so(run):
    text = page(replace(run, gallery=replace(run.gallery, errors=(), mistakes=0))).text
    assert "every decision is right" in text
    hidden = page(replace(run, gallery=replace(run.gallery, errors=(), closest=()))).text
    assert "report.gallery is 0" in hidden


def test_text_from_outside_is_never_markup(run):
    text = render(replace(run, params="seed: 17  # <b>not markup</b>\n"), CONFIG)
    assert "<b>not markup</b>" not in text
    assert "&lt;b&gt;not markup&lt;/b&gt;" in text
    assert "<sample>" not in text


def test_one_class_only_has_no_curves_but_a_page(run):
    images = [{"actual": "none", "predicted": "none"}] * 3
    plots = {**run.plots, "roc": [], "precision_recall": [], "confusion": images}
    before, after = page(run), page(replace(run, plots=plots))
    assert len(after.pictures) == len(before.pictures) - 2
    assert "are of one class" in after.text
