"""Code that is read and never run: which names it needs, and what its functions say."""

import ast
import functools
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from dis import get_instructions
from types import CodeType, FunctionType
from typing import Any

# What makes a text no program: the compiler gives up on some in its own ways.
NOT_PYTHON = (SyntaxError, ValueError, MemoryError, RecursionError)

_MODULES = ("torch", "math", "functools", "itertools", "numpy")
# What torch imports late, for seconds, with what a text that needs it says. Imported
# before the forks, it costs no answer's time.
_LATE = (
    (r"optim", "torch._dynamo"),
    (r"backward\([^)]|grad_outputs", "torch.fx.experimental.symbolic_shapes"),
)


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


def read_answer(before: Sequence[str], cell: str, name: str, file: str) -> Any:
    """Return what a cell defines under a name: a function to look at, never to run.

    A class comes back with its methods and no bases. Where the text does not show what
    the name is, the whole cell comes back as a function without parameters.

    Args:
        before: what runs before the cell, as far as it needs it.
        cell: the learner's text.
        name: what the answer is called.
        file: the name of the text in tracebacks.

    Raises:
        SyntaxError: and others of `NOT_PYTHON`.

    >>> answer = read_answer([], "def f(x):\\n    return x.exit()", "f", "<f>")
    >>> answer.__code__.co_varnames, answer.__code__.co_names
    (('x',), ('exit',))
    """
    scope: dict[str, Any] = {}
    for text in before:
        try:
            _read_into(scope, text, "<before>")
        except NOT_PYTHON:
            continue
    scope.pop(name, None)
    _read_into(scope, cell, file)
    whole = FunctionType(compile(cell, file, "exec"), scope)
    found = scope.get(name)
    return whole if found is None else found


def _read_into(scope: dict[str, Any], text: str, file: str) -> None:
    for node in ast.parse(text).body:
        for name, value in _defined(node, scope, file):
            scope[name] = value


def _defined(
    node: ast.stmt, scope: dict[str, Any], file: str
) -> Iterator[tuple[str, Any]]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield node.name, _function(node, scope, file)
        case ast.ClassDef():
            methods = {
                part.name: _function(part, scope, file)
                for part in node.body
                if isinstance(part, ast.FunctionDef)
            }
            yield node.name, type(node.name, (), methods)
        case ast.Import():
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                yield name, _module(alias.name if alias.asname else name)
        case ast.ImportFrom(module=str(module)):
            for alias in node.names:
                found = getattr(_module(module), alias.name, None)
                yield alias.asname or alias.name, found
        case ast.Assign(targets=[ast.Name(name)], value=value):
            yield name, _value(value, scope, file)


def _function(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
    scope: dict[str, Any],
    file: str,
) -> Any:
    """Make a function of its text, without what would run at its definition."""
    if isinstance(node, ast.Lambda):
        code = compile(ast.Expression(node), file, "eval")
    else:
        node.decorator_list = []
        code = compile(ast.Module([node], []), file, "exec")
    body = next(c for c in code.co_consts if isinstance(c, CodeType))
    return FunctionType(body, scope)


def _value(node: ast.expr, scope: dict[str, Any], file: str) -> Any:
    match node:
        case ast.Lambda():
            return _function(node, scope, file)
        case ast.Name(name):
            return scope.get(name)
        case ast.Attribute(value, name):
            place = _value(value, scope, file)
            return getattr(place, name, None) if _is_known(place) else None
        case ast.Call(function, [first, *_]):
            if _value(function, scope, file) is functools.partial:
                return _value(first, scope, file)
    return None


def _module(name: str) -> Any:
    """Return a module that is loaded and known to be harmless; else None."""
    known = name.partition(".")[0] in _MODULES
    return sys.modules.get(name) if known else None


def _is_known(place: Any) -> bool:
    name = getattr(place, "__name__", "")
    return isinstance(name, str) and _module(name) is place


def late_modules(texts: str | None = None) -> list[str]:
    """Return what to import before code is run: all, or what these texts need.

    >>> late_modules("optimizer = torch.optim.SGD(model.parameters())")
    ['torch._dynamo']
    """
    return [m for needs, m in _LATE if texts is None or re.search(needs, texts)]
