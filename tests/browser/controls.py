"""Playgrounds and predictions on a notebook's page, used by keyboard alone."""

from dataclasses import dataclass
from typing import Any

from tests.browser.page import IDLE, WIDGET_VIEW, NotebookPage

REDRAW_LIMIT = 30_000  # milliseconds until a moved control must have redrawn
STEP = 200  # milliseconds between two looks
PRESSES = 4
SOURCE = "image => image.src"


@dataclass
class Block:
    """A code cell that shows controls; `place` is its output area on the page."""

    index: int
    place: Any

    def picture(self) -> str:
        """Return the picture's data, as the page shows it."""
        return self.place.locator("img").first.evaluate(SOURCE)

    def caption(self) -> str:
        return self.place.locator(".course-caption").first.inner_text()

    def idle(self) -> bool:
        """Whether the kernel has nothing left to do."""
        return self.place.page.evaluate(IDLE)

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
        kinds = {kind for output in outputs for kind in output.get("data", {})}
        if WIDGET_VIEW in kinds and ("image/png" in kinds) == with_picture:
            place = view.cell(index).locator(".jp-Cell-outputArea")
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
    before = block.picture()
    at = [handle.get_attribute(f"aria-value{end}") for end in ("now", "max")]
    key = "ArrowLeft" if float(at[0]) >= float(at[1]) else "ArrowRight"
    handle.focus()
    for _ in range(PRESSES):
        handle.press(key)
    return _changed(block, before, limit)


def _changed(block: Block, before: str, limit: int) -> bool:
    """Wait for another picture, then until no more of them come."""
    waited, last = 0, before
    while waited < limit:
        block.place.page.wait_for_timeout(STEP)
        waited += STEP
        now = block.picture()
        if now == last != before and block.idle():
            return True
        last = now
    return False


def take_quiz(block: Block) -> list[str]:
    """Choose every option by keyboard; return what the page said to each."""
    radios = block.place.locator("input[type=radio]")
    said = []
    for index in range(radios.count()):
        radio = radios.nth(index)
        radio.focus()
        radio.press("Space")
        said.append(_feedback(block, said[-1] if said else ""))
    return said


def _feedback(block: Block, before: str) -> str:
    # Two wrong options may get the same sentence: accept it after a while.
    spoken = block.place.locator(".course-quiz[aria-live]")
    text = ""
    for _ in range(20):
        text = " ".join(spoken.all_inner_texts()).strip()
        if text != before:
            break
        block.place.page.wait_for_timeout(50)
    return text
