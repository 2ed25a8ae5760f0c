"""Errors on the way between two processes: their kind, their text, the line."""

import builtins
import linecache
import traceback
from collections.abc import Mapping
from types import CodeType
from typing import Any

import torch

_MOST_TEXT = 2_000
_MOST_FRAMES = 20

Json = Any


def write_failure(error: BaseException, texts: Mapping[str, str]) -> Json:
    """Describe an error in plain data.

    Args:
        error: what was raised.
        texts: the learner's cells by file name; only lines in them are told.

    >>> write_failure(ValueError("too long"), {})["text"]
    'too long'
    """
    try:
        text = str(error)
    except Exception:
        text = "(without a message that can be read)"
    frames = traceback.extract_tb(error.__traceback__)
    places = [[f.filename, f.lineno] for f in frames if f.filename in texts]
    arguments = [a for a in error.args if type(a) in (str, int)][:5]
    return {
        "kind": type(error).__name__[:100],
        "text": text[:_MOST_TEXT],
        "arguments": [str(a)[:_MOST_TEXT] if type(a) is str else a for a in arguments],
        "places": places[-_MOST_FRAMES:],
    }


class Failure(Exception):
    """An error of a kind that is unknown here; a subclass bears the kind's name."""


def read_failure(data: Json, texts: Mapping[str, str]) -> BaseException:
    """Return the error that plain data describe, as if it came through those lines.

    Args:
        data: from `write_failure`, perhaps by someone who means harm.
        texts: the learner's cells by file name.

    Raises:
        TypeError, KeyError: the data describe no error.

    >>> read_failure(write_failure(KeyError("x"), {}), {})
    KeyError('x')
    """
    kind, text = str(data["kind"]), str(data["text"])[:_MOST_TEXT]
    error = _made(_known(kind), data["arguments"], text)
    if error is None:
        name = kind if kind.isidentifier() else "Error"
        error = type(name, (Failure,), {})(text)
    for file, line in list(data["places"])[-_MOST_FRAMES:][::-1]:
        if file in texts and isinstance(line, int):
            error = _through(error, str(file), min(line, 100_000))
    return error


def know_text(file: str, text: str) -> None:
    """Let tracebacks show the lines of a text that is no file on disk."""
    lines = text.splitlines(keepends=True)
    linecache.cache[file] = (len(text), None, lines, file)


# What would stop the grader itself stays a plain failure.
_NEVER = ("KeyboardInterrupt", "GeneratorExit")


def _known(kind: str) -> type[BaseException] | None:
    for place in (builtins, torch, torch.linalg):
        found = vars(place).get(kind)  # never what torch would import for a name
        if isinstance(found, type) and issubclass(found, BaseException):
            return None if kind in _NEVER else found
    return None


def _made(
    kind: type[BaseException] | None, arguments: Any, text: str
) -> BaseException | None:
    """Make an error that says the same; None if that fails."""
    if kind is None:
        return None
    for args in (tuple(arguments), (text,)):
        try:
            error = kind(*args)
            if str(error) == text:
                return error
        except Exception:
            continue
    return None


def _through(error: BaseException, file: str, line: int) -> BaseException:
    """Raise an error in a line of a text, so that its traceback shows that line."""
    before = error.__traceback__
    error.__traceback__ = None
    try:
        exec(_raising(file, line), {"error": error})
    except BaseException as raised:
        added = raised.__traceback__
        assert added is not None and added.tb_next is not None
        raised.__traceback__ = added.tb_next
        raised.__traceback__.tb_next = before
        return raised
    raise AssertionError("the line above raises")


def _raising(file: str, line: int) -> CodeType:
    return compile("\n" * (line - 1) + "raise error", file, "exec")
