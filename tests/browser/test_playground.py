"""A playground in JupyterLab: its keys and controls, and what outlives a page."""

import json

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.authoring.normal_form import dumps, normalise
from course_utils.display.bundles import (
    CAPTION_CLASS,
    PICTURE_CLASS,
    PLAYGROUND_CLASS,
    WIDGET_VIEW,
)
from tests.browser.controls import move_slider, playgrounds
from tests.browser.marks import browser_marks
from tests.browser.server import ROOT, Lab

pytestmark = browser_marks(
    pytest.mark.all,  # a browser each, and nothing of the lessons
    pytest.mark.timeout(300),
)
IMPORTS = "from course_utils import Matrix, Steps, playground"
DRAW = """def draw(ax, slope=0.5, weight=None, index=0):
    ax.plot([0, slope], [index, weight[0][1]])
    return f"weight {weight[0][1]}, index {index}", slope == 1"""
PLAY = """playground(
    draw, "A line.", goal="the top", labels={"slope": "slope of the line"},
    slope=(0.0, 1.0), weight=Matrix([[1, 2]], -3, 3), index=Steps(0, 3))"""


TOUCH = """import torch
from course_utils.display.touch.sliding_window import slide_window
from tests.browser.marks import browser_marks
slide_window(torch.eye(3), torch.eye(3), kind="max", kernel_size=1)"""
QUICK = {"COURSE_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
LOST = ".jp-OutputArea-output.jupyter-widgets"  # a view whose widget is not found
SAYS_AFTER = "part => getComputedStyle(part.parentElement, '::after').content"


def write(path, *sources: str):
    cells = [new_code_cell(source) for source in sources]
    path.write_text(dumps(normalise(new_notebook(cells=cells))), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    path = tmp_path_factory.mktemp("played") / "played.ipynb"
    with Lab([write(path, IMPORTS, DRAW, PLAY)], env=QUICK) as server:
        yield server


@pytest.fixture(scope="module")
def view(lab, chromium):
    view = chromium.open(lab.url("played.ipynb"))
    view.run_all()
    return view


@pytest.fixture
def block(view):
    """The playground, every control at its start."""
    (block,) = playgrounds(view)
    block.place.get_by_role("button", name="Reset").click()
    says(block, "weight 2, index 0")
    return block


def says(block, words: str, of: str = ".says") -> None:
    """Wait until the playground says exactly this."""
    block.place.locator(of).get_by_text(words, exact=True).wait_for()


def shown(view) -> dict[str, int]:
    """Return how many of each are visible on the page."""
    classes = [PLAYGROUND_CLASS, PICTURE_CLASS, CAPTION_CLASS]
    return {
        name: view.page.locator(f".{name}").filter(visible=True).count()
        for name in classes
    }


LIVE = {PLAYGROUND_CLASS: 1, PICTURE_CLASS: 0, CAPTION_CLASS: 1}
STORED = {PLAYGROUND_CLASS: 0, PICTURE_CLASS: 1, CAPTION_CLASS: 1}


def test_keys_on_a_control_are_the_controls(block, view):
    slider = block.place.get_by_role("slider", name="slope of the line")
    cells = view.page.locator(".jp-Cell").count()
    for key in ["Home", "ArrowUp", "d", "d", "ArrowRight", " "]:
        slider.press(key)
    assert slider.input_value() == "0.2"
    assert view.page.locator(".jp-Cell").count() == cells
    assert slider.evaluate("slider => slider === document.activeElement")


def test_goal_is_said_when_it_is_reached(block):
    says(block, "Goal: the top", of=".status")
    block.place.get_by_role("slider", name="slope of the line").press("End")
    says(block, "Goal: the top ✓ reached", of=".status")


def test_matrix_is_edited_and_what_is_out_of_range_refused(block):
    number = block.place.get_by_role("spinbutton", name="weight, row 1, column 2")
    number.fill("-3")
    says(block, "weight -3, index 0")
    number.fill("99")
    number.blur()
    assert number.input_value() == "-3"


def test_index_is_stepped_and_played_to_its_end(block):
    block.place.get_by_role("button", name="index: one on").click()
    says(block, "weight 2, index 1")
    block.place.get_by_role("button", name="index: play").click()
    says(block, "weight 2, index 3")
    block.place.get_by_role("button", name="index: play").wait_for()


def test_of_moves_in_a_row_the_last_is_drawn(block):
    slider = block.place.get_by_role("slider", name="index", exact=True)
    slider.evaluate("""slider => {
      for (const value of [1, 2, 3, 2, 1, 2]) {
        slider.value = value;
        slider.dispatchEvent(new Event('input', { bubbles: true }));
      }
    }""")
    says(block, "weight 2, index 2")


# The last is a window of 1366×650 at 200 %.
@pytest.mark.parametrize("size", [(620, 1000), (800, 1000), (1280, 1000), (683, 325)])
def test_no_control_reaches_into_the_next(block, view, size):
    width, height = size
    view.page.set_viewport_size({"width": width, "height": height})
    overfull = block.place.evaluate("""place =>
      [...place.querySelectorAll('.stage, .grid, .field')]
        .filter(part => part.scrollWidth > part.clientWidth + 1).length""")
    assert overfull == 0


def test_a_widget_below_does_not_make_it_narrower(block, view):
    view.page.add_style_tag(path=ROOT / "course_utils/display/touch/touch.css")
    playground = block.place.locator(f".{PLAYGROUND_CLASS}")
    assert playground.evaluate("part => getComputedStyle(part).maxWidth") == "none"


def test_page_that_is_loaded_anew_follows(block, lab, view):
    assert shown(view) == LIVE
    view.save()
    saved = json.loads((lab.folder / "played.ipynb").read_text(encoding="utf-8"))
    assert WIDGET_VIEW not in str(saved)
    view.reload()
    assert shown(view) == LIVE
    (again,) = playgrounds(view)
    assert move_slider(again, again.sliders()[0])


def test_notebook_that_is_opened_again_shows_its_picture(block, view):
    view.save()
    view.replace("played.ipynb")
    view.page.locator(f".{PICTURE_CLASS}").wait_for()
    assert shown(view) == STORED
    assert "Error displaying widget" not in view.page.inner_text("body")


def test_lost_widget_leaves_its_picture_and_what_to_do(tmp_path, chromium):
    path = write(tmp_path / "lost.ipynb", IMPORTS, DRAW, PLAY, TOUCH)
    with Lab([path], plain=True, env=QUICK) as server:
        lost = chromium.open(server.url(path.name))
        lost.run_all()
        assert shown(lost)[PICTURE_CLASS] == 0
        lost.save()
        lost.replace(path.name)
        views = lost.page.locator(LOST)
        views.nth(1).wait_for(state="attached")
        assert shown(lost) == {**STORED, PICTURE_CLASS: 2, CAPTION_CLASS: 2}
        assert not any(view.is_visible() for view in views.all())
        said = {view.evaluate(SAYS_AFTER) for view in views.all()}
        assert said == {'"To move it, run this cell."'}
        lost.page.close()
