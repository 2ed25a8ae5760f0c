"""Recipes of first courses and the lesson's own: each trains and scores."""

import pytest
import torch
from torch import nn

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
    recipe = Quick(garment_resnet, batch=16, moved=None, mirrored=False)
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
