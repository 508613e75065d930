"""What others wrote stays text: in HTML, in Markdown, in a code span, in a table's cell."""

from __future__ import annotations

import re

import pytest
from jinja2 import UndefinedError

from roadwork.templates import code, html, markdown, plain

HOSTILE = "<script>alert(1)</script>"


def test_html_escapes_every_value() -> None:
    page = html("roadwork.report").from_string("<p>{{ name }}</p>").render(name=HOSTILE)
    assert page == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"


@pytest.mark.parametrize("environment", [html("roadwork.report"), markdown("roadwork.bundle")])
def test_a_value_that_nobody_gave_is_an_error(environment) -> None:
    with pytest.raises(UndefinedError):
        environment.from_string("{{ missing }}").render()


def test_plain_leaves_usual_text_alone() -> None:
    usual = "vit_huge_plus_patch16_dinov3.lvd1689m, 12 views (95 %), a-b/c: 0.5"
    assert plain(usual) == usual


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (HOSTILE, r"\<script\>alert(1)\</script\>"),
        ("[here](javascript:alert(1))", r"\[here\](javascript:alert(1))"),
        ("a | b", r"a \| b"),
        ("*loud* _soft_ `code`", r"\*loud\* \_soft\_ \`code\`"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
        ("\\*", r"\\\*"),
        ("one\n\n# heading\r\x1b[31m", r"one \# heading \[31m"),
    ],
)
def test_plain_shows_exactly_what_was_given(given: str, written: str) -> None:
    assert plain(given) == written
    assert markdown("roadwork.bundle").from_string("{{ value | plain }}").render(value=given) == written


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("roadwork_coco", "`roadwork_coco`"),
        ("a`b``c", "``` a`b``c ```"),
        ("a|b", r"`a\|b`"),
        ("two\nlines", "`two lines`"),
        (7, "`7`"),
    ],
)
def test_a_code_span_ends_where_its_value_ends(given: object, written: str) -> None:
    assert code(given) == written
    fence = re.match("`+", written)
    assert fence is not None
    assert fence.group() not in written[len(fence.group()) : -len(fence.group())].strip("`")
