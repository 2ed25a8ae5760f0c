"""What the code of an answer says: what it calls, and which parameters it ignores."""

import dis
import functools
import inspect
from collections.abc import Iterator, Sequence
from types import CodeType, FunctionType
from typing import Any

from course_utils.exercises.elsewhere import text_of
from course_utils.exercises.explain import is_library

# What a gradient by hand may not call, for `Exercise.forbidden`.
AUTOGRAD = (
    *("backward", "autograd.grad", "jacobian"),
    *("func.vjp", "func.jvp", "func.jacrev", "func.jacfwd"),
)


def forbidden_calls(answer: Any, forbidden: Sequence[str]) -> list[str]:
    """Return which of these functions the learner's code names; it is not run.

    Looked at are the answer, the functions inside it, and functions of the learner's
    that it calls. `F.relu` stands for every function or method called relu.

    >>> forbidden_calls(lambda z: z.softmax(0), ["F.softmax", "log_softmax"])
    ['F.softmax']
    """
    answer = text_of(answer)
    names = {name for function in _functions(answer) for name in _named(function)}
    if not any(_functions(answer)):  # a function of torch itself
        names.add(getattr(_unwrapped(answer), "__name__", ""))
    return [entry for entry in forbidden if entry.rpartition(".")[2] in names]


def unused_parameters(answer: Any) -> list[int]:
    """Return the places of the parameters that a function never reads.

    >>> unused_parameters(lambda x, slope: x)
    [1]
    """
    answer = text_of(answer)
    if not isinstance(answer, FunctionType):
        return []
    code, read = answer.__code__, set()
    for instruction in dis.get_instructions(code):
        if "LOAD" in instruction.opname or "CELL" in instruction.opname:
            value = instruction.argval
            read |= set(value if isinstance(value, tuple) else (value,))
    names = code.co_varnames[: code.co_argcount]
    return [place for place, name in enumerate(names) if name not in read]


def is_stub(answer: Any) -> bool:
    """Tell whether a function's body (or each of a class) is `...` or a docstring.

    >>> def affine(x, weight): ...
    >>> is_stub(affine)
    True
    """

    def bare() -> None: ...

    def documented() -> None:
        """Nothing else."""

    answer = text_of(answer)
    if inspect.isclass(answer):
        methods = [m for m in vars(answer).values() if inspect.isfunction(m)]
        return bool(methods) and all(is_stub(method) for method in methods)
    body = getattr(answer, "__code__", None)
    if body is None or set(body.co_consts) - {None, answer.__doc__}:
        return False
    return body.co_code in (bare.__code__.co_code, documented.__code__.co_code)


def _unwrapped(thing: Any) -> Any:
    """Return the function behind a partial or a method, the class of an object."""
    if isinstance(thing, functools.partial):
        return _unwrapped(thing.func)
    thing = getattr(thing, "__func__", thing)
    return thing if inspect.isroutine(thing) or inspect.isclass(thing) else type(thing)


def _functions(answer: Any) -> Iterator[FunctionType]:
    """Yield the learner's functions that an answer consists of."""
    seen: set[FunctionType] = set()
    waiting = [answer]
    while waiting:
        thing = _unwrapped(waiting.pop())
        if inspect.isclass(thing):
            waiting += [v for v in vars(thing).values() if inspect.isfunction(v)]
        if not isinstance(thing, FunctionType) or thing in seen:
            continue
        if is_library(thing.__code__.co_filename):
            continue
        seen.add(thing)
        yield thing
        for name in _instruction_names(thing.__code__, ("LOAD_GLOBAL", "LOAD_NAME")):
            waiting.append(thing.__globals__.get(name))
        waiting += [cell.cell_contents for cell in _full_cells(thing)]


def _full_cells(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            cell.cell_contents  # noqa: B018 - empty until the name is assigned
        except ValueError:
            continue
        yield cell


def _named(function: FunctionType) -> Iterator[str]:
    """Yield the attributes that a function reads and the functions it names."""
    wanted = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "IMPORT_FROM")
    yield from _instruction_names(function.__code__, wanted)
    for name in _instruction_names(function.__code__, ("LOAD_GLOBAL", "LOAD_NAME")):
        value = function.__globals__.get(name)
        if callable(value) and not isinstance(value, FunctionType):
            yield getattr(value, "__name__", name)
        elif isinstance(value, FunctionType) and is_library(value.__code__.co_filename):
            yield value.__name__


def _instruction_names(code: CodeType, opnames: Sequence[str]) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in opnames and isinstance(instruction.argval, str):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instruction_names(constant, opnames)
