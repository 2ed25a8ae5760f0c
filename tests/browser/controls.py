"""Playgrounds and predictions on a page, moved and opened as a learner does."""

from dataclasses import dataclass
from typing import Any

from course_utils.display.bundles import (
    CAPTION_CLASS,
    FOLD_CLASS,
    OPTION_CLASS,
    PICTURE_CLASS,
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

    def caption(self) -> str:
        return self.place.locator(f".{CAPTION_CLASS}").first.inner_text()

    def sliders(self) -> list:
        return self.place.locator(".noUi-handle").all()


def playgrounds(view: NotebookPage) -> list[Block]:
    """Return the cells that show controls and a picture."""
    found = []
    for index, outputs in enumerate(view.outputs()):
        kinds = {kind for output in outputs for kind in output["kinds"]}
        place = view.cell(index).locator(".jp-Cell-outputArea")
        touch = place.locator(".course-touch").count()  # those have their tests
        if WIDGET_VIEW in kinds and place.locator(f".{PICTURE_CLASS}").count():
            if not touch:
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
    row = handle.locator("xpath=ancestor::*[contains(@class, 'widget-slider')]").first
    return row.locator("label").first.inner_text()


def move_slider(block: Block, handle, limit: int = REDRAW_LIMIT) -> bool:
    """Press an arrow key on a slider until the picture changes; say whether it did.

    It goes up, or down where the slider stands at its top.
    """
    # Not above: where there is no playwright, a sentence is to say so.
    from playwright.sync_api import TimeoutError as NotInTime

    block.place.evaluate(REMEMBER)
    at = [handle.get_attribute(f"aria-value{end}") for end in ("now", "max")]
    key = "ArrowLeft" if float(at[0]) >= float(at[1]) else "ArrowRight"
    handle.focus()
    page = block.place.page
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
