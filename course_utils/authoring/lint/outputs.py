"""Rules for stored outputs: pictures everybody can read, and nothing of a machine."""

import base64
import html
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from course_utils.authoring.lint.document import Document, Messages, tags
from course_utils.display.bundles import (
    CAPTION_CLASS,
    ERROR_CLASS,
    FOLD_CLASS,
)
from course_utils.display.measured import OUTSIDE

MAX_PICTURE = 60 * 1024  # bytes
MAX_WIDTH = 100  # characters
MACHINE = r"/(home|root|tmp|Users)/|[A-Z]:\\+Users|site-packages|dist-packages"
EMBEDDED = r"data:image/png;base64,([\w+/=\n]+)"
EMPTY_WORDS = r"(?i)(an? |the )?(plot|figure|graph|image|picture|chart) (of|showing)\b"
IGNORE = "nbval-ignore-output"


def _outputs(document: Document) -> Iterator[tuple[str, NotebookNode]]:
    """Yield (place, output) for every output."""
    for cell in document.code:
        for output in cell.outputs:
            yield document.place(cell), output


def _pictures(document: Document) -> Iterator[tuple[str, NotebookNode, str, str]]:
    """Yield (place, output, description, HTML of the next output) for every PNG."""
    for cell in document.code:
        for output, below in zip(cell.outputs, [*cell.outputs[1:], {}], strict=False):
            if "image/png" in output.get("data", {}):
                description = output.data.get("text/plain", "").strip()
                page = below.get("data", {}).get("text/html", "")
                yield document.place(cell), output, description, page


def no_errors(document: Document) -> Messages:
    """No output is an error, or a drawing that failed."""
    for place, output in _outputs(document):
        if output.output_type == "error" or ERROR_CLASS in str(output):
            yield f"{place} stores an error"


def no_warnings(document: Document) -> Messages:
    """No output is a warning."""
    for place, output in _outputs(document):
        if output.get("name") == "stderr" and "Warning" in output.text:
            yield f"{place} stores a warning"


def measured_values_held(document: Document) -> Messages:
    """Every measured value lies in its range."""
    for place, output in _outputs(document):
        if OUTSIDE in str(output):  # folded, there is nothing but its text
            yield f"{place} stores a measured value outside its range"


def few_outputs_ignored(document: Document) -> Messages:
    """A tenth of the outputs at most are not compared; from lesson 10 on, 35 %."""
    shown = [cell for cell in document.code if cell.outputs]
    share = sum(IGNORE in tags(cell) for cell in shown) / max(1, len(shown))
    most = 0.35 if document.number >= 10 else 0.10
    if share > most:
        yield f"{share:.0%} of the outputs are ignored by nbval, over {most:.0%}"


def pictures_described(document: Document) -> Messages:
    """A picture's description says what it shows, the same in all three places."""
    for place, output, description, _ in _pictures(document):
        alts = [output.metadata, output.metadata.get("image/png", {})]
        if not description or description.startswith("<Figure"):
            yield f"{place}: a picture has no description"
        elif any(alt.get("alt", "").strip() != description for alt in alts):
            yield f"{place}: the alt metadata differ from the description"
        elif re.match(EMPTY_WORDS, description):
            yield f"{place}: '{description[:30]}…' says nothing"


def pictures_captioned(document: Document) -> Messages:
    """A picture's description is visible below it."""
    for place, _, description, page in _pictures(document):
        if CAPTION_CLASS not in page or description not in html.unescape(page):
            yield f"{place}: a description is not visible below"


def pictures_small(document: Document) -> Messages:
    """A picture has 60 KB or less."""
    for place, output, *_ in _pictures(document):
        size = len(base64.b64decode(output.data["image/png"]))
        if size > MAX_PICTURE:
            yield f"{place}: a picture of {size:,} bytes"


def folded_pictures(document: Document) -> Messages:
    """A picture in a folded output has a description, and 60 KB or less."""
    for place, output in _outputs(document):
        for image in re.findall(r"<img[^>]*>", _folded(output)):
            if not re.search(r'\balt="(?!&lt;Figure)[^"]', image):
                yield f"{place}: a folded picture has no description"
            for data in re.findall(EMBEDDED, image):
                if (size := len(base64.b64decode(data))) > MAX_PICTURE:
                    yield f"{place}: a folded picture of {size:,} bytes"


def _folded(output: NotebookNode) -> str:
    """Return the HTML of an output that is folded, else ""."""
    page = output.get("data", {}).get("text/html", "")
    return page if FOLD_CLASS in page else ""


def lines_fit_the_page(document: Document) -> Messages:
    """No printed line has more than 100 characters."""
    for place, output in _outputs(document):
        text = output.get("text", "")
        if output.output_type == "execute_result":
            text += output.data.get("text/plain", "")
        printed = re.findall(r"(?s)<pre[^>]*>(.*?)</pre>", _folded(output))
        text += html.unescape("\n".join(printed))
        widest = max(map(len, text.splitlines()), default=0)
        if widest > MAX_WIDTH:
            yield f"{place} prints {widest} characters wide"


def no_local_paths(document: Document) -> Messages:
    """No output names a folder of the machine that it was made on."""
    for place, output in _outputs(document):
        data = {k: v for k, v in output.get("data", {}).items() if k != "image/png"}
        text = re.sub(EMBEDDED, "", output.get("text", "") + str(data))
        if path := re.search(MACHINE, text):
            yield f"{place} shows a path: '{path.group()}'"
