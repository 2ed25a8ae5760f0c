"""A network of torch's own layers, built again from what a learner's code returned.

Nothing of the learner's code runs in it: a layer is its kind, a few settings and its
numbers, and a number that no layer uses is not there.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.exercises.explain import about_linear
from course_utils.exercises.watch import MultiplyAdds
from course_utils.labs.returned import Unfit, tensor_of
from course_utils.labs.work import Work

MOST_LAYERS = 200
_MOST_SIZE = 10_000  # of a setting, such as the channels of a layer
_MOST_VALUES = 500_000  # of one image, between two layers
# Of each kind, the settings with which another one is made.
_KINDS: dict[type[nn.Module], tuple[str, ...]] = {
    nn.Conv2d: (
        *("in_channels", "out_channels", "kernel_size", "stride", "padding"),
        *("dilation", "groups", "padding_mode"),
    ),
    nn.Linear: ("in_features", "out_features"),
    nn.BatchNorm2d: ("num_features", "eps"),
    nn.GroupNorm: ("num_groups", "num_channels", "eps"),
    nn.MaxPool2d: ("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    nn.AvgPool2d: ("kernel_size", "stride", "padding", "ceil_mode"),
    nn.AdaptiveAvgPool2d: ("output_size",),
    nn.AdaptiveMaxPool2d: ("output_size",),
    nn.Flatten: ("start_dim", "end_dim"),
    nn.ReLU: (),
    nn.GELU: (),
    nn.SiLU: (),
    nn.Identity: (),
    nn.Dropout: (),
    nn.Dropout2d: (),
}
# These only where a lab asks for them.
_FURTHER: dict[type[nn.Module], tuple[str, ...]] = {
    nn.BatchNorm1d: ("num_features", "eps"),
    nn.LayerNorm: ("normalized_shape", "eps"),
}
_WORDS = ("zeros", "circular", "reflect", "replicate", "same", "valid")


class Residual(nn.Sequential):
    """Layers with a shortcut around them."""

    def forward(self, input: Tensor) -> Tensor:
        """Add what the layers make of the input to the input."""
        made = super().forward(input)
        try:
            return input + made
        except RuntimeError:
            one, other = tuple(input.shape[1:]), tuple(made.shape[1:])
            raise ValueError(
                "`Residual` adds its input to its output: both need the same shape, "
                f"and here they have {one} and {other}."
            ) from None


class Mean(nn.Sequential):
    """The mean of what each of its layers makes of the input."""

    def forward(self, input: Tensor) -> Tensor:
        """Give the input to each of them."""
        return torch.stack([layer(input) for layer in self]).mean(dim=0)


class Mirrored(nn.Sequential):
    """The mean of what its layers make of an image and of its mirror image."""

    def forward(self, input: Tensor) -> Tensor:
        """Mirror left and right."""
        return (super().forward(input) + super().forward(input.flip(-1))) / 2


@dataclass(frozen=True)
class Budget:
    """What a network and its recipe may have.

    Attributes:
        numbers: in the network.
        work: multiply-adds for one image.
        bytes: of the recipe.
        seconds: for training and all that is measured after it.
    """

    numbers: int
    work: int
    bytes: int
    seconds: float

    def require(
        self, network: "Network", work: Work, seconds: float | None = None
    ) -> None:
        """Require that a network is within its limits.

        Raises:
            Unfit: it is not; the message says what was used of each limit.
        """
        over = {
            "numbers": network.numbers > self.numbers,
            "multiply-adds": network.work > self.work,
        }
        if broken := [
            f"the limit of {name}" for name, is_over in over.items() if is_over
        ]:
            used = self.used(network, work, seconds)
            raise Unfit(f"it is over {' and '.join(broken)}. {used}")

    def used(self, network: "Network", work: Work, seconds: float | None = None) -> str:
        """Say what was used of each limit.

        >>> net = network_of(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), (1, 2, 2), 2)
        >>> Budget(50, 70, 4_000, 95).used(net, Work(None, source="train"), 41.3)[:47]
        'It used 10 of 50 numbers, 8 of 70 multiply-adds'
        """
        parts = [
            f"{network.numbers:,} of {self.numbers:,} numbers",
            f"{network.work:,} of {self.work:,} multiply-adds for an image",
        ]
        if work.source:
            parts.append(f"{len(work.source.encode()):,} of {self.bytes:,} bytes")
        # Grades of one seed are the same in each run, and seconds are not.
        if seconds is not None and not work.graded:
            parts.append(f"{seconds:.0f} of {self.seconds:.0f} seconds")
        return f"It used {', '.join(parts)}."


@dataclass(frozen=True)
class Network:
    """A network that was built again.

    Attributes:
        layers: computes what it computes.
        numbers: in all tensors that it uses; one used twice counts once.
        work: multiply-adds for one input.
    """

    layers: nn.Module
    numbers: int
    work: int

    def scores(self, inputs: Tensor, threads: int = 1) -> Tensor:
        """Return the scores of each input; each thread computes other ones."""
        with ThreadPoolExecutor(threads) as pool:
            return torch.cat(list(pool.map(self._scores, inputs.split(100))))

    @torch.no_grad()  # which holds for one thread
    def _scores(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs)

    def classes(self, inputs: Tensor, threads: int = 1) -> Tensor:
        """Return the class with the highest score, of each input."""
        return self.scores(inputs, threads).argmax(dim=1)


def network_of(
    value: Any,
    shape: Sequence[int],
    classes: int,
    further: Iterable[type[nn.Module]] = (),
) -> Network:
    """Build a network again that the learner's code returned.

    Args:
        value: an `nn.Sequential` of layers; in it may be others, and `Residual`.
        shape: of one input.
        classes: how many scores it gives for one input.
        further: what else may be in it: `nn.BatchNorm1d`, `nn.LayerNorm`, `Mean`,
            `Mirrored`.

    Raises:
        Unfit: it is another thing.

    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten())
    >>> network_of(net, (1, 4, 4), 8).numbers
    20
    >>> network_of(nn.LSTM(3, 4), (1, 4, 4), 8)
    Traceback (most recent call last):
    course_utils.labs.returned.Unfit: `LSTM` is none of the layers that may be used.
    """
    if not isinstance(value, nn.Module):
        end = ": return the `nn.Sequential` itself."
        if value is None:
            end = ": is a `return` missing?"
        raise Unfit(f"the result is no network, but {type(value).__name__}{end}")
    builder = _Builder(further)
    with torch.device("meta"):  # shapes alone, until it is known how large they are
        layers = builder.build(value).eval()
        work = _work(layers, shape, classes)
    for table, name, tensor in builder.used:
        table[name] = tensor.detach().float()
    different = {id(tensor): tensor.numel() for _, _, tensor in builder.used}
    # As processors like it: numbers from another process come in the other order.
    layers = layers.to(memory_format=torch.channels_last)
    return Network(layers, sum(different.values()), work)


class _Builder:
    """Builds layers without numbers, and notes the tensors that belong in them.

    Attributes:
        used: of each tensor, the table and the name where a layer has it.
    """

    def __init__(self, further: Iterable[type[nn.Module]]) -> None:
        self.used: list[tuple[dict[str, Any], str, Tensor]] = []
        self._layers = 0
        self._kinds = {kind.__name__: kind for kind in (*_KINDS, *further)}
        self._kinds |= {"Sequential": nn.Sequential, "Residual": Residual}

    def build(self, value: nn.Module) -> nn.Module:
        """Build one layer with all inside it; a shared one is built for each use."""
        self._layers += 1
        if self._layers > MOST_LAYERS:
            raise Unfit(f"the network has more than {MOST_LAYERS} layers.")
        name = type(value).__name__
        kind = self._kinds.get(name, nn.Module)
        holds = issubclass(kind, nn.Sequential)  # its class may be the learner's own
        if kind is nn.Module or not isinstance(value, nn.Sequential if holds else kind):
            raise Unfit(f"`{name}` is none of the layers that may be used{_why(name)}.")
        if holds:
            return kind(*map(self.build, vars(value)["_modules"].values()))
        return self._layer(kind, vars(value))

    def _layer(self, kind: type[nn.Module], own: dict[str, Any]) -> nn.Module:
        given = own["_parameters"] | own["_buffers"]
        names = (_KINDS | _FURTHER)[kind]
        settings = {name: _setting(kind, name, own) for name in names}
        if kind in (nn.Conv2d, nn.Linear):
            settings["bias"] = given.get("bias") is not None
        try:
            layer = kind(**settings)
        except (ValueError, RuntimeError, TypeError) as error:
            raise Unfit(f"a `{kind.__name__}` can't be built: {error}") from None
        for table in (layer._parameters, layer._buffers):
            table.pop("num_batches_tracked", None)  # nothing is computed from it
            for name, empty in table.items():
                if empty is not None:
                    what = f"`{name}` of a `{kind.__name__}`"
                    shape = tuple(empty.shape)
                    tensor_of(given.get(name), shape, what, trained=True)
                    self.used.append((table, name, given[name]))
        layer.register_forward_hook(_check_values)
        return layer


def _why(name: str) -> str:
    """Say what to do in place of a layer that may not be used; "" for most."""
    if name in ("Softmax", "LogSoftmax"):
        return ": return the scores before it, no softmax is needed"
    if hasattr(nn, name):
        return ""
    return (
        ": a class of your own can't be built again. Use layers of `torch.nn`, such as "
        "`nn.AdaptiveAvgPool2d` and `nn.Flatten`"
    )


def _setting(kind: type[nn.Module], name: str, own: dict[str, Any]) -> Any:
    """Return a setting that is a whole number, two of them, or a known word."""
    value = own.get(name)
    both = value if isinstance(value, tuple | list) else (value, value)
    if name == "eps":
        fits = isinstance(value, float) and 0 < value < 1
    elif name == "ceil_mode":
        fits = isinstance(value, bool)
    elif isinstance(value, str):
        fits = value in _WORDS
    else:
        sizes = (1, 2, 3) if name == "normalized_shape" else (2,)
        fits = len(both) in sizes and all(
            type(n) is int and abs(n) <= _MOST_SIZE for n in both
        )
    if not fits:
        large = type(both[0]) is int
        most = f": whole numbers up to {_MOST_SIZE:,} may be used" if large else ""
        raise Unfit(f"a `{kind.__name__}` has the {name} {str(value)[:40]}{most}.")
    return value


def _check_values(_layer: nn.Module, _inputs: Any, values: Tensor) -> None:
    if values[0].numel() > _MOST_VALUES:
        raise Unfit(f"a layer makes over {_MOST_VALUES:,} numbers of one image.")


def _work(layers: nn.Module, shape: Sequence[int], classes: int) -> int:
    """Return the multiply-adds for one input; nothing is computed.

    Raises:
        Unfit: the layers do not fit one another.
    """
    try:
        with torch.no_grad(), MultiplyAdds() as work:
            scores = layers(torch.empty((2, *shape), device="meta"))
    except Unfit:
        raise
    except (ValueError, RuntimeError, TypeError, IndexError) as error:
        advice = about_linear(str(error)) or str(error)
        raise Unfit(f"the layers do not fit: {advice}") from None
    if scores.shape != (2, classes):
        found = tuple(scores.shape)
        raise Unfit(f"for 2 images it gives the shape {found}, not (2, {classes}).")
    return work.count // 2
