"""Folding: what answers a prediction waits, folded, until it is opened."""

import base64
import html
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from course_utils.display.bundles import (
    FOLD_CLASS,
    HTML,
    MEASURED,
    PICTURE_CLASS,
    PLAIN,
    PNG,
    WIDE,
    Bundle,
    details,
    pointed_at,
)

# The cell that gives the answer away may come after one or two that only define.
REACH = 3  # cells
# Whatever else a cell shows is live, or made for a program to read. What measured
# values say to programs is passed on beside the fold.
_FOLDABLE = {HTML, PLAIN, PNG, MEASURED}
# As what is printed looks elsewhere: pages that nbconvert makes set no font here.
_FONTS = "Menlo,Consolas,'DejaVu Sans Mono',monospace"
_PRINTED = f"margin:0;font-family:{_FONTS};font-size:.93em"
# By the first two a progress bar writes over its line, the last begins a colour.
_LIVE_TEXT = ("\r", "\b", "\x1b")


def fold_next_output(count: int = 1) -> None:
    """Have the next output of this notebook shown folded; without a kernel, do nothing.

    Of the next three cells, the first that puts out anything has all of it collected,
    and published as one folded output when it ends. An error, stderr and what is live
    (a widget, a display that is updated, a progress bar) are shown as ever; after an
    error or something live, so is all else that this cell puts out. What an earlier
    cell shows may be updated meanwhile.

    Args:
        count: how many cells' outputs are folded; each is looked for in three cells.

    >>> fold_next_output()  # no kernel here
    """
    from IPython.core.getipython import get_ipython  # see `ask`

    global _waiting
    shell: Any = get_ipython()
    if not hasattr(shell, "kernel"):
        return
    if _waiting:
        _waiting.give_up()
    _waiting = _Fold(shell, count)


@dataclass
class _Piece:
    """One output: a bundle, or what was written to stdout as one."""

    data: Bundle
    metadata: Bundle = field(default_factory=dict)
    written: bool = False


class _Fold:
    """Stands between one cell and the page, and holds back what the cell puts out."""

    def __init__(self, shell: Any, count: int) -> None:
        self._shell = shell
        self._left = count  # outputs still to be folded
        self._stdout: Any = None
        self._as_ever: Any = None  # what publishes, between cells
        self._cells = 0  # begun since the question, or since the last fold
        self._depth = 0  # a cell can run another: %%capture does
        self._pieces: list[_Piece] = []
        self._replaced = ExitStack()  # closing it puts the originals back
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def give_up(self) -> None:
        """Show what was held back as it would have been, and hold nothing more."""
        self._stop()
        for piece in self._pieces:
            if piece.written:
                self._stdout.write(piece.data[PLAIN])
            else:
                self._shell.display_pub.publish(piece.data, piece.metadata)

    def _begin(self, _info: object) -> None:
        self._depth += 1
        if self._depth > 1:
            return
        self._cells += 1
        self._stdout = sys.stdout
        shell = self._shell
        self._as_ever = shell.display_pub.publish
        self._replace(self._stdout, "write", self._write)
        self._replace(shell.display_pub, "publish", self._publish)
        self._replace(shell.display_pub, "clear_output", self._clear_output)
        self._replace(shell.displayhook, "write_format_data", self._show_result)
        self._replace(shell, "_showtraceback", self._show_error)

    def _end(self, _result: object) -> None:
        self._depth = max(0, self._depth - 1)  # the first to end is the one that asks
        if self._depth:
            return
        self._replaced.close()
        held, self._pieces = self._pieces, []
        if held:
            self._left -= 1
            self._cells = 0
        if not self._left or self._cells == REACH:
            self._stop()
        if held:
            self._shell.display_pub.publish(_folded(held))

    def _stop(self) -> None:
        global _waiting
        _waiting = None
        self._replaced.close()
        self._shell.events.unregister("pre_run_cell", self._begin)
        self._shell.events.unregister("post_run_cell", self._end)

    def _replace(self, owner: Any, name: str, stand_in: object) -> None:
        """Give one object another method, until `_replaced` is closed."""
        own = vars(owner)
        if name in own:
            self._replaced.callback(setattr, owner, name, own[name])
        else:
            self._replaced.callback(delattr, owner, name)
        setattr(owner, name, stand_in)

    # The stand-ins, each with the signature of what it stands in for.

    def _write(self, text: str) -> int:
        if any(sign in text for sign in _LIVE_TEXT):
            self.give_up()
            return self._stdout.write(text)
        self._pieces.append(_Piece({PLAIN: text}, written=True))
        return len(text)

    def _publish(
        self, data: Bundle, metadata: Bundle | None = None, **options: Any
    ) -> None:
        if options.get("update"):  # first shown by an earlier cell, or we had given up
            self._as_ever(data, metadata, **options)
        elif any(options.values()) or not _FOLDABLE.issuperset(data):
            self.give_up()
            self._shell.display_pub.publish(data, metadata, **options)
        else:
            self._pieces.append(_Piece(data, metadata or {}))

    def _clear_output(self, wait: bool = False) -> None:
        self.give_up()
        self._shell.display_pub.clear_output(wait)

    def _show_result(self, data: Bundle, metadata: Bundle | None = None) -> None:
        if not _FOLDABLE.issuperset(data):
            self.give_up()
            self._shell.displayhook.write_format_data(data, metadata)
        else:
            self._pieces.append(_Piece(data, metadata or {}))

    def _show_error(self, *error: Any) -> None:
        self.give_up()
        self._shell._showtraceback(*error)


