"""The glossary, and the links that lead to it from the lessons' words.

Its one source is templates/glossary.md. Sphinx calls this module as an extension: in
each lesson a word of the glossary becomes a link where it comes up first in the prose.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SOURCE = Path(__file__).parent / "templates" / "glossary.md"
PAGE = "glossary"
# Before these lessons the word means something else, such as Jupyter's kernel.
SINCE = {"kernel": 5, "temperature": 3, "stride": 5}
# Lessons that introduce a word which others mention in bold before.
TAUGHT = {"attention": 8, "ReLU": 2, "residual block": 11}
_ENTRY = re.compile(r"(?m)^(\w[^\n]*)\n  (\S[^\n]*)$")
# Where a word is part of something else: a title, a link, code, what a cell put out.
_CLOSED = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.container,
    nodes.thead,
)


@dataclass(frozen=True)
class Term:
    """A word of the glossary.

    Attributes:
        name: the word.
        meaning: its definition, in Markdown.
    """

    name: str
    meaning: str

    @property
    def anchor(self) -> str:
        """Where it stands on the glossary's page, as Sphinx names it."""
        return f"term-{re.sub(r'[^A-Za-z0-9]+', '-', self.name)}"


def terms(text: str) -> list[Term]:
    """Return the words of a glossary, in its order.

    >>> terms("x\\n\\nbias\\n  The number that is added.\\n")
    [Term(name='bias', meaning='The number that is added.')]
    """
    return [Term(*entry) for entry in _ENTRY.findall(text)]


def pattern(found: Iterable[Term]) -> re.Pattern[str]:
    """Return what finds these words, in the plural too; the longest one wins.

    >>> word = pattern([Term("loss", ""), Term("ReLU", "")])
    >>> word.findall("Losses of two ReLUs. A relu is glossy.")
    ['Losses', 'ReLUs']
    """
    names = sorted((term.name for term in found), key=len, reverse=True)
    words = "|".join(map(_any_case, names))
    return re.compile(rf"(?<![\w-])(?:{words})(?:e?s)?(?![\w-])")


def _any_case(name: str) -> str:
    """Return the pattern of a word, which may begin a sentence."""
    if not name.islower():
        return re.escape(name)
    return f"[{name[0]}{name[0].upper()}]{re.escape(name[1:])}"


def by_word(word: str, found: Mapping[str, Term]) -> Term:
    """Return the term that a word of a text is, in the singular or the plural.

    >>> by_word("Losses", {"loss": Term("loss", "")}).name
    'loss'
    """
    for name in (word, word.removesuffix("s"), word.removesuffix("es")):
        for spelled in (name, name[:1].lower() + name[1:]):
            if spelled in found:
                return found[spelled]
    raise LookupError(word)


def page(text: str, lessons: Mapping[str, str]) -> str:
    """Return the glossary with the lesson that introduces each word.

    Args:
        text: the glossary's source.
        lessons: the prose of each lesson, by its document, in order.
    """

    def with_lesson(entry: re.Match[str]) -> str:
        document = introduced(Term(entry[1], entry[2]), lessons)
        if not document:
            return entry[0]
        link = f"[Lesson {number_of(document)}]({document}.ipynb)"
        return f"{entry[0]} {link}."

    return _ENTRY.sub(with_lesson, text)


def introduced(term: Term, lessons: Mapping[str, str]) -> str:
    """Return the lesson that is about a word, or else has it first in bold, or at all.

    >>> introduced(Term("stride", ""), {"a": "A stride.", "b": "Its **stride** is 2."})
    'b'
    """
    word = pattern([term]).pattern
    named = (f"_{term.name}", f"_{term.name}s")
    titled = [name for name in lessons if name.endswith(named)]
    if term.name in TAUGHT:
        titled = [name for name in lessons if number_of(name) == TAUGHT[term.name]]
    bold = [name for name in lessons if re.search(rf"\*\*{word}\*\*", lessons[name])]
    plain = [name for name in lessons if re.search(word, lessons[name])]
    return next(iter([*titled, *bold, *plain]), "")


def number_of(document: str) -> int:
    """Return the number of a lesson's document.

    >>> number_of("lessons/05_convolution")
    5
    """
    return int(Path(document).name[:2])


def _link(app: "Sphinx", doctree: nodes.document, document: str) -> None:
    if not document.startswith("lessons/"):
        return
    number = number_of(document)
    found = {
        term.name: term
        for term in terms(SOURCE.read_text(encoding="utf-8"))
        if number >= SINCE.get(term.name, 0)
    }
    words, linked = pattern(found.values()), set()
    for node in list(doctree.findall(nodes.Text)):
        if any(isinstance(parent, _CLOSED) for parent in _parents(node)):
            continue
        parts: list[nodes.Node] = []
        text, end = node.astext(), 0
        for word in words.finditer(text):
            term = by_word(word[0], found)
            if term.name in linked:
                continue
            linked.add(term.name)
            parts += [nodes.Text(text[end : word.start()]), _reference(word[0], term)]
            end = word.end()
        if parts:
            node.parent.replace(node, [*parts, nodes.Text(text[end:])])


def _parents(node: nodes.Node) -> Iterator[nodes.Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def _reference(word: str, term: Term) -> nodes.reference:
    uri = f"../{PAGE}.html#{term.anchor}"
    link = nodes.reference(
        "", "", refuri=uri, internal=True, classes=["site-term"], reftitle=term.meaning
    )
    link += nodes.inline("", word)
    return link


def setup(app: "Sphinx") -> dict[str, bool]:
    """Have Sphinx link the lessons' words; called by Sphinx."""
    app.connect("doctree-resolved", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
