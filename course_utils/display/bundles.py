"""Output bundles: each MIME type and each piece of shared markup is written here."""

import base64
import html
import re

HTML = "text/html"
PLAIN = "text/plain"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CHECK = "application/vnd.course.check+json"

# CSS classes: tests, lint and the browser find the course's outputs by them.
CAPTION_CLASS = "course-caption"
CHECK_CLASS = "course-check"
ERROR_CLASS = "course-error"
PICTURE_CLASS = "course-picture"
PLAYGROUND_CLASS = "course-playground"
QUESTION_CLASS = "course-quiz"
STILL_CLASS = "course-still"  # a playground's picture where no kernel runs

# A picture's data inside the HTML that shows it.
DATA_URI = r"data:image/png;base64,([A-Za-z0-9+/=]+)"

# A screen reader reads a changed text with this out when the reader is idle.
LIVE = 'aria-live="polite"'

Bundle = dict[str, object]  # an output's data or metadata, by MIME type


def widget_view(model_id: str) -> Bundle:
    """Return the bundle entry that shows the widget with this model id.

    >>> widget_view("ab12")["application/vnd.jupyter.widget-view+json"]["model_id"]
    'ab12'
    """
    return {WIDGET_VIEW: {"version_major": 2, "version_minor": 0, "model_id": model_id}}


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


def picture_bundle(png: bytes, alt: str, width: int, height: int) -> dict[str, str]:
    """Return the output data of a picture, its description as the `alt` of an image.

    HTML and no image/png beside it: JupyterLab gives a PNG no `alt`, and two types
    would store the picture twice.

    >>> picture_bundle(b"", "A < B.", 420, 300)["text/html"]  # doctest: +ELLIPSIS
    '<img class="course-picture" alt="A &lt; B." width="420" height="300" ...>'
    """
    data = base64.b64encode(png).decode("ascii")
    page = (
        f'<img class="{PICTURE_CLASS}" alt="{html.escape(alt)}" '
        f'width="{width}" height="{height}" '
        'style="max-width:100%;height:auto;border-radius:6px" '
        f'src="data:image/png;base64,{data}">'
    )
    return {HTML: page, PLAIN: alt}


def stored_picture(page: str) -> bytes | None:
    """Return the PNG in the HTML of a picture, None where there is no picture.

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
    # Paler by opacity, which no frontend strips and every theme can bear.
    style = "margin:.2em 0 .4em 0;line-height:1.45;max-width:46em;opacity:.8"
    classes = f"{CAPTION_CLASS} {ERROR_CLASS}" if error else CAPTION_CLASS
    texts = [text for text in paragraphs if text]
    lines = "".join(f'<p style="{style}">{html.escape(text)}</p>' for text in texts)
    return {
        HTML: f'<div class="{classes}" {LIVE}>{lines}</div>',
        PLAIN: "\n".join(texts),
    }
