"""The site of all lessons: built, then every page of it seen, weighed and moved."""

import tempfile
from pathlib import Path

import pytest

from course_utils.runs.lessons import find_notebooks
from course_utils.site.build import build
from tests.browser.axe import faults
from tests.lessons import LESSONS
from tests.site.browsing import (
    IN_BROWSER,
    moved_controls,
    reaches_goal,
    seen_whole,
    too_wide,
    until_first_picture,
)

ROOT = Path(__file__).parents[2]
PAGE_LIMIT, SITE_LIMIT = 3_000_000, 60_000_000  # bytes
# What a control doesn't change, and the sentence says so by staying as it is.
SAME_SENTENCE = {
    ("01-c01-038", "weight, row 1, column 2"),  # the area, with a 0 below the diagonal
    ("01-c01-038", "bias 1"),
    ("01-c01-038", "bias 2"),
    ("02-c02-101", "shift"),  # the shares
    ("04-c04-034", "example"),  # how many numbers go together
    ("04-c04-034", "channel"),
    ("07-c07-026", "strength of the input"),  # the linear cell at the start
    ("10-c10-097", "mistakes only"),  # the first image is a mistake
}
pytestmark = [*IN_BROWSER, pytest.mark.nightly, pytest.mark.timeout(3600)]
# Of each playground's picture: its name, how far it is shrunk, whether a part of it is
# out of sight, and whether keys can scroll there.
PICTURES = """() => [...document.querySelectorAll(".site-moving .view")].map(box => {
  const image = box.querySelector("img");
  return {
    name: box.closest(".site-moving").id,
    shrunk: image.clientWidth / image.getAttribute("width"),
    hidden: box.scrollWidth > box.clientWidth + 1,
    by_keys: box.tabIndex === 0,
  };
})"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    with tempfile.TemporaryDirectory() as work:
        kept = ROOT / "build" / "states"
        said = build(ROOT, out, Path(work), moving=find_notebooks(()), kept=kept)
    assert said == []
    return out


def test_no_page_asks_elsewhere_or_complains_or_is_heavy(site, view):
    for path in sorted(site.rglob("*.html")):
        assert seen_whole(view, path) < PAGE_LIMIT, path.name
        assert all(url.startswith((site.as_uri(), "data:")) for url in view.asked)
    assert view.told == []
    assert sum(file.stat().st_size for file in site.rglob("*")) < SITE_LIMIT


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem[:2])
def test_every_prediction_is_answered_by_keyboard(site, view, lesson):
    view.goto((site / f"lessons/{lesson.stem}.html").as_uri())
    cards = view.locator(".course-quiz").all()
    assert cards
    for card in cards:
        card.locator("details.course-option > summary").last.focus()
        view.keyboard.press("Enter")
        heard = card.locator("[role=status]")
        view.wait_for_function("e => e.textContent", arg=heard.element_handle())
    said = view.locator(".site-progress").inner_text()
    assert f"{len(cards)} of {len(cards)} answered" in said
    assert view.told == []


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem[:2])
def test_every_control_moves_its_picture_and_its_sentence(site, view, lesson):
    view.goto((site / f"lessons/{lesson.stem}.html").as_uri())
    roots = view.locator(".site-moving").all()
    assert roots
    still = [
        (root.get_attribute("id"), name, picture, sentence)
        for root in roots
        for name, picture, sentence in moved_controls(view, root)
        if not (picture and sentence)
        and not (picture and (root.get_attribute("id"), name) in SAME_SENTENCE)
    ]
    assert still == []
    assert view.told == []


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem[:2])
def test_every_goal_can_be_reached_by_keyboard(site, view, lesson):
    view.goto((site / f"lessons/{lesson.stem}.html").as_uri())
    roots = view.locator(".site-moving").all()
    missed = [r.get_attribute("id") for r in roots if not reaches_goal(view, r)]
    assert missed == []
    assert view.told == []


def test_the_first_picture_comes_within_a_second(site, view):
    view.goto((site / f"lessons/{LESSONS[0].stem}.html").as_uri())
    assert until_first_picture(view, view.locator(".site-moving").first) < 1000


@pytest.mark.parametrize("width", [390, 768, 1600])
def test_no_page_is_wider_than_its_window(site, view, width):
    assert too_wide(view, site, width) == []


def test_on_a_phone_a_wide_picture_scrolls_by_keys_and_stays_readable(site, view):
    view.set_viewport_size({"width": 390, "height": 844})
    shown = []
    for lesson in LESSONS:
        view.goto((site / f"lessons/{lesson.stem}.html").as_uri())
        shown += view.evaluate(PICTURES)
    assert any(one["hidden"] for one in shown)
    assert [one for one in shown if one["shrunk"] < 0.6] == []
    assert [one for one in shown if one["hidden"] and not one["by_keys"]] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(site, view, scheme):
    view.emulate_media(color_scheme=scheme)
    found = []
    for path in sorted(site.rglob("*.html")):
        view.goto(path.as_uri())
        found += faults(view)
    assert found == []
