"""Playgrounds and predictions on a page: sliders by keyboard, options by click."""

from dataclasses import dataclass
from typing import Any

from course_utils.display.bundles import CAPTION_CLASS, PICTURE_CLASS, WIDGET_VIEW
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

    def caption(self) -> str:
        return self.place.locator(f".{CAPTION_CLASS}").first.inner_text()

    def sliders(self) -> list:
        return self.place.locator(".noUi-handle").all()


def playgrounds(view: NotebookPage) -> list[Block]:
    """Return the cells that show controls and a picture."""
    return _blocks(view, with_picture=True)


def quizzes(view: NotebookPage) -> list[Block]:
    """Return the cells that ask for a prediction: controls, no picture."""
    return _blocks(view, with_picture=False)


def _blocks(view: NotebookPage, with_picture: bool) -> list[Block]:
    found = []
    for index, outputs in enumerate(view.outputs()):
        kinds = {kind for output in outputs for kind in output["kinds"]}
        place = view.cell(index).locator(".jp-Cell-outputArea")
        has_picture = place.locator(f".{PICTURE_CLASS}").count() > 0
        if WIDGET_VIEW in kinds and has_picture == with_picture:
            found.append(Block(index, place))
    return found


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


def take_quiz(block: Block) -> list[str]:
    """Choose every option in turn; return what the page said to each."""
    return block.place.evaluate(ANSWERS)
