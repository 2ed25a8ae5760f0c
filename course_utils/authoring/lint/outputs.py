"""Rules for stored outputs: pictures everybody can read, and nothing of a machine."""

import base64
import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from nbformat import NotebookNode

from course_utils.authoring.lint.document import (
    Document,
    Messages,
    folded_page,
    printed,
    tags,
)
from course_utils.display.bundles import (
    CAPTION_CLASS,
    DATA_URI,
    ERROR_CLASS,
    FOLD_CLASS,
    HTML,
    PLAIN,
    TO_TOUCH,
    stored_picture,
    unbroken,
)
from course_utils.display.measured import OUTSIDE
from course_utils.display.plots import DPI, WIDTHS

MAX_PICTURE = 90 * 1024  # bytes
MAX_WIDTH = 100  # characters
MACHINE = r"/(home|root|tmp|Users)/|[A-Z]:\\+Users|site-packages|dist-packages"
EMPTY_WORDS = r"(?i)(an? |the )?(plot|figure|graph|image|picture|chart) (of|showing)\b"
IGNORE = "nbval-ignore-output"


def _outputs(document: Document) -> Iterator[tuple[str, NotebookNode]]:
    """Yield (place, output) for every output."""
    for cell in document.code:
        for output in cell.outputs:
            yield document.place(cell), output


class Picture(NamedTuple):
    """A stored picture: where, its HTML, its description, the HTML below it."""

    place: str
    page: str
    description: str
    below: str
    by_show: bool


def _pictures(document: Document) -> Iterator[Picture]:
    """Yield every stored picture that is not folded."""
    for cell in document.code:
        data = [output.get("data", {}) for output in cell.outputs]
        # What stands for a widget is one line between its picture and the caption.
        data = [part for part in data if part != {PLAIN: TO_TOUCH}]
        by_show = bool(re.search(r"(?m)^show\(", cell.source))
        for part, below in zip(data, [*data[1:], {}], strict=False):
            page = part.get(HTML, "")
            if stored_picture(page) is not None and FOLD_CLASS not in page:
                description = part.get(PLAIN, "").strip()
                place = document.place(cell)
                yield Picture(place, page, description, below.get(HTML, ""), by_show)


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
        if OUTSIDE in str(output):  # in a fold too
            yield f"{place} stores a measured value outside its range"


def few_outputs_ignored(document: Document) -> Messages:
    """A tenth of the outputs at most are not compared; from lesson 10 on, 35 %."""
    shown = [cell for cell in document.code if cell.outputs]
    share = sum(IGNORE in tags(cell) for cell in shown) / max(1, len(shown))
    most = 0.35 if document.number >= 10 else 0.10
    if share > most:
        yield f"{share:.0%} of the outputs are ignored by nbval, over {most:.0%}"


def pictures_described(document: Document) -> Messages:
    """A picture's description says what it shows, in its `alt` as in its text."""
    for place, output in _outputs(document):
        if "image/png" in output.get("data", {}):
            yield f"{place}: a picture without alt text: put it on the page by show"
    for picture in _pictures(document):
        alt = re.search(r'\balt="([^"]*)"', picture.page)
        if not picture.description or picture.description.startswith("<Figure"):
            yield f"{picture.place}: a picture has no description"
        elif not alt or html.unescape(alt[1]) != picture.description:
            yield f"{picture.place}: the alt text differs from the description"
        elif re.match(EMPTY_WORDS, picture.description):
            yield f"{picture.place}: '{picture.description[:30]}…' says nothing"


def pictures_captioned(document: Document) -> Messages:
    """A picture's description is visible below it."""
    for picture in _pictures(document):
        below = html.unescape(picture.below)
        # As captions were stored before some spaces were kept in their lines, too.
        texts = {picture.description, unbroken(picture.description)}
        visible = any(text in below for text in texts)
        if CAPTION_CLASS not in picture.below or not visible:
            yield f"{picture.place}: a description is not visible below"


def pictures_small(document: Document) -> Messages:
    """A picture has 90 KB or less."""
    for picture in _pictures(document):
        size = len(stored_picture(picture.page) or b"")
        if size > MAX_PICTURE:
            yield f"{picture.place}: a picture of {size:,} bytes"


def pictures_of_few_widths(document: Document) -> Messages:
    """What `show` puts on the page has one of three widths."""
    widths = [round(DPI * width) for width in WIDTHS]
    for picture in _pictures(document):
        found = re.search(r'\bwidth="(\d+)"', picture.page)
        if picture.by_show and (not found or int(found[1]) not in widths):
            named = " or ".join(str(width) for width in WIDTHS)
            wide = f"{found[1]} pixels" if found else "unknown"
            yield f"{picture.place}: its width is {wide}: make figsize {named} wide"


def folded_pictures(document: Document) -> Messages:
    """A picture in a folded output has a description, and 90 KB or less."""
    for place, output in _outputs(document):
        for image in re.findall(r"<img[^>]*>", folded_page(output)):
            if not re.search(r'\balt="(?!&lt;Figure)[^"]', image):
                yield f"{place}: a folded picture has no description"
            for data in re.findall(DATA_URI, image):
                if (size := len(base64.b64decode(data))) > MAX_PICTURE:
                    yield f"{place}: a folded picture of {size:,} bytes"


def lines_fit_the_page(document: Document) -> Messages:
    """No printed line has more than 100 characters."""
    for place, output in _outputs(document):
        widest = max(map(len, printed(output).splitlines()), default=0)
        if widest > MAX_WIDTH:
            yield f"{place} prints {widest} characters wide"


def no_local_paths(document: Document) -> Messages:
    """No output names a folder of the machine that it was made on."""
    for place, output in _outputs(document):
        # A picture's data may spell a path by chance.
        data = re.sub(DATA_URI, "", str(output.get("data", "")))
        if path := re.search(MACHINE, output.get("text", "") + data):
            yield f"{place} shows a path: '{path.group()}'"
