"""A lesson in Voila, which runs it and shows its outputs without the code."""

from importlib.util import find_spec

import pytest

from course_utils.display.bundles import PLAYGROUND_CLASS, QUESTION_CLASS
from tests.browser.controls import unfold
from tests.browser.page import Browser, watched, what_is_missing
from tests.browser.server import Lab
from tests.browser.test_browser import QUICK
from tests.lessons import LESSONS

missing = what_is_missing()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.nightly,
    pytest.mark.timeout(600),
    pytest.mark.skipif(missing is not None, reason=f"{missing}"),
    pytest.mark.skipif(not find_spec("voila"), reason="no voila: pip install voila"),
    # playwright's event loop and the server's sockets are closed by exit.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def page():
    """Lesson 01, as it has run."""
    (lesson,) = (path for path in LESSONS if path.name.startswith("01"))
    with Lab([lesson], env=QUICK) as server, Browser() as chromium:
        page = watched(chromium)
        page.goto(server.voila(lesson.name), timeout=300_000)
        page.locator(f".{PLAYGROUND_CLASS}").first.wait_for()
        yield page


def test_a_prediction_says_right_and_wrong(page):
    options = page.locator(f".{QUESTION_CLASS}").first.locator("details").all()
    said = [unfold(option) for option in options]
    assert sum("✓ Yes." in text for text in said) == 1
    assert sum("✗ Not this one." in text for text in said) == len(options) - 1


def test_a_slider_moves_picture_and_sentence(page):
    block = page.locator(f".{PLAYGROUND_CLASS}").first
    picture, sentence = block.locator("img"), block.locator(".says")
    before = picture.get_attribute("src"), sentence.inner_text()
    block.locator("input[type=range]").first.press("ArrowRight")
    page.wait_for_function(
        "([img, src]) => img.src !== src", arg=[picture.element_handle(), before[0]]
    )
    assert sentence.inner_text() != before[1]
