"""Values as plain data, and back: what an answer takes and returns.

Whoever reads them trusts nothing: sizes and types are checked, and no code of the
other side's is ever run, as unpickling would.
"""

import base64
import math
import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.exercises.cases import Fact
from course_utils.exercises.compare import plain, safe_repr

Json = Any

_MOST_ITEMS = 100_000
_MOST_TEXT = 10_000
_DEEPEST = 12
_DTYPES = {  # of tensors whose numbers travel
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float32, torch.float64, torch.float16, torch.bfloat16),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8),
        *(torch.bool, torch.complex64, torch.complex128),
    )
}
_ALL_DTYPES = {
    str(value).removeprefix("torch."): value
    for value in vars(torch).values()
    if isinstance(value, torch.dtype)
}


class Unreadable(ValueError):
    """Data that describe no value."""


class Thing:
    """Stands for a value that is no plain data; its subclass bears the type's name."""

    shown = ""

    def __repr__(self) -> str:
        return self.shown


class Writer:
    """Turns values into plain data.

    >>> Writer().write((1, [2.5, None]))
    {'tuple': [1, {'list': [2.5, None]}]}

    Attributes:
        tensors: all tensors written so far, in order.
    """

    def __init__(self, export: Callable[[Any], Json] | None = None) -> None:
        """Begin; `export` describes a function or a module, as a handle."""
        self.tensors: list[Tensor] = []
        self._export = export

    def write(self, value: Any, depth: int = 0) -> Json:
        """Return a value as plain data; of anything else, its type and its text."""
        kind = type(value)
        if value is None or kind is bool:
            return value
        if value is ...:
            return {"stub": True}
        if isinstance(value, torch.dtype):
            return {"dtype": str(value).removeprefix("torch.")}
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, tuple | list) and depth < _DEEPEST:
            return self._items(value, depth)
        if isinstance(value, dict) and depth < _DEEPEST:
            pairs = [[str(k), self.write(v, depth + 1)] for k, v in value.items()]
            return {"dict": pairs[:_MOST_ITEMS]}
        if isinstance(value, Real) and (number := _number(value)) is not None:
            return number
        if isinstance(value, Fact):
            return {"fact": str.__str__(value)[:_MOST_TEXT]}
        if isinstance(value, str):  # or a subclass
            return str.__str__(value)[:_MOST_TEXT]
        if self._export and (isinstance(value, nn.Module) or callable(value)):
            return self._export(value)
        return {"thing": kind.__name__[:100], "shown": safe_repr(value, 200)}

    def _items(self, value: tuple[Any, ...] | list[Any], depth: int) -> Json:
        items = [self.write(item, depth + 1) for item in value[:_MOST_ITEMS]]
        if isinstance(value, torch.Size):
            return {"size": items}
        if type(value).__module__ == "torch.return_types":
            return {"return_type": type(value).__name__, "items": items}
        return {"tuple" if isinstance(value, tuple) else "list": items}

    def _tensor(self, value: Tensor) -> Json:
        value, parameter = plain(value), isinstance(value, nn.Parameter)
        self.tensors.append(value)
        data: dict[str, Json] = {"tensor": str(value.dtype).removeprefix("torch.")}
        if value.is_nested or value.layout != torch.strided or value.is_quantized:
            return {"odd": "nested" if value.is_nested else "sparse"}
        data["shape"] = list(value.shape)
        if value.is_meta or data["tensor"] not in _DTYPES:
            return {**data, "odd": "meta"}
        data |= {"parameter": parameter, "grad": value.requires_grad}
        if value.is_leaf and value.grad is not None:
            data["held"] = True  # a gradient
        full = value.detach().resolve_conj().resolve_neg()
        if not full.is_contiguous():
            data["stride"] = list(full.stride())
        data["data"] = _bytes_of(full)
        return data


def _number(value: Real) -> int | float | None:
    """Return a number as one of Python's own; None if it is none."""
    try:
        if isinstance(value, int):
            number = int.__index__(value)
            return number if number.bit_length() < 10_000 else None
        return float(value)
    except Exception:
        return None


def _bytes_of(tensor: Tensor) -> str:
    if not tensor.numel():
        return ""
    # A new one: a tensor of one number may have any stride.
    whole = torch.empty(tensor.numel(), dtype=tensor.dtype).copy_(tensor.reshape(-1))
    return base64.b64encode(whole.view(torch.uint8).numpy().tobytes()).decode()


