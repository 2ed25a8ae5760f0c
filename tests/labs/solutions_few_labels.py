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
_CONVOLUTIONS = """
def conv(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out), nn.ReLU(),
    )


def moved(x):
    n = len(x)
    down, right = torch.randint(-2, 3, (2, n, 1, 1)).unbind()
    rows = (torch.arange(28).view(28, 1) - down).clamp(0, 27)
    columns = (torch.arange(28) - right).clamp(0, 27)
    x = x[torch.arange(n).view(n, 1, 1), 0, rows, columns].unsqueeze(1)
    return torch.where(torch.rand(n, 1, 1, 1) < 0.5, x.flip(3), x)


def convolved(images, labels, pooled, dropped):
    spread, mean = torch.std_mean(images, (1, 2, 3), keepdim=True)
    images = (images - mean) / spread
    net = nn.Sequential(
        conv(1, 16), nn.MaxPool2d(2), conv(16, 32), nn.MaxPool2d(pooled),
        nn.Flatten(), nn.Dropout(dropped), nn.Linear(32 * (14 // pooled) ** 2, 10),
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
    return net
"""
# Two convolutions know a garment that has moved a little, or is mirrored.
GOOD_CELL = (
    _CONVOLUTIONS
    + """

def train(images, labels, validate):
    net = convolved(images, labels, 4, 0.2)
    return nn.Sequential(nn.GroupNorm(1, 1), Mirrored(net))
"""
)
# The mean of networks that err in different ways: two kinds with convolutions, and one
# without.
CEILING_CELL = (
    "import copy\n\n"
    + _CONVOLUTIONS
    + """

def dense(images, labels, validate):
    net = nn.Sequential(
        nn.GroupNorm(1, 1), nn.Flatten(), nn.Dropout(0.1),
        nn.Linear(784, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10),
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


def train(images, labels, validate):
    nets = convolved(images, labels, 4, 0.2), convolved(images, labels, 2, 0.5)
    convolutions = nn.Sequential(nn.GroupNorm(1, 1), Mirrored(Mean(*nets)))
    return nn.Sequential(Mean(convolutions, dense(images, labels, validate)))
"""
)
BASELINE = {"few_labels.train": BASELINE_CELL}
PASS = {"few_labels.train": PASS_CELL}
GOOD = {"few_labels.train": GOOD_CELL}
CEILING = {"few_labels.train": CEILING_CELL}
