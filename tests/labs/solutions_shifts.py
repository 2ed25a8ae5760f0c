"""Lab C solved at five levels: what a learner hands in, as the text of one cell."""

# Two convolutions and a flatten, as in lesson 05: it knows garments in the middle.
BASELINE_CELL = """
def train(images, labels):
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(784, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(6):
        for rows in torch.randperm(len(images)).split(64):
            loss = F.cross_entropy(net(images[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net
"""
_CONV = """
def conv(c_in, c_out, size=3, stride=1):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(c_out), nn.ReLU(),
    )
"""
_TRAINED = """
def head(channels):
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)


def moved(x):
    n = len(x)
    down, right = torch.randint(-4, 5, (2, n, 1, 1)).unbind()
    rows = (torch.arange(28).view(28, 1) - down) % 28
    columns = (torch.arange(28) - right) % 28
    x = x[torch.arange(n).view(n, 1, 1), 0, rows, columns].unsqueeze(1)
    return torch.where(torch.rand(n, 1, 1, 1) < 0.5, x.flip(3), x)


def trained(net, images, labels, epochs, rate, change, size=64, smoothing=0.0):
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=5e-4)
    steps = epochs * (len(images) // size)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(size):
            if len(rows) < size:
                break
            scores = net(change(images[rows]))
            loss = F.cross_entropy(scores, labels[rows], label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            plan.step()
    return net
"""
# The mean of each map does not ask where a garment is.
_GLOBAL = (
    _CONV
    + "\n"
    + _TRAINED
    + """

def train(images, labels):
    net = nn.Sequential(
        conv(1, 16), nn.MaxPool2d(2), conv(16, 32), nn.MaxPool2d(2),
        conv(32, 64), *head(64),
    )
    return trained(net, images, labels, {epochs}, {rate}, {change})
"""
)


PASS_CELL = _GLOBAL.format(epochs=8, rate=5e-3, change="lambda x: x")
# And has seen garments moved and mirrored.
GOOD_CELL = _GLOBAL.format(epochs=10, rate=8e-3, change="moved")
# What somebody new to the lab comes to in an hour: a wider network with shortcuts, near
# to all the numbers it may have, that is trained three times as long.
QUICK_CELL = (
    _CONV
    + "\n"
    + _TRAINED
    + """

def train(images, labels):
    net = nn.Sequential(
        conv(1, 18, 5), nn.MaxPool2d(2),
        conv(18, 26), Residual(conv(26, 26)), nn.MaxPool2d(2),
        conv(26, 52), Residual(conv(52, 52)), *head(52),
    )
    return trained(net, images, labels, 30, 1e-2, moved, 100, 0.05)
"""
)
# Circular padding, and a step of one pixel: what a layer makes of a moved garment has
# moved as far, so that the mean of each map is the same wherever it stands. To train
# with steps of two costs a tenth, and leaves the numbers as they are: where no pixel is
# left out, later layers look so much farther apart.
CEILING_CELL = (
    _TRAINED
    + """

PLAN = (1, 16, 5, 2), (16, 24, 3, 2), (24, 36, 3, 1)


def built(everywhere):
    layers, step = [], 1
    for c_in, c_out, size, stride in PLAN:
        conv = nn.Conv2d(
            c_in, c_out, size, 1 if everywhere else stride, size // 2 * step,
            step, padding_mode="circular", bias=False,
        )
        layers += [conv, nn.BatchNorm2d(c_out), nn.ReLU()]
        step *= stride if everywhere else 1
    return nn.Sequential(*layers, *head(c_out))


def train(images, labels):
    net = trained(built(False), images, labels, 60, 1e-2, moved, 96, 0.1)
    whole = built(True)
    whole.load_state_dict(net.state_dict())
    return whole
"""
)
BASELINE = {"shifts.train": BASELINE_CELL}
PASS = {"shifts.train": PASS_CELL}
GOOD = {"shifts.train": GOOD_CELL}
QUICK = {"shifts.train": QUICK_CELL}
CEILING = {"shifts.train": CEILING_CELL}
