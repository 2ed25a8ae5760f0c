"""Errors as sentences: the course's own, and torch's, caught and shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import fill


class CourseError(RuntimeError):
    """A problem that a person can mend; its message is the sentence that says how.

    In a notebook it shows as that sentence alone, without a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        # IPython shows these lines in place of a traceback.
        return [f"{type(self).__name__}: {self}"]


@contextmanager
def expect_error(
    kind: type[BaseException] | tuple[type[BaseException], ...], match: str
) -> Iterator[None]:
    """Run a block that must fail, and print how it failed.

    Prints the error's type, then `match` and what follows it on the same line.
    What stands before `match` is left out: versions of torch differ there.

    Args:
        kind: the type of error the block must raise, or several.
        match: literal words (no regular expression) that the message must hold.

    Raises:
        CourseError: the block raised nothing, or an error without these words.
    """
    try:
        yield
    except kind as error:
        _, found, rest = str(error).partition(match)
        if not found:
            raise CourseError(
                f"expected a {type(error).__name__} saying '{match}', "
                f"but it says: {error}"
            ) from error
        said = f"{match}{rest.splitlines()[0] if rest else ''}"
        print(fill(f"{type(error).__name__}: {said}", 88, subsequent_indent="  "))
    else:
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = " or ".join(k.__name__ for k in kinds)
        raise CourseError(f"expected a {names} saying '{match}', but nothing failed.")
