"""Output bundles: each MIME type and each piece of shared markup is written here."""

import base64
import html
import re
from zlib import crc32

HTML = "text/html"
PLAIN = "text/plain"
PNG = "image/png"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CHECK = "application/vnd.course.check+json"
SUBMISSION = "application/vnd.course.submission+json"
MEASURED = "application/vnd.course.measured+json"

# CSS classes: tests, lint and the browser find the course's outputs by them.
CAPTION_CLASS = "course-caption"
CHECK_CLASS = "course-check"
ERROR_CLASS = "course-error"
MEASURED_CLASS = "course-measured"
PROGRESS_CLASS = "course-progress"
FOLD_CLASS = "course-fold"
OPTION_CLASS = "course-option"
PICTURE_CLASS = "course-picture"
PLAYGROUND_CLASS = "course-playground"
QUESTION_CLASS = "course-quiz"
SUBMISSION_CLASS = "course-submission"
STILL_CLASS = "course-still"  # a widget's picture where no kernel runs

_POINTED_AT = "rgba(128,128,128,.15)"
# A border that shows on white and on black. (JupyterLab lets no variable through.)
BORDER = "border:1px solid rgba(128,128,128,.85);border-radius:6px"

TO_TOUCH = "Run this cell to touch it."  # in place of a widget, without a kernel

# A full picture's width in pixels: cards, folds and captions end where it does.
WIDE = 760
# Of text at the left edge of JupyterLab's prose, 6 pixels to the right of outputs.
TEXT_WIDTH = f"max-width:{WIDE - 6}px"

# A picture's data inside the HTML that shows it.
DATA_URI = r"data:image/(?:png|svg\+xml);base64,([A-Za-z0-9+/=]+)"

# A screen reader reads a changed text with this out when the reader is idle.
LIVE = 'aria-live="polite"'

Bundle = dict[str, object]  # an output's data or metadata, by MIME type


def widget_view(model_id: str) -> Bundle:
    """Return the bundle entry that shows the widget with this model id.

    >>> widget_view("ab12")["application/vnd.jupyter.widget-view+json"]["model_id"]
    'ab12'
    """
    return {WIDGET_VIEW: {"version_major": 2, "version_minor": 0, "model_id": model_id}}


def still_class(*words: str) -> str:
    """Return the class of what stands for one widget where no kernel runs.

    >>> still_class("line", "A line.")
    'course-still-2491f01c'
    """
    return f"{STILL_CLASS}-{crc32(' '.join(words).encode()):x}"


def still_bundle(data: Bundle, still: str, *, last: bool = False) -> Bundle:
    """Return an output's data so that it stands only where no kernel runs.

    The widget, a later output of the same cell, hides the class `still`. In a notebook
    of yesterday JupyterLab and Notebook 7 find a view but not its widget; the `last`
    of the stills has them say what helps, and not that a model was not found.
    """
    page = f"{data[HTML]}{_run_again(still) if last else ''}"
    return {**data, HTML: f'<div class="{still}">{page}</div>'}


def _run_again(still: str) -> str:
    # An output with a view whose widget is not found: JupyterLab marks it, nbclassic
    # only puts words where the widget would stand.
    lab = ".jp-OutputArea-child", ">.jp-OutputArea-output.jupyter-widgets", ""
    classic = ".output_area", ">.jupyter-widgets-view", ":not(:has(.course-touch))"
    says = "content:'To move it, run this cell.';padding:0 6px;opacity:.8"
    rules = ""
    for output, view, but in (lab, classic):
        lost = f"{output}:has(.{still})~{output}:has({view}){but}"
        rules += f"{lost}{view}{{display:none}}{lost}::after{{{says}}}"
    return f"<style>{rules}</style>"


def markup(text: str) -> str:
    """Return `text` as HTML: `words` between backticks as code, *one* word stressed.

    >>> markup("`a < b` is *not* it")
    '<code>a &lt; b</code> is <em>not</em> it'
    """
    parts = html.escape(text).split("`")
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = f"<code>{part}</code>"
        else:
            parts[index] = re.sub(r"\*(\w+)\*", r"<em>\1</em>", part)
    return "".join(parts)


