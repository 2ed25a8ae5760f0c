"""Exercises of lesson 11: residual networks."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.cases import randn
from course_utils.exercises.model import Answer, Case, Exercise, Misconception
from course_utils.exercises.source import AUTOGRAD
from course_utils.exercises.watch import counted_call, watched_call
from course_utils.session import current_device


def _count(
    c_in: int,
    width: int,
    stride: int,
    *,
    kernel: int = 9,
    norm: int = 2,
    biases: bool = False,
    expansion: int = 4,
    path: Callable[[bool, bool], bool] = lambda strided, wider: strided or wider,
    path_norm: int | None = None,
) -> int:
    """Count a bottleneck's parameters, with the mistakes asked for."""
    c_out = expansion * width
    channels = width + width + c_out
    count = c_in * width + kernel * width**2 + width * c_out + norm * channels
    count += channels * biases
    if path(stride != 1, c_in != c_out):
        extra = norm if path_norm is None else path_norm
        count += c_in * c_out + extra * c_out + c_out * biases
    return count


COUNT = Exercise(
    "residual.count",
    _count,
    (
        Misconception(
            "norms forgotten",
            partial(_count, norm=0),
            "The convolutions are right, but each norm has parameters too: one γ and "
            "one β per channel.",
        ),
        Misconception(
            "running statistics counted",
            partial(_count, norm=4),
            "You count four numbers per channel of a norm. The running mean and "
            "variance are buffers, not parameters.",
        ),
        Misconception(
            "biases counted",
            partial(_count, biases=True),
            "You count biases in the convolutions. They have none: the norm behind "
            "has β.",
        ),
        Misconception(
            "no shortcut",
            partial(_count, path=lambda strided, wider: False),
            "The shortcut's own convolution and norm are missing, where there is one.",
        ),
        Misconception(
            "shortcut always",
            partial(_count, path=lambda strided, wider: True),
            "You count a convolution on the shortcut even where the shape stays. "
            "There the shortcut is bare.",
        ),
        Misconception(
            "shortcut by stride",
            partial(_count, path=lambda strided, wider: strided),
            "With stride 1 the shape may change as well: where `c_in` is not "
            "`4 * width`, the shortcut needs its convolution.",
        ),
        Misconception(
            "shortcut by channels",
            partial(_count, path=lambda strided, wider: wider),
            "With as many channels in as out the shape may change as well: a stride "
            "other than 1 needs a convolution on the shortcut.",
        ),
        Misconception(
            "shortcut's norm forgotten",
            partial(_count, path_norm=0),
            "The norm on the shortcut is missing: 2 numbers for each of its channels.",
        ),
        Misconception(
            "no expansion",
            partial(_count, expansion=1),
            "You let the block end with `width` channels. The last convolution makes "
            "`4 * width` of them.",
        ),
        Misconception(
            "all of them 1 × 1",
            partial(_count, kernel=1),
            "The middle convolution has kernels of 3 × 3: nine weights for each pair "
            "of channels.",
        ),
    ),
    lambda: [(64, 64, 1), (256, 64, 1), (256, 128, 2), (512, 128, 2), (8, 2, 1)],
    hints=(
        "A convolution without bias has kernel · kernel · channels in · channels out "
        "weights; a BatchNorm 2 per channel.",
        "Add up three convolutions and three norms first. Note that the third norm "
        "has `4 * width` channels.",
        "The shortcut counts on one of two conditions: the stride is not 1, *or* the "
        "channels change.",
    ),
)


def _sides(
    side: int, halve: Callable[[int], int] = lambda s: (s + 1) // 2
) -> tuple[int, ...]:
    found = []
    for _ in range(5):
        side = halve(side)
        found.append(side)
    return tuple(found)


def _unpadded(side: int) -> tuple[int, ...]:
    found = []
    for kernel in (7, 3, 3, 3, 3):
        side = (side - kernel) // 2 + 1
        found.append(side)
    return tuple(found)


