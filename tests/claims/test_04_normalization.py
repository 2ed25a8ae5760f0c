"""Lesson 04 says more than its page shows: each sentence, tested."""

import copy
from statistics import fmean

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.testing import assert_close

from course_utils import load_experiment, load_sketches
from tests.lessons import LESSONS, code_cells, read


def from_the_lesson(name: str) -> type[nn.Module]:
    """Return a class that the lesson writes from an empty cell."""
    (cell,) = [
        c for c in code_cells(read(LESSONS[4])) if c.source.startswith(f"class {name}(")
    ]
    scope = {"torch": torch, "nn": nn, "F": F}
    exec(cell.source.partition("\n\n\n")[0], scope)
    return scope[name]


def normalise(x, dim, eps=1e-5, centre=True):
    mean = x.mean(dim, keepdim=True) if centre else 0
    var = ((x - mean) ** 2).mean(dim, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps)


NINE = [
    (nn.BatchNorm1d(6), (7, 6), (0,)),
    (nn.BatchNorm1d(6), (7, 6, 5), (0, 2)),
    (nn.BatchNorm2d(6), (7, 6, 5, 4), (0, 2, 3)),
    (nn.BatchNorm3d(6), (7, 6, 5, 4, 3), (0, 2, 3, 4)),
    (nn.InstanceNorm1d(6), (7, 6, 5), (2,)),
    (nn.InstanceNorm2d(6), (7, 6, 5, 4), (2, 3)),
    (nn.InstanceNorm3d(6), (7, 6, 5, 4, 3), (2, 3, 4)),
    (nn.LayerNorm((6, 5)), (7, 6, 5), (1, 2)),
    (nn.LayerNorm(5), (7, 6, 5), (2,)),
]


@pytest.mark.parametrize(("layer", "shape", "dim"), NINE)
def test_each_layer_averages_over_its_own_dimensions(layer, shape, dim):
    torch.manual_seed(len(shape))
    x = 3 * torch.randn(shape) + 2
    assert_close(copy.deepcopy(layer)(x), normalise(x, dim))


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_groups_are_neighbours(groups):
    torch.manual_seed(groups)
    x = torch.randn(7, 6, 5, 4) + 2
    parts = x.unflatten(1, (groups, -1))
    by_hand = normalise(parts, (2, 3, 4)).flatten(1, 2)
    assert_close(nn.GroupNorm(groups, 6)(x), by_hand)


def test_relatives_of_group_norm():
    torch.manual_seed(0)
    x = torch.randn(7, 6, 5, 4) + 2
    assert_close(nn.GroupNorm(6, 6)(x), nn.InstanceNorm2d(6)(x))
    assert_close(nn.GroupNorm(1, 6)(x), nn.LayerNorm((6, 5, 4))(x))
    sizes = [
        [tuple(p.shape) for p in layer.parameters()]
        for layer in (nn.GroupNorm(1, 6), nn.LayerNorm((6, 5)), nn.InstanceNorm2d(6))
    ]
    assert sizes == [[(6,), (6,)], [(6, 5), (6, 5)], []]


def test_rms_norm_is_a_layer_norm_that_subtracts_no_mean():
    torch.manual_seed(0)
    x = torch.randn(7, 5) + 2
    assert_close(nn.RMSNorm(5, eps=1e-5)(x), normalise(x, 1, centre=False))


@pytest.mark.parametrize(
    ("theirs", "shape"),
    [
        (nn.BatchNorm1d, (5, 6)),
        (nn.BatchNorm1d, (5, 6, 3)),
        (nn.BatchNorm2d, (5, 6, 3, 2)),
        (nn.BatchNorm3d, (2, 6, 3, 2, 2)),
    ],
)
@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize("momentum", [0.1, 0.3])
def test_own_batch_norm_is_torchs_in_all_its_modes(theirs, shape, track, momentum):
    torch.manual_seed(len(shape))
    torchs = theirs(6, momentum=momentum, track_running_stats=track)
    nn.init.uniform_(torchs.weight, 0.5, 2.0)
    nn.init.normal_(torchs.bias)
    mine = from_the_lesson("BatchNorm")(6, momentum=momentum, track=track)
    mine.load_state_dict(torchs.state_dict())
    for training in (True, True, False):
        x = 3 * torch.randn(shape) + 2
        layers = [layer.train(training) for layer in (mine, torchs)]
        inputs = [x.clone().requires_grad_() for _ in layers]
        outputs = [layer(i) for layer, i in zip(layers, inputs, strict=True)]
        for y in outputs:
            y.square().sum().backward()
        assert_close(*outputs, rtol=1e-4, atol=1e-5)
        assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-4, atol=1e-3)
        assert_close(dict(mine.state_dict()), dict(torchs.state_dict()))
    assert [n for n, _ in mine.named_parameters()] == ["weight", "bias"]


