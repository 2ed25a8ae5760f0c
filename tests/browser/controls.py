"""Playgrounds and predictions on a page: sliders by keyboard, options by click."""

from dataclasses import dataclass
from typing import Any

from course_utils.display.bundles import ERROR_CLASS, PLAYGROUND_CLASS, WIDGET_VIEW
from tests.browser.page import NotebookPage
from tests.browser.scripts import ANSWERS, REDRAWN, REMEMBER

REDRAW_LIMIT = 30_000  # milliseconds until a moved control must have redrawn
STEP = 100  # milliseconds between two looks
PRESSES = 4


@dataclass
class Block:
    """A code cell that shows controls; `place` is its output area on the page."""

    index: int
    place: Any

    def sentence(self) -> str:
        """Return what stands above a playground's picture."""
        return self.place.locator(".says").inner_text()

    def failure(self) -> str:
        """Return what stands below it where the drawing failed."""
        return self.place.locator(f".{ERROR_CLASS}").inner_text()

    def sliders(self) -> list:
        return self.place.locator("input[type=range]").all()


def playgrounds(view: NotebookPage) -> list[Block]:
    """Return the cells that show a playground."""
    return [block for block in _blocks(view) if _plays(block)]


def quizzes(view: NotebookPage) -> list[Block]:
    """Return the cells that ask for a prediction: a widget, but no playground."""
    return [block for block in _blocks(view) if not _plays(block)]


def _blocks(view: NotebookPage) -> list[Block]:
    found = []
    for index, outputs in enumerate(view.outputs()):
        if any(WIDGET_VIEW in output["kinds"] for output in outputs):
            place = view.cell(index).locator(".jp-Cell-outputArea")
            found.append(Block(index, place))
    return found


def _plays(block: Block) -> bool:
    return block.place.locator(f".{PLAYGROUND_CLASS}").count() > 0


def move_controls(block: Block) -> list[tuple[str, bool]]:
    """Move every slider a few steps; return each one's name and whether it redrew."""
    return [(name_of(handle), move_slider(block, handle)) for handle in block.sliders()]


def name_of(handle) -> str:
    """Return what stands beside a slider."""
    return handle.evaluate("slider => slider.labels[0].innerText")


def move_slider(block: Block, handle, limit: int = REDRAW_LIMIT) -> bool:
    """Press an arrow key on a slider until the picture changes; say whether it did.

    It goes up, or down where the slider stands at its top.
    """
    # Not above: where there is no playwright, a sentence is to say so.
    from playwright.sync_api import TimeoutError as NotInTime

    is_at_top = handle.evaluate("slider => slider.value === slider.max")
    key = "ArrowLeft" if is_at_top else "ArrowRight"
    handle.focus()
    page = block.place.page
    # The first question, though no value changes, fits the picture to the page.
    handle.dispatch_event("input")
    block.place.locator(".status[aria-busy=false]").wait_for(state="attached")
    block.place.evaluate(REMEMBER)
    for _ in range(PRESSES):
        page.keyboard.press(key)
    place = block.place.element_handle()
    try:
        page.wait_for_function(REDRAWN, arg=place, polling=STEP, timeout=limit)
    except NotInTime:
        return False
    return True


def take_quiz(block: Block) -> list[str]:
    """Choose every option in turn; return what the page said to each."""
    return block.place.evaluate(ANSWERS)
