"""Modules of another process: their structure and state here, their code there."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from course_utils.exercises.compare import has_numbers
from course_utils.grading.wire import Json, Reader, Unreadable, Writer

_MOST_PARTS = 2_000
_MOST_ATTRIBUTES = 50


class Link(Protocol):
    """What a module asks its process for."""

    def forward(self, module: "RemoteModule", args: Any, options: Any) -> Any:
        """Call the module there."""
        ...

    def train(self, module: "RemoteModule", mode: bool) -> None:
        """Switch the module there, and here what it switches."""
        ...


class Parts:
    """A module with all inside it, and its tensors, in one order on both sides.

    >>> parts = Parts(nn.Linear(2, 3))
    >>> len(parts.modules), len(parts.tensors)
    (1, 2)
    """

    def __init__(self, module: nn.Module) -> None:
        self.modules = list(module.modules())[:_MOST_PARTS]
        tensors: dict[int, Tensor] = {}
        for part in self.modules:
            for tensor in (*part._parameters.values(), *part._buffers.values()):
                if tensor is not None:
                    tensors[id(tensor)] = tensor
        self.tensors = list(tensors.values())
        self._known: list[Tensor | None] = [None] * len(self.tensors)

    def modes(self) -> list[bool]:
        """Tell of each module whether it is in training mode."""
        return [bool(part.training) for part in self.modules]

    def set_modes(self, modes: Json) -> None:
        """Take over the modes of the other side."""
        for part, mode in zip(self.modules, modes, strict=True):
            part.training = bool(mode)

    def leaves(self) -> list[Tensor]:
        """Return the tensors that gradients are asked for."""
        return [tensor for tensor in self.tensors if tensor.requires_grad]

    def news(self) -> Json:
        """Return the state that changed since `news` or `take` ran last."""
        news = []
        for place, tensor in enumerate(self.tensors):
            # By its numbers: what changes them through `.data` leaves no trace.
            if not _same(tensor, self._known[place]):
                news.append([place, Writer().write(tensor)])
                self._known[place] = tensor.detach().clone()
        return news

    def take(self, news: Json) -> None:
        """Take over what changed on the other side.

        Raises:
            Unreadable: it does not fit.
        """
        for place, data in news:
            tensor, new = self.tensors[place], Reader().read(data)
            if not isinstance(new, Tensor) or new.shape != tensor.shape:
                raise Unreadable("no state of this module")
            with torch.no_grad():
                tensor.copy_(new)
            tensor.requires_grad_(new.requires_grad and tensor.is_floating_point())
            self._known[place] = tensor.detach().clone()


def _same(tensor: Tensor, known: Tensor | None) -> bool:
    if known is None or (known.shape, known.dtype) != (tensor.shape, tensor.dtype):
        return False
    return not has_numbers(tensor) or torch.equal(tensor, known)


def write_module(module: nn.Module, export: Callable[[Any], Json]) -> Json:
    """Describe a module: its classes, names, tensors, modes and plain attributes."""
    if "_parameters" not in vars(module):  # `super().__init__()` was left out
        return {"bare": type(module).__name__}
    parts, writer = Parts(module), Writer(export)
    places = {id(part): i for i, part in enumerate(parts.modules)}
    numbers = {id(tensor): i for i, tensor in enumerate(parts.tensors)}
    tensors = [Writer().write(tensor) for tensor in parts.tensors]
    described = []
    for part in parts.modules:
        children = {n: places.get(id(c)) for n, c in part._modules.items()}
        tables = [
            {name: numbers.get(id(tensor)) for name, tensor in table.items()}
            for table in (part._parameters, part._buffers)
        ]
        described.append(
            {
                "class": type(part).__name__,
                "home": type(part).__module__,
                "exact": _torch_class(type(part).__name__) is type(part),
                "base": next((c.__name__ for c in type(part).__mro__ if _known(c)), ""),
                "training": bool(part.training),
                "children": children,
                "parameters": tables[0],
                "buffers": tables[1],
                "attributes": _attributes(vars(part), writer),
                "shared": _attributes(_of_classes(type(part)), writer),
            }
        )
    return {"parts": described, "tensors": tensors}


def _torch_class(name: str) -> type[nn.Module] | None:
    found = getattr(nn, name, None)
    known = isinstance(found, type) and issubclass(found, nn.Module)
    return found if known else None


def _known(kind: type) -> bool:
    return kind is not nn.Module and _torch_class(kind.__name__) is kind


def _of_classes(kind: type) -> dict[str, Any]:
    """Return what a class and those it inherits from define, torch's own left out."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if not base.__module__.startswith("torch."):
            found |= vars(base)
    return found


