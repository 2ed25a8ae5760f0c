"""Pages that are safe to open and need no network: a submission's text stays text."""

import base64
import hashlib
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from jinja2.filters import do_mark_safe

from course_utils.display import bundles
from course_utils.exercises.model import SAID
from course_utils.files import write_whole
from course_utils.grading.model import Result
from course_utils.labs.model import FOR_TEACHER
from course_utils.runs.colours import COLOURS

FEEDBACK = "feedback"
_TEMPLATES = Path(__file__).parent / "templates"
# Letters of Persian and of Indian scripts, and many emoji, are joined by these.
_JOINERS = "\u200c\u200d"
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
# No language puts more on one letter; hundreds would cover the lines above.
_MOST_MARKS = 6


def write_page(page: Path, template: str, script: str = "", **values: Any) -> None:
    """Write a page from a template.

    Whatever the values hold is shown as text. Even if some of it were markup, the
    page's policy lets nothing run but `script`, and nothing load.

    Args:
        page: the file to write.
        template: the name of its file in templates/.
        script: the name of a script there; "" for none.
        values: what the template shows.

    Raises:
        OSError: the page can't be written.
    """
    style = COLOURS.read_text(encoding="utf-8") + _text("style.css")
    code = _text(script) if script else ""
    policy = f"default-src 'none'; style-src {_hash(style)}; "
    policy += f"script-src {_hash(code)}; " if code else ""
    policy += "base-uri 'none'; form-action 'none'"
    texts = {"style": style, "script": code, "policy": policy}
    ours = {name: do_mark_safe(text) for name, text in texts.items()}
    text = _environment().get_template(template).render(values | ours)
    write_whole(page, text + "\n")


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["said"] = {state.value: words for state, words in SAID.items()}
    environment.globals["for_teacher"] = FOR_TEACHER
    environment.filters |= {
        "address": address,
        "duration": duration,
        "markup": lambda text: do_mark_safe(bundles.markup(visible(text))),
        "moment": lambda time: time[:16].replace("T", " "),
        "number": lambda value: f"{round(value, 2):g}",
        "short": lambda name: name.partition(".")[2] or name,
    }
    return environment


def _finalize(value: Any) -> Any:
    """Prepare what a template shows; it is escaped after that."""
    safe = hasattr(value, "__html__")
    return visible(value) if isinstance(value, str) and not safe else value


def visible(text: str) -> str:
    r"""Return a text in which signs that hide or reorder others are spelt out.

    >>> visible("a\u202eb")
    'a⟨U+202E⟩b'
    """
    return re.sub(r"[^ -~\t\n]+", _spelt_out, text)


def _spelt_out(found: re.Match[str]) -> str:
    signs, marks = [], 0
    for sign in found[0]:
        kind = unicodedata.category(sign)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        odd = kind in _HIDDEN and sign not in _JOINERS
        spelt = odd or marks > _MOST_MARKS
        signs.append(f"⟨U+{ord(sign):04X}⟩" if spelt else sign)
    return "".join(signs)


def address(result: Result, exercise: str = "") -> str:
    """Return where the class's page finds a learner's, and an exercise in it."""
    page = f"{FEEDBACK}/{quote(result.submission.key)}.html"
    return f"{page}#{quote(exercise)}" if exercise else page


def duration(seconds: float) -> str:
    """Return a time in words.

    >>> duration(0.03), duration(1.25), duration(75)
    ('0.03 s', '1.2 s', '1 min 15 s')
    """
    if seconds < 60:
        return f"{seconds:.{2 if seconds < 1 else 1}f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
