"""The whole site, built, opened as files with the network cut off, and used by keys."""

import re
import shutil
from pathlib import Path

import pytest

from course_utils.site.build import build
from tests.browser.axe import faults
from tests.site.browsing import IN_BROWSER, moved_controls, seen_whole, too_wide

ROOT = Path(__file__).parents[2]
LESSON = "00_start_here"
PAGE_LIMIT = 3_000_000  # bytes
pytestmark = [*IN_BROWSER, pytest.mark.all, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site of lesson 00, whose playground moves between a few states."""
    root = tmp_path_factory.mktemp("course")
    out = tmp_path_factory.mktemp("beside") / "public"
    (root / "notebooks").mkdir()
    names = ["README.md", "INSTRUCTORS.md", "CONTRIBUTING.md", "CHANGELOG.md"]
    for name in [*names, "pyproject.toml", f"notebooks/{LESSON}.ipynb"]:
        shutil.copy(ROOT / name, root / name)
    work, lesson = tmp_path_factory.mktemp("work"), root / f"notebooks/{LESSON}.ipynb"
    said = build(root, out, work, moving=[lesson], most=120)
    # The pages link to lessons that are not in this small course.
    said = [line for line in said if "xref_missing" not in line]
    assert said == []
    assert list(out.parent.iterdir()) == [out]
    return out


def opened(view, site, page=f"lessons/{LESSON}.html"):
    view.goto((site / page).as_uri())
    view.evaluate("localStorage.clear()")
    view.reload()
    view.asked.clear()
    return view


def test_no_page_asks_for_what_is_elsewhere_or_complains(site, view):
    for path in sorted(site.rglob("*.html")):
        assert seen_whole(view, path) < PAGE_LIMIT
        assert view.locator("body").inner_text()
        assert all(url.startswith((site.as_uri(), "data:")) for url in view.asked)
    assert view.told == []


def test_links_between_pages_lead_somewhere(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for target, part in re.findall(r'<a[^>]* href="([^"#?:]+)(?:#([^"]*))?"', text):
            page = path.parent / target
            assert page.exists(), (path.name, target)
            if part and page.suffix == ".html":
                assert f'id="{part}"' in page.read_text(encoding="utf-8"), (path, part)


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


def test_every_control_moves_the_picture_and_its_sentence(site, view):
    for page in (f"lessons/{LESSON}.html", "index.html"):
        opened(view, site, page)
        root = view.locator(".site-moving").first
        box = root.bounding_box()
        assert not any(url.endswith(".js") and "/states/" in url for url in view.asked)
        moved = list(moved_controls(view, root))
        assert [name for name, *changed in moved if not all(changed)] == []
        assert len(moved) == 2
        after = root.bounding_box()
        assert (after["width"], after["height"]) == (box["width"], box["height"])
    assert view.told == []


def test_a_garment_of_the_row_is_answered_and_a_stroke_says_where_to_go(site, view):
    opened(view, site)
    root = view.locator(".site-touch")
    said, problem = root.locator(".garment-said"), root.locator(".garment-problem")
    assert not root.locator(".site-still").is_visible()
    before = root.locator(".garment-say").inner_text()
    root.locator("select").select_option("1")
    thumb = root.locator(".garment-thumbs button[title*=Trouser]").first
    thumb.focus()
    view.keyboard.press("Enter")
    view.wait_for_function(
        "([e, text]) => e.innerText !== text",
        arg=[root.locator(".garment-say").element_handle(), before],
    )
    assert said.inner_text() != ""
    assert problem.inner_text() == ""
    root.locator(".garment-sheet canvas").focus()
    view.keyboard.press("Space")
    view.wait_for_function(
        "e => e.textContent.startsWith('On this page')", arg=problem.element_handle()
    )
    assert view.told == []


def test_the_search_finds_a_lesson(site, view):
    view.goto(f"{(site / 'search.html').as_uri()}?q=tensor")
    view.locator(f"#search-results a[href*='{LESSON}']").first.wait_for()
    assert view.told == []


def test_a_word_leads_to_the_glossary(site, view):
    opened(view, site)
    word = view.locator("a.site-term").first
    assert word.get_attribute("title")
    word.click()
    assert view.locator("dt:target").inner_text()


LESSON_PAGE = f"lessons/{LESSON}.html"


@pytest.mark.parametrize(
    ("scheme", "pages"),
    [("light", ["index.html", "map.html", "glossary.html"]), ("dark", [LESSON_PAGE])],
)
def test_axe_finds_nothing_serious(site, view, scheme, pages):
    view.emulate_media(color_scheme=scheme)
    found = []
    for page in pages:
        opened(view, site, page)
        found += faults(view)
    assert found == []


@pytest.mark.parametrize("width", [390, 1600])
def test_no_page_is_wider_than_its_window(site, view, width):
    assert too_wide(view, site, width) == []