# What every module has, and no other attribute may replace.
_COMMON = frozenset(dir(nn.Module())) | {"_link"}


def _attributes(values: Mapping[str, Any], writer: Writer) -> Json:
    own = {n: v for n, v in values.items() if _free(n) and _is_data(v)}
    return {n: writer.write(own[n]) for n in list(own)[:_MOST_ATTRIBUTES]}


def _is_data(value: Any) -> bool:
    """Tell whether an attribute is neither a method nor computed, as a property is."""
    return not callable(value) and not hasattr(type(value), "__get__")


def _free(name: str) -> bool:
    """Tell whether an attribute is a module's own, and no part of every module."""
    return not name.startswith("__") and name not in _COMMON


class RemoteModule(nn.Module):
    """A module whose `forward` runs in another process; see `read_module`."""

    _link: Link

    def forward(self, *args: Any, **options: Any) -> Any:
        """Run it there."""
        return self._link.forward(self, args, options)

    def train(self, mode: bool = True) -> "RemoteModule":
        """Switch it there and here."""
        self._link.train(self, mode)
        return self


def read_module(
    data: Json, imported: Callable[[Json], Any], link: Link
) -> tuple[nn.Module, Parts | None]:
    """Make a module of its description; `forward` and `train` ask `link`.

    It is an instance of the class of torch that it inherits from, as nn.Dropout. Only
    an nn.Linear is one of torch's own.

    Raises:
        Unreadable: the data describe no module.
    """
    if "bare" in data:
        kind = type(_name(data["bare"]), (RemoteModule,), {})
        return kind.__new__(kind), None
    tensors = [Reader().read(item) for item in data["tensors"]]
    if not all(isinstance(tensor, Tensor) for tensor in tensors):
        raise Unreadable("no tensors")
    described = data["parts"][:_MOST_PARTS]
    modules = [_empty(part, tensors) for part in described]
    for module, part in zip(modules, described, strict=True):
        _fill(module, part, modules, tensors, imported)
        if isinstance(module, RemoteModule):
            object.__setattr__(module, "_link", link)
    if list(modules[0].modules()) != modules:
        raise Unreadable("no tree of modules")
    parts = Parts(modules[0])
    if [id(t) for t in parts.tensors] != [id(t) for t in tensors]:
        raise Unreadable("no tensors of these modules")
    return modules[0], parts


def _empty(part: Json, tensors: list[Tensor]) -> nn.Module:
    base = _torch_class(str(part["base"])) or nn.Module
    if part["exact"] and base is nn.Linear and _is_linear(part, tensors):
        module = nn.Linear.__new__(nn.Linear)
    else:
        home = {"__module__": str(part["home"])[:100]}
        kind = type(_name(part["class"]), (RemoteModule, base), home)
        module = kind.__new__(kind)
    nn.Module.__init__(module)
    module.training = bool(part["training"])
    return module


def _name(name: Json) -> str:
    return name if isinstance(name, str) and name.isidentifier() else "Module"


def _is_linear(part: Json, tensors: list[Tensor]) -> bool:
    own = part["parameters"]
    if set(own) != {"weight", "bias"} or own["weight"] is None or part["buffers"]:
        return False
    weight = tensors[own["weight"]]
    bias = None if own["bias"] is None else tensors[own["bias"]]
    return weight.ndim == 2 and (bias is None or bias.shape == weight.shape[:1])


def _fill(
    module: nn.Module,
    part: Json,
    modules: list[nn.Module],
    tensors: list[Tensor],
    imported: Callable[[Json], Any],
) -> None:
    for table, items in (
        (module._parameters, part["parameters"]),
        (module._buffers, part["buffers"]),
    ):
        for name, place in items.items():
            table[str(name)] = None if place is None else tensors[place]
    for name, place in part["children"].items():
        module._modules[str(name)] = None if place is None else modules[place]
    for name, value in part["attributes"].items():
        if name.isidentifier() and _free(name):
            vars(module)[name] = Reader(imported).read(value)
    if isinstance(module, RemoteModule):  # its class is its own
        for name, value in part["shared"].items():
            if name.isidentifier() and _free(name):
                setattr(type(module), name, Reader(imported).read(value))
    if type(module) is nn.Linear:
        weight = tensors[part["parameters"]["weight"]]
        module.out_features, module.in_features = weight.shape
