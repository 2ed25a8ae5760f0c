"""The cells of a lesson that its playgrounds need: the others, often long, don't run.

It is read from the code, which can't tell everything: what a function changes behind
one's back, or random numbers that a cell takes from a generator. So what comes of the
chosen cells is compared with what the lesson has stored (`recording`), and where the
two differ, all cells run.
"""

import ast
import builtins
import re
from collections.abc import Iterator, Sequence

# Calls that only look at their arguments.
_LOOKING = {"print", "show", "ask", "check", "measured", "assert_close"}
_ALWAYS = re.compile(r"(?m)^(?:import |from |.*\bsetup\()")
# Methods that change what they belong to, beside those that end in '_'.
_CHANGING = {"append", "backward", "eval", "extend", "fill", "load_state_dict", "step"}
_CHANGING |= {"pop", "requires_grad_", "reset", "set", "train", "update", "zero_grad"}
_FUNCTION = (ast.FunctionDef, ast.Lambda)


def needed(sources: Sequence[str], goals: Sequence[int]) -> list[int]:
    """Return the places of the cells to run so that those at `goals` can.

    Args:
        sources: the code of all cells, in order.
        goals: the places of the cells that are wanted.

    >>> needed(["a = 1", "b = train()", "c = [a]", "c.append(2)", "draw(c)"], [4])
    [0, 2, 3, 4]
    """
    trees = [ast.parse(_python(source)) for source in sources]
    imported = {name for tree in trees for name in _imported(tree)}
    own = {
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    chosen: list[int] = []
    names: set[str] = set()
    for place in reversed(range(max(goals, default=-1) + 1)):
        tree = trees[place]
        stored, changed = _stored(tree), _changed(tree, own)
        wanted = place in goals or _ALWAYS.search(sources[place])
        if wanted or names & (stored | changed):
            chosen.append(place)
            names -= _replaced(tree)
            names |= _read(tree) - imported
    return chosen[::-1]


def _python(source: str) -> str:
    """Return a cell without the lines that are IPython's alone."""
    return re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", source)


def _outside(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs with the cell itself: all but the bodies of functions."""
    for child in ast.iter_child_nodes(tree):
        yield child
        if not isinstance(child, _FUNCTION):
            yield from _outside(child)


def _imported(tree: ast.AST) -> set[str]:
    return {
        node.asname or node.name.split(".")[0]
        for node in _outside(tree)
        if isinstance(node, ast.alias)
    }


def _stored(tree: ast.AST) -> set[str]:
    """Return the names that a cell gives a value."""
    names = set()
    for node in _outside(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
    return names


def _replaced(tree: ast.Module) -> set[str]:
    """Return the names whose values from cells before are gone for certain."""
    names = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {n for target in targets for n in _names_in(target)}
    return names


def _names_in(target: ast.expr) -> Iterator[str]:
    match target:
        case ast.Name(id=name):
            yield name
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from _names_in(part)


def _read(tree: ast.AST) -> set[str]:
    """Return the names that a cell's code needs from outside, also in its functions."""
    names: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                names.add(name)
            case ast.AugAssign(target=ast.Name(id=name)):
                names |= {name} | _read(node)
            case _:
                names |= _read(node)
    if isinstance(tree, _FUNCTION):
        arguments = {
            node.arg for node in ast.walk(tree.args) if isinstance(node, ast.arg)
        }
        names -= arguments
        if isinstance(tree, ast.FunctionDef):
            names -= _stored(tree)
    if isinstance(tree, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        names -= _stored(tree)
    return names - set(vars(builtins))


def _changed(tree: ast.AST, own: set[str]) -> set[str]:
    """Return the names whose values a cell may change: by a call, or in a part.

    Args:
        tree: the cell's code.
        own: the functions of the lesson, which may change what they are given.
    """
    names: set[str] = set()
    for node in _outside(tree):
        match node:
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                names |= _read(node)
            case ast.Expr(value=ast.Call() as call):
                names |= _given(call)
            case ast.Call(func=ast.Name(id=name)) if name in own:
                names |= _given(node)
            case ast.Call(func=ast.Attribute(attr=name)) if (
                name in _CHANGING or name.endswith("_")
            ):
                names |= _given(node)
    return names


def _given(call: ast.Call) -> set[str]:
    """Return the names that a call gets, and the one that it belongs to."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _LOOKING:
            return set()
    parts = [*call.args, *(keyword.value for keyword in call.keywords)]
    if isinstance(call.func, ast.Attribute):
        parts.append(call.func.value)
    return {name for part in parts for name in _read(ast.Expression(part))}
