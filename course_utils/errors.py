"""Errors for people: the course's own, and torch's, caught and printed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import fill


class CourseError(RuntimeError):
    """An error the user can fix; the message says how.

    In a notebook it shows as its message alone, without a traceback.

    >>> raise CourseError("seed=-1 can't be used: give 0 or more.")
    Traceback (most recent call last):
        ...
    course_utils.errors.CourseError: seed=-1 can't be used: give 0 or more.
    """

    def _render_traceback_(self) -> list[str]:
        # IPython shows these lines in place of a traceback.
        return [f"{type(self).__name__}: {self}"]


class WorkerLost(RuntimeError):
    """A call was given up: whatever process ran it was lost. The message says so."""


@contextmanager
def expect_error(
    kind: type[BaseException] | tuple[type[BaseException], ...], match: str
) -> Iterator[None]:
    """Run a block that must fail, and print how it failed.

    Prints the error's type, then `match` and the rest of that line of the message.
    What stands before `match` is left out: versions of torch differ there.

    Args:
        kind: the type of error the block must raise, or several.
        match: literal text (no regular expression) that the message must contain.

    Raises:
        CourseError: the block raised nothing, or an error without this text. An
            error of another type passes through.

    >>> with expect_error(ValueError, match="invalid literal"):
    ...     int("two")
    ValueError: invalid literal for int() with base 10: 'two'
    """
    try:
        yield
    except kind as error:
        _, matched, rest = str(error).partition(match)
        if not matched:
            raise CourseError(
                f"expected a {type(error).__name__} saying '{match}', "
                f"but it says: {error}"
            ) from error
        line = f"{match}{rest.splitlines()[0] if rest else ''}"
        print(_wrapped(f"{type(error).__name__}: {line}"))
    else:
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = " or ".join(k.__name__ for k in kinds)
        raise CourseError(f"expected a {names} saying '{match}', but nothing failed.")


def _wrapped(text: str) -> str:
    """Return `text` in lines that fit a page at 200 %, each shape unbroken.

    No word stands alone in the last line.
    """
    glue = "\N{NO-BREAK SPACE}"
    whole = re.sub(r"(?<=\d,) (?=\d)| (?=\S+$)", glue, text)
    return fill(whole, 66, subsequent_indent="  ").replace(glue, " ")
