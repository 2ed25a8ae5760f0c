"""Statements that are read and never run: which names they define and need."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from dis import get_instructions
from types import CodeType

# What makes a text no program: the compiler gives up on some in its own ways.
NOT_PYTHON = (SyntaxError, ValueError, MemoryError, RecursionError)


@dataclass(frozen=True)
class Statement:
    """One statement of a notebook, with the names that it defines and those it needs.

    >>> (statement,) = statements("y = [x + i for i in z]")
    >>> sorted(statement.defines), sorted(statement.needs)
    (['y'], ['x', 'z'])
    """

    source: str
    defines: frozenset[str]
    needs: frozenset[str]


def statements(source: str) -> list[Statement]:
    """Return the statements of a text of Python.

    Raises:
        SyntaxError: and others of `NOT_PYTHON`.
    """
    return [_statement(node) for node in ast.parse(source).body]


def as_python(cell: str) -> str:
    """Return a cell as Python, with the magics of IPython as calls.

    >>> as_python("%matplotlib inline")
    "get_ipython().run_line_magic('matplotlib', 'inline')\\n"
    """
    from IPython.core.inputtransformer2 import TransformerManager  # slow to import

    try:
        return TransformerManager().transform_cell(cell)
    except Exception:  # its tokenizer has errors of its own
        return cell


def _statement(node: ast.stmt) -> Statement:
    source = ast.unparse(node)
    code = compile(source, "<statement>", "exec")
    defines = _names(code, ("STORE_NAME", "STORE_GLOBAL"), deep=False)
    needs = _names(code, ("LOAD_NAME", "LOAD_GLOBAL"), deep=True)
    return Statement(source, frozenset(defines), frozenset(needs))


def _names(code: CodeType, operations: Sequence[str], deep: bool) -> Iterator[str]:
    for instruction in get_instructions(code):
        if instruction.opname in operations:
            yield str(instruction.argval)
    for constant in code.co_consts:
        if deep and isinstance(constant, CodeType):
            yield from _names(constant, operations, deep)


def needed(known: Sequence[Statement], wanted: Iterable[Statement]) -> list[Statement]:
    """Return those of the known statements that the wanted ones need, in order.

    >>> known = statements("import math; half = math.pi / 2; other = 3")
    >>> [s.source for s in needed(known, statements("half + 1"))]
    ['import math', 'half = math.pi / 2']
    """
    names = {name for statement in wanted for name in statement.needs}
    chosen: set[int] = set()
    while True:
        more = {
            place
            for place, statement in enumerate(known)
            if place not in chosen and statement.defines & names
        }
        if not more:
            return [known[place] for place in sorted(chosen)]
        chosen |= more
        names.update(*(known[place].needs for place in more))
