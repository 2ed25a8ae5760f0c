"""Output bundles: each MIME type and each piece of shared markup is written here."""

import html
import re

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CHECK = "application/vnd.course.check+json"
ERROR_CLASS = "course-error"
CAPTION_CLASS = "course-caption"


def widget_view(model_id: str) -> dict[str, object]:
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


def caption_bundle(*paragraphs: str, error: bool = False) -> dict[str, str]:
    """Return the output data of a caption, with one small paragraph per text.

    >>> caption_bundle("Loss: 0.07.")["text/plain"]
    'Loss: 0.07.'
    """
    style = "margin:0 0 .3em 0;font-size:.9em;max-width:46em;"
    kind = f"{CAPTION_CLASS} {ERROR_CLASS}" if error else CAPTION_CLASS
    shown = [text for text in paragraphs if text]
    lines = "".join(f'<p style="{style}">{html.escape(text)}</p>' for text in shown)
    return {
        "text/html": f'<div class="{kind}" aria-live="polite">{lines}</div>',
        "text/plain": "\n".join(shown),
    }
