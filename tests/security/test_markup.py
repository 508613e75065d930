"""Texts from data never become markup of the report, the model card or a picture."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

pytestmark = pytest.mark.slow


class Live(HTMLParser):
    """Collects elements and attributes that do something."""

    def __init__(self) -> None:
        super().__init__()
        self.live: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "form", "base", "link", "meta"):
            self.live.append(f"<{tag} {attrs}>")
        for name, value in attrs:
            address = (value or "").strip().lower()
            if name.startswith("on") or address.startswith(("javascript:", "http:", "https:", "vbscript:")):
                self.live.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_report_holds_no_live_markup_of_the_data(hostile):
    page = (hostile.project / "reports" / "index.html").read_text(encoding="utf-8")
    parsed = Live()
    parsed.feed(page)
    own = {"<meta [('charset', 'utf-8')]>", "<link [('rel', 'icon'), ('href', 'data:,')]>"}
    assert {found for found in parsed.live if "viewport" not in found} == own
    assert "canary" in "".join(parsed.texts), "the texts themselves are shown"
    assert "1337" not in page, "no text is a template"


def test_the_model_card_shows_texts_as_they_are(hostile):
    card = (hostile.project / "models" / "bundle" / "README.md").read_text(encoding="utf-8")
    assert "canary" in card, "sources are named"
    outside = "".join(part for index, part in enumerate(card.split("`")) if index % 2 == 0)
    assert "<script" not in outside
    assert "<img" not in outside
    assert "](javascript" not in outside
    assert "1337" not in card


def test_pictures_of_the_run_hold_no_script(hostile):
    for picture in (hostile.project / "reports").rglob("*.svg"):
        text = picture.read_text(encoding="utf-8")
        assert "<script" not in text
        assert "onload=" not in text
