"""Recipes that train on the garments: those of first courses, and the lesson's own.

A recipe is a generator: it trains for an epoch, yields what scores pictures by then,
and goes on. Who drives it stops the clock in between.
"""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor
from torchvision.transforms.functional import to_pil_image

from course_utils.authoring.classifier import Pictures, cnn
from course_utils.authoring.clock import faster_precision
from course_utils.authoring.muon import muon_and_adamw
from course_utils.authoring.resnet import (
    augmented,
    garment_resnet,
    mirrored_scores,
    ten_views,
)
from course_utils.authoring.training import train_step, triangle

Scores = Callable[[Tensor], Tensor]
Network = Callable[[], nn.Module]
MEAN, SPREAD = 0.286, 0.353  # of the training pixels, from 0 to 1


class AsFiles(Dataset[tuple[Tensor, int]]):
    """Pictures as torchvision's FashionMNIST gives them: one by one, through PIL.

    >>> x, y = AsFiles((torch.zeros(2, 1, 28, 28).byte(), torch.tensor([3, 1])))[0]
    >>> tuple(x.shape), y
    ((1, 28, 28), 3)
    """

    def __init__(self, pictures: Pictures, standard: bool = False) -> None:
        self.images, self.labels = pictures
        self.standard, self.to_tensor = standard, ToTensor()

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        """Return a picture from 0 to 1 (or standardised), and its class."""
        x = self.to_tensor(to_pil_image(self.images[i]))
        return (x - MEAN) / SPREAD if self.standard else x, int(self.labels[i])


def scorer(model: nn.Module, standard: bool, views: int = 1) -> Scores:
    """Return what scores pictures, (N, 1, 28, 28) uint8, in evaluation mode.

    From one view of each, from two (the mirror image besides), or from ten (moved by
    a pixel besides).
    """
    by_views = {
        1: model,
        2: partial(mirrored_scores, model),
        10: partial(ten_views, model),
    }

    @torch.no_grad()
    def scores(images: Tensor) -> Tensor:
        was = model.training
        model.eval()
        found = []
        device = next(model.parameters()).device
        for part in images.split(1000):
            x = part.to(device) / 255
            x = (x - MEAN) / SPREAD if standard else x
            x = x.contiguous(memory_format=torch.channels_last)
            found.append(by_views[views](x).cpu())
        model.train(was)
        return torch.cat(found)

    return scores


@dataclass(frozen=True)
class ByLoader:
    """A recipe that takes its batches from a `DataLoader`, without workers.

    Attributes:
        network: makes the network.
        batch: pictures in a batch.
        optimizer_of: makes the optimizer.
        shuffle: whether each epoch has an order of its own.
        standard: whether pictures are standardised; else they go from 0 to 1.
        peak: the highest rate of a one-cycle schedule, or None for a constant rate.
    """

    network: Network
    batch: int
    optimizer_of: Callable[[nn.Module], torch.optim.Optimizer]
    shuffle: bool = True
    standard: bool = False
    peak: float | None = None

    def __call__(self, pictures: Pictures, epochs: int) -> Iterator[Scores]:
        """Train; yield after every epoch what scores pictures by then."""
        source = AsFiles(pictures, self.standard)
        loader = DataLoader(source, self.batch, shuffle=self.shuffle)
        model = self.network()
        optimizer = self.optimizer_of(model)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)
        if self.peak is not None:
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimizer, self.peak, total_steps=epochs * len(loader)
            )
        for _ in range(epochs):
            model.train()
            for x, y in loader:
                train_step(model, x, y, optimizer)
                schedule.step()
            yield scorer(model, self.standard)


def mlp(*widths: int) -> Network:
    """Return a function that makes linear layers with ReLUs in between.

    >>> sum(p.numel() for p in mlp(784, 256, 10)().parameters())
    203530
    """

    def make() -> nn.Module:
        layers: list[nn.Module] = [nn.Flatten()]
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    return make


