"""Lab B solved at four levels: what a learner hands in, as the text of one cell."""

# One hidden layer, as in lesson 03, which learns its images by heart.
BASELINE_CELL = """
def train(images, labels, validate):
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(300):
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net
"""
# A norm over each image takes its light away; dropout, weight decay, early stopping.
PASS_CELL = """
import copy


def train(images, labels, validate):
    net = nn.Sequential(
        nn.GroupNorm(1, 1), nn.Flatten(), nn.Dropout(0.1),
        nn.Linear(784, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10),
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.1)
    least, best = 9.0, net
    for step in range(1, 401):
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 20 == 0:
            _, loss = validate(net)
            if loss < least:
                least, best = loss, copy.deepcopy(net)
    return best
"""
_LAYERS = """
def plain(x):
    spread, mean = torch.std_mean(x, (1, 2, 3), keepdim=True)
    return (x - mean) / spread


def conv(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out), nn.ReLU(),
    )
"""
# Two convolutions know a garment that has moved a little, or is mirrored.
GOOD_CELL = (
    _LAYERS
    + """

def moved(x):
    n = len(x)
    down, right = torch.randint(-2, 3, (2, n, 1, 1)).unbind()
    rows = (torch.arange(28).view(28, 1) - down).clamp(0, 27)
    columns = (torch.arange(28) - right).clamp(0, 27)
    x = x[torch.arange(n).view(n, 1, 1), 0, rows, columns].unsqueeze(1)
    return torch.where(torch.rand(n, 1, 1, 1) < 0.5, x.flip(3), x)


def train(images, labels, validate):
    images = plain(images)
    net = nn.Sequential(
        conv(1, 16), nn.MaxPool2d(2), conv(16, 32), nn.MaxPool2d(4),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(288, 10),
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, 60 * 4)
    for _ in range(60):
        for rows in torch.randperm(200).split(50):
            loss = F.cross_entropy(net(moved(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            plan.step()
    return nn.Sequential(nn.GroupNorm(1, 1), net)
"""
)
# Images are turned, stretched and cut out as well; the mean of several networks and of
# their mirror images.
CEILING_CELL = (
    _LAYERS
    + """

def changed(x):
    n = len(x)
    turn, skew, wide, high = torch.randn(4, n) * 0.11
    wide = wide.exp() * (1 - 2 * torch.randint(0, 2, (n,)))
    across, down = torch.randn(2, n) * 0.08
    where = torch.stack([wide, turn + skew, across, -turn, high.exp(), down], 1)
    grid = F.affine_grid(where.view(n, 2, 3), x.shape, align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    row, column = torch.randint(-4, 28, (2, n, 1, 1, 1))
    pixels = torch.arange(28)
    out = ((pixels.view(28, 1) - row) // 8 == 0) & ((pixels - column) // 8 == 0)
    return torch.where(out, x.amin((1, 2, 3), keepdim=True), x)


def one(images, labels, epochs=80):
    net = nn.Sequential(
        conv(1, 16), nn.MaxPool2d(2), conv(16, 32), nn.MaxPool2d(2),
        conv(32, 32), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Dropout(0.3), nn.Linear(128, 10),
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=8e-3, weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, epochs * 4)
    for _ in range(epochs):
        for rows in torch.randperm(200).split(50):
            loss = F.cross_entropy(net(changed(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            plan.step()
    return net


def train(images, labels, validate):
    images = plain(images)
    nets = [one(images, labels) for _ in range(3)]
    return nn.Sequential(nn.GroupNorm(1, 1), Mirrored(Mean(*nets)))
"""
)
BASELINE = {"few_labels.train": BASELINE_CELL}
PASS = {"few_labels.train": PASS_CELL}
GOOD = {"few_labels.train": GOOD_CELL}
CEILING = {"few_labels.train": CEILING_CELL}
