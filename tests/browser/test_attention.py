"""Attention to touch in the browser: the shares are torch's, every touch answers."""

import math

import nbformat
import pytest
import torch
import torch.nn.functional as F

from course_utils.display.touch.attention import AttentionWidget
from tests.browser.marks import browser_marks
from tests.browser.page import Browser
from tests.browser.server import Lab
from tests.lessons import LESSONS, read

pytestmark = browser_marks(
    pytest.mark.all,  # a browser each, and nothing of the lessons
    pytest.mark.timeout(300),
)
LESSON = next(path for path in LESSONS if path.name.startswith("08"))
MASKS, TEMPERATURES = ["none", "causal"], [0.25, 1.0, 4.0]
ATTEND = """async ([source, queries, keys, mask, temperature]) => {
  const file = new Blob([source], { type: "text/javascript" });
  const { attend } = await import(URL.createObjectURL(file));
  return attend(queries, keys, mask, temperature);
}"""

DESCRIPTION = """() => jupyterapp.shell.currentWidget.content.widgets.at(-1)
  .model.sharedModel.toJSON().outputs[0].data['text/plain']"""


def by_torch(queries, keys, mask, temperature):
    """Return the weights of torch's own function: its output for the unit matrix."""
    d, unit = queries.shape[-1], torch.eye(queries.shape[-2]).to(queries)
    scale = 1 / (math.sqrt(d) * temperature)
    causal = mask == "causal"
    return F.scaled_dot_product_attention(
        queries, keys, unit.expand(len(queries), -1, -1), is_causal=causal, scale=scale
    )


def lesson_start() -> nbformat.NotebookNode:
    """Return lesson 08 up to the cell that shows the widget."""
    notebook = read(LESSON)
    last = [c.source.startswith("# @title Attention to") for c in notebook.cells]
    notebook.cells = notebook.cells[: last.index(True) + 1]
    return notebook


def lesson_numbers():
    """Return the heads' names, the queries and the keys that the lesson makes."""
    made = {}

    def keep(tokens, queries, keys, *, heads, entries):
        made["all"] = heads, queries.double(), keys.double()

    needed = ("tokens = ", "# @title Attention to")
    cells = [c.source for c in lesson_start().cells if c.source.startswith(needed)]
    exec("\n".join(cells), {"torch": torch, "touch_attention": keep})
    return made["all"]


@pytest.fixture(scope="module")
def browser():
    with Browser(1366, 650) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def view(browser, tmp_path_factory):
    notebook = tmp_path_factory.mktemp("start") / LESSON.name
    nbformat.write(lesson_start(), notebook)
    with Lab([notebook], env={"COURSE_DEVICE": "cpu"}) as lab:
        page = browser.open(lab.url(notebook.name))
        page.run_all()
        yield page


@pytest.fixture
def widget(view):
    """The widget, its controls where they stood at first."""
    element = view.page.locator(".course-attention")
    choose(element, "its noun", "none", 1.0)
    return element


def choose(widget, head, mask, temperature) -> None:
    widget.get_by_text(head, exact=True).click()
    widget.get_by_text(mask, exact=True).click()
    widget.get_by_label("Temperature").fill(str(temperature))


def token(widget, kind: str, place: int):
    return widget.locator(f".token[data-{kind}='{place}']")


def number(widget, kind: str, place: int) -> str:
    """Return the share that stands beside a token."""
    return widget.locator(f".number[data-{kind}='{place}']").text_content()


def cell(widget, query: int, key: int):
    return widget.locator(f"td[data-query='{query}'][data-key='{key}']")


def said(widget) -> str:
    return widget.locator("[aria-live]").inner_text()


def test_shares_are_those_of_torch(browser):
    page = browser.blank()
    queries, keys = 3 * torch.randn(2, 3, 7, 5, dtype=torch.float64)
    for mask in MASKS:
        for temperature in TEMPERATURES:
            expected = by_torch(queries, keys, mask, temperature)
            for head, weights in enumerate(expected):
                rows = queries[head].tolist(), keys[head].tolist()
                values = [str(AttentionWidget._esm), *rows, mask, temperature]
                shares = torch.tensor(page.evaluate(ATTEND, values)).double()
                torch.testing.assert_close(shares, weights, atol=1e-6, rtol=0)


def test_begins_with_what_the_picture_says(view):
    """It is the first to look at the widget: nothing has been touched."""
    sentence = said(view.page.locator(".course-attention"))
    assert sentence == "“were” looks at “cats” with 0.78 of its attention."
    assert sentence in view.page.evaluate(DESCRIPTION)


