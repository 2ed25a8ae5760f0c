"""The pages beside the lessons, in Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from string import Template
from typing import Any

from course_utils.site.catalogue import Entry, cards
from course_utils.site.plan import drawing

# Where a file of the repository has a page of its own.
PAGES = {
    "README.md": "setup",
    "INSTRUCTORS.md": "instructors",
    "CONTRIBUTING.md": "contributing",
    "CHANGELOG.md": "changelog",
}
PACE = 200  # words that are read in a minute, with formulas and code between them
TEMPLATES = Path(__file__).parent / "templates"
_PUBLIC = re.compile(r"(?m)^from \.(\w+)[\w.]* import (\w+) as")
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def landing(entries: Sequence[Entry], first: str = "") -> str:
    """Return the landing page in MyST Markdown.

    Args:
        entries: the lessons.
        first: HTML that shows a playground which moves.
    """
    lessons = "\n".join(f"{entry.document}" for entry in entries)
    start = f"{entries[0].document}.html" if entries else "setup.html"
    text = (TEMPLATES / "landing.md").read_text(encoding="utf-8")
    return Template(text).substitute(
        start=start, first=first, cards=cards(entries), lessons=lessons
    )


def section(text: str, *headings: str) -> str:
    """Return the sections of a Markdown text under these headings of level 2.

    >>> section("# A\\n\\n## B\\n\\nOne.\\n\\n## C\\n\\nTwo.\\n", "C")
    '## C\\n\\nTwo.\\n'
    """
    parts = re.split(r"(?m)^(?=## )", text)
    found = {part.partition("\n")[0].removeprefix("## "): part for part in parts[1:]}
    return "".join(found[heading] for heading in headings)


def with_links(text: str, repository: str, lessons: Iterable[str] = ()) -> str:
    """Return Markdown whose links to files lead to pages, or to the repository.

    Args:
        text: a page of the repository's root.
        repository: 'owner/name' on GitHub.
        lessons: the names of the notebooks that have a page.

    >>> with_links("[a](README.md), [b](LICENSE), [c](#teach)", "me/course")
    '[a](setup.md), [b](https://github.com/me/course/blob/main/LICENSE), [c](#teach)'
    """
    pages = {name: f"{page}.md" for name, page in PAGES.items()}
    pages |= {f"notebooks/{name}": f"lessons/{name}" for name in lessons}

    def link(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        file, hash_, part = target.partition("#")
        if picture or not file or re.match(r"\w+:", file):
            return found[0]
        if file in pages:
            return f"[{words}]({pages[file]}{hash_}{part})"
        path = PurePosixPath(file)
        place = f"{repository}/blob/main/{path}{hash_}{part}"
        return f"[{words}](https://github.com/{place})"

    return _LINK.sub(link, text)


def opening(entry: Entry, repository: str, words: int) -> str:
    """Return where a lesson can be run and how long it reads, as HTML for its head.

    Args:
        entry: the lesson.
        repository: 'owner/name' on GitHub.
        words: of its text.

    >>> from pathlib import Path
    >>> lesson = Entry(Path("03_dropout.ipynb"), "3 · Dropout", "Why.", "", ())
    >>> print(opening(lesson, "me/course", 4000))  # doctest: +ELLIPSIS
    <p class="site-open">Run it yourself: <a href="https://colab...
    """
    name = f"notebooks/{entry.path.name}"
    places = {
        f"https://colab.research.google.com/github/{repository}/blob/main/{name}": (
            "in Colab"
        ),
        f"https://codespaces.new/{repository}": "in Codespaces",
        f"https://mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/{name}": (
            "in Binder"
        ),
        "../setup.html": "on your machine",
        f"../{name}": "download the notebook",
    }
    links = [f'<a href="{address}">{words}</a>' for address, words in places.items()]
    asks = f"{entry.predictions} predictions on this page."
    return (
        f'<p class="site-open">Run it yourself: {" · ".join(links)}</p>\n'
        f'<p class="site-soft">The text alone reads in about {round(words / PACE)} '
        f'minutes. <span class="site-progress">{asks}</span></p>'
    )


def map_page(entries: Sequence[Entry]) -> str:
    """Return the page that shows which lesson builds on which, in Markdown."""
    text = (TEMPLATES / "map.md").read_text(encoding="utf-8")
    titles = {entry.number: entry for entry in entries}
    rows = []
    for entry in entries:
        before = [titles[number] for number in entry.builds_on if number in titles]
        links = ", ".join(f"[{each.title}]({each.document}.ipynb)" for each in before)
        rows.append(
            f"| [{entry.title}]({entry.document}.ipynb) | {links or 'nothing'} "
            f"| {entry.minutes} |"
        )
    return Template(text).substitute(map=drawing(entries), rows="\n".join(rows))


def prose(cells: Sequence[Any]) -> str:
    """Return what a lesson's text cells say, without headings, code and formulas.

    >>> from nbformat.v4 import new_markdown_cell
    >>> prose([new_markdown_cell("# Loss\\n\\nSay `loss`, or $loss$.")])
    'Say , or .'
    """
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    text = re.sub(r"(?s)```.*?```|\$\$.*?\$\$", "", text)
    return re.sub(r"(?m)^#.*$|`[^`]*`|\$[^$\n]*\$", "", text).strip()


def public(stub: str) -> dict[str, dict[str, str]]:
    """Return the functions and classes of a stub, by family of modules.

    Constants are left out: their docstring is that of their type.

    >>> public("from .display.question import ask as ask")
    {'display': {'ask': 'function'}}
    """
    families: dict[str, dict[str, str]] = {}
    for family, name in sorted(_PUBLIC.findall(stub), key=lambda pair: pair[1].lower()):
        if not name.isupper():
            kind = "class" if name[0].isupper() else "function"
            families.setdefault(family, {})[name] = kind
    return dict(sorted(families.items()))


def api(names: Mapping[str, Mapping[str, str]]) -> str:
    """Return the page of what `import course_utils` gives, by family of modules.

    Args:
        names: of each family the names, and what each is: 'function' or 'class'.

    >>> print(api({"display": {"ask": "function"}}))  # doctest: +ELLIPSIS
    # API
    ...
    .. autofunction:: course_utils.ask
    ...
    """
    parts = [
        "# API",
        "What `from course_utils import …` gives a lesson, from the docstrings.",
    ]
    for family, members in names.items():
        parts.append(f"## {family}")
        for name, kind in members.items():
            parts.append(f"```{{eval-rst}}\n.. auto{kind}:: course_utils.{name}\n```")
    return "\n\n".join(parts) + "\n"
