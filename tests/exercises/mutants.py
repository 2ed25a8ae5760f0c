"""Mechanical mutants of a right answer: each with one small thing wrong."""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_SWAPPED: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq, ast.GtE, ast.LtE),
    ast.NotEq: (ast.Eq,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}


@dataclass(frozen=True)
class Mutant:
    """A changed source, and what was changed where."""

    change: str
    source: str


def mutants(source: str, detach: bool = False) -> list[Mutant]:
    """Return every mutant of the functions and classes in `source`.

    Args:
        source: the code of a solution.
        detach: mutants that cut a result off from autograd too, by `_detached(…)`.
    """
    tree = ast.parse(source)
    found: dict[str, Mutant] = {}
    for index, node in enumerate(ast.walk(tree)):
        for change, make in _changes(node):
            mutated = _replaced(tree, index, make)
            text = ast.unparse(ast.fix_missing_locations(mutated))
            if text != ast.unparse(tree) and (detach or "_detached" not in text):
                line = getattr(node, "lineno", 0)
                found.setdefault(text, Mutant(f"line {line}: {change}", text))
    return list(found.values())


Make = Callable[[ast.AST], ast.AST | None]


def _changes(node: ast.AST) -> Iterator[tuple[str, Make]]:
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign):
        for other in _SWAPPED.get(type(node.op), ()):
            yield f"{_show(node)} with {other.__name__}", _with_op(other)
    if isinstance(node, ast.BinOp):
        yield f"{_show(node)} without its right side", lambda n: n.left
        yield f"{_show(node)} without its left side", lambda n: n.right
        if not isinstance(node.op, ast.Add | ast.Mult):  # there they are equal
            yield f"{_show(node)} with swapped sides", _swap_sides
    if isinstance(node, ast.UnaryOp):
        yield f"{_show(node)} without its sign", lambda n: n.operand
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in _SWAPPED.get(type(node.ops[0]), ()):
            yield f"{_show(node)} with {other.__name__}", _with_comparison(other)
    if isinstance(node, ast.Constant):
        yield from _constants(node)
    if isinstance(node, ast.Call):
        yield from _calls(node)
    if isinstance(node, ast.Return) and node.value is not None:
        yield "the result detached", _wrap_result("_detached")
    if isinstance(node, ast.Subscript):
        yield f"{_show(node)} without its index", lambda n: n.value
    if isinstance(node, ast.IfExp):
        yield f"{_show(node)}: always the first", lambda n: n.body
        yield f"{_show(node)}: always the second", lambda n: n.orelse
    if isinstance(node, ast.Expr | ast.AugAssign):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_text:
            yield f"{_show(node)} left out", lambda n: ast.Pass()


def _constants(node: ast.Constant) -> Iterator[tuple[str, Make]]:
    if isinstance(node.value, bool):
        yield f"not {node.value}", _constant(not node.value)
    elif isinstance(node.value, int):
        yield f"{node.value} plus 1", _constant(node.value + 1)
        yield f"{node.value} minus 1", _constant(node.value - 1)
    elif isinstance(node.value, float):
        yield f"{node.value} doubled", _constant(2 * node.value + (node.value == 0))


# Functions that give the same whichever of their first two arguments comes first.
_EITHER_WAY = ("transpose", "maximum", "minimum", "max", "min")


def _calls(node: ast.Call) -> Iterator[tuple[str, Make]]:
    function = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if len(node.args) > 1 and function not in _EITHER_WAY:
        yield f"{_show(node)} with swapped arguments", _swap_arguments
    for place in range(len(node.keywords)):
        name = node.keywords[place].arg
        if name == "device":
            continue  # on the CPU, where the mutants run, nothing would change
        yield f"{_show(node)} without {name}=", _drop_keyword(place)
    if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        yield f"{_show(node)}: the method not called", lambda n: n.func.value
    elif node.args:
        yield f"{_show(node)}: the function not called", lambda n: n.args[0]


def _is_module(node: ast.AST) -> bool:
    root = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in ("torch", "F", "nn", "math")


def _show(node: ast.AST) -> str:
    text = ast.unparse(node)
    return f"`{text if len(text) < 50 else text[:47] + '...'}`"


def _constant(value: object) -> Make:
    return lambda node: ast.Constant(value)


def _with_op(op: type) -> Make:
    def make(node):
        node.op = op()
        return node

    return make


def _with_comparison(op: type) -> Make:
    def make(node):
        node.ops = [op()]
        return node

    return make


def _swap_sides(node):
    node.left, node.right = node.right, node.left
    return node


def _swap_arguments(node):
    node.args[0], node.args[1] = node.args[1], node.args[0]
    return node


def _drop_keyword(place: int) -> Make:
    def make(node):
        del node.keywords[place]
        return node

    return make


def _wrap_result(function: str) -> Make:
    def make(node):
        node.value = ast.Call(ast.Name(function, ast.Load()), [node.value], [])
        return node

    return make


def _replaced(tree: ast.AST, index: int, make: Make) -> ast.AST:
    """Return a copy of the tree in which the node of that number is changed."""
    tree = copy.deepcopy(tree)
    target = next(node for i, node in enumerate(ast.walk(tree)) if i == index)

    class Change(ast.NodeTransformer):
        def visit(self, node):
            return make(node) if node is target else self.generic_visit(node)

    return Change().visit(tree)