class Reader:
    """Turns plain data into values.

    >>> Reader().read({"tuple": [1, {"list": [2.5, None]}]})
    (1, [2.5, None])

    Attributes:
        tensors: all tensors read so far, in order.
    """

    def __init__(
        self,
        imported: Callable[[Json], Any] | None = None,
        strided: bool = False,
    ) -> None:
        """Begin.

        Args:
            imported: makes a function or a module of what `Writer`'s export wrote.
            strided: tensors lie in memory as they did over there. Only from a side
                that is trusted: a stride can ask for any amount of memory.
        """
        self.tensors: list[Tensor] = []
        self._import, self._strided = imported, strided

    def read(self, data: Json) -> Any:
        """Return the value.

        Raises:
            Unreadable: the data describe none.
        """
        try:
            return self._read(data)
        except Unreadable:
            raise
        except (ValueError, TypeError, KeyError, RuntimeError, RecursionError) as error:
            raise Unreadable(f"no value: {type(error).__name__}") from None

    def _read(self, data: Json) -> Any:
        if data is None or isinstance(data, bool | int | float | str):
            return data
        for key, read in _READERS.items():
            if key in data:
                return read(self, data)
        if self._import:
            return self._import(data)
        raise Unreadable("no value")

    def _items(self, items: Json) -> list[Any]:
        if not isinstance(items, list):
            raise Unreadable("no list")
        return [self._read(item) for item in items]

    def _return_type(self, data: Json) -> Any:
        items, name = self._items(data["items"]), str(data["return_type"])
        known = getattr(torch.return_types, name, None)
        if name not in torch.return_types.__all__ or known is None:
            raise Unreadable("no such type")
        return known(items)

    def _tensor(self, data: Json) -> Tensor:
        dtype, shape = _DTYPES[data["tensor"]], _shape(data["shape"])
        raw = base64.b64decode(data["data"], validate=True)
        if len(raw) != math.prod(shape) * dtype.itemsize:
            raise Unreadable("a tensor of another size")
        flat = torch.empty(0, dtype=dtype)
        if raw:
            flat = torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(dtype)
        tensor = flat.reshape(shape)
        if self._strided and "stride" in data:
            tensor = _in_strides(tensor, data["stride"])
        if dtype.is_floating_point and data["grad"]:
            tensor.requires_grad_()
        if data["parameter"] and dtype.is_floating_point:
            tensor = nn.Parameter(tensor, requires_grad=bool(data["grad"]))
        if data.get("held"):
            tensor.grad = torch.zeros_like(tensor)
        self.tensors.append(tensor)
        return tensor

    def _odd(self, data: Json) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # these kinds are new, and warn of it
            if data["odd"] == "nested":
                tensor = torch.nested.nested_tensor([torch.ones(1)])
            elif data["odd"] == "sparse":
                tensor = torch.ones(1).to_sparse()
            else:
                shape, dtype = _shape(data["shape"]), _ALL_DTYPES[data["tensor"]]
                tensor = torch.empty(shape, dtype=dtype, device="meta")
        self.tensors.append(tensor)
        return tensor

    def _thing(self, data: Json) -> Thing:
        name = str(data["thing"])
        name = name if name.isidentifier() else "object"
        kind = type(name, (Thing,), {"shown": str(data["shown"])[:200]})
        return kind()


_READERS: dict[str, Callable[[Reader, Json], Any]] = {
    "odd": Reader._odd,
    "tensor": Reader._tensor,
    "tuple": lambda reader, data: tuple(reader._items(data["tuple"])),
    "list": lambda reader, data: reader._items(data["list"]),
    "size": lambda reader, data: torch.Size(reader._items(data["size"])),
    "dict": lambda reader, data: {
        str(k): reader._read(v) for k, v in data["dict"][:_MOST_ITEMS]
    },
    "return_type": Reader._return_type,
    "fact": lambda reader, data: Fact(data["fact"]),
    "dtype": lambda reader, data: _ALL_DTYPES[data["dtype"]],
    "stub": lambda reader, data: ...,
    "thing": Reader._thing,
}


def _shape(data: Json) -> tuple[int, ...]:
    shape = tuple(data)
    if len(shape) > 20 or any(type(n) is not int or n < 0 for n in shape):
        raise Unreadable("no shape")
    return shape


def _in_strides(tensor: Tensor, stride: list[int]) -> Tensor:
    """Lay a tensor out in memory as another one lies."""
    held = [slice(0, 1) if not step else slice(None) for step in stride]
    base = tensor[tuple(held)] if held else tensor
    laid = torch.empty_strided(base.shape, stride, dtype=tensor.dtype)
    return laid.copy_(base).as_strided(tensor.shape, stride)
