"""The sliding window in JupyterLab, moved in every way a learner can move it."""

import pytest
import torch
import torch.nn.functional as F
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.authoring.normal_form import dumps, normalise
from tests.browser.marks import browser_marks
from tests.browser.page import Browser
from tests.browser.server import Lab

pytestmark = browser_marks(
    pytest.mark.all,  # a browser each, and nothing of the lessons
    pytest.mark.timeout(300),
)
IMPORTS = """import torch
import torch.nn.functional as F
from course_utils import slide_window
from tests.browser.marks import browser_marks
image = torch.arange(25.0).reshape(5, 5) % 7
kernels = {"corners": torch.tensor([[1.0, 0.0], [0.0, -1.0]]), "sum": torch.ones(2, 2)}
corners = F.conv2d(image[None, None], kernels["corners"][None, None])[0, 0]"""
CONVOLUTION = "slide_window(image, corners, kernels=kernels)"
POOLING = "slide_window(image, F.max_pool2d(image[None], 2)[0], kind='max')"
# The image:   0 1 2 3 4 / 5 6 0 1 2 / 3 4 5 6 0 / 1 2 3 4 5 / 6 0 1 2 3
CORNERS = [[-6, 1, 1, 1], [1, 1, -6, 1], [1, 1, 1, 1], [1, 1, 1, 1]]


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    path = tmp_path_factory.mktemp("window") / "window.ipynb"
    cells = [new_code_cell(source) for source in (IMPORTS, CONVOLUTION, POOLING)]
    notebook = normalise(new_notebook(cells=cells))
    path.write_text(dumps(notebook), encoding="utf-8")
    with Lab([path]) as lab, Browser(height=1400) as chromium:
        view = chromium.open(lab.url(path.name))
        view.run_all()
        yield view


@pytest.fixture
def convolution(view):
    return fresh(view, 0)


@pytest.fixture
def pooling(view):
    return fresh(view, 1)


def fresh(view, index: int):
    """Return a window in its first state, with no pointer over it."""
    widget = view.page.locator(".slide").nth(index)
    view.page.mouse.move(0, 0)
    widget.get_by_role("button", name="Reset").click()
    return widget


def output(widget) -> list[list[float]]:
    """Return the output's numbers, row by row."""
    texts = widget.locator(".output button").all_inner_texts()
    numbers = [float(text.replace("−", "-")) for text in texts]
    columns = int(widget.locator(".output-size").inner_text().split("×")[1])
    return [numbers[i : i + columns] for i in range(0, len(numbers), columns)]


def calculation(widget) -> str:
    return widget.locator(".sum").text_content()


def choose(widget, group: str, option: str) -> None:
    widget.get_by_role("radiogroup", name=group).get_by_label(option).check()


def test_first_state_shows_the_lessons_numbers(convolution, pooling):
    assert output(convolution) == CORNERS
    assert calculation(convolution) == "0·1 + 1·0 + 5·0 + 6·(−1) = −6"
    assert output(pooling) == [[6, 3], [4, 6]]
    assert calculation(pooling) == "max(0, 1, 5, 6) = 6"


def test_typed_weight_counts(convolution):
    convolution.get_by_label("weight in row 1, column 2").fill("1/2")
    assert calculation(convolution) == "0·1 + 1·0.5 + 5·0 + 6·(−1) = −5.5"
    assert output(convolution)[0] == [-5.5, 2, 2.5, 3]
    assert not convolution.get_by_label("corners").is_checked()


def test_typed_word_is_refused_and_the_last_number_stays(convolution):
    field = convolution.get_by_label("weight in row 1, column 1")
    field.fill("two")
    note = convolution.get_by_role("status")
    assert note.inner_text().startswith("“two” is no number: type one such as 2")
    assert field.get_attribute("aria-invalid") == "true"
    assert output(convolution) == CORNERS
    field.fill("2")
    assert "is no number" not in note.inner_text()
    assert calculation(convolution).startswith("0·2 + ")


