"""Lessons in JupyterLab and in Notebook 7, used as a learner uses them.

Two of them run whole, three times each: what fails now and then would not be seen at
once. In every lesson, once, the predictions are taken and an exercise is answered.
"""

from contextlib import contextmanager
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from tests.browser.controls import move_slider, playgrounds, quizzes, unfold
from tests.browser.marks import browser_marks
from tests.browser.page import Browser
from tests.browser.server import HOSTS, Lab
from tests.browser.test_browser import QUICK
from tests.browser.typed import TYPED
from tests.lessons import LESSONS, read

pytestmark = browser_marks(
    pytest.mark.nightly,
    pytest.mark.timeout(900),
)
REPEATS = 3
WHOLE = ("00", "09")


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


@contextmanager
def opened(server, path):
    """A lesson in a page and a kernel of its own."""
    view = server.open(server.url(path.name))
    yield view
    view.end_kernel()
    view.page.close()


# The number is part of the parameter: for the same one pytest would open nothing anew.
@pytest.fixture(
    scope="module",
    params=[
        pytest.param((path, n), id=f"{path.stem}-{n}")
        for n in range(1, REPEATS + 1)
        for path in LESSONS
        if path.name.startswith(WHOLE)
    ],
)
def lesson(request, server):
    """A lesson that has run."""
    path, _ = request.param
    with opened(server, path) as view:
        view.run_all()
        yield view


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def fresh(request, server):
    """A lesson of which only the setup has run, with its number and its cells."""
    path = request.param
    cells = read(path).cells
    with opened(server, path) as view:
        code = [place for place, cell in enumerate(cells) if cell.cell_type == "code"]
        for place in code[:3]:  # parameters, imports, device
            view.run(place)
        yield view, path.name[:2], cells


def test_no_cell_fails(lesson):
    assert lesson.errors() == []


def test_a_playground_moves(lesson):
    block = playgrounds(lesson)[0]
    assert move_slider(block, block.sliders()[0])
    assert block.failure() == ""


def test_predictions_say_right_and_wrong(fresh):
    view, *_ = fresh
    cards = quizzes(view)
    assert cards
    for card in cards:
        options = card.locator("details").all()
        said = [unfold(option) for option in options]
        assert sum("✓ Yes." in text for text in said) == 1
        assert sum("✗ Not this one." in text for text in said) == len(options) - 1


def test_mistakes_are_named_and_an_answer_is_right(fresh):
    view, number, cells = fresh
    typed = TYPED[number]
    check = f'check("{typed.exercise}"'
    (place,) = (
        index for index, cell in enumerate(cells) if cell.source.startswith(check)
    )
    for part, named in typed.mistakes.items():
        after = view.run_typed(place - 1, typed.code(part))
        after.get_by_text(named).wait_for()
    after = view.run_typed(place - 1, typed.code(typed.right))
    after.get_by_text(": correct.").wait_for()
    assert not any(named in after.inner_text() for named in typed.mistakes.values())
    assert view.errors() == []
