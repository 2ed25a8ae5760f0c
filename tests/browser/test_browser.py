"""Every lesson in JupyterLab, as a learner has it: looked at, run, played with.

To run a lesson there takes a minute or two. CI runs those of `RUN`, and opens the
others with their stored outputs; `make test-nightly` runs every one.
"""

from types import SimpleNamespace

import pytest

from tests.browser.axe import faults
from tests.browser.broken import write_broken
from tests.browser.controls import (
    folds,
    move_slider,
    name_of,
    playgrounds,
    quizzes,
    take_quiz,
    unfold,
)
from tests.browser.marks import browser_marks
from tests.browser.page import Browser
from tests.browser.pictures import save_element, save_pages
from tests.browser.server import Lab
from tests.lessons import LESSONS, ROOT
from tests.running import fast_copy

pytestmark = browser_marks(pytest.mark.timeout(900))
QUICK = {
    "COURSE_OFFLINE": "1",
    "COURSE_DATA": "",
    "COURSE_DEVICE": "cpu",
    "OMP_NUM_THREADS": "1",  # the browser needs a core too
}
RUN = ("00",)
LIVE = [
    pytest.param(
        (path, True),
        id=path.stem,
        marks=[] if path.name.startswith(RUN) else pytest.mark.nightly,
    )
    for path in LESSONS
]
STORED = [
    pytest.param((path, False), id=f"{path.stem} as stored", marks=pytest.mark.all)
    for path in LESSONS
    if not path.name.startswith(RUN)
]
in_every_way = pytest.mark.parametrize("lesson", [*LIVE, *STORED], indirect=True)
after_a_run = pytest.mark.parametrize("lesson", LIVE, indirect=True)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copies")
    quick = [fast_copy(lesson, folder) for lesson in LESSONS]
    with Lab([*quick, write_broken(folder)], env=QUICK) as server:
        yield server


@pytest.fixture(scope="module")
def view(lab):
    """One page of JupyterLab, which shows one notebook after another."""
    with Browser() as chromium:
        yield chromium.open(lab.url("broken.ipynb"))


@pytest.fixture(scope="module")
def lesson(request, view):
    """A lesson as it is stored, or run; and a folder for its pictures."""
    path, runs = request.param
    view.replace(path.name)
    opened = [take_quiz(card, by_keyboard=True) for card in quizzes(view)]
    if runs:
        view.run_all()
    folder = ROOT / "screenshots" / path.stem
    folder.mkdir(parents=True, exist_ok=True)
    return SimpleNamespace(view=view, folder=folder, opened=opened, runs=runs)


@in_every_way
def test_shows_no_error(lesson):
    assert lesson.view.errors() == []


@in_every_way
def test_nothing_is_cut_off(lesson):
    if lesson.runs:  # pictures of the others are those of its stored outputs
        assert save_pages(lesson.view, lesson.folder)
    assert lesson.view.cut_off() == []


@after_a_run
def test_every_slider_redraws(lesson):
    blocks = playgrounds(lesson.view)
    assert blocks
    for block in blocks:
        name = f"playground-{block.index}"
        save_element(lesson.view, block.place, lesson.folder / f"{name}-before.png")
        sliders = block.sliders()
        unmoved = [name_of(s) for s in sliders if not move_slider(block, s)]
        save_element(lesson.view, block.place, lesson.folder / f"{name}-after.png")
        assert unmoved == []
        assert block.sentence().strip()
    assert lesson.view.errors() == []


@in_every_way
def test_predictions_answer_before_anything_has_run(lesson):
    assert len(lesson.opened) == len(quizzes(lesson.view)) > 0
    for said in lesson.opened:
        assert answers(said)


@after_a_run
def test_predictions_answer(lesson):
    cards = quizzes(lesson.view)
    assert cards
    for card in cards:
        assert answers(take_quiz(card))


@in_every_way
def test_folded_outputs_open(lesson):
    parts = folds(lesson.view)
    assert parts
    for part in parts:
        assert unfold(part).strip() or part.locator("img").count()


@pytest.mark.nightly
@pytest.mark.parametrize("lesson", [*LIVE[:1], *STORED], indirect=True)
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_serious_in_the_outputs(lesson, theme):
    lesson.view.use(theme)
    found = faults(lesson.view.page, ".jp-OutputArea-output")
    lesson.view.use("JupyterLab Light")
    assert found == []


def answers(said: list[str]) -> bool:
    """Return whether a card says something to each option, and Yes to one."""
    yes = sum("✓ Yes." in sentence for sentence in said)
    return len(said) >= 2 and yes == 1 and all(said)


@pytest.fixture(scope="module")
def broken(view):
    """A notebook that fails in every way the tests above look for."""
    view.replace("broken.ipynb")
    with pytest.raises(RuntimeError, match="not every cell ran"):
        view.run_all()
    return view


def test_an_error_is_seen(broken):
    assert any("ZeroDivisionError" in line for line in broken.errors())


def test_a_wide_output_is_seen(broken):
    assert len(broken.cut_off()) == 1


def test_a_slider_without_effect_is_seen(broken):
    deaf = playgrounds(broken)[0]
    assert not move_slider(deaf, deaf.sliders()[0], limit=2_000)


def test_a_failing_drawing_is_seen(broken):
    failing = playgrounds(broken)[1]
    assert not move_slider(failing, failing.sliders()[0], limit=2_000)
    assert any("The drawing failed: Zero" in line for line in broken.errors())
    assert "ZeroDivisionError" in failing.failure()


def test_a_silent_question_is_seen(broken):
    assert take_quiz(quizzes(broken)[0]) == ["", ""]


def test_predictions_and_folded_outputs_open_without_a_kernel(lab, view):
    view.replace(LESSONS[0].name)
    view.end_kernel()
    assert quizzes(view) and folds(view)
    for card in quizzes(view):
        assert answers(take_quiz(card))
        assert answers(take_quiz(card, by_keyboard=True))
    for part in folds(view):
        assert unfold(part)
        assert unfold(part, by_keyboard=True)


def test_opening_a_lesson_asks_nothing_and_changes_nothing(lab, view):
    lesson = lab.folder / LESSONS[0].name
    stored = lesson.read_bytes()
    opened = lesson.stat().st_mtime_ns
    view.replace(lesson.name)
    assert not view.is_changed()
    assert view.questions() == []
    view.save()
    assert lesson.stat().st_mtime_ns > opened
    assert lesson.read_bytes() == stored == LESSONS[0].read_bytes()
