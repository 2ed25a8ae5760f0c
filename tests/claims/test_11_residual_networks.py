"""Lesson 11 says more than its page shows: each sentence, tested."""

import math
from statistics import fmean

import pytest
import torch
import torchvision
from torch import nn
from torch.testing import assert_close
from torchvision.ops import stochastic_depth

from course_utils import load_experiment
from course_utils.authoring.resnet import augmented, garment_resnet, small_resnet
from course_utils.exercises.bank.residual import BOTTLENECK, COUNT, SIDES
from tests.lessons import LESSONS, code_cells, read


def from_the_lesson(*beginnings: str) -> dict:
    """Return what the lesson's cells that begin like this define."""
    scope = {"torch": torch, "nn": nn, "F": nn.functional}
    for beginning in beginnings:
        cells = code_cells(read(LESSONS[11]))
        (cell,) = [c for c in cells if c.source.startswith(beginning)]
        exec(cell.source, scope)
    return scope


@pytest.fixture(scope="module")
def lesson() -> dict:
    titled = "# @title Helper: multiply-adds by module"
    return from_the_lesson(
        *("class Pair", "def deep", "class BasicBlock", "def stage", "class ResNet("),
        *("class PreActivation", "def small_resnet", "class DropBranch", titled),
        *("# @title Helper: mirrored and moved", "# @title Helper: a table by stage"),
    )


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_a_shortcut_without_weights_leaves_the_parameters_as_they_are(lesson):
    for layers in (8, 20, 32):
        plain, residual = (lesson["deep"](layers, share) for share in (0, 1))
        assert parameters(plain) == parameters(residual)


@pytest.mark.parametrize("layers", [8, 20, 32])
def test_the_layers_are_those_with_weights(lesson, layers):
    kinds = nn.Conv2d | nn.Linear
    found = [m for m in lesson["deep"](layers, 0).modules() if isinstance(m, kinds)]
    assert len(found) == layers


def test_the_18_layers_leave_out_those_on_the_shortcuts(lesson):
    with torch.device("meta"):
        net = lesson["ResNet"]()
    kinds = nn.Conv2d | nn.Linear
    named = [n for n, m in net.named_modules() if isinstance(m, kinds)]
    assert sum("downsample" not in name for name in named) == 18


def test_batch_norm_in_eval_can_be_set_so_that_it_changes_nothing():
    norm = nn.BatchNorm2d(4).double()
    norm(torch.rand(8, 4, 5, 5).double())
    with torch.no_grad():
        norm.eval().weight.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.copy_(norm.running_mean)
    x = torch.rand(3, 4, 5, 5).double()
    assert_close(norm(x), x)


@pytest.mark.parametrize(("blocks", "w"), [(1, 0.5), (7, 0.1), (15, 0.2)])
def test_paths_through_k_branches_add_up_to_the_whole_gradient(blocks, w):
    parts = [math.comb(blocks, k) * w**k for k in range(blocks + 1)]
    assert sum(parts) == pytest.approx((1 + w) ** blocks)
    mean = sum(k * part for k, part in enumerate(parts)) / sum(parts)
    assert mean == pytest.approx(blocks * w / (1 + w))


def named_shapes(net: nn.Module) -> list[tuple[str, torch.Size]]:
    return [(name, values.shape) for name, values in net.state_dict().items()]


@pytest.mark.parametrize(
    ("name", "blocks"), [("resnet18", (2, 2, 2, 2)), ("resnet34", (3, 4, 6, 3))]
)
def test_your_resnet_has_the_keys_and_shapes_of_torchvision(lesson, name, blocks):
    with torch.device("meta"):
        mine = lesson["ResNet"](blocks)
        theirs = getattr(torchvision.models, name)(weights=None)
    assert named_shapes(mine) == named_shapes(theirs)


