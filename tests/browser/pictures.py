"""Pictures of a notebook's page, in pieces that are cut between cells."""

from base64 import b64decode
from pathlib import Path

from tests.browser.page import NotebookPage
from tests.browser.scripts import DECODED

SCROLLER = ".jp-NotebookPanel .jp-WindowedPanel-outer"
# Where cells begin, where the last one ends, and the window's height, in pixels.
MEASURE = """box => {
  const top = box.getBoundingClientRect().top - box.scrollTop;
  const cells = [...box.querySelectorAll('.jp-Cell')].map(
    cell => cell.getBoundingClientRect());
  return {
    cells: cells.map(cell => Math.floor(cell.top - top)),
    content: Math.ceil(cells.at(-1).bottom - top) + 20,  // not the empty space below
    window: box.clientHeight,
  };
}"""


def save_pages(view: NotebookPage, folder: Path) -> list[Path]:
    """Save the whole notebook as page-01.png, page-02.png, ...; return the files."""
    scroller = view.page.locator(SCROLLER).first
    size = scroller.evaluate(MEASURE)
    written = []
    for number, (top, bottom) in enumerate(cuts(**size), start=1):
        scroller.evaluate("(box, top) => { box.scrollTop = top; }", top)
        scrolled = scroller.evaluate("box => box.scrollTop")
        box = scroller.bounding_box()
        clip = {
            "x": box["x"],
            "y": box["y"] + top - scrolled,
            "width": box["width"],
            "height": bottom - top,
        }
        file = folder / f"page-{number:02d}.png"
        written.append(_shoot(view, clip, file))
    return written


def _shoot(view: NotebookPage, clip: dict[str, float], file: Path) -> Path:
    """Save a part of the window. (playwright's own way walks all elements first.)"""
    session = view.page.context.new_cdp_session(view.page)
    options = {"clip": clip | {"scale": view.zoom}, "optimizeForSpeed": True}
    shot = session.send("Page.captureScreenshot", options)
    session.detach()
    file.write_bytes(b64decode(shot["data"]))
    return file


def cuts(cells: list[int], content: int, window: int) -> list[tuple[int, int]]:
    """Divide 0..content into pieces of at most `window`, between cells if possible."""
    pieces, top = [], 0
    while top < content:
        bottom = min(top + window, content)
        if bottom < content:
            # A cell longer than half a window is cut wherever it must be.
            good = [cell for cell in cells if top + window // 2 < cell <= bottom]
            bottom = max(good, default=bottom)
        pieces.append((top, bottom))
        top = bottom
    return pieces


def save_element(view: NotebookPage, element, file: Path) -> Path:
    """Save the picture of one part of the page."""
    element.scroll_into_view_if_needed()
    view.page.evaluate(DECODED)
    return _shoot(view, element.bounding_box(), file)
