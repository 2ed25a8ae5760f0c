"""Code that is read and never run: what its functions say."""

import ast
import functools
import re
import sys
from collections.abc import Iterator, Sequence
from types import CodeType, FunctionType
from typing import Any

from course_utils.exercises.statements import NOT_PYTHON

_MODULES = ("torch", "math", "functools", "itertools", "numpy")
# What torch imports late, for seconds, with what a text that needs it says. Imported
# before the forks, it costs no answer's time.
_LATE = (
    (r"optim", "torch._dynamo"),
    (r"backward\([^)]|grad_outputs", "torch.fx.experimental.symbolic_shapes"),
)


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
