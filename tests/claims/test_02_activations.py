"""Lesson 02 says more than its page shows: each sentence, tested."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.testing import assert_close

from course_utils import load_experiment
from tests.lessons import LESSONS, code_cells, read

bell = torch.distributions.Normal(0.0, 1.0)


def defined(*names: str) -> dict:
    """Return what the lesson's cells define, as the page has it."""
    scope = {"torch": torch, "nn": nn, "F": F, "math": math, "device": "cpu"}
    scope["copy"] = copy
    scope["slope_of"] = slope_of
    for name in names:
        (cell,) = [
            c
            for c in code_cells(read(LESSONS[2]))
            if f"class {name}(" in c.source or f"def {name}(" in c.source
        ]
        exec(cell.source, scope)
    return scope


def slope_of(function, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]


def below_0(x, positive, negative):
    return torch.where(x > 0, positive, negative)


def tanh_of_softplus(x):
    return torch.tanh(torch.log(1 + x.exp()))


def sigma(x):
    return 1 / (1 + torch.exp(-x))


# each row of the table: its formula and its slope
TABLE = {
    "sigmoid": (sigma, lambda x: sigma(x) * (1 - sigma(x))),
    "tanh": (lambda x: 2 * sigma(2 * x) - 1, lambda x: 1 - x.tanh() ** 2),
    "hardsigmoid": (
        lambda x: (x / 6 + 0.5).clamp(0, 1),
        lambda x: (x.abs() < 3) / 6,
    ),
    "hardtanh": (lambda x: x.clamp(-1, 1), lambda x: (x.abs() < 1) * 1.0),
    "relu": (lambda x: x.clamp(min=0), lambda x: (x > 0) * 1.0),
    "leaky_relu": (
        lambda x: below_0(x, x, 0.01 * x),
        lambda x: below_0(x, torch.ones_like(x), torch.full_like(x, 0.01)),
    ),
    "relu6": (lambda x: x.clamp(0, 6), lambda x: (x > 0) * (x < 6) * 1.0),
    "elu": (
        lambda x: below_0(x, x, x.exp() - 1),
        lambda x: below_0(x, torch.ones_like(x), x.exp()),
    ),
    "selu": (
        lambda x: 1.0507 * below_0(x, x, 1.6733 * (x.exp() - 1)),
        lambda x: below_0(x, torch.full_like(x, 1.0507), 1.0507 * 1.6733 * x.exp()),
    ),
    "softplus": (lambda x: torch.log(1 + x.exp()), sigma),
    "gelu": (
        lambda x: x * bell.cdf(x),
        lambda x: bell.cdf(x) + x * bell.log_prob(x).exp(),
    ),
    "silu": (lambda x: x * sigma(x), lambda x: sigma(x) * (1 + x * (1 - sigma(x)))),
    "mish": (
        lambda x: x * tanh_of_softplus(x),
        lambda x: tanh_of_softplus(x) + x * sigma(x) * (1 - tanh_of_softplus(x) ** 2),
    ),
    "hardswish": (
        lambda x: x * (x / 6 + 0.5).clamp(0, 1),
        lambda x: torch.where(x.abs() < 3, x / 3 + 0.5, (x > 0) * 1.0),
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_every_formula_and_slope_of_the_table_is_torchs(name):
    x = torch.linspace(-7, 7, 200)
    formula, slope = TABLE[name]
    assert_close(formula(x), getattr(F, name)(x), rtol=1e-4, atol=3e-5)
    assert_close(slope(x), slope_of(getattr(F, name), x), rtol=1e-4, atol=5e-5)


@pytest.mark.parametrize(
    ("name", "lowest"),
    [("gelu", -0.17), ("silu", -0.278), ("mish", -0.309), ("hardswish", -0.375)],
)
def test_lowest_values_of_the_table(name, lowest):
    found = getattr(F, name)(torch.linspace(-7, 7, 14_001)).min().item()
    assert found == pytest.approx(lowest, abs=6e-4)


def test_forms_of_relu_give_the_same_values():
    z = torch.tensor([0.2392, -1.2186, -0.9254, 0.0])
    for form in [nn.ReLU()(z), torch.relu(z), z.relu(), z.clamp(min=0)]:
        assert torch.equal(form, F.relu(z))
    assert [p.item() for p in nn.PReLU().parameters()] == [0.25]


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4)])
def test_own_gelu_is_nn_gelu(approximate, shape):
    torch.manual_seed(0)
    mine = defined("MyGELU")["MyGELU"](approximate)
    theirs, x = nn.GELU(approximate), 3 * torch.randn(shape)
    assert repr(mine) == f"My{theirs!r}"
    assert_close(mine(x), theirs(x))
    assert_close(slope_of(mine, x), slope_of(theirs, x), rtol=1e-4, atol=1e-5)