SIDES = Exercise(
    "residual.sides",
    _sides,
    (
        Misconception(
            "rounded down",
            partial(_sides, halve=lambda s: s // 2),
            "Odd sides are halved and rounded down. With the padding of these layers, "
            "half of the kernel, a side of 5 gives 3.",
        ),
        Misconception(
            "no padding",
            _unpadded,
            "You leave the padding out: 3 for the kernel of 7, 1 for those of 3.",
        ),
        Misconception(
            "layer1 halves",
            lambda side: (*_sides(side)[:2], *_sides(_sides(side)[2])[:3]),
            "One stage too many halves: `layer1` has stride 1 and leaves the side.",
        ),
        Misconception(
            "pooling left out",
            lambda side: (_sides(side)[0], *_sides(side)[:4]),
            "The max-pooling of the stem has stride 2 as well: it halves the side.",
        ),
        Misconception(
            "layer2 does not halve",
            lambda side: (*_sides(side)[:2], *_sides(side)[1:4]),
            "It is `layer1` that keeps the side, and it is not asked for: `layer2` "
            "halves what the pooling gives.",
        ),
        Misconception(
            "one more",
            partial(_sides, halve=lambda s: s // 2 + 1),
            "Even sides come out one too large: 6 gives 3. Only odd ones are rounded "
            "up.",
        ),
    ),
    lambda: [(224,), (225,), (32,), (33,), (97,), (255,)],
    hints=(
        "The formula of lesson 05: ⌊(side + 2 · padding − kernel) / stride⌋ + 1.",
        "Put in kernel 7 and padding 3, then kernel 3 and padding 1, each with stride "
        "2. What do both make of an even side, and of an odd one?",
        "All five layers do the same to the side.",
    ),
    parts=(
        "the side after the first convolution",
        "the side after the pooling",
        "the side after `layer2`",
        "the side after `layer3`",
        "the side after `layer4`",
    ),
)

EXPECTED_DEPTH = Exercise(
    "residual.expected_depth",
    lambda blocks, p: blocks - p * (blocks + 1) / 2,
    (
        Misconception(
            "the same for all",
            lambda blocks, p: blocks * (1 - p),
            "You leave every block out with probability p. Only the last one has p; "
            "the others have less.",
        ),
        Misconception(
            "left out, not kept",
            lambda blocks, p: p * (blocks + 1) / 2,
            "That is how many blocks are left out on average. Asked is how many take "
            "part.",
        ),
        Misconception(
            "counted from 0",
            lambda blocks, p: blocks - p * (blocks - 1) / 2,
            "Your first block is never left out: you count from 0. The first block "
            "has l = 1, the last one l = `blocks`.",
        ),
        Misconception(
            "half of p",
            lambda blocks, p: blocks * (1 - p / 2),
            "The mean of the probabilities is not quite p / 2: they run from "
            "p / blocks to p.",
        ),
        Misconception(
            "the probability",
            lambda blocks, p: 1 - p * (blocks + 1) / 2 / blocks,
            "That is the mean probability to take part. Add the blocks up instead of "
            "averaging them.",
        ),
        Misconception(
            "all at once",
            lambda blocks, p: (
                torch.tensor([1 - n / blocks * p for n in range(1, blocks + 1)])
                .prod()
                .item()
            ),
            "You multiply the probabilities: that is how likely it is that *all* "
            "blocks take part. Means add up.",
        ),
    ),
    lambda: [(54, 0.5), (1, 0.3), (10, 0.0), (4, 1.0), (7, 0.25)],
    hints=(
        "A block that takes part with probability q counts q on average.",
        "Means add up, whether or not the draws are independent: sum the "
        "probabilities to take part.",
        "Block l takes part with probability 1 − (l / blocks) · p, for l from 1 to "
        "`blocks`.",
    ),
)


def _backward(
    x: Tensor,
    w1: Tensor,
    w2: Tensor,
    g: Tensor,
    *,
    path: bool = True,
    branch: bool = True,
    mask: Callable[[Tensor], Tensor] = lambda z: (z > 0).float(),
) -> Tensor:
    hidden = (g @ w2) * mask(x @ w1.T)
    return g * path + (hidden @ w1) * branch


BACKWARD = Exercise(
    "residual.backward",
    lambda x, w1, w2, g: _backward(x, w1, w2, g),
    (
        Misconception(
            "shortcut forgotten",
            lambda x, w1, w2, g: _backward(x, w1, w2, g, path=False),
            "That is the gradient through the branch. `x` reaches the output past the "
            "branch, too.",
        ),
        Misconception(
            "branch forgotten",
            lambda x, w1, w2, g: _backward(x, w1, w2, g, branch=False),
            "You return `g` as it is: the part past the branch. The part through the "
            "branch comes on top.",
        ),
        Misconception(
            "ReLU forgotten",
            lambda x, w1, w2, g: _backward(x, w1, w2, g, mask=torch.ones_like),
            "The ReLU is missing on the way back: where its input was negative, no "
            "gradient comes through.",
        ),
        Misconception(
            "ReLU of the gradient",
            lambda x, w1, w2, g: g + (g @ w2).relu() @ w1,
            "You apply the ReLU to the gradient. Backward it lets through where its "
            "*input* was positive, whatever the gradient's sign.",
        ),
        Misconception(
            "times the hidden values",
            lambda x, w1, w2, g: _backward(x, w1, w2, g, mask=torch.relu),
            "You multiply by what the ReLU gave. Its slope is 1 where its input was "
            "positive, and 0 elsewhere.",
        ),
        Misconception(
            "mask reversed",
            lambda x, w1, w2, g: _backward(
                x, w1, w2, g, mask=lambda z: (z < 0).float()
            ),
            "The gradient comes through where the ReLU's input was negative. It is "
            "the other way round.",
        ),
        Misconception(
            "subtracted",
            lambda x, w1, w2, g: g - _backward(x, w1, w2, g, path=False),
            "The two parts are subtracted. In the forward pass they are added, so "
            "their gradients are added.",
        ),
        Misconception(
            "two shortcuts",
            lambda x, w1, w2, g: g + _backward(x, w1, w2, g),
            "`g` is counted twice: there is one way past the branch.",
        ),
    ),
    lambda: [
        randn((n, d), (h, d), (d, h), (n, d))
        for n, d, h in [(5, 4, 6), (1, 3, 8), (2, 4, 4), (3, 6, 2)]
    ],
    hints=(
        "`x` is used twice. The gradient is the sum of what comes back on both ways.",
        "Through the branch: back through `w2`, then through the ReLU, then through "
        "`w1`. Write the shapes beside each step.",
        "For y = h @ w2.T the gradient of h is g @ w2. The ReLU's slope depends on "
        "`x @ w1.T`.",
    ),
    forbidden=AUTOGRAD,
)

_MENDED = "nothing"


def _plain_block(norms: int, strided: bool) -> nn.Module:
    """Return a block for the exercise on γ, made of torch's own classes alone."""
    block = nn.Module()
    for n in range(1, norms + 1):
        setattr(block, f"conv{n}", nn.Conv2d(4, 4, 1, bias=False))
        setattr(block, f"bn{n}", nn.BatchNorm2d(4))
    path = nn.Conv2d(4, 4, 1, 2, bias=False), nn.BatchNorm2d(4)
    block.register_module("downsample", nn.Sequential(*path) if strided else None)
    return block


def _sample(*norms: int) -> nn.Module:
    """Return a network with a stem and blocks at two levels."""
    net = nn.Module()
    net.conv1, net.bn1 = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)
    first, *rest = [_plain_block(n, strided=i % 2 == 0) for i, n in enumerate(norms)]
    net.first = first
    net.layer2 = nn.Sequential(*rest, nn.BatchNorm2d(4))
    return net.to(current_device())


def _names(
    net: Any,
    *,
    norms: Callable[[nn.Module], tuple[str, ...]] = lambda block: (
        ("bn3",) if hasattr(block, "bn3") else ("bn2",)
    ),
    modules: str = "named_modules",
    of: tuple[str, ...] = ("weight",),
) -> list[str]:
    """Return the names of γ of the last norms, with the mistakes asked for."""
    return [
        f"{name}.{norm}.{part}"
        for name, block in getattr(net, modules)()
        if hasattr(block, "downsample")
        for norm in norms(block)
        for part in of
    ]


def _every_norm(net: Any) -> list[str]:
    return [
        f"{name}.weight"
        for name, module in net.named_modules()
        if isinstance(module, nn.BatchNorm2d)
    ]


def _sorted_names(answer: Answer, *norms: int) -> Any:
    """Return an answer's list of names in the order of the alphabet, as a text."""
    found = answer(_sample(*norms))
    if isinstance(found, list | tuple | set) and all(isinstance(n, str) for n in found):
        return ", ".join(sorted(found)) or "no names"
    return found


LAST_GAMMAS = Exercise(
    "residual.last_gammas",
    _names,
    (
        Misconception(
            "bn2 everywhere",
            partial(_names, norms=lambda block: ("bn2",)),
            "You name `bn2` in every block. In a bottleneck the last norm is `bn3`.",
        ),
        Misconception(
            "bn2 and bn3",
            partial(
                _names,
                norms=lambda b: ("bn2", "bn3") if hasattr(b, "bn3") else ("bn2",),
            ),
            "In the bottlenecks you name `bn2` as well as `bn3`. Only the last norm "
            "starts at 0.",
        ),
        Misconception(
            "first norm",
            partial(_names, norms=lambda block: ("bn1",)),
            "You name the first norm of each block. It is the last one of the branch "
            "that decides what is added.",
        ),
        Misconception(
            "bottlenecks only",
            partial(_names, norms=lambda b: ("bn3",) if hasattr(b, "bn3") else ()),
            "The bottlenecks are right. The blocks without `bn3` are missing.",
        ),
        Misconception(
            "not nested",
            partial(_names, modules="named_children"),
            "Only the blocks directly in `net` were found. Others lie deeper, in a "
            "stage: which method lists modules at every level?",
        ),
        Misconception(
            "all norms",
            _every_norm,
            "You name every norm in the network, those of the stem and on the "
            "shortcuts too. With γ = 0 there, nothing would come through any more.",
        ),
        Misconception(
            "beta too",
            partial(_names, of=("weight", "bias")),
            "You name β as well. γ alone is set to 0: in torch it is called `weight`.",
        ),
        Misconception(
            "beta",
            partial(_names, of=("bias",)),
            "You name β, `bias`. γ is called `weight`.",
        ),
    ),
    lambda: [(2, 2, 2), (3, 3, 3), (2, 3, 2)],
    _sorted_names,
    hints=(
        "`net.named_modules()` goes through all modules at every level, with their "
        "names. How do you know a block when you see one?",
        '`hasattr(module, "downsample")` is true for blocks alone, and '
        '`hasattr(module, "bn3")` for bottlenecks.',
        "A parameter's name is the block's name, the norm's and the parameter's own, "
        "with points between.",
    ),
    result="list of names",
    arguments=("norms of block 1", "of block 2", "of block 3"),
)


def _loaded(block: Any, like: nn.Module) -> Any:
    """Load a learner's block with the numbers of a reference; errors are for them."""
    if not isinstance(block, nn.Module):
        raise TypeError("Your class makes no module: write `class …(nn.Module)`.")
    mine, theirs = set(block.state_dict()), set(like.state_dict())
    if missing := sorted(theirs - mine):
        raise ValueError(
            f"`state_dict()` lacks {missing[0]!r}. Use the names that the text gives, "
            "and keep every layer as an attribute of its own."
        )
    if extra := sorted(mine - theirs):
        raise ValueError(
            f"`state_dict()` has {extra[0]!r}, which does not belong there: no layer "
            "but those in the text, convolutions without bias, and a shortcut without "
            "layers where the shape does not change."
        )
    for name, tensor in like.state_dict().items():
        if block.state_dict()[name].shape != tensor.shape:
            raise ValueError(
                f"{name!r} has the shape {tuple(block.state_dict()[name].shape)}, "
                f"not {tuple(tensor.shape)}."
            )
    block.load_state_dict(like.state_dict())
    return block.to(current_device())


def _filled(module: nn.Module) -> nn.Module:
    """Give every number of a module's state another value, the same every time."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                draw = torch.randn(tensor.shape, generator=generator)
                positive = name.endswith(("running_var",)) or (
                    tensor.dim() == 1 and name.endswith("weight")
                )
                tensor.copy_(draw.abs() + 0.5 if positive else draw)
    return module


def _bottleneck(
    *,
    before_sum: bool = False,
    last: bool = True,
    path: bool = True,
    second: bool = True,
    stride_first: bool = False,
    bent_path: bool = False,
) -> type[nn.Module]:
    """Return the class of the bottleneck exercise, with the mistakes asked for."""

    class Bottleneck(nn.Module):
        def __init__(self, c_in: int, width: int, stride: int) -> None:
            super().__init__()
            c_out = 4 * width
            first, middle = (stride, 1) if stride_first else (1, stride)
            self.conv1 = nn.Conv2d(c_in, width, 1, first, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, middle, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.conv3 = nn.Conv2d(width, c_out, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(c_out)
            self.downsample = None
            if stride != 1 or c_in != c_out:
                self.downsample = nn.Sequential(
                    nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out)
                )

        def forward(self, x: Tensor) -> Tensor:
            h = self.bn1(self.conv1(x)).relu()
            h = self.bn2(self.conv2(h))
            h = self.bn3(self.conv3(h.relu() if second else h))
            x = x if self.downsample is None else self.downsample(x)
            x = x.relu() if bent_path else x
            h = (h.relu() if before_sum else h) + (x if path else 0)
            return h.relu() if last else h

    return Bottleneck


def _both_modes(block: nn.Module, x: Tensor) -> Any:
    """Return what a block gives in `eval()` and in `train()`."""
    with torch.no_grad():
        return tuple(watched_call(block.train(mode), x) for mode in (False, True))


def _of_bottleneck(answer: Answer, c_in: int, width: int, stride: int) -> Any:
    like = _filled(_bottleneck()(c_in, width, stride))
    block = _loaded(answer(c_in, width, stride), like)
    (x,) = randn((3, c_in, 6, 6))
    return _both_modes(block, x)


BOTTLENECK = Exercise(
    "residual.bottleneck",
    _bottleneck(),
    (
        Misconception(
            "ReLU before the sum",
            _bottleneck(before_sum=True, last=False),
            "Your last ReLU stands at the end of the branch, before the sum: so the "
            "branch can only add. It belongs behind the sum.",
        ),
        Misconception(
            "ReLU before the sum and after",
            _bottleneck(before_sum=True),
            "There is a ReLU too many, at the end of the branch. Behind `bn3` comes "
            "the sum, and only then the ReLU.",
        ),
        Misconception(
            "no last ReLU",
            _bottleneck(last=False),
            "Right up to the sum. The ReLU behind it is missing.",
        ),
        Misconception(
            "no shortcut",
            _bottleneck(path=False),
            "Your block returns the branch alone: the shortcut is made, but not added.",
        ),
        Misconception(
            "second ReLU forgotten",
            _bottleneck(second=False),
            "Between `bn2` and `conv3` a ReLU is missing.",
        ),
        Misconception(
            "stride in the first convolution",
            _bottleneck(stride_first=True),
            "Your stride sits in `conv1`, as in the first paper. Here, as in "
            "torchvision, it is that of the 3 × 3 convolution.",
        ),
        Misconception(
            "ReLU on the shortcut",
            _bottleneck(bent_path=True),
            "The shortcut goes through a ReLU before the sum. It should come as it is.",
        ),
    ),
    lambda: [(8, 4, 2), (16, 4, 1), (8, 4, 1), (16, 4, 2)],
    _of_bottleneck,
    hints=(
        "Begin with the basic block of the lesson, and put a third convolution and "
        "norm behind the second.",
        "Only `conv2` has a kernel of 3, a padding of 1 and the stride; `conv3` makes "
        "`4 * width` channels.",
        "`downsample` is needed where `stride` is not 1 or `c_in` is not `4 * width`. "
        "In `forward` it gets the block's input.",
    ),
    parts=("the output in `eval()`", "the output in `train()`"),
    result="block's output",
    arguments=("c_in", "width", "stride"),
)


def _basic(
    *,
    shared: bool = False,
    late_path: bool = False,
    before_sum: bool = False,
    last: bool = True,
    path: bool = True,
    first: bool = True,
) -> type[nn.Module]:
    """Return the class of the repair, with the faults asked for."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
            self.conv2 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
            self.bn1, self.bn2 = nn.BatchNorm2d(16), nn.BatchNorm2d(16)
            if shared:
                self.conv1 = self.conv2

        def forward(self, x: Tensor) -> Tensor:
            h = self.bn1(self.conv1(x))
            h = h.relu() if first else h
            x = h if late_path else x
            h = self.bn2(self.conv2(h))
            h = (h.relu() if before_sum else h) + (x if path else 0)
            return h.relu() if last else h

    return Block


def _of_repaired(answer: Answer, n: int, side: int) -> Any:
    block = _loaded(answer(), _filled(_basic()()))
    count = sum(parameter.numel() for parameter in block.parameters())
    (x,) = randn((n, 16, side, side))
    return count, *_both_modes(block, x)


REPAIR = Exercise(
    "residual.repair",
    _basic(),
    (
        Misconception(
            "broken as it was",
            _basic(shared=True, late_path=True, before_sum=True, last=False),
            "That is still the broken block: one convolution under two names, a "
            "shortcut that begins too late, and a ReLU in the wrong place.",
        ),
        Misconception(
            "convolution shared",
            _basic(shared=True),
            "`conv1` and `conv2` are still the same convolution, with the same "
            "weights. Make two.",
        ),
        Misconception(
            "shortcut too late",
            _basic(late_path=True),
            "What is added is not the block's input, but what comes out of the first "
            "convolution: a name was used twice.",
        ),
        Misconception(
            "ReLU before the sum",
            _basic(before_sum=True, last=False),
            "The last ReLU still stands before the sum, so the branch can only add. "
            "Put it behind the sum.",
        ),
        Misconception(
            "ReLU before the sum and after",
            _basic(before_sum=True),
            "There is a ReLU behind the sum now, but the one before it is still there.",
        ),
        Misconception(
            "shortcut too late, ReLU before the sum",
            _basic(late_path=True, before_sum=True, last=False),
            "The convolutions are two now. The shortcut still begins behind the first "
            "convolution, and the ReLU stands before the sum.",
        ),
        Misconception(
            "no last ReLU",
            _basic(last=False),
            "The ReLU before the sum is gone, but none stands behind the sum.",
        ),
        Misconception(
            "no shortcut",
            _basic(path=False),
            "Your block returns the branch alone. Its input must be added.",
        ),
        Misconception(
            "no first ReLU",
            _basic(first=False),
            "The ReLU behind the first norm is gone.",
        ),
    ),
    lambda: [(4, 7), (2, 1), (1, 5)],
    _of_repaired,
    hints=(
        "Mend one thing at a time, and run `examine` after each.",
        "How many convolutions does `self.conv1 = self.conv2 = …` make? And which "
        "numbers does the name `x` hold in the last line?",
        "Behind the second norm comes the sum with the block's input, and behind the "
        "sum the ReLU.",
    ),
    parts=("the number of parameters", "the output in `eval()`", "that in `train()`"),
    result="block's result",
    arguments=("n", "side"),
)


class _Pair(nn.Module):
    def __init__(self, width: int, share: float, asleep: bool) -> None:
        super().__init__()
        self.share = share
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        if asleep:
            nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:
        h = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (self.share * x + h).relu()


def _network(
    width: int = 16,
    pairs: int = 10,
    stride: int = 4,
    share: float = 1.0,
    asleep: bool = False,
    once: bool = False,
) -> Answer:
    """Return an answer to the design: a stem, pairs of convolutions, a head."""

    def answer() -> nn.Module:
        body = [_Pair(width, share, asleep) for _ in range(pairs)]
        body = body[:1] * pairs if once else body
        stem = nn.Conv2d(1, width, stride, stride), nn.BatchNorm2d(width), nn.ReLU()
        head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)
        return nn.Sequential(*stem, *body, *head)

    return answer