def test_torchvision_draws_its_kernels_as_pair_does_and_you_do_not(lesson):
    torch.manual_seed(0)
    block = torchvision.models.resnet18(weights=None).layer1[0]
    spreads = [
        net.conv1.weight.std().item()
        for net in (block, lesson["Pair"](64, 64, 1), lesson["BasicBlock"](64, 64))
    ]
    theirs, (pair, mine) = math.sqrt(2 / (9 * 64)), spreads[1:]
    assert spreads[0] == pytest.approx(theirs, rel=0.02)
    assert pair == pytest.approx(theirs, rel=0.02)
    assert mine < theirs / 2


def test_half_the_weights_behind_a_norm_have_twice_the_gradient(lesson):
    torch.manual_seed(0)
    model, x, y = lesson["deep"](8, 0).double(), torch.rand(32, 1, 14, 14), range(10)
    x, y = x.double(), torch.tensor([*y, *y, *y, 0, 1])
    lengths = []
    for _ in range(2):
        (gradient,) = torch.autograd.grad(
            nn.functional.cross_entropy(model(x), y), model[0].weight
        )
        lengths.append(gradient.norm().item())
        with torch.no_grad():
            model[0].weight.div_(2)
    assert lengths[1] == pytest.approx(2 * lengths[0], rel=0.01)


def test_the_stream_passes_a_pre_activation_block_whose_branch_is_zero(lesson):
    block = lesson["PreActivation"](8, 8)
    nn.init.zeros_(block.conv2.weight)
    x = torch.randn(2, 8, 5, 5)
    assert_close(block(x), x)
    changed = lesson["PreActivation"](8, 16, stride=2)
    assert changed(x).shape == (2, 16, 3, 3) and changed(x).min() < 0


def test_a_pre_activation_block_has_no_relu_and_no_norm_behind_its_branch(lesson):
    torch.manual_seed(0)
    block, x = lesson["PreActivation"](8, 8).double(), torch.randn(4, 8, 5, 5).double()
    norms = [nn.BatchNorm2d(8).double() for _ in range(2)]
    branch = nn.Sequential(norms[0], nn.ReLU(), block.conv1)
    branch.extend([norms[1], nn.ReLU(), block.conv2])
    assert_close(block(x), x + branch(x))


def test_the_table_by_stage_counts_each_layer_once(lesson, capsys):
    with torch.device("meta"):
        lesson["by_stage"](lesson["ResNet"](), side=224)
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    work = {line[0]: int(line[-2].replace(",", "")) for line in table[1:-1]}
    assert all(410e6 < work[f"layer{n}"] < 463e6 for n in (1, 2, 3, 4))
    assert work["fc"] == 512_000
    assert table[-1][-1] == f"{sum(work.values()):,}"


def test_a_bottleneck_of_256_channels_has_a_seventeenth_of_the_weights():
    basic, bottleneck = 2 * 9 * 256**2, 256 * 64 + 9 * 64**2 + 64 * 256
    assert (basic, bottleneck) == (1_179_648, 69_632)
    assert round(basic / bottleneck) == 17