def test_own_leaky_relu_takes_slopes_below_1_and_own_sigmoid_overflows():
    scope, z = defined("MyGELU", "my_sigmoid"), torch.tensor([-3.0, 3.0])
    assert_close(scope["my_leaky_relu"](z), torch.tensor([-0.03, 3.0]))
    low = torch.tensor([-100.0])
    assert scope["my_sigmoid"](low) == 0
    assert slope_of(scope["my_sigmoid"], low).isnan().all()
    assert slope_of(torch.sigmoid, low) == 0


@pytest.mark.parametrize("shape", ["a list of batches", "a DataLoader"])
def test_fit_takes(shape):
    scope = defined("train_step", "accuracy", "fit")
    torch.manual_seed(0)
    x = torch.randn(300, 4)
    y = (x[:, 0] > 0).long()
    batches = list(zip(x.split(50), y.split(50), strict=True))
    if shape == "a DataLoader":
        data = torch.utils.data.TensorDataset(x, y)
        batches = torch.utils.data.DataLoader(data, batch_size=50, shuffle=True)
    net = nn.Linear(4, 2)
    optimizer = scope["sgd"](net, lr=0.1)
    history = scope["fit"](net, optimizer, batches, [(x, y)], epochs=8)
    assert max(history["validation accuracy"]) > 0.95
    assert scope["accuracy"](net, [(x, y)]) == max(history["validation accuracy"])
    assert scope["accuracy"](net, batches) == scope["accuracy"](net, [(x, y)])


class Elsewhere:
    """A tensor on another device: of no use before it is moved."""

    def __init__(self, tensor):
        self.to = lambda device: tensor


def test_fit_moves_its_batches_to_the_device():
    scope = defined("train_step", "accuracy", "fit")
    torch.manual_seed(0)
    x, y = torch.randn(60, 4), torch.randint(2, (60,))
    batches, net = [(Elsewhere(x), Elsewhere(y))], nn.Linear(4, 2)
    history = scope["fit"](net, scope["sgd"](net), batches, batches, epochs=1)
    assert history["validation accuracy"] == [scope["accuracy"](net, [(x, y)])]


def test_torch_has_other_gains_for_sigmoid_and_tanh_and_none_for_three():
    gains = [nn.init.calculate_gain(name) for name in ("relu", "sigmoid", "tanh")]
    assert gains == pytest.approx([2**0.5, 1, 5 / 3])
    for name in ("elu", "gelu", "silu"):
        with pytest.raises(ValueError, match="Unsupported nonlinearity"):
            nn.init.calculate_gain(name)


def test_helpers_look_into_any_model():
    scope = defined("MyGELU", "sums_of", "gradients")
    net = nn.Sequential(nn.Linear(1, 3), nn.ReLU(inplace=True), nn.Linear(3, 2))
    net.append(nn.Sigmoid())
    weights = {"0.weight": torch.tensor([[1.0], [1.0], [-1.0]])}
    weights |= {"0.bias": torch.tensor([0.0, -10.0, -10.0])}
    weights |= {"2.weight": torch.ones(2, 3), "2.bias": torch.tensor([0.0, 50.0])}
    net.load_state_dict(weights)
    x = torch.tensor([[-1.0], [1.0], [2.0]])
    (relu, first), (sigmoid, second) = scope["sums_of"](net, x)
    assert (relu, sigmoid) == (net[1], net[3])
    assert first.tolist() == [[-1, -11, -9], [1, -9, -11], [2, -8, -12]]
    assert second.tolist() == [[0, 50], [1, 51], [2, 52]]
    assert scope["dead_units"](net, x) == [2, 0]
    net[1] = nn.ReLU()  # slope_of needs its input afterwards
    assert_close(scope["flat_share"](net, x), [torch.tensor(7 / 9), torch.tensor(0.5)])
    found = scope["gradients"](net, x, torch.tensor([0, 1, 1]))
    assert list(found) == ["0.weight", "2.weight"]
    assert found["2.weight"] == pytest.approx(
        net[2].weight.grad.square().mean().sqrt().item()
    )


