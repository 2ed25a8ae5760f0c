"""Lab E solved at four levels: what a learner hands in, as the text of one cell."""

# Two convolutions, as in lesson 05, for one epoch.
BASELINE_CELL = """
def train(images, labels):
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(784, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for rows in torch.randperm(len(images)).split(128):
        loss = F.cross_entropy(net(images[rows] / 255), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net
"""
# Lesson 10's network, narrower at its head, with its schedule.
PASS_CELL = """
def train(images, labels):
    torch.set_num_threads(2)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Flatten(), nn.Linear(1568, 48), nn.ReLU(), nn.Linear(48, 10),
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    epochs, steps = 3, len(images) // 128
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, epochs * steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(128)[:steps]:
            loss = F.cross_entropy(net(images[rows] / 255), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            plan.step()
    return net
"""
# Shortcuts, and mirror images in training and in use.
GOOD_CELL = """
def conv(c_in, c_out, *pool):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), *pool,
        nn.BatchNorm2d(c_out), nn.ReLU(),
    )


def train(images, labels):
    torch.set_num_threads(2)
    net = nn.Sequential(
        conv(1, 16, nn.MaxPool2d(2)), Residual(conv(16, 16)),
        conv(16, 32, nn.MaxPool2d(2)), conv(32, 64), Residual(conv(64, 64)),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(576, 10),
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.05)
    epochs, steps = 4, len(images) // 128
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, epochs * steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(128)[:steps]:
            x = images[rows] / 255
            x = torch.where(torch.rand(128, 1, 1, 1) < 0.5, x.flip(3), x)
            x = x.contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(net(x), labels[rows], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            plan.step()
    return Mirrored(net)
"""
# Both cores work all the time, each on half of a batch; few channels where maps are
# large; bfloat16 where it is faster; Muon; images that are known are often left out;
# the clock says how far the schedule is; six views in use.
CEILING_CELL = """
import time
from concurrent.futures import ThreadPoolExecutor

SECONDS, SIZE = 82, 512


def conv(c_in, c_out):
    return nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out)


def shift(place):
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    layer.weight.data = F.one_hot(torch.tensor(place), 9).float().view(1, 1, 3, 3)
    return layer


def orthogonal(x):
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x


def moved(images, rows, mirrored):
    n = len(rows)
    down, right = torch.randint(3, (2, n, 1, 1)).unbind()
    columns = torch.arange(28).expand(n, 1, 28)
    columns = torch.where(mirrored.view(n, 1, 1), 27 - columns, columns) + right
    lines = torch.arange(28).view(28, 1) + down
    return images[rows.view(n, 1, 1), 0, lines, columns].unsqueeze(1) / 255


def train(images, labels):
    start, n = time.perf_counter(), len(images)
    torch.set_num_threads(1)
    images = F.pad(images, [1] * 4)
    inner = [[*conv(c, c), nn.ReLU(), conv(c, c)[0]] for c in (16, 16, 48)]
    for layers in inner:
        nn.init.zeros_(layers[-1].weight)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.MaxPool2d(2),
        nn.BatchNorm2d(16), nn.ReLU(), Residual(*inner[0]), nn.ReLU(),
        Residual(*inner[1]), nn.ReLU(), nn.MaxPool2d(2), *conv(16, 48), nn.ReLU(),
        Residual(*inner[2]), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(432, 10),
    ).to(memory_format=torch.channels_last)
    every = list(net.parameters())
    kernels = [p for p in every if p.dim() == 4][1:]
    past = [torch.zeros_like(kernel) for kernel in kernels]
    others = [p for p in every if all(p is not kernel for kernel in kernels)]
    adam = torch.optim.AdamW(others, weight_decay=0)
    losses, turn = torch.full((n,), 9.0).double(), torch.randint(2, (n,))

    def slopes(rows, weight):
        x = moved(images, rows, turn[rows] % 2 > 0)
        with torch.autocast("cpu", torch.bfloat16, half, cache_enabled=False):
            scores = net(x)
        loss = F.cross_entropy(
            scores.float(), labels[rows], reduction="none", label_smoothing=0.05
        )
        losses[rows] = loss.detach().double()
        return torch.autograd.grad((loss * weight).sum() / SIZE, every)

    @torch.no_grad()
    def turned(kernel, old, rate):
        old.mul_(0.9).add_(kernel.grad)
        step = orthogonal((kernel.grad + 0.9 * old).flatten(1))
        kernel.mul_(1 - 0.001 * rate)
        kernel.sub_(step.view_as(kernel), alpha=0.07 * rate)

    def batches():
        while True:
            known = (losses < losses.mean()) & (done() < 0.85)
            left_out = known & (torch.rand(n) < 0.7)
            rows = (~left_out).nonzero()[:, 0]
            for part in rows[torch.randperm(len(rows))].split(SIZE)[:-1]:
                yield part, 1.0 + known[part] * 7 / 3

    def done():
        return (time.perf_counter() - start) / SECONDS

    spent = {}
    for half in (True, False) * 3:
        began = time.perf_counter()
        slopes(torch.arange(SIZE // 2), 1.0)
        spent[half] = time.perf_counter() - began
    half = spent[True] < spent[False]
    with ThreadPoolExecutor(2) as both:
        for rows, weight in batches():
            share = done()
            if share >= 1:
                break
            rate = min(share / 0.25, (1 - share) / 0.75)
            turn[rows] += 1
            parts = rows.chunk(2), weight.chunk(2)
            for p, *two in zip(every, *both.map(slopes, *parts)):
                p.grad = sum(two)
            adam.param_groups[0]["lr"] = 0.01 * rate
            adam.step()
            list(both.map(turned, kernels, past, [rate] * len(kernels)))
    views = [nn.Sequential(shift(place), net) for place in (0, 8)]
    return Mirrored(Mean(net, *views))
"""
BASELINE = {"budget.train": BASELINE_CELL}
PASS = {"budget.train": PASS_CELL}
GOOD = {"budget.train": GOOD_CELL}
CEILING = {"budget.train": CEILING_CELL}
