"""The reference text: what Python says of its own language, read from Python itself."""

from collections.abc import Iterable
from typing import NamedTuple

from course_utils.errors import CourseError

# Held out whole, by topic: about a tenth of the text each. All are prose on the
# language, and stand in every Python from 3.10 on.
VALIDATION = ("assignment", "attribute-access", "typesmapping")
TEST = ("comparisons", "customization", "execmodel")


class Text(NamedTuple):
    """A text in three parts that share no paragraph.

    >>> Text("to be", "or not", "to be")
    Text(5 characters train, 6 validation, 5 test)
    """

    train: str
    validation: str
    test: str

    def __repr__(self) -> str:
        train, validation, test = map(len, self)
        return f"Text({train} characters train, {validation} validation, {test} test)"


def load_text() -> Text:
    """Load the English reference text that every CPython carries, in three parts.

    It is what `help("assignment")` and 78 more topics print (`pydoc_data.topics`):
    real text, there offline, nothing to download. Some topics quote others, so a
    paragraph is kept once: in the test part, else in the validation part, else in
    training. The text differs a little from one Python to the next.

    Returns:
        `train`, `validation` and `test`, each one string: 302,686, 37,086 and 33,331
        characters in Python 3.11, a tenth more in 3.13.

    Raises:
        CourseError: this Python comes without the text.

    >>> text = load_text()
    >>> len(text.train) > 5 * len(text.test)
    True
    >>> print(text.test[:11])
    Comparisons
    """
    topics = load_topics()
    held_out = {*VALIDATION, *TEST}
    training = sorted(topics.keys() - held_out)
    seen: set[str] = set()
    test = new_paragraphs(topics, TEST, seen)
    validation = new_paragraphs(topics, VALIDATION, seen)
    return Text(new_paragraphs(topics, training, seen), validation, test)


def load_topics() -> dict[str, str]:
    """Return the reference text of this Python by topic.

    Raises:
        CourseError: this Python comes without the text.

    >>> load_topics()["assert"][:20]
    'The "assert" stateme'
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise CourseError(
            "This Python comes without its reference text (pydoc_data.topics). Where "
            "work is graded, that is on purpose: use what your function is given. "
            "Elsewhere, install Python from python.org or conda."
        ) from None
    return topics


def new_paragraphs(topics: dict[str, str], names: Iterable[str], seen: set[str]) -> str:
    r"""Return the paragraphs of the named topics that were not seen, each once.

    >>> new_paragraphs({"a": "One.\n\nTwo.", "b": "Three.\n\nOne."}, "ab", {"Two."})
    'One.\n\nThree.'

    Args:
        topics: their texts.
        names: of the topics.
        seen: the paragraphs' words; those that are returned are added.
    """
    kept = []
    for name in names:
        for paragraph in topics.get(name, "").split("\n\n"):
            words = " ".join(paragraph.split())  # the same at another indentation
            if words and words not in seen:
                seen.add(words)
                kept.append(paragraph.strip("\n"))
    return "\n\n".join(kept)