def test_a_logit_of_2_costs_0_13_if_on_and_2_13_if_off():
    z, loss = torch.tensor([2.0]), F.binary_cross_entropy_with_logits
    assert torch.sigmoid(z).item() == pytest.approx(0.88, abs=0.005)
    assert loss(z, torch.ones(1)).item() == pytest.approx(0.13, abs=0.005)
    assert loss(z, torch.zeros(1)).item() == pytest.approx(2.13, abs=0.005)


def test_momentum_adds_0_9_of_the_step_before():
    p, moves = nn.Parameter(torch.zeros(1)), []
    optimizer = defined("accuracy")["sgd"](nn.ParameterList([p]))
    for _ in range(3):
        before, p.grad = p.item(), torch.ones(1)
        optimizer.step()
        moves.append(p.item() - before)
    usual = -0.08
    assert moves == pytest.approx(
        [usual, usual + 0.9 * moves[0], usual + 0.9 * moves[1]]
    )


@pytest.mark.parametrize("k", [1, 3, 10, 50])
def test_net_of_hinges_meets_the_function_at_k_plus_1_places(k):
    net = defined("build")["build"](lambda x: (3 * x).cos(), k)
    places = torch.linspace(0, 1, k + 1)[:, None]
    assert_close(net(places), (3 * places).cos(), rtol=1e-4, atol=1e-5)
    middles = (places[1:] + places[:-1]) / 2  # straight between them
    means = (net(places[1:]) + net(places[:-1])) / 2
    assert_close(net(middles), means, rtol=1e-4, atol=1e-5)


def test_the_root_needs_18_hinges():
    build, x = defined("build")["build"], torch.linspace(0, 1, 2_001)[:, None]
    error = {k: (build(torch.sqrt, k)(x) - x.sqrt()).abs().max() for k in (17, 18)}
    assert error[18] < 0.06 < error[17]


def test_grid_of_the_page_gives_he_s_gain_exactly():
    scope = defined("MyGELU") | {"bell": bell}
    (cell,) = [c for c in code_cells(read(LESSONS[2])) if "def mean_square" in c.source]
    exec(cell.source.split("\n\n\n")[0], scope)
    assert scope["mean_square_slope"](F.relu).item() == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("run", range(12))
def test_hinges_as_drawn_few_have_their_corner_where_the_data_are(run):
    torch.manual_seed(run)
    layer, x = nn.Linear(1, 32), torch.linspace(0, 1, 2_001)[:, None]
    corners = -layer.bias / layer.weight[:, 0]
    assert 3 <= ((corners > 0) & (corners < 1)).sum() <= 9
    assert 8 <= (layer(x) <= 0).all(dim=0).sum() <= 15


GAINS = {"relu": 2**0.5, "tanh": 1.47, "sigmoid": 4.72, "silu": 1.62, "gelu": 1.48}


@pytest.mark.parametrize("name", GAINS)
def test_gain_for_normal_sums(name):
    z = torch.linspace(-8, 8, 16_001)
    square = (slope_of(getattr(torch, name, getattr(F, name)), z) ** 2) * (
        bell.log_prob(z).exp() * 16 / 16_000
    )
    assert square.sum() ** -0.5 == pytest.approx(GAINS[name], abs=0.01)


def sums_of_ten_layers(activation, gain, seed=0):
    torch.manual_seed(seed)
    h, sums = torch.randn(200, 64).requires_grad_(), []
    for _ in range(10):
        sums.append(gain * h @ torch.randn(64, 64) / 8)
        sums[-1].retain_grad()
        h = activation(sums[-1])
    h.backward(torch.randn(200, 64))
    return sums