@pytest.mark.parametrize("case", [(64, 64, 1), (256, 64, 1), (256, 128, 2)])
def test_the_bottleneck_of_the_exercises_is_torchvisions(case):
    c_in, width, stride = case
    mine = BOTTLENECK.reference(*case)
    path = None
    if stride != 1 or c_in != 4 * width:
        path = nn.Sequential(
            nn.Conv2d(c_in, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
        )
    theirs = torchvision.models.resnet.Bottleneck(c_in, width, stride, path)
    theirs.load_state_dict(mine.state_dict())
    x = torch.randn(2, c_in, 6, 6)
    assert_close(mine(x), theirs(x))
    assert parameters(mine) == COUNT.reference(*case)


@pytest.mark.parametrize("side", [32, 33, 97, 224, 225])
def test_the_sides_of_the_exercise_are_those_of_resnet_18(lesson, side):
    with torch.device("meta"):
        net, x = lesson["ResNet"]().eval(), torch.empty(1, 3, side, side)
        found = [net.conv1(x)]
        found.append(net.layer1(net.maxpool(found[0])))
        for part in (net.layer2, net.layer3, net.layer4):
            found.append(part(found[-1]))
    assert tuple(h.shape[-1] for h in found) == SIDES.reference(side)


def test_vit_has_twelve_blocks_with_two_additions_each():
    with torch.device("meta"):
        vit = torchvision.models.vit_b_16(weights=None)
    assert len(vit.encoder.layers) == 12


def test_zero_init_residual_is_the_last_gamma_at_zero():
    net = torchvision.models.resnet18(weights=None, zero_init_residual=True)
    zeros = {name for name, p in net.named_parameters() if p.dim() == 1 and not p.any()}
    assert {f"layer{i}.{j}.bn2.weight" for i in range(1, 5) for j in (0, 1)} <= zeros


def test_drop_branch_is_torchvisions_stochastic_depth(lesson):
    branch = torch.randn(500, 2, 3, 3)
    for draw in (
        lambda: lesson["DropBranch"](0.2)(branch),
        lambda: stochastic_depth(branch, 0.2, "row"),
    ):
        torch.manual_seed(0)
        out = draw()
        kept = out.flatten(1).any(1)
        assert_close(out[kept], branch[kept] / 0.8)
        assert 0.74 < kept.float().mean() < 0.86


def test_the_script_trains_the_network_of_the_page(lesson):
    nets = []
    for build in (lesson["small_resnet"], small_resnet):
        torch.manual_seed(0)
        nets.append(build())
    mine, theirs = nets
    assert named_shapes(mine) == named_shapes(theirs)
    assert_close(mine.state_dict(), theirs.state_dict())  # and the same start
    with torch.no_grad():
        for parameter in mine.parameters():
            parameter.uniform_(-1, 1)  # no γ at 0: else the branches would add nothing
    theirs.load_state_dict(mine.state_dict())
    x = torch.randn(4, 1, 28, 28)
    for mode in (True, False):
        assert_close(mine.train(mode)(x), theirs.train(mode)(x))


def test_the_script_mirrors_and_moves_pictures_as_the_page_does(lesson):
    x, copies = torch.randn(50, 1, 28, 28), []
    for move in (lesson["augmented"], augmented):
        torch.manual_seed(0)
        copies.append(move(x))
    assert torch.equal(*copies)


def test_augmented_pictures_are_the_picture_moved_and_mirrored():
    torch.manual_seed(0)
    x = torch.zeros(1, 1, 28, 28)
    x[0, 0, 10, 5] = 1.0
    places = [divmod(int(y.argmax()), 28) for y in augmented(x.expand(400, 1, 28, 28))]
    moved = {(10 + i, 5 + j) for i in range(-2, 3) for j in range(-2, 3)}
    mirrored = {(10 + i, 22 + j) for i in range(-2, 3) for j in range(-2, 3)}
    assert set(places) == moved | mirrored


def test_the_peak_rate_is_the_best_of_the_short_rows():
    experiment = load_experiment("garments_resnet")
    short = experiment.select(epochs=1)
    best = max(short, key=lambda row: fmean(row["validation_accuracy"]))
    (long,) = [row for row in experiment.rows if "test_accuracy" in row]
    assert long["rate"] == best["rate"]
    assert len(long["test_accuracy"]) == 3


def test_the_longer_training_reaches_094_at_the_best_short_rate():
    experiment = load_experiment("garments_long")
    short = [row for row in experiment.rows if "seed" not in row]
    long = [row for row in experiment.rows if "seed" in row]
    best = max(short, key=lambda row: row["val, 10 views"])
    assert best["rate"] not in (short[0]["rate"], short[-1]["rate"])
    assert len(long) == 3
    assert {row["rate"] for row in long} == {best["rate"]}
    assert min(row["test, 10 views"] for row in long) >= 0.94
    count = sum(p.numel() for p in garment_resnet(long[0]["width"]).parameters())
    assert count == 180_442
