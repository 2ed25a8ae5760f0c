"""The pages of a graded class, opened as files: nothing runs but their own script."""

import pytest

from tests.browser.marks import browser_marks
from tests.grading.results import HOSTILE, broken, result, write

pytestmark = browser_marks(pytest.mark.all)
DOT = "R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="
SMUGGLED = f"""<script>window.hacked = 1</script>
<img src="data:image/gif;base64,{DOT}" onload="window.hacked = 1">
<img src="x" onerror="window.hacked = 1">
<style>body {{ display: none }}</style><b style="display: none" id="styled">b</b>
<a id="bait" href="javascript:window.hacked = 1">a</a>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pages of a class in which everybody means harm, and nobody is on time."""
    place = tmp_path_factory.mktemp("class")
    rows = [result(number, text) for number, text in enumerate(HOSTILE)]
    write([*rows, broken(98, HOSTILE[0]), broken(99, HOSTILE[0], source="")], place)
    return place


def test_nothing_runs_and_nothing_is_loaded(folder, view):
    for path in sorted(folder.rglob("*.html")):
        view.asked.clear()
        view.goto(path.as_uri())
        assert view.asked == [path.as_uri()]
        assert view.told == []
        assert "hacked" not in view.title() or "script" in view.title()
        assert view.locator("h1").is_visible()
        assert view.locator("img, iframe, svg, object, embed, base").count() == 0


@pytest.mark.parametrize("name", ["index.html", "feedback/k1.html"])
def test_markup_that_slipped_through_would_do_nothing(folder, view, name, tmp_path):
    text = (folder / name).read_text(encoding="utf-8")
    page = tmp_path / "smuggled.html"
    page.write_text(text.replace("<main>", f"<main>{SMUGGLED}"), encoding="utf-8")
    view.goto(page.as_uri())
    view.locator("#bait").click()
    view.wait_for_timeout(200)
    assert view.evaluate("window.hacked") is None
    assert view.locator("h1").is_visible() and view.locator("#styled").is_visible()
    assert view.evaluate("document.querySelector('img').naturalWidth") == 0


def shown(view):
    return view.locator("tr[data-search]:visible").count()


def test_filters(folder, view):
    view.goto((folder / "index.html").as_uri())
    everyone = len(HOSTILE) + 2
    text, exercise, state = view.locator("form input, form select").all()
    assert shown(view) == everyone
    text.fill("JAVASCRIPT:alert")
    assert shown(view) == sum("javascript:alert" in name for name in HOSTILE)
    text.fill("no bias")
    assert shown(view) == len(HOSTILE)
    text.fill("")
    for value, count in {
        "row:missing": 1,
        "row:not graded": 1,
        "row:late": len(HOSTILE),
        "mark:wrong": len(HOSTILE),
        "mark:correct": 0,
        "": everyone,
    }.items():
        state.select_option(value)
        assert shown(view) == count
        assert view.locator("output").inner_text() == f"{count} of {everyone} shown"
    exercise.select_option("linear.affine")
    state.select_option("mark:error")
    assert shown(view) == 0
    view.get_by_role("button", name="Show all").click()
    view.wait_for_function("() => document.querySelector('output').value[0] !== '0'")
    assert shown(view) == everyone


def test_without_script_every_row_is_there(folder, chromium):
    context = chromium._chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "index.html").as_uri())
    assert page.locator("tr[data-search]:visible").count() == len(HOSTILE) + 2
    assert not page.locator("form").is_visible()
    context.close()


@pytest.mark.parametrize("media", ["screen", "print"])
def test_phone_has_no_page_to_push_sideways(folder, view, media):
    view.set_viewport_size({"width": 390 if media == "screen" else 720, "height": 800})
    view.emulate_media(media=media)
    for name in ("index.html", "feedback/k1.html"):
        view.goto((folder / name).as_uri())
        assert view.evaluate("document.documentElement.scrollWidth <= innerWidth")