def _agreement(net: nn.Module, x: Tensor, nudge: Tensor, labels: Tensor) -> float:
    """Return the mean cosine of a score's gradients at pictures and nudged ones."""
    gradients = []
    for pictures in (x, x + 0.01 * nudge):
        pictures = pictures.clone().requires_grad_()
        right = net(pictures).gather(1, labels[:, None]).sum()
        gradients.append(torch.autograd.grad(right, pictures)[0].flatten(1))
    return F.cosine_similarity(*gradients).mean().item()


@torch.enable_grad()
def _flaw(answer: Answer, seed: int) -> Any:
    """Say the first demand of the design that a network does not meet."""
    torch.manual_seed(seed)
    net = answer()
    if not isinstance(net, nn.Module):
        return net
    net = net.to(current_device()).train()
    convs = [part for part in net.modules() if isinstance(part, nn.Conv2d)]
    every = [part for _, part in net.named_modules(remove_duplicate=False)]
    if len(convs) < 20 <= sum(isinstance(part, nn.Conv2d) for part in every):
        return "fewer than 20 of the convolutions are different ones"
    if len(convs) < 20:
        return "the network has fewer than 20 convolutions"
    if sum(parameter.numel() for parameter in net.parameters()) > 100_000:
        return "the network has more than 100,000 parameters"
    x, nudge = randn((64, 1, 28, 28), (64, 1, 28, 28), seed=seed)
    # Of two pictures first: the work of a large network on 64 takes much memory.
    for pictures in (x[:2], x):
        scores, work = counted_call(net, pictures)
        if work > 10_000_000:
            return "the network takes more than 10,000,000 multiply-adds"
    if not isinstance(scores, Tensor) or scores.shape != (64, 10):
        shape = getattr(scores, "shape", None)
        raise ValueError(
            "64 pictures, (64, 1, 28, 28), must give scores of the shape (64, 10), not "
            f"{type(scores).__name__ if shape is None else tuple(shape)}."
        )
    labels = torch.arange(64, device=x.device) % 10
    F.cross_entropy(scores, labels).backward()
    if not all(c.weight.grad is not None and c.weight.grad.any() for c in convs):
        return "the weight of a convolution gets no gradient"
    if not _agreement(net, x, nudge, labels) >= 0.7:
        return "neighbouring gradients have a cosine under 0.7"
    return _MENDED