def test_running_statistics_cover_99_percent_after_44_batches():
    assert 0.9**44 < 0.01 < 0.9**43


def test_padding_enters_the_statistics_of_batch_norm_only():
    torch.manual_seed(0)
    sentences = torch.randn(4, 7, 6)  # (N, L, C), the last two places are padding
    others = sentences.clone()
    others[:, 5:] = 9.0
    batch_norm = nn.BatchNorm1d(6)
    for norm, moves in [
        (nn.LayerNorm(6), False),
        (lambda x: batch_norm(x.transpose(1, 2)).transpose(1, 2), True),
    ]:
        words = [norm(x)[:, :5] for x in (sentences, others)]
        assert torch.equal(*words) != moves


def test_a_bias_grows_without_end_where_the_mean_is_a_constant():
    torch.manual_seed(0)
    x, target, bias = torch.randn(64), torch.ones(64), torch.zeros(1)
    losses = []
    for _ in range(100):
        bias.requires_grad_()
        y = x + bias
        y = y - y.mean().detach()  # as running statistics: no gradient through it
        losses.append((y - target).square().mean())
        (gradient,) = torch.autograd.grad(losses[-1], bias)
        bias = bias.detach() - 0.1 * gradient
    assert bias.item() > 15
    assert_close(losses[-1], losses[0])