@pytest.mark.parametrize("seed", range(3))
def test_gain_for_normal_sums_does_not_keep_the_sums_normal(seed):
    sigmoids = sums_of_ten_layers(torch.sigmoid, 4.72, seed)
    assert sigmoids[0].std().item() == pytest.approx(5, abs=0.4)
    assert all(2 < z.std() < 4 for z in sigmoids[1:])
    whole = sigmoids[0].grad.norm() / sigmoids[-1].grad.norm()
    assert whole.item() ** (1 / 9) == pytest.approx(0.67, abs=0.05)


def test_factor_0_4_leaves_a_ten_thousandth_and_2_makes_a_thousandfold():
    assert 0.4**10 == pytest.approx(1e-4, rel=0.06)
    assert 2**10 == pytest.approx(1_000, rel=0.03)


def test_gelu_is_a_soft_switch():
    z = torch.tensor([-2.0, 0.0, 2.0])
    assert_close(bell.cdf(z), torch.tensor([0.023, 0.5, 0.977]), rtol=0, atol=5e-4)
    assert_close(F.gelu(z), torch.tensor([-0.05, 0, 1.95]), rtol=0, atol=5e-3)


def test_units_that_start_equal_stay_equal():
    x, y = torch.rand(50, 2), torch.rand(50, 1)
    net = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 1))
    for p in net.parameters():
        nn.init.constant_(p, 0.3)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(50):
        optimizer.zero_grad()
        F.mse_loss(net(x), y).backward()
        optimizer.step()
    weight = net[0].weight.detach()
    assert_close(weight, weight[:1].expand(5, 2))
    assert (weight != 0.3).all()


def test_a_net_on_its_leak_sits_at_the_best_line_and_then_learns():
    line, relu, leaky, gelu = load_experiment("sleeping_units").rows
    for steps in ("300 steps", "3,000 steps"):
        assert leaky[steps] == pytest.approx(line[steps], rel=0.01)
    assert max(leaky["20,000 steps"]) < 0.002
    assert all(7 <= 100 - below <= 15 for below in leaky["below 0"])
    assert relu["300 steps"] == relu["20,000 steps"]
    assert relu["below 0"] == [100, 100, 100]
    assert max(gelu["300 steps"]) < 0.006