DESIGN = Exercise(
    "residual.design",
    _network(),
    (
        Misconception(
            "plain stack",
            _network(share=0.0),
            "The gradients shatter: at a picture nudged by a hundredth they point "
            "elsewhere. What keeps them together through twenty convolutions is a "
            "way past each pair.",
        ),
        Misconception(
            "last γ at 0",
            _network(asleep=True),
            "The weights of some convolutions get a gradient of exactly 0, or none. "
            "The usual cause: the γ behind them starts at 0 and lets nothing back in "
            "the first step. (A layer that `forward` does not use does the same.)",
        ),
        Misconception(
            "one block, many times",
            _network(once=True),
            "There are fewer than 20 *different* convolutions: some are used several "
            "times, with the same weights, as `[block] * 10` makes them. Make a new "
            "one each time.",
        ),
        Misconception(
            "too few convolutions",
            _network(pairs=9),
            "There are fewer than 20 convolutions. Count the stem, two per basic "
            "block, and those on shortcuts.",
        ),
        Misconception(
            "too wide",
            _network(width=32),
            "Over the budget of 100,000 parameters. A basic block of w channels has "
            "18 · w² + 4 · w.",
        ),
        Misconception(
            "too large pictures",
            _network(stride=1),
            "Over the budget of multiply-adds: the convolutions work at too many "
            "places. Let the first one take larger steps, or halve the side early.",
        ),
    ),
    lambda: [(1,), (2,), (3,)],
    _flaw,
    hints=(
        "Ten basic blocks have twenty convolutions. At which width are they within "
        "100,000 parameters?",
        "Ten blocks of 16 channels have 46,720 parameters. At how many places may "
        "their kernels stand, so that the work stays below ten million?",
        "A stem with stride 4 leaves 7 × 7 places. Leave γ as torch makes it.",
    ),
    result="network",
    arguments=("seed",),
)

EXERCISES = (
    COUNT,
    SIDES,
    EXPECTED_DEPTH,
    BACKWARD,
    LAST_GAMMAS,
    BOTTLENECK,
    REPAIR,
    DESIGN,
)