def unbroken(text: str) -> str:
    r"""Return `text` so that no line ends in '81 %', in '0.4 to 2.5' or in '1e-05'.

    >>> unbroken("0.4 to 2.5, so 81 % of 3 runs")
    '0.4\xa0to\xa02.5, so 81\xa0% of 3 runs'
    """
    kept = r"(?<=\d) (?=%|to [-\d])|(?<=\d to) (?=[-\d])"
    text = re.sub(kept, "\N{NO-BREAK SPACE}", text)
    return re.sub(r"(?<=\de)-(?=\d)", "\N{NON-BREAKING HYPHEN}", text)


def picture_bundle(
    image: bytes, alt: str, width: int, height: int, kind: str = "png"
) -> dict[str, str]:
    """Return the output data of a picture, its description as the `alt` of an image.

    HTML and no image/png beside it: JupyterLab gives a PNG no `alt`, and two types
    would store the picture twice. An SVG inside an image is safe everywhere: nothing
    in it runs, and it loads nothing.

    Args:
        image: the file's content.
        alt: what the picture shows.
        width: in pixels of the page.
        height: in pixels of the page.
        kind: 'png' or 'svg+xml'.

    >>> picture_bundle(b"", "A < B.", 420, 300)["text/html"]  # doctest: +ELLIPSIS
    '<img class="course-picture" alt="A &lt; B." width="420" height="300" ...>'
    """
    data = base64.b64encode(image).decode("ascii")
    page = (
        f'<img class="{PICTURE_CLASS}" alt="{html.escape(alt)}" '
        f'width="{width}" height="{height}" '
        'style="max-width:100%;height:auto;border-radius:6px" '
        f'src="data:image/{kind};base64,{data}">'
    )
    return {HTML: page, PLAIN: alt}


def stored_picture(page: str) -> bytes | None:
    """Return the file in the HTML of a picture, None where there is no picture.

    >>> stored_picture(picture_bundle(b"PNG", "A.", 420, 300)["text/html"])
    b'PNG'
    """
    found = re.search(DATA_URI, page) if PICTURE_CLASS in page else None
    return base64.b64decode(found[1]) if found else None


def caption_bundle(*paragraphs: str, error: bool = False) -> dict[str, str]:
    """Return the output data of a caption: one small paragraph per non-empty text.

    >>> caption_bundle("Loss: 0.07.", "")["text/plain"]
    'Loss: 0.07.'
    """
    # Paler by opacity, which no frontend strips and every theme can bear; at the left
    # edge of JupyterLab's text, which begins 6 pixels to the right of its outputs.
    style = f"margin:.2em 0 .4em 6px;line-height:1.45;{TEXT_WIDTH};opacity:.8"
    classes = f"{CAPTION_CLASS} {ERROR_CLASS}" if error else CAPTION_CLASS
    texts = [text for text in paragraphs if text]
    lines = "".join(
        f'<p style="{style}">{unbroken(html.escape(text))}</p>' for text in texts
    )
    return {
        HTML: f'<div class="{classes}" {LIVE}>{lines}</div>',
        PLAIN: "\n".join(texts),
    }


def pointed_at(css_class: str) -> str:
    """Return the style of what opens, while the mouse is on it, in this class.

    JupyterLab leaves it out where a notebook is not trusted.

    >>> pointed_at("hint")
    '<style>.hint summary:hover{background:rgba(128,128,128,.15)}</style>'
    """
    return f"<style>.{css_class} summary:hover{{background:{_POINTED_AT}}}</style>"


def details(summary: str, body: str, css_class: str, group: str = "") -> str:
    """Return HTML that shows `summary` and opens to `body`, by mouse or by keyboard.

    It needs no kernel.

    Args:
        summary: the HTML of the line that is always there.
        body: the HTML below it.
        css_class: by which tests and lint find it.
        group: opening one of a group closes the others. JupyterLab drops this where a
            notebook is not trusted; there, several can be open.

    >>> details("Hint", "Transpose it.", "hint", "hints")  # doctest: +ELLIPSIS
    '<details class="hint" name="hints" ...>Hint</summary>Transpose it.</details>'
    """
    name = f' name="{group}"' if group else ""
    return (
        f'<details class="{css_class}"{name} style="{BORDER};margin:6px 0 0">'
        f'<summary style="padding:5px 12px;cursor:pointer">{summary}</summary>'
        f"{body}</details>"
    )
