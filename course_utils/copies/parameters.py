"""The cell of a lesson's parameters: values that a learner changed, in a new lesson."""

import ast
import io
import tokenize
from contextlib import suppress
from typing import NamedTuple


class Carried(NamedTuple):
    """A cell of parameters with the learner's values in it.

    Attributes:
        source: the text of the cell.
        names: of the parameters that have the learner's values.
        complete: whether everything that the learner changed is in it.
    """

    source: str
    names: list[str]
    complete: bool


def carry_parameters(mine: str, new: str, released: str | None) -> Carried:
    """Put the values that a learner changed into the new lesson's parameters.

    Args:
        mine: the learner's cell.
        new: the cell of the new lesson.
        released: the cell as the learner was given it; None if that is not known:
            then what differs from the new lesson counts as changed.

    Returns:
        The new cell with those values. A parameter that the new lesson has not, a
        comment of the learner's, or a cell that is no Python makes it incomplete.

    Example:
        >>> carry_parameters("seed = 7", 'device = "auto"\\nseed = 0', "seed = 0")
        Carried(source='device = "auto"\\nseed = 7', names=['seed'], complete=True)
    """
    if released is not None and new.rstrip() == released.rstrip():
        before, after = _values(new), _values(mine)
        names = [name for name in after if after[name] != before.get(name)]
        return Carried(mine, names, True)
    try:
        ast.parse(mine)
    except (SyntaxError, ValueError):
        return Carried(new, [], False)
    values, known = _values(mine), _values(new if released is None else released)
    wanted = {name: text for name, text in values.items() if known.get(name) != text}
    course_s = _comments(new) | _comments(released or "")
    complete = (
        set(wanted) <= set(_values(new))
        and not _other_lines(mine)
        and _comments(mine) <= course_s
    )
    return _replaced(new, wanted, complete)


def _replaced(new: str, wanted: dict[str, str], complete: bool) -> Carried:
    """Put values into a cell, from its end on, so that places before stay right."""
    lines = new.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:row])) for row in range(len(lines) + 1)]
    content, names = new.encode(), []
    for name, value in reversed(_assignments(new)):
        if name in wanted:
            start = starts[value.lineno - 1] + value.col_offset
            end = starts[(value.end_lineno or 1) - 1] + (value.end_col_offset or 0)
            content = content[:start] + wanted[name].encode() + content[end:]
            names.insert(0, name)
    return Carried(content.decode(), names, complete)


def _assignments(source: str) -> list[tuple[str, ast.expr]]:
    """Return name and value of each plain assignment; none where it is no Python."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return []
    found: list[tuple[str, ast.expr]] = []
    for statement in body:
        match statement:
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(
                ast.Name(name), _, ast.expr() as value
            ):
                found.append((name, value))
    return found


def _values(source: str) -> dict[str, str]:
    return {name: ast.unparse(value) for name, value in _assignments(source)}


def _other_lines(source: str) -> bool:
    """Return whether a cell does more than assign parameters."""
    return len(ast.parse(source).body) != len(_assignments(source))


def _comments(source: str) -> set[str]:
    """Return the comments of a cell; those above the first fault where one is."""
    found: set[str] = set()
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                found.add(token.string)
    return found
