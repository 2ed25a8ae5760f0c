"""The small residual network of lesson 11, and how its experiments train it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.authoring.moves import moved
from course_utils.data.fashion import load_fashion_mnist


class BasicBlock(nn.Module):
    """Two 3 × 3 convolutions, and a path past them; the last γ starts at 0.

    >>> BasicBlock(8, 16, stride=2)(torch.zeros(1, 8, 6, 6)).shape
    torch.Size([1, 16, 3, 3])
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        nn.init.zeros_(self.bn2.weight)
        self.downsample: nn.Module | None = None
        if stride != 1 or c_in != c_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(path + branch), (N, c_out, H / stride, W / stride)."""
        branch = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (branch + (self.downsample(x) if self.downsample else x)).relu()


def small_resnet(width: int = 32) -> nn.Sequential:
    """Return a network from (N, 1, 28, 28) to ten scores: three stages of one block.

    >>> sum(p.numel() for p in small_resnet().parameters())
    308074
    """
    stem = [nn.Conv2d(1, width, 3, 2, padding=1, bias=False), nn.BatchNorm2d(width)]
    blocks = [
        BasicBlock(width, width),
        BasicBlock(width, 2 * width, stride=2),
        BasicBlock(2 * width, 4 * width, stride=2),
    ]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 10)]
    return nn.Sequential(*stem, nn.ReLU(), *blocks, *head)


def augmented(x: Tensor, shift: int = 2) -> Tensor:
    """Return pictures (N, 1, H, W), half of them mirrored, all moved a little.

    A moved picture is filled up with the smallest number, the background.

    >>> augmented(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 1, 28, 28])
    """
    n, _, height, width = x.shape
    padded = F.pad(x, [shift] * 4, value=x.min().item())
    down, right = torch.randint(0, 2 * shift + 1, (2, n, 1, 1)).unbind()
    columns = torch.arange(width).expand(n, 1, width)
    columns = torch.where(torch.rand(n, 1, 1) < 0.5, width - 1 - columns, columns)
    rows = torch.arange(height).view(1, height, 1) + down
    picture = torch.arange(n).view(n, 1, 1)
    return padded[picture, 0, rows, columns + right].unsqueeze(1)


def garment_resnet(width: int = 48, more: int = 0) -> nn.Sequential:
    """Return a network from (N, 1, 28, 28) to ten scores that keeps more of *where*.

    It works on more pixels than `small_resnet`: the first convolution has stride 1,
    and maxima halve the maps. The head reads all 3 × 3 positions of the last maps.

    Args:
        width: channels at 14 × 14; twice as many at 7 × 7.
        more: residual blocks at 7 × 7 besides the first.

    >>> sum(p.numel() for p in garment_resnet(32).parameters())
    82410
    >>> sum(p.numel() for p in garment_resnet(32, more=1).parameters())
    156394
    """
    stem = [nn.Conv2d(1, width, 3, padding=1, bias=False), nn.MaxPool2d(2)]
    blocks = [
        BasicBlock(width, width),
        nn.MaxPool2d(2),
        BasicBlock(width, 2 * width),
        *(BasicBlock(2 * width, 2 * width) for _ in range(more)),
        nn.MaxPool2d(2),
    ]
    head = [nn.Flatten(), nn.Linear(2 * width * 3 * 3, 10)]
    return nn.Sequential(*stem, nn.BatchNorm2d(width), nn.ReLU(), *blocks, *head)


def standardised_parts() -> dict[str, tuple[Tensor, Tensor]]:
    """Return the pictures for training, 5,000 for validation, and the test.

    They are (N, 1, 28, 28), by the mean and the spread of those for training.

    >>> sorted(standardised_parts())
    ['test', 'training', 'validation']
    """
    data = load_fashion_mnist()
    held, x = len(data.train.labels) // 12, data.train.images.float() / 255
    mean, std = x[held:].mean(), x[held:].std()
    x, y = (x - mean) / std, data.train.labels
    return {
        "training": (x[held:], y[held:]),
        "validation": (x[:held], y[:held]),
        "test": ((data.test.images.float() / 255 - mean) / std, data.test.labels),
    }


@torch.no_grad()
def mirrored_scores(model: nn.Module, x: Tensor) -> Tensor:
    """Return the sum of a picture's and its mirror image's probabilities, (N, 10).

    >>> scores = mirrored_scores(small_resnet(4).eval(), torch.zeros(2, 1, 28, 28))
    >>> scores.sum(dim=1).round()
    tensor([2., 2.])
    """
    parts = [model(p).softmax(1) + model(p.flip(3)).softmax(1) for p in x.split(1000)]
    return torch.cat(parts)


@torch.no_grad()
def ten_views(model: nn.Module, x: Tensor) -> Tensor:
    """Return the summed probabilities of ten views of each picture.

    They are (N, 10); a view is mirrored or not, and moved by a pixel or not.

    >>> ten_views(garment_resnet(4).eval(), torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    views = [x, *moved(x, 1)]
    return torch.stack([mirrored_scores(model, view) for view in views]).sum(dim=0)