def test_backward_of_layer_norm_has_gamma_inside_the_means():
    torch.manual_seed(0)
    layer, x, g = nn.LayerNorm(5), torch.randn(8, 5, requires_grad=True), torch.ones(1)
    nn.init.uniform_(layer.weight, 0.5, 2.0)
    g = torch.randn(8, 5)
    layer(x).backward(g)
    with torch.no_grad():
        hat, to_hat = normalise(x, 1), g * layer.weight
        inner = to_hat - to_hat.mean(1, keepdim=True)
        inner -= hat * (to_hat * hat).mean(1, keepdim=True)
        root = torch.sqrt(x.var(1, correction=0, keepdim=True) + 1e-5)
        assert_close(x.grad, inner / root, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("eta", [0.1, 1.0])
def test_a_plain_step_lengthens_the_weight_by_pythagoras(eta):
    torch.manual_seed(0)
    layer, norm = nn.Linear(9, 4), nn.BatchNorm1d(4, eps=1e-12)
    x, g = torch.randn(32, 9), torch.randn(32, 4)
    (norm(layer(x)) * g).sum().backward()
    weight, step = layer.weight.detach(), eta * layer.weight.grad
    longer = (weight - step).square().sum() - weight.square().sum()
    assert_close(longer, step.square().sum(), rtol=1e-3, atol=1e-4)


def test_a_branch_gives_back_four_ninths_of_the_mean_square():
    torch.manual_seed(0)
    shares = []
    for _ in range(40):
        up, down = nn.Linear(64, 128, bias=False), nn.Linear(128, 64, bias=False)
        for layer in (up, down):
            nn.init.xavier_normal_(layer.weight)
        shares.append(down(up(torch.randn(200, 64)).relu()).square().mean())
    assert torch.stack(shares).mean().item() == pytest.approx(4 / 9, rel=0.05)
    assert (1 + 4 / 9) ** 12 == pytest.approx(82, abs=1)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_no_convolution_of_a_resnet_has_a_bias_and_each_has_a_norm(name):
    with torch.device("meta"):
        parts = list(torchvision.models.get_model(name).modules())
    convolutions = [part for part in parts if isinstance(part, nn.Conv2d)]
    assert all(part.bias is None for part in convolutions)
    assert len(convolutions) == sum(isinstance(p, nn.BatchNorm2d) for p in parts)


def test_zero_init_residual_zeroes_the_last_gamma_of_each_block():
    model = torchvision.models.resnet18(zero_init_residual=True)
    blocks = [m for m in model.modules() if hasattr(m, "bn2")]
    assert len(blocks) == 8
    assert not any(block.bn2.weight.any() for block in blocks)


def test_layer_norm_folds_into_the_next_linear_layer():
    torch.manual_seed(0)
    norm, linear, x = nn.LayerNorm(5), nn.Linear(5, 3), torch.randn(7, 5)
    nn.init.uniform_(norm.weight, 0.5, 2.0)
    nn.init.normal_(norm.bias)
    weight = linear.weight * norm.weight
    bias = linear.weight @ norm.bias + linear.bias
    assert_close(F.linear(F.layer_norm(x, (5,)), weight, bias), linear(norm(x)))


def test_rms_norm_in_half_precision_overflows_at_300():
    h = torch.tensor([300.0, 400.0], dtype=torch.float16)
    assert h.square().isinf().all()
    assert not (h / h.square().mean().sqrt()).any()


def test_requires_grad_freezes_gamma_and_beta_only():
    layer = nn.BatchNorm1d(3).requires_grad_(False)
    layer(torch.randn(8, 3) + 5)
    assert layer.running_mean.all()
    assert list(layer.state_dict())[2:4] == ["running_mean", "running_var"]


@pytest.mark.parametrize(
    ("norm", "same"), [(nn.BatchNorm1d, True), (nn.LayerNorm, False)]
)
def test_scaling_a_weight_beside_a_bias_is_undone_by_batch_norm_only(norm, same):
    torch.manual_seed(0)
    linear, layer, x = nn.Linear(9, 6), norm(6), torch.randn(8, 9)
    scaled = layer(F.linear(x, 4 * linear.weight, linear.bias))
    assert torch.allclose(scaled, layer(linear(x)), atol=1e-3) == same


def test_your_norm_draws_nothing_so_the_repaired_net_starts_from_the_same_weights():
    drawn = []
    for norm in (nn.Identity, from_the_lesson("BatchNorm")):
        torch.manual_seed(0)
        drawn.append([])
        for _ in range(3):
            drawn[-1].append(nn.Linear(8, 8).weight)
            norm(8)
        drawn[-1].append(torch.rand(5))  # and it sees the same batches
    for plain, repaired in zip(*drawn, strict=True):
        assert torch.equal(plain, repaired)


def test_a_relu_leaves_0_58_of_a_spread_of_1():
    torch.manual_seed(0)
    spread = torch.randn(200_000, dtype=torch.float64).relu().std().item()
    assert spread == pytest.approx((0.5 - 0.5 / torch.pi) ** 0.5, abs=0.005)
    assert spread == pytest.approx(0.58, abs=0.01)


def ten_layers(norm=nn.Identity, he=False):
    layers, n_in = [], 196
    for _ in range(10):
        layers += [nn.Linear(n_in, 64), norm(64), nn.ReLU()]
        n_in = 64
    layers.append(nn.Linear(64, 10))
    for layer in layers:
        if he and isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(*layers)


def small_sketches():
    split = load_sketches().train
    x = F.avg_pool2d(split.images / 255, kernel_size=2).flatten(1)
    return (x - x.mean()) / x.std(), split.labels


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_hes_weights_overflow_at_rate_1_and_name_class_0(seed):
    torch.manual_seed(seed)
    x, y = small_sketches()
    net, steps = ten_layers(he=True), 0
    optimizer = torch.optim.SGD(net.parameters(), lr=1)
    loss = torch.zeros(())
    while loss.isfinite():
        rows = torch.randint(len(x), (100,))
        loss = F.cross_entropy(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps += 1
    assert steps < 10
    assert not net(x[:100]).argmax(1).any()


@pytest.mark.parametrize(
    ("norm", "factor"), [(nn.Identity, 0.41), (nn.BatchNorm1d, 1.2)]
)
def test_dividing_by_a_third_makes_up_for_a_layers_0_41(norm, factor):
    torch.manual_seed(0)
    x, y = small_sketches()
    net, h, sums = ten_layers(norm), x[:256], []
    for layer in net[:-1]:
        h = layer(h)
        if isinstance(layer, nn.Linear):
            h.retain_grad()
            sums.append(h)
    F.cross_entropy(net[-1](h), y[:256]).backward()
    sizes = [s.grad.norm().item() for s in sums]
    assert (sizes[0] / sizes[-1]) ** (1 / 9) == pytest.approx(factor, abs=0.05)
    if norm is nn.BatchNorm1d:
        for s in sums[1:]:
            assert s.std(0).mean().item() == pytest.approx(1 / 3, abs=0.03)


def test_warm_up_gains_three_points_at_0_001_and_none_at_0_003():
    rows = load_experiment("residual_norms").select(blocks=24, norm="post")
    with_it, without = sorted(rows, key=lambda row: not row["warm_up"])
    gains = [fmean(with_it[at]) - fmean(without[at]) for at in ("at_0.001", "at_0.003")]
    assert gains == pytest.approx([0.03, 0], abs=0.01)


def test_an_exam_with_doubled_marks_comes_out_the_same():
    marks = torch.arange(20.0).reshape(4, 5)
    assert_close(normalise(2 * marks, 0), normalise(marks, 0), rtol=1e-5, atol=1e-5)
