"""What do three changes bring to a real network's training? ResNet-18 on garments of 64
x 64: as it is, with channels_last and bfloat16, with pictures of 32 x 32 until the last
epoch, with a cycle of the rate at 32 and one at 64, and with 32 x 32 throughout;
seconds, and accuracy by epoch."""

import copy
import math
import os
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor

from course_utils.authoring.classifier import Pictures, raw_parts
from course_utils.authoring.clock import faster_precision, shorter
from course_utils.authoring.recipes import MEAN, SPREAD
from course_utils.authoring.record import record
from course_utils.authoring.training import accuracy, triangle

THREADS = int(os.environ.get("COURSE_THREADS", "2"))
PICTURES, HELD, TESTED = 3_200, 1_000, 5_000  # to train, to choose and to test with
BATCH, EPOCHS, ROUNDS = 64, 4, 3
FEW = 16  # pictures of a step that chooses the precision


class Arm(NamedTuple):
    """A way to train: pictures of one side, then, in the last epochs, of another."""

    first: int
    last: int
    changed: bool  # channels_last is on, and bfloat16, where a step is quicker with it
    rate: float
    large: int = 1  # how many are the last epochs
    cycles: int = 1  # how often the rate rises and falls


# The rates are the best of three on validation pictures, as the rows of round 100 show:
# after an epoch, and after all of them where the rate has two cycles. channels_last and
# bfloat16 leave the training as it is, so `plain` has the rate of `both`, and so have
# the pictures that grow in the last epoch.
ARMS = {
    "plain": Arm(64, 64, False, 0.0015),
    "both": Arm(64, 64, True, 0.0015),
    "both, 32 then 64": Arm(32, 64, True, 0.0015),
    "both, a cycle at each": Arm(32, 64, True, 0.0015, large=2, cycles=2),
    "both, all at 32": Arm(32, 32, True, 0.0005),
}
SEARCHED = {
    "both": (1, [0.0005, 0.0015, 0.0045]),
    "both, a cycle at each": (EPOCHS, [0.0005, 0.0015, 0.0045]),
    "both, all at 32": (1, [0.00017, 0.0005, 0.0015]),
}
SETTINGS: list[dict[str, Any]] = [
    *(
        {"round": 100, "arm": arm, "epochs": epochs, "rate": rate}
        for arm, (epochs, rates) in SEARCHED.items()
        for rate in rates
    ),
    *(
        {"round": number, "arm": arm, "epochs": EPOCHS}
        for number in range(ROUNDS)
        for arm in ARMS
    ),
]
RERUN = (
    SETTINGS.index(
        {"round": 100, "arm": "both, all at 32", "epochs": 1, "rate": 0.0005}
    ),
    {"accuracy": (0.7, 0.88)},  # a time is no test
)


class Net:
    """ResNet-18 of an arm; it scores pictures, (N, 1, 28, 28) uint8, at a side."""

    def __init__(self, arm: str) -> None:
        self.arm = ARMS[arm]
        self.side, self.precision = self.arm.first, torch.float32
        last = self.arm.changed
        self.order = torch.channels_last if last else torch.contiguous_format
        model = torchvision.models.resnet18(num_classes=10)
        self.model = model.to(memory_format=self.order)

    def __call__(self, images: Tensor) -> Tensor:
        """Return the scores, (N, 10), of pictures enlarged to three equal channels."""
        x = F.interpolate((images / 255 - MEAN) / SPREAD, size=self.side)
        x = x.expand(-1, 3, -1, -1).contiguous(memory_format=self.order)
        half = self.precision == torch.bfloat16
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            return self.model(x).float()

    def choose(self, images: Tensor, labels: Tensor) -> None:
        """Choose the precision, where the arm may; the weights stay as they are."""
        trial = copy.deepcopy(self)

        def step(precision: torch.dtype) -> None:
            trial.precision = precision
            F.cross_entropy(trial(images), labels).backward()

        if self.arm.changed:
            self.precision = faster_precision(step, repeats=3)

    @torch.no_grad()
    def scores(self, images: Tensor) -> Tensor:
        """Return the scores in evaluation mode, in parts."""
        self.model.eval()
        found = torch.cat([self(part) for part in images.split(250)])
        self.model.train()
        return found


def train(net: Net, pictures: Pictures, peak: float, epochs: int) -> Iterator[int]:
    """Train with AdamW, the rate rising and falling; yield after every epoch."""
    (images, labels), arm = pictures, net.arm
    net.choose(images[:FEW], labels[:FEW])
    optimizer = torch.optim.AdamW(net.model.parameters(), lr=peak)
    cycle, step = epochs // arm.cycles * math.ceil(len(labels) / BATCH), 0
    for number in range(epochs):
        net.side = arm.last if number >= epochs - arm.large else arm.first
        for rows in torch.randperm(len(labels)).split(BATCH):
            optimizer.param_groups[0]["lr"] = peak * triangle(step % cycle, cycle)
            loss = F.cross_entropy(net(images[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
        yield number


def measure(
    round: int,
    arm: str,
    epochs: int,
    rate: float | None = None,
    pictures: int = PICTURES,
) -> dict[str, object]:
    """Train an arm once; the clock stands still while accuracy is taken.

    With a `rate` the arm's own is still to be chosen, so the test set stays unseen.
    Fewer `pictures` try the script, with as few to score.
    """
    torch.set_num_threads(THREADS)
    training, held, (images, labels) = raw_parts(pictures, min(HELD, pictures))
    torch.manual_seed(round)
    net = Net(arm)
    running = train(net, training, rate or net.arm.rate, epochs)
    found: dict[str, list[float]] = {"seconds": [], "cpu_seconds": [], "accuracy": []}
    wall = cpu = 0.0
    for _ in range(epochs):
        start, used = time.perf_counter(), time.process_time()
        next(running)
        wall += time.perf_counter() - start
        cpu += time.process_time() - used
        found["seconds"].append(shorter(wall))
        found["cpu_seconds"].append(shorter(cpu))
        found["accuracy"].append(accuracy(net.scores, *held))
    tested = slice(min(TESTED, pictures))
    test = None if rate else accuracy(net.scores, images[tested], labels[tested])
    return {
        **found,
        "test_accuracy": test,
        "precision": str(net.precision).removeprefix("torch."),
        "threads": THREADS,
    }


if __name__ == "__main__":
    if "--try" in sys.argv:
        for arm in ARMS:
            print(arm, measure(0, arm, 2, pictures=128), flush=True)
    else:
        record(__file__, __doc__ or "", SETTINGS, measure, fresh="--fresh" in sys.argv)
