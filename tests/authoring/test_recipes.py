"""Recipes of first courses and the lesson's own: each trains and scores."""

import pytest
import torch
from torch import nn

from course_utils.authoring import recipes
from course_utils.authoring.muon import Muon, orthogonalised
from course_utils.authoring.recipes import RECIPES, Quick, mlp
from course_utils.authoring.resnet import garment_resnet
from course_utils.authoring.training import triangle


def pictures(count):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, 1, 28, 28), generator=generator)
    return images.byte(), torch.arange(count) % 10


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_scores_pictures_after_each_epoch(name):
    if (
        getattr(RECIPES[name], "device", "cpu") == "cuda"
        and not torch.cuda.is_available()
    ):
        pytest.skip("no CUDA here")
    torch.manual_seed(0)
    data = pictures(24)
    for scores in RECIPES[name](data, 2):
        assert scores(data[0][:5]).shape == (5, 10)
    assert scores is not None


def test_recipe_learns_pictures_by_heart():
    torch.manual_seed(0)
    images, labels = pictures(32)
    recipe = Quick(garment_resnet, batch=16, moved=None, views=1)
    *_, scores = recipe((images, labels), 12)
    assert (scores(images).argmax(1) == labels).float().mean() > 0.9


def test_scores_leave_the_mode_as_it_was():
    epochs = Quick(mlp(784, 8, 10), muon=False)(pictures(8), 2)
    next(epochs)(pictures(3)[0])
    next(epochs)


def test_muon_moves_kernels_and_adamw_the_rest():
    model = garment_resnet()
    muon, adamw = Quick(garment_resnet).optimizers(model)
    assert isinstance(muon, Muon)
    kernels = muon.param_groups[0]["params"]
    assert all(weight.dim() == 4 for weight in kernels)
    assert all(weight is not model[0].weight for weight in kernels)
    count = len(kernels) + len(adamw.param_groups[0]["params"])
    assert count == len(list(model.parameters()))


@pytest.mark.parametrize("shape", [(8, 8), (4, 20), (20, 4)])
def test_orthogonalised_brings_singular_values_near_one(shape):
    torch.manual_seed(0)
    found = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
    assert found.min() > 0.5 and found.max() < 1.3


def test_muon_is_torchs_on_matrices():
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("this torch has no Muon")
    torch.manual_seed(0)
    start, gradients = torch.randn(6, 4), torch.randn(3, 6, 4)
    mine, theirs = (nn.Parameter(start.clone()) for _ in range(2))
    settings = {"lr": 0.1, "weight_decay": 0.02}
    ours = Muon([mine], momentum=0.9, **settings)
    builtin = torch.optim.Muon([theirs], momentum=0.9, ns_steps=5, **settings)
    for gradient in gradients:
        # torch's momentum is a running mean, ours a sum: ten times as long here, which
        # the orthogonal step doesn't see
        for weight, optimizer in ((mine, ours), (theirs, builtin)):
            weight.grad = gradient.clone()
            optimizer.step()
    # theirs computes in bfloat16
    assert (mine - theirs).abs().max() < 0.05 * (mine - start).abs().max()


def test_rate_rises_and_falls():
    rates = [triangle(step, 100) for step in range(100)]
    assert max(rates) == 1.0 and rates.index(1.0) == 24
    assert rates[-1] == pytest.approx(1 / 75)


class Watched(nn.Linear):
    """Keeps the types of what it gives."""

    def forward(self, x):
        y = super().forward(x)
        self.types = {*getattr(self, "types", set()), y.dtype}
        return y


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_training_has_the_precision_that_was_quicker(kind, monkeypatch):
    monkeypatch.setattr(recipes, "faster_precision", lambda step: kind)
    layer = Watched(784, 10)
    network = nn.Sequential(nn.Flatten(), layer)
    next(Quick(lambda: network, muon=False)(pictures(8), 1))
    assert layer.types == {kind}
    assert layer.weight.dtype == torch.float32


def test_measuring_the_precision_leaves_the_network_as_it_was():
    images, labels = pictures(16)
    model = garment_resnet(8)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    Quick(garment_resnet).precision(model, images / 255, labels)
    after = model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_last_epoch_may_be_a_part():
    images, labels = pictures(40)
    steps = []
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    network.register_forward_hook(
        lambda layer, _, y: steps.append(len(y)) if layer.training else None
    )
    recipe = Quick(lambda: network, batch=8, muon=False, bf16=False)
    assert len(list(recipe((images, labels), 1.4))) == 2
    assert len(steps) == 7
