"""Playgrounds and predictions on a page, moved and opened as a learner does."""

from dataclasses import dataclass
from typing import Any

from course_utils.display.bundles import (
    ERROR_CLASS,
    FOLD_CLASS,
    OPTION_CLASS,
    PLAYGROUND_CLASS,
    QUESTION_CLASS,
    WIDGET_VIEW,
)
from tests.browser.page import NotebookPage
from tests.browser.scripts import REDRAWN, REMEMBER

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
    found = []
    for index, outputs in enumerate(view.outputs()):
        place = view.cell(index).locator(".jp-Cell-outputArea")
        live = any(WIDGET_VIEW in output["kinds"] for output in outputs)
        if live and place.locator(f".{PLAYGROUND_CLASS}").count():
            found.append(Block(index, place))
    return found


def quizzes(view: NotebookPage) -> list:
    """Return the cards that ask for a prediction."""
    return view.page.locator(f".{QUESTION_CLASS}").all()


def folds(view: NotebookPage) -> list:
    """Return the outputs that are folded."""
    return view.page.locator(f".{FOLD_CLASS}").all()


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


def take_quiz(card, *, by_keyboard: bool = False) -> list[str]:
    """Open every option in turn, and close it; return what showed under each."""
    options = card.locator(f".{OPTION_CLASS}").all()
    return [unfold(option, by_keyboard=by_keyboard) for option in options]


def unfold(part, *, by_keyboard: bool = False) -> str:
    """Open what is folded, by mouse or by Enter; return what then shows, and close it.

    Closing it by keyboard takes the space bar.
    """
    summary, under = part.locator("summary").first, part.locator("summary + *").first
    if by_keyboard:
        summary.focus()
        part.page.keyboard.press("Enter")
    else:
        summary.click()
    shown = under.inner_text() if under.is_visible() else ""
    if by_keyboard:
        part.page.keyboard.press("Space")
    else:
        summary.click()
    return "" if under.is_visible() else shown
