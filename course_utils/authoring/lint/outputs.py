"""Rules for stored outputs: pictures everybody can read, and nothing of a machine."""

import base64
import html
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from course_utils.authoring.lint.document import (
    Document,
    sample,
    tags,
)
from course_utils.display.bundles import CAPTION_CLASS, ERROR_CLASS

MAX_PICTURE = 60 * 1024  # bytes
MAX_WIDTH = 100  # characters
MACHINE = r"/(home|root|tmp|Users)/|[A-Z]:\\+Users|site-packages|dist-packages"
EMPTY_WORDS = r"(?i)(an? |the )?(plot|figure|graph|image|picture|chart) (of|showing)\b"
IGNORE = "nbval-ignore-output"


def _outputs(document: Document) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    """Yield (cell, output) for every output."""
    for cell in document.code:
        for output in cell.outputs:
            yield cell, output


def _pictures(document: Document) -> Iterator[tuple[NotebookNode, NotebookNode, str]]:
    """Yield (cell, output, description) for every PNG."""
    for cell, output in _outputs(document):
        if "image/png" in output.get("data", {}):
            yield cell, output, output.data.get("text/plain", "").strip()


def no_errors(document: Document) -> list[str]:
    """No output is an error, or a drawing that failed.

    >>> error = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
    >>> no_errors(sample(code="1 / 0", output=error))
    ["cell 1 ('1 / 0') stores an error"]
    """
    return [
        f"{document.place(cell)} stores an error"
        for cell, output in _outputs(document)
        if output.output_type == "error" or ERROR_CLASS in str(output)
    ]


def no_warnings(document: Document) -> list[str]:
    """No output is a warning.

    >>> text = {"output_type": "stream", "name": "stderr", "text": "UserWarning: no"}
    >>> no_warnings(sample(code="f()", output=text))
    ["cell 1 ('f()') stores a warning"]
    """
    return [
        f"{document.place(cell)} stores a warning"
        for cell, output in _outputs(document)
        if output.get("name") == "stderr" and "Warning" in output.text
    ]


def few_outputs_ignored(document: Document) -> list[str]:
    """A tenth of the outputs at most are not compared; from lesson 10 on, 35 %.

    >>> text = {"output_type": "stream", "name": "stdout", "text": "12:00"}
    >>> few_outputs_ignored(sample(tags=["nbval-ignore-output"], output=text))
    ['100% of the outputs are ignored by nbval, over 10%']
    """
    shown = [cell for cell in document.code if cell.outputs]
    share = sum(IGNORE in tags(cell) for cell in shown) / max(1, len(shown))
    most = 0.35 if document.number >= 10 else 0.10
    if share <= most:
        return []
    return [f"{share:.0%} of the outputs are ignored by nbval, over {most:.0%}"]


def pictures_described(document: Document) -> list[str]:
    """A picture's description says what it shows, the same in all three places.

    >>> png = {"image/png": "", "text/plain": "<Figure size 640x480>"}
    >>> output = {"output_type": "display_data", "metadata": {}, "data": png}
    >>> pictures_described(sample(code="draw()", output=output))
    ["cell 1 ('draw()'): a picture has no description"]
    """
    problems = []
    for cell, output, description in _pictures(document):
        alts = [output.metadata, output.metadata.get("image/png", {})]
        if not description or description.startswith("<Figure"):
            problem = "a picture has no description"
        elif any(alt.get("alt", "").strip() != description for alt in alts):
            problem = "the alt metadata differ from the description"
        elif re.match(EMPTY_WORDS, description):
            problem = f"'{description[:30]}…' says nothing"
        else:
            continue
        problems.append(f"{document.place(cell)}: {problem}")
    return problems


def pictures_captioned(document: Document) -> list[str]:
    """A picture's description is visible below it.

    >>> png = {"image/png": "", "text/plain": "Two lines that cross at 3."}
    >>> output = {"output_type": "display_data", "metadata": {}, "data": png}
    >>> pictures_captioned(sample(code="draw()", output=output))
    ["cell 1 ('draw()'): a description is not visible below"]
    """
    problems = []
    for cell, output, description in _pictures(document):
        after = next(i for i, o in enumerate(cell.outputs) if o is output) + 1
        below = cell.outputs[after : after + 1]
        page = "".join(o.get("data", {}).get("text/html", "") for o in below)
        if CAPTION_CLASS not in page or description not in html.unescape(page):
            where = document.place(cell)
            problems.append(f"{where}: a description is not visible below")
    return problems


def pictures_small(document: Document) -> list[str]:
    """A picture has 60 KB or less.

    >>> png = {"image/png": "AAAA" * 20_481}
    >>> output = {"output_type": "display_data", "metadata": {}, "data": png}
    >>> pictures_small(sample(code="draw()", output=output))
    ["cell 1 ('draw()'): a picture of 61,443 bytes"]
    """
    problems = []
    for cell, output, _ in _pictures(document):
        size = len(base64.b64decode(output.data["image/png"]))
        if size > MAX_PICTURE:
            problems.append(f"{document.place(cell)}: a picture of {size:,} bytes")
    return problems


def lines_fit_the_page(document: Document) -> list[str]:
    """No printed line has more than 100 characters.

    >>> text = {"output_type": "stream", "name": "stdout", "text": "-" * 101}
    >>> lines_fit_the_page(sample(code="f()", output=text))
    ["cell 1 ('f()') prints 101 characters wide"]
    """
    problems = []
    for cell, output in _outputs(document):
        text = output.get("text", "")
        if output.output_type == "execute_result":
            text += output.data.get("text/plain", "")
        widest = max(map(len, text.splitlines()), default=0)
        if widest > MAX_WIDTH:
            problems.append(f"{document.place(cell)} prints {widest} characters wide")
    return problems


def no_local_paths(document: Document) -> list[str]:
    """No output names a folder of the machine that it was made on.

    >>> text = {"output_type": "stream", "name": "stdout", "text": "/home/ada/x.png"}
    >>> no_local_paths(sample(code="f()", output=text))
    ["cell 1 ('f()') shows a path: '/home/'"]
    """
    problems = []
    for cell, output in _outputs(document):
        data = {k: v for k, v in output.get("data", {}).items() if k != "image/png"}
        text = output.get("text", "") + str(data)
        if path := re.search(MACHINE, text):
            where = document.place(cell)
            problems.append(f"{where} shows a path: '{path.group()}'")
    return problems


RULES = [
    no_errors,
    no_warnings,
    few_outputs_ignored,
    pictures_described,
    pictures_captioned,
    pictures_small,
    lines_fit_the_page,
    no_local_paths,
]
