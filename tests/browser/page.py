"""One notebook on JupyterLab's page: run it, look at it, move its controls."""

import shutil

from course_utils.display.bundles import WIDGET_VIEW
from course_utils.doctor import installed_version
from tests.browser.scripts import (
    COUNTS,
    CUT_OFF,
    DECODED,
    END_KERNEL,
    FAILED_DRAWINGS,
    IDLE,
    IN_THEME,
    IS_CHANGED,
    OUTPUTS,
    QUESTIONS,
    REPLACE,
    RUN_ALL,
    RUN_CELL,
    SAVE,
    THEME,
)

RUN_LIMIT = 600  # seconds for all cells of a notebook
FLAGS = [
    "--no-sandbox",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find_chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome, if there is one."""
    names = ["chromium", "chromium-browser", "google-chrome", "chrome"]
    return next(filter(None, map(shutil.which, names)), None)


def what_is_missing() -> str | None:
    """Return the sentence that says what is missing, or None where all is there."""
    if installed_version("playwright") is None:
        return "no playwright here: pip install playwright, then run this again."
    if find_chromium() is None:
        return "no Chromium here: install it (Debian: apt install chromium)."
    return None


class Browser:
    """A Chromium without a window; zoomed, a smaller page is drawn with more pixels."""

    def __init__(self, width: int = 1280, height: int = 1600, zoom: float = 1) -> None:
        size = {"width": round(width / zoom), "height": round(height / zoom)}
        self._look = {"viewport": size, "device_scale_factor": zoom}

    def __enter__(self) -> "Browser":
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(
            executable_path=find_chromium(), args=FLAGS
        )
        self._context = self._chromium.new_context(**self._look)
        return self

    def __exit__(self, *_) -> None:
        self._chromium.close()
        self._playwright.stop()

    def open(self, url: str) -> "NotebookPage":
        """Open a notebook's address; return once its kernel is idle."""
        page = self._context.new_page()
        page.goto(url)
        return NotebookPage(page)

    def blank(self):
        """Return an empty page."""
        return self._context.new_page()


def watched(chromium):
    """Return an empty page; `asked` are its requests, `told` its complaints."""
    page = chromium.blank()
    page.set_default_timeout(180_000)  # where others use the same cores
    page.asked, page.told = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.told.append(message.text))
    page.on("pageerror", lambda error: page.told.append(str(error)))
    return page


class NotebookPage:
    """An open notebook."""

    def __init__(self, page) -> None:
        self.page = page
        # JupyterLab loads itself anew where another of its pages is open: only the wait
        # outlives that.
        self._wait_for_kernel()
        # Asked now: the first picture resets what the window says of itself.
        self.zoom = page.evaluate("devicePixelRatio")

    def _wait_for_kernel(self) -> None:
        self.page.wait_for_function(IDLE, timeout=90_000)

    def reload(self) -> None:
        """Load the page anew; return once it has found its kernel and its widgets."""
        self.page.reload()
        self._wait_for_kernel()
        self._settle()

    def replace(self, name: str) -> None:
        """Show another notebook in place of this one, which ends its kernel."""
        self.page.evaluate(REPLACE, name)
        self._wait_for_kernel()

    def end_kernel(self) -> None:
        """End the kernel: what the page does from here on, it does by itself."""
        self.page.evaluate(END_KERNEL)

    def run_all(self, limit: float = RUN_LIMIT) -> None:
        """Run every cell; return once all have finished and their widgets show."""
        self.page.evaluate(RUN_ALL)
        done = "() => window.courseRun !== 'running'"
        # Seldom: each look at the page takes time from the kernel.
        self.page.wait_for_function(done, polling=500, timeout=limit * 1000)
        self._settle()
        state = self.page.evaluate("() => window.courseRun")
        counts = self.page.evaluate(COUNTS)
        if state != "done" or None in counts:
            raise RuntimeError(f"not every cell ran ({state}): {self.errors()}")

    def _settle(self) -> None:
        # A view and its controls arrive after the cell has finished.
        for cell in self.widget_cells():
            cell.locator("[class*='widget-'], .course-touch").first.wait_for()
        self.page.evaluate(DECODED)
        self.page.wait_for_timeout(300)

    def use(self, theme: str) -> None:
        """Show the page in a theme of JupyterLab."""
        self.page.evaluate(THEME, theme)
        self.page.wait_for_function(IN_THEME, arg=theme)

    def questions(self) -> list[str]:
        """Return the text of each dialog and notification on the page."""
        return self.page.evaluate(QUESTIONS)

    def is_changed(self) -> bool:
        """Return whether the notebook is marked as changed, its kernel being there."""
        return self.page.evaluate(IS_CHANGED)

    def save(self) -> None:
        """Save the notebook; return once it is written."""
        self.page.evaluate(SAVE)

    def outputs(self) -> list[list[dict]]:
        """Return each output's `kinds` of data and `failure` (or None), by cell."""
        return self.page.evaluate(OUTPUTS)

    def errors(self) -> list[str]:
        """Return what failed: error outputs, and drawings that failed."""
        stored = [
            f"cell {index}: {output['failure']}"
            for index, outputs in enumerate(self.outputs())
            for output in outputs
            if output["failure"]
        ]
        return stored + self.page.evaluate(FAILED_DRAWINGS)

    def cut_off(self) -> list[str]:
        """Return the outputs that are wider than the page, and so are cut off."""
        return self.page.evaluate(CUT_OFF)

    def run(self, index: int) -> None:
        """Run a cell, folded or not; return once it has run."""
        self.page.evaluate(RUN_CELL, index)

    def run_typed(self, index: int, code: str):
        """Type code into a cell, run it and the next; return the outputs of the next.

        They may still be those of before.
        """
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(code)
        for _ in range(2):
            self.page.keyboard.press("Shift+Enter")
        return self.cell(index + 1).locator(".jp-Cell-outputArea")

    def cell(self, index: int):
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def widget_cells(self) -> list:
        """Return the cells that show controls."""
        held = [
            any(WIDGET_VIEW in output["kinds"] for output in outputs)
            for outputs in self.outputs()
        ]
        return [self.cell(index) for index, holds in enumerate(held) if holds]