def test_preset_stride_padding_and_dilation_change_the_output(convolution):
    choose(convolution, "kernel", "sum")
    assert output(convolution)[0] == [12, 9, 6, 10]
    choose(convolution, "stride", "2")
    assert output(convolution) == [[12, 6], [10, 18]]
    choose(convolution, "padding", "1")
    choose(convolution, "dilation", "3")
    size = convolution.locator(".size").inner_text()
    assert "⌊(5 + 2·1 − 3·(2 − 1) − 1) / 2⌋ + 1 = 2" in size
    image = torch.arange(25.0).reshape(1, 5, 5) % 7
    kernel = torch.ones(1, 1, 2, 2)
    expected = F.conv2d(image, kernel, stride=2, padding=1, dilation=3)
    assert output(convolution) == expected[0].tolist()


def test_keys_step_and_stay_inside(view, convolution):
    convolution.get_by_role("slider").focus()
    press = view.page.keyboard.press
    press("ArrowRight")
    assert calculation(convolution) == "1·1 + 2·0 + 6·0 + 0·(−1) = 1"
    press("ArrowDown")
    slider = convolution.get_by_role("slider")
    assert slider.get_attribute("aria-valuetext") == "row 2, column 2: 1"
    press("End")
    assert convolution.get_by_role("button", name="Step").is_disabled()
    cells = len(view.outputs())
    for key in "ddab":  # in JupyterLab: delete the cell, insert one above and below
        press(key)
    assert len(view.outputs()) == cells


def test_output_cell_shows_its_calculation_under_pointer_and_focus(view, convolution):
    buttons = convolution.locator(".output button")
    buttons.nth(6).hover()
    assert calculation(convolution) == "0·1 + 1·0 + 5·0 + 6·(−1) = −6"
    lit = convolution.locator(".input [data-tap]").all_inner_texts()
    assert lit == ["0", "1", "5", "6"]
    view.page.mouse.move(0, 0)
    buttons.nth(6).focus()
    view.page.keyboard.press("ArrowLeft")
    assert (
        view.page.evaluate("document.activeElement.ariaLabel") == "row 2, column 2: 1"
    )


def test_window_is_dragged(view, convolution):
    box = convolution.locator(".board").bounding_box()
    cell = box["width"] / 5
    view.page.mouse.move(box["x"] + cell, box["y"] + cell)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + 3 * cell, box["y"] + 3 * cell, steps=4)
    view.page.mouse.up()
    slider = convolution.get_by_role("slider")
    assert slider.get_attribute("aria-valuetext") == "row 3, column 3: 1"


def test_play_waits_for_its_button_and_steps_to_the_end(view, convolution):
    assert convolution.get_by_role("button", name="Play").is_visible()
    convolution.get_by_role("slider").focus()
    view.page.keyboard.press("End")
    view.page.keyboard.press("ArrowLeft")
    convolution.get_by_role("button", name="Play").click()
    assert convolution.get_by_role("button", name="Pause").is_visible()
    convolution.get_by_role("button", name="Play").wait_for(timeout=10_000)
    assert convolution.get_by_role("button", name="Step").is_disabled()


def test_pooling_lights_the_winner_and_says_what_it_refuses(pooling):
    assert pooling.locator(".input .winner").inner_text() == "6"
    choose(pooling, "kind", "average")
    assert calculation(pooling) == "(0 + 1 + 5 + 6) / 4 = 3"
    assert pooling.locator(".winner").count() == 0
    dilation = pooling.get_by_role("radiogroup", name="dilation")
    dilation.get_by_label("2").click()
    assert "has no dilation in torch" in pooling.get_by_role("status").inner_text()
    assert dilation.get_by_label("1").is_checked()
    choose(pooling, "kind", "max")
    choose(pooling, "padding", "1")
    assert calculation(pooling) == "max(−∞, −∞, −∞, 0) = 0"


def test_the_calculation_stays_one_live_region(convolution):
    region = convolution.locator(".sum").element_handle()
    convolution.get_by_role("button", name="Step").click()
    alive = "element => element.isConnected && element.ariaLive"
    assert region.evaluate(alive) == "polite"
    assert region.text_content() == "1·1 + 2·0 + 6·0 + 0·(−1) = 1"


@pytest.mark.parametrize(("width", "fits"), [(760, 480), (400, 1200)])
def test_it_fits_a_narrow_page(convolution, width, fits):
    box = convolution.evaluate(
        """(widget, width) => {
          widget.style.width = width + 'px';
          return [widget.scrollWidth, widget.offsetHeight];
        }""",
        width,
    )
    convolution.evaluate("widget => { widget.style.width = ''; }")
    assert box[0] <= width
    assert box[1] <= fits
