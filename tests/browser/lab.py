"""Look at a notebook in JupyterLab: run it, take its pictures, move its controls.

    python -m tests.browser.lab notebooks/01_linear_layers.ipynb [folder]

writes page-01.png, page-02.png, ... (the whole page), two pictures of every playground,
before and after its controls moved by keyboard, and one of every prediction, its first
option opened, into `folder` (or into screenshots/<notebook>/). The notebook itself is
never written: a copy is opened.
"""

import argparse
import sys
import time
from pathlib import Path

from tests.browser.controls import move_controls, playgrounds, quizzes
from tests.browser.page import Browser, NotebookPage, what_is_missing
from tests.browser.pictures import save_element, save_pages
from tests.browser.server import ROOT, Lab


def main() -> int:
    options = _options()
    if missing := what_is_missing():
        print(missing, file=sys.stderr)
        return 1
    folder = options.folder or ROOT / "screenshots" / options.notebook.stem
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("page-*.png"), *folder.glob("playground-*.png")]:
        old.unlink()
    start = time.perf_counter()
    browser = Browser(options.width, options.page_height, options.zoom)
    with Lab([options.notebook], dark=options.dark) as lab, browser:
        view = browser.open(lab.url(options.notebook.name))
        failed = [] if options.stored else _run(view)
        written = save_pages(view, folder)
        if not options.stored:
            written += _play(view, folder)
            failed = failed or view.errors()
    print(*written, sep="\n")
    print(f"{len(written)} pictures in {time.perf_counter() - start:.0f} s")
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("notebook", type=Path)
    add("folder", type=Path, nargs="?")
    add("--dark", action="store_true", help="JupyterLab's dark theme")
    add("--zoom", type=float, default=1, help="the browser's zoom, 1.5 for 150 %%")
    add("--width", type=int, default=1280, help="the window's width in pixels")
    add("--page-height", type=int, default=1600, help="a picture's height in pixels")
    add("--stored", action="store_true", help="show the stored outputs; run nothing")
    return parser.parse_args()


def _run(view: NotebookPage) -> list[str]:
    try:
        view.run_all()
    except RuntimeError as error:
        return [str(error)]
    return []


def _play(view: NotebookPage, folder: Path) -> list[Path]:
    written = []
    for number, cell in enumerate(playgrounds(view), start=1):
        name = f"playground-{number}"
        written.append(save_element(view, cell.place, folder / f"{name}-before.png"))
        for control, changed in move_controls(cell):
            if not changed:
                print(f"{name}: moving '{control}' changed nothing.", file=sys.stderr)
        written.append(save_element(view, cell.place, folder / f"{name}-after.png"))
    for number, card in enumerate(quizzes(view), start=1):
        card.locator("summary").first.click()
        written.append(save_element(view, card, folder / f"quiz-{number}.png"))
    return written


if __name__ == "__main__":
    sys.exit(main())