def lenet() -> nn.Module:
    """Return LeNet as 'Dive into Deep Learning' has it, with Xavier's start."""
    layers = [
        *(nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid()),
        nn.Linear(84, 10),
    ]
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
    return nn.Sequential(*layers)


def tiny_vgg(width: int = 10) -> nn.Module:
    """Return TinyVGG: twice two convolutions and a pool, one linear layer."""
    layers: list[nn.Module] = []
    for n_in in (1, width):
        layers += [nn.Conv2d(n_in, width, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * 49, 10))


class ShiftedReLU(nn.Module):
    """A leaky ReLU, moved down by 0.4, as fast.ai's course has it."""

    def forward(self, x: Tensor) -> Tensor:
        """Return leaky ReLU less 0.4, of any shape."""
        return F.leaky_relu(x, 0.1) - 0.4


class FastBlock(nn.Module):
    """fast.ai's residual block: two convolutions, a pooled 1 × 1 path past them.

    >>> FastBlock(1, 16)(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 16, 4, 4])
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 2, kernel: int = 3) -> None:
        super().__init__()
        padding = kernel // 2
        self.branch = nn.Sequential(
            nn.Conv2d(c_in, c_out, kernel, padding=padding, bias=False),
            nn.BatchNorm2d(c_out),
            ShiftedReLU(),
            nn.Conv2d(c_out, c_out, kernel, stride, padding=padding, bias=False),
            nn.BatchNorm2d(c_out),
        )
        self.path = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()
        self.pool: nn.Module = nn.Identity()
        if stride > 1:
            self.pool = nn.AvgPool2d(2, ceil_mode=True)
        self.act = ShiftedReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return the activated sum, (N, c_out, H / stride, W / stride)."""
        return cast(Tensor, self.act(self.branch(x) + self.path(self.pool(x))))


def fast_resnet() -> nn.Module:
    """Return the residual network of fast.ai's course, part 2, lesson 18.

    >>> fast_resnet()(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    widths = (16, 32, 64, 128, 256, 512)
    layers = [FastBlock(1, 16, stride=1, kernel=5)]
    layers += [FastBlock(a, b) for a, b in pairwise(widths)]
    head = [nn.Flatten(), nn.Linear(512, 10, bias=False), nn.BatchNorm1d(10)]
    model = nn.Sequential(*layers, *head)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, a=0.1)
    return model


@dataclass(frozen=True)
class Quick:
    """The lesson's own recipe, with each of its changes on or off.

    Attributes:
        network: makes the network.
        batch: pictures in a batch.
        rate: the peak of the learning rate, of AdamW or of Muon.
        muon: Muon for the kernels but the first, AdamW for the rest.
        moved: by how many pixels pictures are moved at random, half of them mirrored;
            None for pictures as they are.
        smoothing: of the labels.
        views: of a picture, over which its scores are averaged: 1, 2 or 10.
        warm: the share of the steps in which the rate rises.
        constant: the rate stays at its peak instead.
        bf16: bfloat16 where a step is quicker with it, which a short measurement
            decides, as a part of the training.
        device: where pictures and network are.
    """

    network: Network
    batch: int = 128
    rate: float = 0.05
    muon: bool = True
    moved: int | None = 1
    smoothing: float = 0.1
    views: int = 2
    warm: float = 0.25
    constant: bool = False
    bf16: bool = True
    device: str = "cpu"

    def optimizers(self, model: nn.Module) -> list[torch.optim.Optimizer]:
        """Return one optimizer for all parameters, or Muon and AdamW."""
        if self.muon:
            return muon_and_adamw(model, self.rate)
        return [torch.optim.AdamW(model.parameters(), lr=self.rate)]

    def loss(
        self, model: nn.Module, x: Tensor, y: Tensor, precision: torch.dtype
    ) -> Tensor:
        """Return a batch's mean cross-entropy, its layers in this precision."""
        x = x.contiguous(memory_format=torch.channels_last)
        half = precision == torch.bfloat16
        with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            scores = model(x)
        return F.cross_entropy(scores.float(), y, label_smoothing=self.smoothing)

    def precision(self, model: nn.Module, x: Tensor, y: Tensor) -> torch.dtype:
        """Return the precision for batches like this one; the model stays as it is."""
        if not self.bf16:
            return torch.float32
        trial = copy.deepcopy(model)
        return faster_precision(lambda kind: self.loss(trial, x, y, kind).backward())

    def __call__(self, pictures: Pictures, epochs: float) -> Iterator[Scores]:
        """Train; yield after every epoch what scores pictures by then.

        Of the last epoch it may be a part.
        """
        images, y = (part.to(self.device) for part in pictures)
        x = ((images / 255 - MEAN) / SPREAD).contiguous()
        model = self.network().to(self.device).to(memory_format=torch.channels_last)
        precision = self.precision(model, x[: self.batch], y[: self.batch])
        optimizers = self.optimizers(model)
        peaks = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
        per_epoch = math.ceil(len(y) / self.batch)
        steps, step = round(epochs * per_epoch), 0
        while step < steps:
            model.train()
            batches = torch.randperm(len(y)).split(self.batch)
            for rows in batches[: steps - step]:
                share = 1.0 if self.constant else triangle(step, steps, self.warm)
                for optimizer, peak in zip(optimizers, peaks, strict=True):
                    optimizer.param_groups[0]["lr"] = peak * share
                part = x[rows] if self.moved is None else augmented(x[rows], self.moved)
                loss = self.loss(model, part, y[rows], precision)
                for optimizer in optimizers:
                    optimizer.zero_grad()
                loss.backward()
                for optimizer in optimizers:
                    optimizer.step()
                step += 1
            yield scorer(model, standard=True, views=self.views)


