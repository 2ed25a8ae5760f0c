"""Two lessons in JupyterLab and in Notebook 7, used as a learner uses them.

Three times each, for what fails now and then would not be seen at once.
"""

from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from tests.browser.controls import move_slider, playgrounds, quizzes, unfold
from tests.browser.page import Browser, what_is_missing
from tests.browser.server import HOSTS, Lab
from tests.browser.test_browser import QUICK
from tests.lessons import LESSONS, read

missing = what_is_missing()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.nightly,
    pytest.mark.timeout(900),
    pytest.mark.skipif(missing is not None, reason=f"{missing}"),
    # playwright's event loop and the server's sockets are closed by exit.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
REPEATS = 3
# Of a lesson an exercise, an answer that is right, one with a mistake, and a part of
# what is said to that.
ANSWERS = {
    "00_start_here": (
        "batch_shape = ...",
        "batch_shape = (100, 1, 28, 28)",
        "batch_shape = (100, 28, 28, 1)",
        "The channel comes last",
    ),
    "09_flatten": (
        "def hwc_to_chw(image): ...",
        "def hwc_to_chw(image): return image.permute(2, 0, 1)",
        "def hwc_to_chw(image): return image.transpose(0, 2)",
        "the picture lies on its side",
    ),
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            host,
            marks=pytest.mark.skipif(
                find_spec(host) is None, reason=f"no {host} here: pip install {host}"
            ),
        )
        for host in HOSTS
    ],
)
def server(request):
    with Lab(LESSONS, host=request.param, env=QUICK) as server, Browser() as chromium:
        yield SimpleNamespace(url=server.url, open=chromium.open)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((path, n), id=f"{path.stem}-{n}")
        for n in range(1, REPEATS + 1)
        for path in LESSONS
        if path.stem in ANSWERS
    ],
)
def lesson(request, server):
    """A lesson that has run, in a page and a kernel of its own."""
    path, _ = request.param
    view = server.open(server.url(path.name))
    view.run_all()
    yield SimpleNamespace(path=path, view=view)
    view.end_kernel()
    view.page.close()


def test_no_cell_fails(lesson):
    assert lesson.view.errors() == []


def test_a_prediction_says_right_and_wrong(lesson):
    cards = quizzes(lesson.view)
    assert cards
    for card in cards:
        options = card.locator("details").all()
        said = [unfold(option) for option in options]
        assert sum("✓ Yes." in text for text in said) == 1
        assert sum("✗ Not this one." in text for text in said) == len(options) - 1


def test_a_playground_moves(lesson):
    block = playgrounds(lesson.view)[0]
    assert move_slider(block, block.sliders()[0])
    assert block.failure() == ""


def test_a_mistake_is_named_and_an_answer_is_right(lesson):
    empty, right, wrong, named = ANSWERS[lesson.path.stem]
    sources = [cell.source for cell in read(lesson.path).cells]
    place = sources.index(empty)
    after = lesson.view.run_typed(place, wrong)
    after.get_by_text(named).wait_for()
    after = lesson.view.run_typed(place, right)
    after.get_by_text(": correct.").wait_for()
    assert named not in after.inner_text()
