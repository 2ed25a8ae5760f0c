"""The cells of a lesson that its playgrounds need: the others, often long, don't run.

It is read from the code, which can't tell everything: what a function changes behind
one's back, or random numbers that a cell takes from a generator. So what comes of the
chosen cells is compared with what the lesson has stored (`recording`), and where the
two differ, all cells run.
"""

import ast
import builtins
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import chain, repeat, zip_longest

# Calls that only look at their arguments.
_LOOKING = {"print", "show", "ask", "check", "measured", "assert_close", "manual_seed"}
_LOOKING |= {"plot_image", "plot_matrix", "plot_band"}
_LOOKING |= {"evaluating"}  # a lesson's own: it puts the model's mode back at the end
_DRAWS = "# @title Drawing"  # how a cell begins that changes nothing but its picture
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
    own = _changing([node for tree in trees for node in tree.body], imported)
    chosen: list[int] = []
    names: set[str] = set()
    for place in reversed(range(max(goals, default=-1) + 1)):
        tree = trees[place]
        stored, changed = _stored(tree), _changed(tree, own, imported)
        if sources[place].startswith(_DRAWS):
            changed = set()
        wanted = place in goals or _ALWAYS.search(sources[place])
        if wanted or names & (stored | changed):
            chosen.append(place)
            read, replaced = _wanted(tree.body)
            names = (names - replaced) | (read - imported)
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


def _wanted(statements: Sequence[ast.stmt]) -> tuple[set[str], set[str]]:
    """Return the names that statements need from before, and those that they replace.

    Loops are taken to run at least once.

    >>> wanted, replaced = _wanted(ast.parse("for a in b:\\n    c = a + d").body)
    >>> sorted(wanted), sorted(replaced)
    (['b', 'd'], ['a', 'c'])
    """
    wanted: set[str] = set()
    replaced: set[str] = set()
    for node in statements:
        read, stored, bodies = _parts(node)
        wanted |= read - replaced
        replaced |= stored
        for body in bodies:
            inner, given = _wanted(body)
            wanted |= inner - replaced
            if not isinstance(node, ast.If):
                replaced |= given
    return wanted, replaced


def _parts(node: ast.stmt) -> tuple[set[str], set[str], list[list[ast.stmt]]]:
    """Return what a statement reads and replaces first, and the blocks in it."""
    match node:
        case ast.For():
            names = set(_names_in(node.target))
            return _within(node.iter), names, [node.body, node.orelse]
        case ast.With():
            heads = [item.context_expr for item in node.items]
            targets = [item.optional_vars for item in node.items if item.optional_vars]
            names = {name for target in targets for name in _names_in(target)}
            return set().union(*map(_within, heads)), names, [node.body]
        case ast.If():
            return _within(node.test), set(), [node.body, node.orelse]
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return _within(node), {name}, []
        case ast.Assign(targets=targets):
            names = {n for target in targets for n in _names_in(target)}
            return _within(node), names, []
    return _within(node), set(), []


def _within(node: ast.expr | ast.stmt) -> set[str]:
    """Return the names that a piece of code reads, where it is a single name too."""
    whole = ast.Expr(node) if isinstance(node, ast.expr) else node
    return _read(ast.Module([whole], []))


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


def _changing(
    nodes: Sequence[ast.stmt], imported: Set[str] = frozenset()
) -> dict[str, list[bool]]:
    """Return of each function of a lesson which of its parameters it may change.

    A function that is written twice may change what either of the two does.

    >>> _changing(ast.parse("def f(a, b): return a.add_(1) @ b").body)
    {'f': [True, False]}
    """
    found: dict[str, list[bool]] = {}
    for node in nodes:  # in order, so that what a function calls is known
        if isinstance(node, ast.FunctionDef):
            changed = _changed(node, found, imported)
            marks = [arg.arg in changed for arg in node.args.args]
            before = found.get(node.name, [])
            found[node.name] = [
                any(pair) for pair in zip_longest(before, marks, fillvalue=False)
            ]
    return found


def _changed(
    tree: ast.AST, own: Mapping[str, Sequence[bool]], imported: Set[str]
) -> set[str]:
    """Return the names whose values a piece of code may change: by a call, in a part.

    Args:
        tree: the code of a cell or a function.
        own: the functions of the lesson, and which of their parameters they change.
        imported: the names of modules and of what comes from them.
    """
    names: set[str] = set()
    for node in _outside(tree):
        match node:
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                names |= _read(node)
            case ast.Call(func=ast.Name(id=name)) if name in own:
                names |= _given(node, imported, own[name])
            case ast.Expr(value=ast.Call(func=func) as call) if not (
                isinstance(func, ast.Name) and func.id in own
            ):
                names |= _given(call, imported)
            case ast.Call(func=ast.Attribute(attr=name)) if (
                name in _CHANGING or name.endswith("_")
            ):
                names |= _given(node, imported)
    return names


def _given(call: ast.Call, imported: Set[str], marks: Sequence[bool] = ()) -> set[str]:
    """Return the names whose values a call may change.

    Args:
        call: the call.
        imported: the names of modules and of what comes from them.
        marks: which of its arguments count, by place; those beyond count too.
    """
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _LOOKING:
            return set()
    return _handed(call, imported, marks)


def _handed(node: ast.expr, imported: Set[str], marks: Sequence[bool] = ()) -> set[str]:
    """Return the names whose values an expression may be, or hold.

    A method gives what it belongs to, and a function what it gets.

    >>> value = ast.parse("f(net.to(device), wrapped(data), size)").body[0].value
    >>> sorted(_handed(value, set(), [True, True, False]))
    ['data', 'net']
    """
    match node:
        case ast.Call(func=ast.Attribute(value=owner)) if not _is_module(
            owner, imported
        ):
            return _handed(owner, imported)
        case ast.Call(args=args, keywords=keywords):
            counts = chain(marks, repeat(True))
            parts = [part for part, counted in zip(args, counts) if counted]  # noqa: B905
            parts += [keyword.value for keyword in keywords]
            return {name for part in parts for name in _handed(part, imported)}
        case ast.Attribute(value=owner) | ast.Subscript(value=owner):
            return _handed(owner, imported)
    return _read(ast.Expression(node))


def _is_module(node: ast.expr, imported: Set[str]) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in imported
