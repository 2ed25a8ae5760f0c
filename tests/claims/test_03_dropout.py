"""Lesson 03 says more than its page shows: each sentence, tested."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.testing import assert_close

from course_utils import load_experiment, load_sketches
from tests.lessons import LESSONS, code_cells, read

PS = pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])


def my_dropout(p: float) -> nn.Module:
    """Return the layer as the lesson writes it."""
    (cell,) = [
        c for c in code_cells(read(LESSONS[3])) if "class MyDropout(" in c.source
    ]
    scope = {"torch": torch, "nn": nn}
    exec(cell.source, scope)
    return scope["MyDropout"](p)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@PS
@pytest.mark.parametrize("shape", [(1_000,), (20, 50), (2, 4, 5, 25)])
def test_own_layer_given_the_mask_is_nn_dropout_forward_and_back(p, shape):
    x = drawn(*shape)
    leaves = [x.clone().requires_grad_() for _ in range(2)]
    theirs, mine = nn.Dropout(p)(leaves[0]), my_dropout(p)
    mine.draw_mask = lambda x: theirs != 0
    y, g = mine(leaves[1]), drawn(*shape, seed=1)
    assert_close(y, theirs)
    theirs.backward(g)
    y.backward(g)
    assert_close(leaves[1].grad, leaves[0].grad)
    assert torch.equal(mine.eval()(x), x)
    assert list(mine.state_dict()) == list(nn.Dropout(p).state_dict()) == []


@pytest.mark.parametrize("layer", [nn.Dropout, my_dropout])
def test_ends_of_the_range(layer):
    x = drawn(50)
    assert torch.equal(layer(0.0)(x), x)
    assert torch.equal(layer(1.0)(x), torch.zeros(50))
    for p in (-0.1, 1.5):
        with pytest.raises(ValueError):
            layer(p)


@PS
@pytest.mark.parametrize("layer", [nn.Dropout, my_dropout])
def test_mean_is_x_and_variance_is_x_squared_times_p_over_1_minus_p(p, layer):
    torch.manual_seed(3)
    x = torch.tensor([-2.0, 0.5, 3.0])
    draws = layer(p)(x.expand(200_000, 3))
    variance = x**2 * p / (1 - p)
    assert ((draws.mean(dim=0) - x).abs() < 5 * (variance / 200_000).sqrt()).all()
    assert_close(draws.var(dim=0), variance, rtol=0.05, atol=0)


@PS
def test_mean_loss_of_linear_regression_is_ridge(p):
    torch.manual_seed(4)
    x, y, w = torch.randn(12, 5), torch.randn(12), torch.randn(5)
    masked = x * (torch.rand(100_000, 12, 5) < 1 - p) / (1 - p)
    losses = ((y - masked @ w) ** 2).sum(dim=1)
    penalty = p / (1 - p) * (w**2 * (x**2).sum(dim=0)).sum()
    formula = ((y - x @ w) ** 2).sum() + penalty
    assert (losses.mean() - formula).abs() < 5 * losses.std() / 100_000**0.5


def problems(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    x, truth = torch.randn(20, 30, 20), torch.zeros(20)
    truth[:4] = torch.tensor([3.0, -2.0, 1.0, 0.5])
    return x, truth, x @ truth + 2 * torch.randn(20, 30)


def minimum(x: torch.Tensor, y: torch.Tensor, p: float) -> torch.Tensor:
    penalty = p / (1 - p) * torch.diag_embed((x**2).sum(dim=1))
    return torch.linalg.solve(x.mT @ x + penalty, (x.mT @ y[..., None]).squeeze(-1))


def test_training_with_masks_ends_at_the_minimum_of_loss_plus_penalty():
    x, _, y = problems(0)
    w, total = torch.zeros(20, 20, 1, requires_grad=True), torch.zeros(20, 20)
    optimizer = torch.optim.SGD([w], lr=0.001)
    for step in range(2_000):
        loss = ((y - (F.dropout(x, 0.5) @ w).squeeze(2)) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += w.detach().squeeze(2) / 1_000 * (step >= 1_000)
    assert (total - minimum(x, y, 0.5)).norm(dim=1).max() < 0.3
    assert (total - minimum(x, y, 0.0)).norm(dim=1).min() > 0.3


def test_weak_dropout_comes_nearer_to_the_truth_in_more_problems_than_strong():
    nearer = {0.1: 0, 0.5: 0}
    for seed in range(10):
        x, truth, y = problems(seed)
        free = (minimum(x, y, 0.0) - truth).norm(dim=1)
        for p in nearer:
            held = (minimum(x, y, p) - truth).norm(dim=1)
            nearer[p] += int((held < free).sum())
    assert nearer[0.1] > 180  # of 200
    assert 100 < nearer[0.5] < nearer[0.1]


@PS
def test_every_entry_of_every_example_is_drawn_for_itself(p):
    torch.manual_seed(6)
    mask = nn.Dropout(p)(torch.ones(20_000, 3, 3)) != 0
    same = (mask[1:] == mask[:-1]).float().mean(dim=0)
    assert_close(same, torch.full((3, 3), p**2 + (1 - p) ** 2), rtol=0, atol=0.02)


def test_stochastic_depth_of_convnext_grows_in_a_straight_line():
    with torch.device("meta"):
        model = torchvision.models.convnext_tiny()
    kind = torchvision.ops.StochasticDepth
    ps = [module.p for module in model.modules() if isinstance(module, kind)]
    assert_close(torch.tensor(ps), 0.1 * torch.arange(18) / 17)


@PS
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_dropout_off_is_the_geometric_mean_for_one_layer_with_a_softmax(p, classes):
    x, weight, bias = drawn(6), drawn(classes, 6, seed=1), drawn(classes, seed=2)
    masks = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 6)  # (64, 6)
    chance = torch.where(masks > 0, 1 - p, p).prod(dim=1)
    logs = (F.linear(x * masks / (1 - p), weight, bias)).log_softmax(dim=1)
    vote = (chance[:, None] * logs).sum(dim=0).softmax(dim=0)
    assert_close(vote, F.linear(x, weight, bias).softmax(dim=0))


@PS
def test_before_or_after_a_relu_makes_no_difference_given_the_mask(p):
    z, kept = drawn(1_000), torch.rand(1_000) < 1 - p
    assert_close((z * kept / (1 - p)).relu(), z.relu() * kept / (1 - p))
    for smooth in (torch.tanh, torch.sigmoid):
        assert not torch.allclose(
            smooth(z * kept / (1 - p)), smooth(z) * kept / (1 - p), atol=0.01
        )


@PS
def test_alpha_dropout_keeps_mean_0_and_variance_1(p):
    torch.manual_seed(5)
    z = torch.randn(400_000)
    low, q = -1.7580993408473766, 1 - p  # SELU's lower limit
    a = (q + low**2 * q * p) ** -0.5
    b = -a * p * low
    y = nn.AlphaDropout(p)(z)
    dropped = (y - (a * low + b)).abs() < 1e-5
    assert_close(y, torch.where(dropped, a * low + b, a * z + b), rtol=1e-4, atol=1e-4)
    assert y.mean().abs() < 0.02
    assert abs(y.std() - 1) < 0.02
    assert abs(nn.Dropout(p)(z).std() - (1 / q) ** 0.5) < 0.03


def test_no_grad_does_not_stop_dropout_and_eval_does_not_stop_autograd():
    layer, x = nn.Dropout(0.5), torch.ones(1_000)
    with torch.no_grad():
        assert not torch.equal(layer(x), x)
    assert nn.Linear(2, 2).eval()(torch.ones(2)).requires_grad


@pytest.mark.parametrize(
    ("layer", "shape", "last"),
    [
        (nn.Dropout1d, (200, 5, 7), 1),
        (nn.Dropout1d, (200, 7), 1),
        (nn.Dropout2d, (200, 5, 3, 4), 2),
        (nn.Dropout3d, (200, 5, 2, 3, 4), 3),
        (nn.Dropout3d, (200, 2, 3, 4), 3),
    ],
)
def test_whole_channels_are_dropped(layer, shape, last):
    y = layer(0.5)(torch.ones(shape)).flatten(start_dim=-last)
    assert torch.equal(y.amin(dim=-1), y.amax(dim=-1))
    assert y.amin() == 0 < y.amax() == 2


def test_transformer_layer_drops_in_four_places_until_eval():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    inside = [m.p for m in layer.modules() if isinstance(m, nn.Dropout)]
    assert [*inside, layer.self_attn.dropout] == [0.1] * 4
    x = drawn(4, 6, 8)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x))


def test_vgg_drops_around_the_middle_one_of_three_layers_with_most_parameters():
    with torch.device("meta"):
        model = torchvision.models.vgg16()
    kinds = [type(m).__name__ for m in model.classifier]
    assert kinds == ["Linear", "ReLU", "Dropout"] * 2 + ["Linear"]
    head, all_of_it = (
        sum(p.numel() for p in part.parameters()) for part in (model.classifier, model)
    )
    assert round(100 * head / all_of_it) == 89


def test_vit_has_12_more_places_inside_its_attention_with_p_0():
    with torch.device("meta"):
        model = torchvision.models.vit_b_16()
    inside = [
        m.dropout for m in model.modules() if isinstance(m, nn.MultiheadAttention)
    ]
    assert inside == [0.0] * 12


def test_masks_of_twelve_blocks_would_fill_1_4_gigabytes():
    per_block = 8 * 12 * 1_024**2 + 2 * 8 * 1_024 * 768
    assert round(12 * per_block / 1e9, 1) == 1.4
    assert 8 * 12 * 1_024**2 == 8 * (2 * 8 * 1_024 * 768)


def test_three_times_as_long_the_loss_with_dropout_climbs_too():
    torch.set_num_threads(1)
    data = load_sketches()
    x, y = (
        [F.avg_pool2d(split.images / 255, 2).flatten(1), split.labels]
        for split in (data.train, data.test)
    )
    torch.manual_seed(0)
    rows, p = torch.randperm(4_000)[:200], 0.5
    layers = [nn.Dropout(0.2), nn.Linear(196, 96), nn.ReLU(), nn.Dropout(p)]
    layers += [nn.Linear(96, 96), nn.ReLU(), nn.Dropout(p), nn.Linear(96, 10)]
    model, losses = nn.Sequential(*layers), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003, weight_decay=0)
    for step in range(900):
        loss = F.cross_entropy(model.train()(x[0][rows]), x[1][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            losses.append(F.cross_entropy(model.eval()(y[0]), y[1]).item())
    assert losses[-1] > 1.2 * min(losses)


def gains(pictures: str, rival: str) -> list[float]:
    table = load_experiment("regularizers")
    (row,), (nothing,) = (
        table.select(pictures=pictures, rival=name, by="accuracy")
        for name in (rival, "nothing")
    )
    pairs = zip(row["accuracy"], nothing["accuracy"], strict=True)
    return [accuracy - without for accuracy, without in pairs]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize(
    ("pictures", "rival", "points", "better"),
    [
        ("photographs", "dropout", 1.4, 5),
        ("sketches", "dropout", 1.9, 4),
        ("sketches", "augmentation", 11.6, 5),
        ("photographs", "augmentation", 1.4, 4),
        ("photographs", "nothing, twice as wide", 1.0, 5),
        ("sketches", "nothing, twice as wide", 0.7, 3),
    ],
)
def test_what_the_page_reads_off_the_table(pictures, rival, points, better):
    found = gains(pictures, rival)
    assert round(100 * mean(found), 1) == points
    assert sum(gain > 0 for gain in found) == better


@pytest.mark.parametrize("pictures", ["photographs", "sketches"])
def test_weight_decay_gains_no_accuracy(pictures):
    assert mean(gains(pictures, "weight decay")) <= 0


def test_stopping_strong_decay_and_dropout_lower_the_loss_alike_not_the_accuracy():
    plain, *rivals = load_experiment("regularizers").select(by="loss")
    assert round(mean(plain["loss"]), 2) == 1.52
    losses = [round(mean(row["loss"]), 2) for row in rivals]
    assert (min(losses), max(losses)) == (0.81, 0.86)
    assert all(mean(row["accuracy"]) < mean(plain["accuracy"]) for row in rivals)
    (decay,) = (row["decay"] for row in rivals if row["rival"] == "weight decay")
    assert decay == 10


@pytest.mark.parametrize(
    ("places", "points"),
    [(" on the pixels", 0.8), (", not on the last", 0.8), (" on hidden units", 0)],
)
def test_where_dropout_stands_on_photographs(places, points):
    found = 100 * mean(gains("photographs", f"dropout{places}"))
    assert abs(found - points) < 0.1


def rates(steps: int, count: int) -> dict[float, float]:
    rows = load_experiment("dropout_rates").select(
        pictures="photographs", steps=steps, count=count
    )
    return {row["p"]: mean(row["accuracy"]) for row in rows}


def test_the_fewer_pictures_the_larger_the_best_rate():
    few, more, most = (rates(300, count) for count in (200, 2_000, 59_000))
    assert sorted(few, key=few.get) == [0, 0.1, 0.25, 0.5]
    assert more[0] - 0.01 < min(more[0.1], more[0.25]) < more[0]
    assert sorted(most, key=most.get) == [0.5, 0.25, 0.1, 0]
    assert round(most[0] - most[0.1], 2) == 0.01
    assert 0.04 < most[0] - most[0.5] < 0.05
    assert round(100 * (more[0] - few[0])) == 10


def test_with_ten_times_the_steps_a_large_rate_still_costs():
    most = rates(3_000, 59_000)
    assert abs(most[0] - most[0.1]) < 0.005
    assert 0.035 < most[0] - most[0.5] < 0.04


def test_dropout_with_augmentation_leads_by_more_than_noise_on_sketches_alone():
    wins = {}
    for pictures in ("photographs", "sketches"):
        table = load_experiment("regularizers")
        rows = table.select(pictures=pictures, by="accuracy")
        best, second, *_ = sorted(rows, key=lambda row: -mean(row["accuracy"]))
        assert best["rival"] == "dropout, augmentation"
        pairs = zip(best["accuracy"], second["accuracy"], strict=True)
        wins[pictures] = sum(first > other for first, other in pairs)
    assert wins == {"photographs": 2, "sketches": 4}
    both, alone = (
        gains("sketches", rival) for rival in ("dropout, augmentation", "augmentation")
    )
    assert round(100 * (mean(both) - mean(alone)), 1) == 1.5


def test_the_rates_that_the_page_names():
    table = load_experiment("regularizers")
    for rival, rates in {
        "dropout": [0.25, 0.5],
        "dropout, twice as wide": [0.5] * 2,
    }.items():
        rows = [
            table.select(pictures=pictures, rival=rival, by="accuracy")[0]
            for pictures in ("photographs", "sketches")
        ]
        assert [row["dropout"] for row in rows] == rates


def test_twice_as_wide_dropout_gains_on_sketches_alone():
    more = {
        pictures: mean(gains(pictures, "dropout, twice as wide"))
        - mean(gains(pictures, "dropout"))
        for pictures in ("photographs", "sketches")
    }
    assert round(100 * more["sketches"], 1) == 1.4
    assert abs(more["photographs"]) < 0.002


@pytest.mark.parametrize(
    ("rival", "points", "better"),
    [
        ("dropout", 1.0, 4),
        ("dropout, not on the last", 0.4, 3),
        ("dropout on the pixels", 0.4, 4),
        ("dropout on hidden units", -0.4, 1),
        ("dropout, twice as wide", 1.0, 4),
        ("nothing, twice as wide", 0.6, 4),
    ],
)
def test_gains_over_the_plain_network_at_the_lower_rate(rival, points, better):
    table = load_experiment("regularizers")
    (row,) = table.select(pictures="photographs", rival=rival, by="accuracy")
    (plain,) = table.select(pictures="photographs", rival="nothing", by="loss")
    assert plain["rate"] == 0.001
    pairs = zip(row["accuracy"], plain["accuracy"], strict=True)
    found = [accuracy - without for accuracy, without in pairs]
    assert round(100 * mean(found), 1) == points
    assert sum(gain > 0 for gain in found) == better


@pytest.mark.parametrize(("batch_first", "same"), [(True, True), (False, False)])
def test_fast_path_of_a_transformer_layer_ignores_dropout_that_is_awake(
    batch_first, same
):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first).eval()
    for module in layer.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    x = drawn(4, 6, 8)
    assert not torch.equal(layer(x), layer(x))
    with torch.no_grad():
        assert torch.equal(layer(x), layer(x)) == same