# Global on purpose: one kernel runs one notebook.
_waiting: _Fold | None = None


def _folded(pieces: list[_Piece]) -> Bundle:
    """Return the pieces as one bundle: folded HTML, and all their text in order.

    Of measured values, it has a list of what they say to programs.
    """
    joined: list[_Piece] = []
    for written, group in groupby(pieces, key=lambda piece: piece.written):
        if written:
            text = "".join(str(piece.data[PLAIN]) for piece in group)
            joined.append(_Piece({PLAIN: text}, written=True))
        else:
            joined += group
    page = "".join(map(_page, joined))
    body = f'<div style="padding:4px 12px 10px;overflow-x:auto">{page}</div>'
    texts = [str(piece.data.get(PLAIN, "")) for piece in joined]
    ends = ["" if piece.written else "\n" for piece in joined[:-1]]
    name = "What it draws" if any(map(_is_picture, joined)) else "What it prints"
    fold = details(name, body, FOLD_CLASS)
    measured = [piece.data[MEASURED] for piece in joined if MEASURED in piece.data]
    return {
        HTML: f'{pointed_at(FOLD_CLASS)}<div style="max-width:{WIDE}px">{fold}</div>',
        PLAIN: "".join(map("".join, zip(texts, [*ends, ""], strict=True))),
        **({MEASURED: measured} if measured else {}),
    }


def _is_picture(piece: _Piece) -> bool:
    return PNG in piece.data or PICTURE_CLASS in str(piece.data.get(HTML, ""))


def _page(piece: _Piece) -> str:
    """Return a piece as HTML."""
    if HTML in piece.data:
        return str(piece.data[HTML])
    text = str(piece.data.get(PLAIN, ""))
    if PNG not in piece.data:
        # Quotes stay quotes, for the rules by which stored outputs are compared.
        shown = html.escape(text.rstrip("\n"), quote=False)
        return f'<pre style="{_PRINTED}">{shown}</pre>'
    picture = piece.data[PNG]
    if isinstance(picture, bytes):  # IPython's own formatters leave it so
        picture = base64.b64encode(picture).decode()
    source = f"data:{PNG};base64,{picture}"
    style = "max-width:100%;margin:4px 0"
    return f'<img alt="{html.escape(text)}" src="{source}" style="{style}">'
