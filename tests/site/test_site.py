"""The whole site, built, opened as files with the network cut off, and used by keys."""

import re
import shutil
from pathlib import Path

import pytest

from course_utils.site.build import build
from tests.browser.page import Browser, what_is_missing

ROOT = Path(__file__).parents[2]
LESSON = "00_start_here"
missing = what_is_missing()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.all,
    pytest.mark.timeout(900),
    pytest.mark.skipif(missing is not None, reason=f"{missing}"),
    # playwright's event loop is closed by exit; Sphinx's own dependencies warn.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site of lesson 00, whose playground moves between a few states."""
    root, out = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("site")
    (root / "notebooks").mkdir()
    names = ["README.md", "INSTRUCTORS.md", "CONTRIBUTING.md", "CHANGELOG.md"]
    for name in [*names, "pyproject.toml", f"notebooks/{LESSON}.ipynb"]:
        shutil.copy(ROOT / name, root / name)
    work, lesson = tmp_path_factory.mktemp("work"), root / f"notebooks/{LESSON}.ipynb"
    said = build(root, out, work, moving=[lesson], most=60)
    # The pages link to lessons that are not in this small course.
    said = [line for line in said if "xref_missing" not in line]
    assert said == []
    return out


@pytest.fixture(scope="module")
def chromium():
    with Browser() as chromium:
        yield chromium


@pytest.fixture
def view(chromium):
    """An empty page, with what it asked for and what it complained of."""
    page = chromium.blank()
    page.asked, page.told = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.told.append(message.text))
    page.on("pageerror", lambda error: page.told.append(str(error)))
    yield page
    page.close()


def opened(view, site, page=f"lessons/{LESSON}.html"):
    view.goto((site / page).as_uri())
    view.evaluate("localStorage.clear()")
    view.reload()
    view.asked.clear()
    return view


def test_no_page_asks_for_what_is_elsewhere_or_complains(site, view):
    for path in sorted(site.rglob("*.html")):
        view.goto(path.as_uri())
        assert view.locator("article").first.is_visible()
    assert view.told == []
    assert all(url.startswith(("file:", "data:")) for url in view.asked)


def test_links_between_pages_lead_somewhere(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for target in re.findall(r'<a[^>]* href="([^"#?:]+)(?:[#?][^"]*)?"', text):
            assert (path.parent / target).exists(), (path.name, target)


def test_a_prediction_is_answered_by_keyboard_and_kept(site, view):
    opened(view, site)
    card = view.locator(".course-quiz").first
    card.locator("summary").first.focus()
    view.keyboard.press("Enter")
    heard = card.locator("[role=status]")
    view.wait_for_function("e => e.textContent", arg=heard.element_handle())
    assert heard.inner_text().startswith("✗ Not this one.")
    strip = view.locator(".site-progress")
    assert strip.inner_text().startswith("Predictions: 1 of 7 answered, 0 right")
    view.reload()
    assert strip.inner_text().startswith("Predictions: 1 of 7 answered, 0 right")
    assert card.locator("[data-first]").count() == 1
    strip.locator("button").click()
    assert strip.inner_text() == "7 predictions on this page."


def test_storage_that_is_damaged_is_no_trouble(site, view):
    opened(view, site)
    for damage in ('"{"', '"[1]"', '"null"', "'{\"00_start_here\": 3}'"):
        view.evaluate(f"localStorage.setItem('layer-by-layer.predictions', {damage})")
        view.reload()
        assert view.locator(".site-progress").inner_text().startswith("7 predictions")
    assert view.told == []


@pytest.mark.parametrize("page", [f"lessons/{LESSON}.html", "index.html"])
def test_every_control_moves_the_picture_and_its_sentence(site, view, page):
    opened(view, site, page)
    root = view.locator(".site-moving")
    picture, says = root.locator(".view img"), root.locator(".says")
    box = root.bounding_box()
    assert not any(url.endswith(".js") and "/states/" in url for url in view.asked)
    sliders = root.locator("input[type=range]")
    assert sliders.count() == 2
    for place in range(sliders.count()):
        before = picture.get_attribute("src"), says.inner_text()
        sliders.nth(place).focus()
        view.keyboard.press("ArrowRight")
        view.wait_for_function(
            "([e, src]) => e.getAttribute('src') !== src",
            arg=[picture.element_handle(), before[0]],
        )
        assert says.inner_text() != before[1]
    after = root.bounding_box()
    assert (after["width"], after["height"]) == (box["width"], box["height"])
    assert view.told == []
