"""A lesson as a page: what its notebook becomes before Sphinx reads it."""

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from course_utils.authoring.links import NEIGHBOURS
from course_utils.display.bundles import (
    DATA_URI,
    HTML,
    PLAIN,
    WIDGET_VIEW,
    details,
    markup,
)
from course_utils.exercises.model import Exercise
from course_utils.site.errors import shows_error
from course_utils.site.moving import Moving
from course_utils.site.touching import Touching

# What a reader of the page has no use for: the parameters of a run, and the links to
# the neighbours, which the page has at its foot anyway.
_DROPPED = {"parameters"}
_BADGE = re.compile(r"(?m)^\[!\[Open in Colab\].*$\n*")
_TITLE = re.compile(r"\A# @title (.*)\n")
_CHECKED = re.compile(r'\bcheck\(\s*"([\w.]+)"')

Store = Callable[[bytes, str], str]  # a picture and its kind; returns its address


def as_page(
    notebook: NotebookNode,
    *,
    store: Store,
    exercises: Mapping[str, Exercise],
    opens: str = "",
    moving: Mapping[str, Moving | Touching] | None = None,
) -> NotebookNode:
    """Return a lesson's notebook as the page shows it. `notebook` is not changed.

    Folded cells stay folded under their titles, cards hide the code that holds their
    answer, pictures become files, and exercises get their hints.

    Args:
        notebook: the lesson, with its outputs.
        store: takes a picture out of the page and returns where it lies.
        exercises: those of the course that the lesson checks, by name.
        opens: Markdown that stands in place of the Colab badge.
        moving: the playgrounds that were drawn in all states, and the widgets whose
            numbers are known, by the id of their cell.
    """
    page = copy.deepcopy(notebook)
    page.metadata.pop("widgets", None)
    page.cells = [
        cell
        for cell in page.cells
        if not _DROPPED.intersection(cell.metadata.get("tags", []))
    ]
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = _text(cell.source, opens)
            cell.pop("attachments", None)
        else:
            _fold(cell)
            _hold(cell, store, exercises)
            if playground := (moving or {}).get(cell.get("id", "")):
                _move(cell, playground)
    return page


def exercises_of(notebook: NotebookNode) -> dict[str, Exercise]:
    """Return the exercises that a lesson checks, by name."""
    from course_utils.exercises.registry import find_exercise

    names = [n for cell in notebook.cells for n in _CHECKED.findall(cell.source)]
    found = {}
    for name in names:
        try:
            found[name] = find_exercise(name)
        except LookupError:  # named in an example only
            continue
    return found


def _text(source: str, opens: str) -> str:
    """Return a text cell without its badge and without links to the neighbours.

    >>> _text("# 1 · Linear layers\\n\\n[![Open in Colab](a)](b)\\n\\nWhy.", "Open it.")
    '# 1 · Linear layers\\n\\nOpen it.\\n\\nWhy.'
    """
    source = _BADGE.sub(lambda _: f"{opens}\n\n" if opens else "", source)
    return re.sub(NEIGHBOURS, "", source).rstrip("\n")


def _fold(cell: NotebookNode) -> None:
    """Fold what has a title; hide the source of a card, which holds the answer."""
    tags = cell.metadata.setdefault("tags", [])
    titled = _TITLE.match(cell.source)
    if "ask" in tags:
        tags.append("remove-input")
    elif titled:
        cell.source = cell.source[titled.end() :]
        tags.append("hide-input")
        said = {"code_prompt_show": titled[1], "code_prompt_hide": titled[1]}
        cell.metadata["mystnb"] = said


def _hold(cell: NotebookNode, store: Store, exercises: Mapping[str, Exercise]) -> None:
    """Leave in a cell's outputs what a page without a kernel can show."""
    kept = []
    for output in cell.outputs:
        data = output.get("data", {})
        if WIDGET_VIEW in data:
            continue
        if HTML in data:
            output.data = {HTML: with_files(data[HTML], store)}
        kept.append(output)
    cell.outputs = kept
    if shows_error(cell):  # the index of error messages leads here
        cell.outputs.insert(0, _html(f'<span id="{cell.id}"></span>'))
    for name in _CHECKED.findall(cell.source):
        if (exercise := exercises.get(name)) and exercise.hints:
            cell.outputs.append(_html(hints(exercise)))


def with_files(page: str, store: Store) -> str:
    """Return HTML whose pictures are files, loaded when they come into view.

    >>> page = '<img alt="A." src="data:image/png;base64,UE5H">'
    >>> with_files(page, lambda picture, kind: f"{picture.decode()}.{kind}")
    '<img loading="lazy" decoding="async" alt="A." src="PNG.png">'
    """
    from base64 import b64decode

    def stored(found: re.Match[str]) -> str:
        kind = "svg" if "svg+xml" in found[0][:24] else "png"
        return store(b64decode(found[1]), kind)

    shown = re.sub(DATA_URI, stored, page)
    if shown == page:
        return page
    return shown.replace("<img ", '<img loading="lazy" decoding="async" ')


def hints(exercise: Exercise) -> str:
    """Return an exercise's hints as HTML, each folded under the one before.

    >>> from course_utils.exercises.registry import find_exercise
    >>> hints(find_exercise("linear.affine"))  # doctest: +ELLIPSIS
    '<div class="site-hints"><details class="site-hint" ...>Hint 1 of ...</div>'
    """
    count = len(exercise.hints)
    page = ""
    for step, hint in reversed(list(enumerate(exercise.hints, start=1))):
        body = f'<div style="padding:2px 12px 10px">{markup(hint)}{page}</div>'
        page = details(f"Hint {step} of {count}", body, "site-hint")
    return f'<div class="site-hints">{page}</div>'


def _move(cell: NotebookNode, playground: Moving | Touching) -> None:
    """Gather a playground's stills in one place that a script brings to life."""
    stills = "".join(output.get("data", {}).get(HTML, "") for output in cell.outputs)
    cell.outputs = [_html(playground.place(stills))]


def _html(page: str) -> NotebookNode:
    data: dict[str, Any] = {HTML: page, PLAIN: ""}
    return new_output("display_data", data)