def test_last_layer_table_says_what_the_lesson_reads_off():
    rows = load_experiment("last_layer").rows
    found = {(row["at the end"], row["steps"]): row["test accuracy"] for row in rows}

    def lost(head, steps):
        fair = sum(found["none (logits)", steps]) / 5
        return sorted(100 * (fair - a) for a in found[head, steps])

    short, long = lost("softmax", 300), lost("softmax", 3_000)
    assert 4.5 < short[0] and short[-1] < 10.5
    assert long[2] < 2 and long[3:] == pytest.approx([5, 11], abs=0.6)
    long = lost("ReLU", 3_000)
    assert long[1] < 0.5 and long[-1] == pytest.approx(9, abs=0.5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid"])
def test_factor_of_a_layer_is_the_gain_times_the_typical_slope(name, seed):
    torch.manual_seed(seed)
    scope = defined("factors")
    formula, found = scope["factors"](getattr(torch, name), 2.0)
    assert found == pytest.approx(formula, rel=0.12)


def share_that_depends_on_the_input(activation, gain, seed):
    last = sums_of_ten_layers(activation, gain, seed)[-1].detach()
    return (last.var(dim=0, correction=0).mean() / last.square().mean()).item()


@pytest.mark.parametrize("seed", range(3))
def test_centred_values_keep_what_depends_on_the_input(seed):
    assert share_that_depends_on_the_input(torch.sigmoid, 6.5, seed) < 0.03
    assert share_that_depends_on_the_input(torch.sigmoid, 1, seed) < 0.001
    for gain in (1, 6.5):
        centred = share_that_depends_on_the_input(
            lambda z: torch.sigmoid(z) - 0.5, gain, seed
        )
        assert centred > 0.95
    relu = [share_that_depends_on_the_input(F.relu, gain, seed) for gain in (1, 4)]
    assert relu[0] == pytest.approx(relu[1], rel=1e-3)
    assert 0.15 < relu[0] < 0.35


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_ignores_a_shift_and_cross_entropy_takes_log_softmax(dim):
    z = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    assert_close((z + 100).softmax(dim), z.softmax(dim), rtol=1e-4, atol=1e-5)
    assert_close(z.log_softmax(dim).exp(), z.softmax(dim))
    y = torch.arange(4)
    assert_close(F.cross_entropy(z, y), -z.log_softmax(1).diagonal().mean())


def test_silu_in_place_copies_its_input_first():
    x = torch.tensor([-1.0, 2.0], requires_grad=True) * 1
    y = F.silu(x, inplace=True)
    assert_close(y.grad_fn._saved_self.detach(), torch.tensor([-1.0, 2.0]))
    with pytest.raises(TypeError):
        nn.GELU(inplace=True)


def test_backward_counts_writes_and_compares_nothing():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = torch.sigmoid(x)
    before = y.detach().clone()
    F.relu(y, inplace=True)
    assert torch.equal(y.detach(), before)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("width", [4, 16, 128])
def test_swiglu_with_8_thirds_of_the_width_has_as_many_weights(width):
    swiglu = defined("SwiGLU")["SwiGLU"](width, 8 * width // 3)
    count = sum(p.numel() for p in swiglu.parameters())
    assert 8 * width**2 - 3 * width < count <= 8 * width**2
    x = torch.randn(2, 5, width)
    gate, up, down = (p.T for p in swiglu.parameters())
    assert_close(swiglu(x), (F.silu(x @ gate) * (x @ up)) @ down)


def test_width_of_llama_s_gates_is_8_thirds_rounded_up_to_a_multiple_of_256():
    assert 256 * math.ceil(8 / 3 * 4_096 / 256) == 11_008


def test_resnet_18_uses_its_9_relus_17_times():
    with torch.device("meta"):
        model = torchvision.models.resnet18().eval()
        calls = []
        relus = [m for m in model.modules() if isinstance(m, nn.ReLU)]
        for relu in relus:
            relu.register_forward_hook(lambda *call: calls.append(call[2].numel()))
        model(torch.empty(1, 3, 224, 224))
    assert (len(relus), len(calls), sum(calls)) == (9, 17, 2_308_096)


def means(name: str, column: str, key: str, **settings) -> dict[str, float]:
    rows = load_experiment(name).select(**settings)
    return {row[key]: sum(row[column]) / len(row[column]) for row in rows}


def test_long_race_says_what_the_lesson_reads_off():
    early, late = (
        [
            means("hidden_activations", when, "activation", start=start)
            for start in ("nn.Linear's", "scaled")
        ]
        for when in ("4 epochs", "trained out")
    )
    assert early[0].pop("sigmoid") == late[0].pop("sigmoid") == pytest.approx(0.1)
    none = [late[k].pop("none") for k in (0, 1)]
    bent = [*late[0].values(), *late[1].values()]
    assert max(bent) - min(bent) < 0.01
    assert 0.03 < min(bent) - max(none) and max(bent) - min(none) < 0.042
    assert min(late[1].values()) <= late[1]["sigmoid"] <= max(late[1].values())
    lead = [100 * (early[1][name] - early[0][name]) for name in early[0]]
    assert min(lead) > 0 and max(lead) < 2
    lead = [100 * (late[1][name] - late[0][name]) for name in late[0]]
    assert min(lead) < 0 < max(lead) < 1


def test_gating_table_says_what_the_lesson_reads_off():
    bits = means("gating", "bits per character", "feed-forward")
    assert bits["no activation, no gate"] == pytest.approx(3.30, abs=0.01)
    assert bits["GELU"] == pytest.approx(2.56, abs=0.005)
    assert bits["SiLU"] == pytest.approx(2.68, abs=0.005)
    for kind in ("SwiGLU", "GEGLU"):
        assert bits[kind] == pytest.approx(2.42, abs=0.006)
    assert bits["gate, no activation"] == pytest.approx(2.45, abs=0.005)
    assert bits["GLU"] == pytest.approx(2.59, abs=0.005) and bits["GLU"] > bits["GELU"]
    (glu,) = load_experiment("gating").select(**{"feed-forward": "GLU"})
    assert glu["lr"] == 0.009
