"""The page as a reader's browser shows it."""

import re
import shutil

import pytest

from pipeline import report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
EXECUTABLE = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason=f"no browser on PATH: {', '.join(BROWSERS)}")


@pytest.fixture(scope="module")
def file(finished, tmp_path_factory):
    """The report of the finished run, alone in a folder."""
    folder = tmp_path_factory.mktemp("alone")
    shutil.copytree(finished, folder / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "run")
        report.run()
    (folder / "page").mkdir()
    return shutil.copy(folder / "run" / "reports" / "index.html", folder / "page" / "index.html")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=EXECUTABLE, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


class Visit:
    """The page opened at a width, with all that the browser said and asked for meanwhile."""

    def __init__(self, browser, file, width):
        self.said, self.asked = [], []
        self.page = browser.new_page(viewport={"width": width, "height": 800})
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri(), wait_until="load")


@pytest.fixture(scope="module", params=[1280, 400], ids="{} px".format)
def visit(request, browser, file):
    visit = Visit(browser, file, request.param)
    yield visit
    visit.page.close()


def test_nothing_is_complained_of(visit):
    assert visit.said == []


def test_no_request_leaves_the_file(visit, file):
    outside = [url for url in visit.asked if not url.startswith("data:")]
    assert outside == [file.as_uri()]


def test_every_picture_is_seen(visit):
    sizes = visit.page.evaluate(
        "Promise.all([...document.images].map(async i => (await i.decode(),"
        " [i.naturalWidth, i.naturalHeight, i.clientWidth, i.clientHeight])))"
    )
    assert len(sizes) > 15
    assert all(min(size) > 0 for size in sizes)


def test_the_page_never_scrolls_sideways(visit):
    width = visit.page.viewport_size["width"]
    wide = "document.documentElement.scrollWidth"
    assert visit.page.evaluate(wide) <= width
    visit.page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert visit.page.evaluate(wide) <= width


def test_what_is_wider_can_be_scrolled_by_keyboard(visit):
    stuck = visit.page.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0"
        " && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)).map(e => e.outerHTML.slice(0, 80))"
    )
    assert stuck == []


def test_wide_tables_show_that_there_is_more(visit):
    """A shade at the right edge that stays there, under a cover that goes with the end of the table."""
    attachments = visit.page.evaluate(
        "[...document.querySelectorAll('.scroll')].map(box => getComputedStyle(box).backgroundAttachment)"
    )
    assert attachments
    assert all(attachment.startswith("local, scroll") for attachment in attachments)


def test_the_first_column_stays_in_sight_on_a_phone(visit):
    if visit.page.viewport_size["width"] > 640:
        pytest.skip("for narrow screens only")
    places = visit.page.evaluate(
        "['.scores', '.audit'].map(name => { const table = document.querySelector(name), box = table.parentElement;"
        " box.scrollLeft = 9999; const left = box.getBoundingClientRect().left;"
        " return [box.scrollLeft, ...[...table.querySelectorAll('thead tr:first-child th:first-child, tbody th')]"
        ".map(cell => cell.getBoundingClientRect().left - left)] })"
    )
    for scrolled, *cells in places:
        assert scrolled > 100
        assert all(0 <= cell <= 2 for cell in cells)


def test_every_entry_of_the_contents_leads_to_its_section(visit):
    links = visit.page.query_selector_all("nav a")
    assert len(links) == 15
    for link in links:
        link.click()
        target = visit.page.query_selector(link.get_attribute("href"))
        assert target
        assert -2 <= target.bounding_box()["y"] < visit.page.viewport_size["height"]


def test_details_open_by_keyboard(visit):
    part = visit.page.query_selector("details")
    part.query_selector("summary").focus()
    before = part.evaluate("part => part.open")
    visit.page.keyboard.press("Enter")
    assert part.evaluate("part => part.open") != before


def test_text_and_ground_are_far_enough_apart(visit):
    """WCAG 2 AA asks for 4.5 between text and its ground; checked where the ground is a plain colour."""
    weak = visit.page.evaluate(_CONTRAST)
    assert weak == []


def test_it_prints(browser, file):
    visit = Visit(browser, file, 794)
    visit.page.emulate_media(media="print")
    assert visit.page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 794
    opened = visit.page.evaluate("document.querySelector('details.print-open table').getBoundingClientRect().height")
    assert opened > 50
    document = visit.page.pdf(prefer_css_page_size=True)
    assert document.startswith(b"%PDF")
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b", document)) <= 40
    visit.page.close()


_CONTRAST = """
() => {
  const channels = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => {
    const f = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = channels(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const weak = new Set();
  for (const e of document.querySelectorAll('main *, header *, footer *, nav *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const style = getComputedStyle(e);
    if (!own || style.opacity === '0' || e.closest('svg')) continue;
    const [one, other] = [luminance(channels(style.color)), luminance(ground(e))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) weak.add(`${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return [...weak];
}
"""
