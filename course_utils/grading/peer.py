"""Calls between two processes: both may call what the other hands out."""

import base64
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.exercises.compare import has_numbers
from course_utils.exercises.elsewhere import NOTHING, Applied
from course_utils.exercises.guard import OutOfTime
from course_utils.exercises.watch import MultiplyAdds
from course_utils.grading.channel import OUT_OF_MEMORY, Channel, Lost
from course_utils.grading.failures import read_failure, write_failure
from course_utils.grading.modules import (
    Parts,
    RemoteModule,
    read_module,
    write_module,
)
from course_utils.grading.wire import Json, Reader, Writer

_MOST_MESSAGES = 20
_MOST_INSIDE = 4  # modules in attributes of modules in attributes
# In what one call is given by a side that is not trusted. A layer may need the square
# of that, as attention does.
_MOST_NUMBERS, _MOST_FOR_MODULE = 1 << 21, 10_000


class Function:
    """A function of the other process."""

    def __init__(self, peer: "Peer", handle: int, name: str) -> None:
        self._peer, self.handle, self.__name__ = peer, handle, name

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._peer.call(self.handle, args, options)

    def __repr__(self) -> str:
        return f"a function {self.__name__}"


class Peer:
    """One of two processes that call each other's functions and modules.

    What travels is plain data: values, errors, gradients, the state of torch's random
    numbers. An argument that was changed over there is changed here as well.

    Attributes:
        operations: what the other side may ask for, by name.
        left: messages on what the other side's code left changed.
    """

    def __init__(
        self,
        channel: Channel,
        texts: Mapping[str, str],
        *,
        trusting: bool = False,
        around: Callable[[], AbstractContextManager[list[str]]] | None = None,
        calls: int | None = None,
    ) -> None:
        """Begin.

        Args:
            channel: to the other side.
            texts: the learner's cells by file name, for the lines of errors.
            trusting: the other side is the grader.
            around: holds while something is called here; it lists what to tell.
            calls: how often the other side may ask for something; None for no limit.
        """
        self._channel, self.texts = channel, texts
        self._trusting, self._around = trusting, around or _nothing
        self._calls = calls
        self._objects: list[Any] = []  # handed out; the place is the handle
        self._describing: set[int] = set()  # ids of modules
        self._parts: dict[int, Parts] = {}
        self._remote: dict[int, tuple[int, Parts, int]] = {}  # by id of a module
        self._held: list[nn.Module] = []  # so that no id is used again
        self._graphs: dict[int, tuple[list[Tensor], list[Tensor]]] = {}
        self._graph = 0  # the latest
        self._unneeded: list[int] = []  # graphs over there that nothing here hangs on
        self._random: bytes = b""
        self.left: list[str] = []
        self.operations: dict[str, Callable[[Json], Json]] = {
            "call": self._on_call,
            "forward": self._on_forward,
            "backward": self._on_backward,
            "train": self._on_train,
        }

    def __deepcopy__(self, _memo: object) -> "Peer":
        """Return itself: a copy of what belongs to it asks the same process."""
        return self

    # --- asking ---------------------------------------------------------------------

    def ask(self, operation: str, **data: Json) -> Json:
        """Ask the other side for an operation, and return its reply.

        What counts multiply-adds here is told those of the other side.

        Raises:
            Lost: it is gone, or its reply makes no sense.
            OutOfTime: the channel's time is over.
            BaseException: what was raised over there.
        """
        asked = {"op": operation, "grad": torch.is_grad_enabled()}
        counts = list(MultiplyAdds.running)
        self._channel.send(asked | {"counted": bool(counts)} | self._news() | data)
        while "op" in (reply := self._receive()):
            if self._calls is not None:
                self._calls -= 1
                if self._calls < 0:
                    raise self._channel.lost("it called functions without an end")
            self._reply_to(reply)
        with self._making_sense():
            for work in counts:
                work.count += _natural(reply["multiply_adds"])
        return reply

    def call(self, handle: int, args: Sequence[Any], options: Json) -> Any:
        """Call a function of the other side."""
        writer = Writer(self.export)
        sent = writer.write([list(args), options])
        reply = self.ask("call", target=handle, args=sent)
        return self.value(reply, args, _leaves(writer))

    def apply(self, module: str, application: str, args: Sequence[Any]) -> Applied:
        """Let an application over there watch the other side's answer at work."""
        sent = Writer(self.export).write([list(args), {}])
        reply = self.ask("apply", module=module, application=application, args=sent)
        with self._making_sense():
            returned = self._read(reply["returned"]) if reply["began"] else NOTHING
            running = bool(reply["running"])
        try:
            return Applied(self.value(reply, args, []), returned, running)
        except OutOfTime:
            raise
        except BaseException as error:
            return Applied(None, returned, running, error)

    def forward(self, module: RemoteModule, args: Any, options: Any) -> Any:
        """Call a module of the other side, in the state that it has here.

        Hooks before a part of it see what it was given, afterwards.

        Raises:
            NotImplementedError: a part of it has a hook that sees its results.
        """
        handle, parts, place = self._remote[id(module)]
        inside = set(module.modules()) - {module}
        if any(part._forward_hooks for part in inside):
            raise NotImplementedError("results inside a module elsewhere aren't seen")
        watched = [
            i
            for i, part in enumerate(parts.modules)
            if part in inside and part._forward_pre_hooks
        ]
        writer = Writer(self.export)
        reply = self.ask(
            "forward",
            target=handle,
            part=place,
            args=writer.write([list(args), options]),
            modes=parts.modes(),
            state=parts.news(),
            watched=watched,
        )
        with self._making_sense():
            if "modes" in reply:
                parts.set_modes(reply["modes"])
                parts.take(reply["state"])
            for seen, data in reply.get("seen", ()):
                inputs = self._read(data)
                for hook in list(parts.modules[seen]._forward_pre_hooks.values()):
                    hook(parts.modules[seen], inputs)
        return self.value(reply, args, [*_leaves(writer), *parts.leaves()])

    def train(self, module: RemoteModule, mode: bool) -> None:
        """Switch a module of the other side; a copy made here is switched here."""
        if id(module) not in self._remote:
            nn.Module.train(module, mode)
            return
        handle, parts, place = self._remote[id(module)]
        modes = parts.modes()
        reply = self.ask("train", target=handle, part=place, mode=mode, modes=modes)
        with self._making_sense():
            if "failure" not in reply:
                parts.set_modes(reply["modes"])
        self.raise_failure(reply)

    def backward(self, graph: int, grads: Sequence[Tensor | None]) -> list[Any]:
        """Return the gradients of what a call was given."""
        sent = [Writer().write(grad) for grad in grads]
        reply = self.ask("backward", graph=graph, grads=sent)
        self.raise_failure(reply)
        with self._making_sense():
            return [self._read(grad) for grad in reply["grads"]]

    def raise_failure(self, reply: Json) -> None:
        """Raise the error that a reply tells of, if it does."""
        if "failure" not in reply:
            return
        with self._making_sense():
            error = read_failure(reply["failure"], self.texts)
        if _lacks_memory(error) and not self._trusting:
            raise self._channel.lost(OUT_OF_MEMORY)
        raise error

    def _receive(self) -> Json:
        message = self._channel.receive()
        with self._making_sense():
            if not isinstance(message, dict):
                raise ValueError
            if "random" in message:
                self._take_random(message["random"])
            for graph in message.get("unneeded", ()):
                self._graphs.pop(graph, None)
            left = message.get("left", ())[:_MOST_MESSAGES]
            self.left += [m for m in left if isinstance(m, str) and len(m) < 1_000]
        return message

    def value(self, reply: Json, args: Sequence[Any], leaves: list[Tensor]) -> Any:
        """Return what came of a call, attached to what it was given."""
        with self._making_sense():
            if "args" in reply:
                _merge(list(args), self._read(reply["args"]))
        self.raise_failure(reply)
        with self._making_sense():
            reader = Reader(self.imported)
            value = reader.read(reply["value"])
            attached = list(map(bool, reply["attached"]))
            if len(attached) != len(reader.tensors):
                raise ValueError
            graph = reply.get("graph")
        if graph is not None:
            held = _Graph(self, graph)
            weakref.finalize(held, self._unneeded.append, graph).atexit = False
            if any(attached) and torch.is_grad_enabled() and leaves:
                _Linked.apply(held, reader.tensors, attached, *leaves)
        return value

    @contextmanager
    def _making_sense(self) -> Iterator[None]:
        """Take what does not fit for the end of the other side."""
        try:
            yield
        except OutOfTime:
            raise
        except Exception:
            raise self._channel.lost("it sent data that can't be read") from None

    # --- replying -------------------------------------------------------------------

    def serve(self) -> None:
        """Reply to the other side until it closes the channel."""
        try:
            while True:
                self._reply_to(self._receive())
        except Lost:
            return

    def _reply_to(self, message: Json) -> None:
        work = MultiplyAdds()
        try:
            with (
                torch.set_grad_enabled(message["grad"] is True),
                self._around() as left,
                work if message["counted"] else nullcontext(),
            ):
                reply = self.operations[message["op"]](message)
            if left:
                reply["left"] = list(dict.fromkeys(left))
        except (Lost, OutOfTime):
            raise
        except BaseException as error:
            if not self._trusting and not isinstance(error, Exception):
                raise
            reply = {"failure": write_failure(error, self.texts)}
        self._channel.send(reply | {"multiply_adds": work.count} | self._news())

    def _on_call(self, message: Json) -> Json:
        function = self._objects[message["target"]]
        layer = isinstance(function, nn.Module)
        most = _MOST_FOR_MODULE if layer else _MOST_NUMBERS
        return self.perform(message, function, [], most)

    def _on_forward(self, message: Json) -> Json:
        parts = self._parts[message["target"]]
        parts.set_modes(message["modes"])
        parts.take(message["state"])
        seen: list[Json] = []
        hooks = [
            parts.modules[place].register_forward_pre_hook(
                lambda _, inputs, place=place: seen.append(
                    [place, Writer(self.export).write(inputs)]
                )
            )
            for place in message["watched"]
        ]
        module = parts.modules[message["part"]]
        reply = self.perform(message, module, parts.leaves(), _MOST_FOR_MODULE)
        for hook in hooks:
            hook.remove()
        return reply | {"modes": parts.modes(), "state": parts.news(), "seen": seen}

    def _on_train(self, message: Json) -> Json:
        parts = self._parts[message["target"]]
        parts.set_modes(message["modes"])
        parts.modules[message["part"]].train(message["mode"])
        return {"modes": parts.modes()}

    def _on_backward(self, message: Json) -> Json:
        results, leaves = self._graphs[message["graph"]]
        grads = [self._read(grad) for grad in message["grads"]]
        pairs = list(zip(results, grads, strict=True))
        if any(result.shape != grad.shape for result, grad in pairs):
            raise ValueError("a gradient of another shape")
        with torch.enable_grad():
            # Not by `grad_outputs=`: to check those, torch first imports sympy.
            totals = [(result * grad).sum() for result, grad in pairs]
            found = torch.autograd.grad(
                totals, leaves, allow_unused=True, retain_graph=True
            )
        return {"grads": [Writer().write(grad) for grad in found]}

    def perform(
        self,
        message: Json,
        function: Callable[..., Any],
        leaves: list[Tensor],
        most: int = _MOST_NUMBERS,
    ) -> Json:
        """Call a function; tell its value or error, and its arguments if changed.

        Of a side that is not trusted it takes `most` numbers.
        """
        reader = Reader(self.imported, strided=self._trusting)
        args, options = reader.read(message["args"])
        before = Writer(self.export).write(args)
        leaves = [*(t for t in reader.tensors if t.requires_grad), *leaves]
        try:
            if not self._trusting and sum(t.numel() for t in reader.tensors) > most:
                raise ValueError(f"This takes {most:,} numbers at most in a check.")
            reply = self.result(function(*args, **options), leaves)
        except OutOfTime:
            raise
        except BaseException as error:
            reply = {"failure": write_failure(error, self.texts)}
        after = Writer(self.export).write(args)
        return reply if after == before else {**reply, "args": after}

    def result(self, value: Any, leaves: list[Tensor]) -> Json:
        """Describe what a call returned, and keep its graph for `backward`."""
        writer = Writer(self.export)
        data = writer.write(value)
        attached = [tensor for tensor in writer.tensors if tensor.requires_grad]
        reply = {
            "value": data,
            "attached": [tensor.requires_grad for tensor in writer.tensors],
        }
        if attached and leaves:
            self._graph += 1
            reply["graph"] = self._graph
            self._graphs[self._graph] = attached, leaves
        return reply

    # --- what travels ---------------------------------------------------------------

    def export(self, value: Any) -> Json:
        """Describe a function or a module by a handle, for a writer."""
        if isinstance(value, Function):
            return {"yours": value.handle}
        if id(value) in self._remote:
            handle, parts, place = self._remote[id(value)]
            return {"yours": handle, "part": place, "modes": parts.modes()}
        places = [i for i, known in enumerate(self._objects) if known is value]
        if isinstance(value, nn.Module):
            if not places:
                self._objects.append(value)
                places = [len(self._objects) - 1]
                if "_parameters" in vars(value):
                    self._parts[places[0]] = Parts(value)
            describing = self._describing
            # It holds itself, as in `self.all = [self]`, or modules hold each other.
            if id(value) in describing or len(describing) == _MOST_INSIDE:
                return Writer().write(value)
            describing.add(id(value))
            try:
                described = write_module(value, self.export)
            finally:
                describing.discard(id(value))
            parts = self._parts.get(places[0])
            if parts:
                parts.news()  # is in the description
            return {"module": places[0], **described}
        if not places:
            self._objects.append(value)
            places = [len(self._objects) - 1]
        name = str(getattr(value, "__name__", type(value).__name__))[:100]
        return {"function": places[0], "name": name, "class": isinstance(value, type)}

    def imported(self, data: Json) -> Any:
        """Make a function or a module of what the other side exported, for a reader."""
        if "function" in data:
            return Function(self, int(data["function"]), str(data["name"]))
        if "module" in data:
            module, parts = read_module(data, self.imported, self)
            if parts:
                parts.news()  # both sides know it
                for place, part in enumerate(parts.modules):
                    self._remote[id(part)] = int(data["module"]), parts, place
                self._held.append(module)
            return module
        value = self._objects[data["yours"]]
        if "modes" in data:
            parts = self._parts[data["yours"]]
            parts.set_modes(data["modes"])
            return parts.modules[data["part"]]
        return value

    def _read(self, data: Json) -> Any:
        return Reader(self.imported, strided=self._trusting).read(data)

    def _news(self) -> Json:
        """Tell what the other side lacks: the state of torch's random numbers, and
        which of its graphs nothing here hangs on any more.
        """
        news = {}
        if self._unneeded:
            unneeded = news["unneeded"] = self._unneeded[:]
            del self._unneeded[: len(unneeded)]
        state = torch.get_rng_state().numpy().tobytes()
        if state != self._random:
            self._random = state
            news["random"] = base64.b64encode(state).decode()
        return news

    def _take_random(self, data: Json) -> None:
        state = base64.b64decode(data)
        torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
        self._random = state