def sgd(rate: float) -> Callable[[nn.Module], torch.optim.Optimizer]:
    """Return a function that makes plain SGD for a model."""
    return lambda model: torch.optim.SGD(model.parameters(), lr=rate)


def adamw(rate: float) -> Callable[[nn.Module], torch.optim.Optimizer]:
    """Return a function that makes AdamW for a model."""
    return lambda model: torch.optim.AdamW(model.parameters(), lr=rate)


PERCEPTRON = mlp(784, 512, 512, 10)
PLAIN = {"muon": False, "moved": None, "smoothing": 0.0, "views": 1}
# Sources: pytorch.org's quickstart; d2l.ai's MLP (5.2) and LeNet (its rate 0.9 in
# batches of 256 is version 0's, 6.6: version 1 takes 0.1 and 128); learnpytorch.io, 03;
# github.com/fastai/course22p2, 14_augment, before it augments. All without workers.
RECIPES: dict[str, ByLoader | Quick] = {
    "quickstart": ByLoader(PERCEPTRON, 64, sgd(1e-3), shuffle=False),
    "quickstart, rate 0.1": ByLoader(PERCEPTRON, 64, sgd(0.1), shuffle=False),
    "textbook MLP": ByLoader(mlp(784, 256, 10), 256, sgd(0.1)),
    "LeNet": ByLoader(lenet, 256, sgd(0.9)),
    "TinyVGG": ByLoader(tiny_vgg, 32, sgd(0.1)),
    "fast.ai": ByLoader(fast_resnet, 1024, adamw(1e-2), standard=True, peak=1e-2),
    "our MLP": Quick(PERCEPTRON, batch=125, rate=0.003, **PLAIN),
    "our CNN": Quick(cnn, batch=125, rate=0.027, muon=False, smoothing=0.0),
    "our ResNet, 2 blocks": Quick(partial(garment_resnet, 32), batch=256, views=10),
    "our ResNet, 3 blocks": Quick(
        partial(garment_resnet, 32, more=1), batch=256, rate=0.1, views=10
    ),
    # Nobody has run it yet: it waits for a machine with a GPU.
    "our ResNet, on CUDA": Quick(
        partial(garment_resnet, 64, more=1), batch=512, moved=2, views=10, device="cuda"
    ),
}