def test_matrix_shows_the_lessons_numbers(widget):
    heads, queries, keys = lesson_numbers()
    for mask in MASKS:
        for temperature in TEMPERATURES:
            expected = by_torch(queries, keys, mask, temperature)
            for head, weights in zip(heads, expected, strict=True):
                choose(widget, head, mask, temperature)
                texts = widget.locator("tbody td").all_inner_texts()
                shares = torch.tensor([float(text or 0) for text in texts])
                shown = shares.double().reshape(weights.shape)
                torch.testing.assert_close(shown, weights, atol=0.0051, rtol=0)


def test_a_query_shows_its_shares_at_the_keys(widget):
    token(widget, "query", 3).hover()
    assert said(widget) == "“the” (token 4) looks at “dog” with 0.77 of its attention."
    assert number(widget, "key", 4) == "0.77"
    assert widget.locator("tr.on th").all_inner_texts() == ["the"]
    assert widget.locator("td.row").count() == 8
    assert "noun 12×1 + inside 8×1 = 20" in widget.locator(".why").inner_text()


def test_a_key_shows_who_looks_at_it(widget):
    token(widget, "key", 4).hover()
    assert said(widget).startswith("“dog” gets most from “the” (token 4): 0.77")
    assert number(widget, "query", 5) == "0.77"
    assert widget.locator("td.column").count() == 8


@pytest.mark.parametrize("kind", ["key", "query"])
def test_a_tokens_name_holds_the_text_it_shows(widget, kind):
    """Who speaks to the page says what he sees; the shares stand beside the buttons."""
    token(widget, kind, 3).hover()
    buttons = widget.locator(".token").all()
    assert len(buttons) == 16
    for button in buttons:
        assert button.text_content() in button.get_attribute("aria-label")
    shares = widget.locator(".number").all_text_contents()
    assert len([share for share in shares if share]) == 8


def test_a_cell_lights_its_band(widget):
    cell(widget, 6, 4).hover()
    assert said(widget) == "“were” looks at “dog” with 0.11 of its attention."
    band = widget.locator("path.pair")
    same = widget.locator("path[data-query='6'][data-key='4']")
    assert band.get_attribute("d") == same.get_attribute("d")


def test_a_band_is_as_wide_as_its_share(widget):
    token(widget, "query", 6).hover()
    widths = [
        float(p.get_attribute("stroke-width")) for p in widget.locator(".lit").all()
    ]
    assert widths[1] / sum(widths) == pytest.approx(0.783, abs=0.001)


def test_the_mask_hides_what_comes_later(widget):
    token(widget, "query", 0).hover()
    assert said(widget) == "“the” (token 1) looks at “cats” with 0.77 of its attention."
    widget.get_by_text("causal", exact=True).click()
    assert "looks at “the” (token 1) with 1.00" in said(widget)
    cell(widget, 0, 1).hover()
    assert said(widget).endswith(
        "can't look at “cats”: the mask hides what comes later."
    )
    assert cell(widget, 0, 1).inner_text() == ""


def test_another_head_and_temperature_change_the_sentence(widget):
    token(widget, "query", 5).hover()
    widget.get_by_text("the token before", exact=True).click()
    assert said(widget) == "“chased” looks at “dog” with 0.74 of its attention."
    slider = widget.get_by_label("Temperature")
    slider.press("ArrowLeft")
    assert "with 0.89 of" in said(widget)
    assert slider.get_attribute("aria-valuetext") == "0.75"


def test_arrows_walk_and_no_key_reaches_jupyterlab(widget, view):
    before = len(view.outputs())
    token(widget, "query", 5).focus()
    for key in ["d", "d", "x", "ArrowRight"]:
        view.page.keyboard.press(key)
    assert said(widget).startswith("“were” looks at “cats”")
    view.page.keyboard.press("ArrowUp")
    assert said(widget).startswith("“were” gets most from")
    cell(widget, 6, 1).focus()
    view.page.keyboard.press("ArrowUp")
    assert said(widget) == "“chased” looks at “cats” with 0.10 of its attention."
    assert len(view.outputs()) == before


def test_fits_the_window(widget, view):
    assert widget.bounding_box()["height"] < 530  # of 650, less JupyterLab's bars
    page = view.page
    for width in [1366, 800, 520]:
        page.set_viewport_size({"width": width, "height": 650})
        page.wait_for_timeout(300)
        assert view.cut_off() == []
        assert widget.evaluate("e => e.scrollWidth <= e.clientWidth")