@dataclass(eq=False)
class _Graph:
    """A graph of the other process; it is kept there as long as this lives."""

    peer: Peer
    number: int


class _Linked(torch.autograd.Function):
    """Attaches tensors that came back from a call to those that went into it."""

    @staticmethod
    def forward(
        ctx: Any,
        graph: _Graph,
        tensors: list[Tensor],
        attached: list[bool],
        *leaves: Tensor,
    ) -> tuple[Tensor, ...]:
        ctx.graph, ctx.attached = graph, attached
        ctx.shapes = [leaf.shape for leaf in leaves]
        pairs = list(zip(tensors, attached, strict=True))
        ctx.mark_non_differentiable(*(t for t, linked in pairs if not linked))
        return tuple(tensors)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Any
    ) -> Any:
        pairs, peer = zip(grads, ctx.attached, strict=True), ctx.graph.peer
        sent = [grad for grad, linked in pairs if linked]
        found = peer.backward(ctx.graph.number, sent)
        with peer._making_sense():
            for grad, shape in zip(found, ctx.shapes, strict=True):
                if grad is not None and grad.shape != shape:
                    raise ValueError
        return None, None, None, *found


def _lacks_memory(error: BaseException) -> bool:
    """Tell whether there was no memory left for what was asked for.

    The allocator of torch has no error of its own.
    """
    if isinstance(error, MemoryError):
        return True
    words = ("can't allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(w in str(error) for w in words)


def _natural(number: Json) -> int:
    if type(number) is not int or number < 0:
        raise ValueError("no natural number")
    return number


def _leaves(writer: Writer) -> list[Tensor]:
    return [t for t in writer.tensors if t.requires_grad and has_numbers(t)]


@contextmanager
def _nothing() -> Iterator[list[str]]:
    yield []


def _merge(old: Any, new: Any) -> Any:
    """Change a value in place to be as `new`; return it, or `new` if that can't be."""
    if isinstance(old, Tensor) and isinstance(new, Tensor):
        _merge_tensor(old, new)
        return old
    if isinstance(old, list) and isinstance(new, list):
        merged = [_merge(a, b) for a, b in zip(old, new, strict=False)]
        old[:] = [*merged, *new[len(merged) :]]
        return old
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        merged = tuple(_merge(a, b) for a, b in zip(old, new, strict=True))
        same = all(a is b for a, b in zip(old, merged, strict=True))
        return old if same else merged
    return old if callable(old) or old == new else new


def _merge_tensor(old: Tensor, new: Tensor) -> None:
    with torch.no_grad():
        if new.shape == old.shape and new.dtype == old.dtype:
            old.copy_(new)
        else:
            old.data = new.detach()
    if old.is_leaf and old.requires_grad != new.requires_grad:
        old.requires_grad_(new.requires_grad)
    if old.is_leaf and new.grad is not None:
        old.grad = torch.zeros_like(old)
