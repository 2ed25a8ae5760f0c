"""The emulated accelerator itself: it refuses what a GPU refuses, so it can fail.

Each test marked `on_the_emulation` runs in another process, which is given the
emulation: activated here, it would stay for every test that follows.
"""

import importlib
import io
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from copy import deepcopy
from multiprocessing import get_context
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.support.emulated import activate, missing
from tests.support.emulated.notebooks import compare, draw_playgrounds

pytestmark = [
    pytest.mark.all,
    pytest.mark.emulated,
]
MIXED = "Expected all tensors to be on the same device"


@pytest.fixture(scope="module", autouse=True)
def emulation() -> None:
    if reason := missing():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def worker(emulation: None) -> Iterator[Executor]:
    """A process with the emulation."""
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=activate) as pool:
        yield pool


def on_the_emulation(check: Callable[[], None]) -> Callable[[Executor], None]:
    """Let a test run in the process that has the emulation."""

    def test(worker: Executor) -> None:
        worker.submit(run_check, check.__name__).result()

    test.check = check
    return test


def run_check(name: str) -> None:
    torch.manual_seed(0)
    getattr(importlib.import_module(__name__), name).check()


def refused(compute: Callable[[], object], message: str = MIXED) -> bool:
    """Return whether torch refuses to compute, with these words."""
    with pytest.raises((RuntimeError, TypeError), match=message):
        compute()
    return True


@on_the_emulation
def test_it_goes_by_the_name_of_cuda():
    tensor = torch.ones(2, device="cuda")
    assert torch.cuda.is_available() and torch.cuda.device_count() == 1
    assert str(tensor.device) == "cuda:0"
    assert tensor.device == torch.device("cuda", 0)
    assert tensor.is_cuda and not torch.ones(2).is_cuda
    assert repr(tensor) == "tensor([1., 1.], device='cuda:0')"
    assert refused(lambda: torch.ones(2, device="cuda:1"), "invalid device ordinal")


@on_the_emulation
def test_tensors_cross_over_and_back():
    tensor = torch.arange(6.0).reshape(2, 3).t()
    there = tensor.to("cuda")
    assert torch.equal(there.cpu(), tensor)
    assert there.tolist() == tensor.tolist() and there[1, 1].item() == 4
    assert there.cuda() is there and there.to("cuda:0") is there
    assert there.double().dtype == torch.float64
    assert there.new_zeros(2).is_cuda and torch.zeros_like(there).is_cuda
    torch.zeros(3, 2).copy_(there)
    there.t()[0] = 9
    assert there[:, 0].tolist() == [9, 9, 9] and tensor[0, 0] == 0


@on_the_emulation
def test_devices_do_not_mix():
    here, there = torch.ones(2, 2), torch.ones(2, 2, device="cuda")
    classes = torch.tensor([0, 1])
    assert refused(lambda: there + here) and refused(lambda: here.add_(there))
    assert refused(lambda: there @ here) and refused(lambda: torch.cat([there, here]))
    assert refused(lambda: nn.Linear(2, 2)(there))
    assert refused(lambda: nn.Linear(2, 2).to("cuda")(here))
    assert refused(lambda: nn.BatchNorm1d(2)(there))
    assert refused(lambda: nn.Conv1d(2, 2, 1)(there))
    assert refused(lambda: nn.Embedding(2, 2).to("cuda")(classes))
    assert refused(lambda: nn.CrossEntropyLoss()(there, classes))
    assert refused(lambda: there.masked_fill(here > 0, 0.0))
    assert refused(lambda: there.gather(1, classes[None]))
    assert refused(lambda: torch.equal(here, there))
    assert refused(lambda: nn.GRU(2, 2)(there), "not at the same device")
    assert refused(lambda: here[classes.cuda()], "indices should be either on cpu")


@on_the_emulation
def test_single_numbers_and_indices_may_come_from_the_cpu():
    there = torch.arange(4.0, device="cuda")
    assert (there + torch.tensor(1.0)).tolist() == [1, 2, 3, 4]
    assert there[torch.tensor([2, 0])].tolist() == [2, 0]
    assert there[torch.arange(4) > 1].tolist() == [2, 3]
    total = torch.tensor(0.0)
    total_of_two = torch.zeros(2)
    assert refused(lambda: total.add_(there[0]))
    assert refused(lambda: total_of_two + there[0])
    assert refused(lambda: torch.add(there, there, out=torch.zeros(4)))


@on_the_emulation
def test_it_does_not_become_numpy():
    import matplotlib.pyplot as plt

    there, words = torch.ones(2, device="cuda"), "can't convert cuda:0 device type tens"
    assert refused(lambda: there.numpy(), words)
    assert refused(lambda: np.asarray(there), words)
    assert refused(lambda: plt.plot(there), words)
    assert refused(lambda: plt.imshow(there[None]), words)
    assert there.cpu().numpy().tolist() == [1, 1]


@on_the_emulation
def test_it_draws_from_another_stream():
    def draws(device: str) -> list[float]:
        torch.manual_seed(3)
        return torch.rand(4, device=device).tolist()

    assert draws("cuda") == draws("cuda") != draws("cpu") == draws("cpu")
    torch.manual_seed(3)
    torch.rand(4, device="cuda")
    assert torch.rand(4).tolist() == draws("cpu"), "it moved the CPU's stream"
    drop, ones = nn.Dropout(0.5), torch.ones(64)
    torch.manual_seed(3)
    here = drop(ones)
    torch.manual_seed(3)
    assert not torch.equal(drop(ones.cuda()).cpu(), here)


@on_the_emulation
def test_a_generator_belongs_to_its_device():
    here = torch.Generator().manual_seed(1)
    there = torch.Generator(device="cuda").manual_seed(1)
    assert there.device.type == "cuda" and there.initial_seed() == 1
    drawn = torch.rand(4, device="cuda", generator=there)
    assert drawn.tolist() != torch.rand(4, generator=here).tolist()
    words = "Expected a 'cuda' device type for generator"
    assert refused(lambda: torch.rand(4, device="cuda", generator=here), words)


NETWORKS = {
    "convolution": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)
        ),
        (2, 1, 8, 8),
    ),
    "transposed": (lambda: nn.ConvTranspose2d(1, 2, 3, stride=2), (2, 1, 4, 4)),
    "LSTM": (lambda: nn.LSTM(3, 4, 2, bidirectional=True), (5, 2, 3)),
    "GRU": (lambda: nn.GRU(3, 4, batch_first=True), (2, 5, 3)),
    "RNN": (lambda: nn.RNN(3, 4), (5, 2, 3)),
    "attention": (lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.0), (5, 2, 8)),
    "lazy": (lambda: nn.LazyLinear(3), (4, 2)),
}


@on_the_emulation
def test_layers_give_the_numbers_of_the_cpu_and_learn():
    for name, (make, shape) in NETWORKS.items():
        torch.manual_seed(0)
        layer, x = make(), torch.randn(shape)
        layer(x)
        results = []
        for device in ("cpu", "cuda"):
            net = deepcopy(layer).to(device)
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
            out = net(x.to(device))
            out = out[0] if isinstance(out, tuple) else out
            out.sin().sum().backward()
            optimizer.step()
            assert all(p.device.type == device for p in net.parameters()), name
            results.append([out.detach().cpu(), *[p.cpu() for p in net.parameters()]])
        torch.testing.assert_close(*results, msg=lambda text, name=name: name + text)


@on_the_emulation
def test_an_encoder_skips_padding_as_on_the_cpu():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=True).eval()
    x, padding = torch.randn(2, 5, 8), torch.arange(5) >= torch.tensor([[5], [3]])
    with torch.no_grad():
        here = encoder(x, src_key_padding_mask=padding)
        there = deepcopy(encoder).cuda()(x.cuda(), src_key_padding_mask=padding.cuda())
    assert there.is_cuda and (there[1, 3:] == 0).all()
    torch.testing.assert_close(there.cpu(), here)


@on_the_emulation
def test_losses_and_outputs_are_filled_at_any_shape():
    here = torch.randn(5, 1), torch.randn(5, 1)
    there = [tensor.cuda() for tensor in here]
    for loss in (F.mse_loss, F.l1_loss, F.huber_loss, F.soft_margin_loss):
        for _ in range(50):  # freed memory is read now and then only
            assert loss(*there).item() == pytest.approx(loss(*here).item())
    out, column = torch.empty(0, device="cuda"), torch.zeros(5, 2, device="cuda")
    torch.add(*there, out=out)
    torch.add(there[0][:, 0], there[1][:, 0], out=column[:, 1])
    assert torch.equal(out[:, 0], column[:, 1]) and not column[:, 0].any()
    assert (torch.arange(4, device="cuda") % 3).tolist() == [0, 1, 2, 0]


@on_the_emulation
def test_a_view_keeps_its_memory_when_its_tensor_gets_other_data():
    parameter = nn.Parameter(torch.ones(1000, device="cuda"))
    view = parameter.detach()[:10]
    parameter.data = torch.zeros(1000, device="cuda")
    torch.full((1000,), 7.0, device="cuda")
    assert view.tolist() == [1.0] * 10


@on_the_emulation
def test_a_lazy_layer_is_made_on_its_device():
    layer = nn.LazyLinear(3).to("cuda")
    assert layer(torch.ones(4, 2, device="cuda")).shape == (4, 3)
    assert layer.weight.is_cuda and layer.weight.shape == (3, 2)


@on_the_emulation
def test_parameters_stay_the_same_objects_when_they_move():
    tied = nn.Linear(2, 2)
    net = nn.Sequential(tied, tied)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.ones(1, 2)).sum().backward()
    net.to("cuda")
    assert net[0].weight is net[1].weight is optimizer.param_groups[0]["params"][0]
    assert net[0].weight.is_cuda and net[0].weight.grad.is_cuda


@on_the_emulation
def test_a_state_is_saved_and_loaded_on_either_device():
    file = io.BytesIO()
    torch.save(nn.Linear(2, 2).to("cuda").state_dict(), file)
    for place, expected in [(None, "cuda"), ("cpu", "cpu"), ("cuda", "cuda")]:
        file.seek(0)
        state = torch.load(file, map_location=place)
        assert {tensor.device.type for tensor in state.values()} == {expected}


@on_the_emulation
def test_indices_of_a_pool_and_pinned_batches_arrive():
    from torch.utils.data import DataLoader

    x = torch.arange(16.0, device="cuda").reshape(1, 1, 4, 4)
    assert nn.MaxPool2d(2, return_indices=True)(x)[1].flatten().tolist() == [
        5,
        7,
        13,
        15,
    ]
    batch = next(iter(DataLoader(torch.arange(4.0), 2, pin_memory=True)))
    assert batch.to("cuda", non_blocking=True).tolist() == [0, 1]


# A small notebook with its outputs as the CPU gives them: (source, what it prints).
SETUP = """\
import torch, matplotlib.pyplot as plt
from course_utils import playground, setup
device = setup("auto", 0)"""
SOUND = {
    "set up": (SETUP, "Device: cpu. Seed: 0.\n"),
    "sum": ("print((torch.ones(2, device=device) + 1).sum())", "tensor(4.)\n"),
    "drawn on the CPU": ("print(torch.rand(1).to(device))", "tensor([0.4963])\n"),
}
PLANTED = {
    "made without device=": (
        "print(torch.ones(2).to(device) + torch.ones(2))",
        "tensor([2., 2.])\n",
    ),
    "numpy without cpu()": ("print(torch.ones(2).to(device).numpy())", "[1. 1.]\n"),
    "drawn on the device": (
        "torch.manual_seed(0); print(torch.rand(1, device=device))",
        "tensor([0.4963])\n",
    ),
}
# Fails in the one state that the stored picture does not show.
PLAYGROUND = """\
def draw(ax, step=0):
    heights = torch.ones(2, device=device)
    ax.plot(heights if step == 3 else heights.cpu())
playground(draw, alt="A line.", step=(0, 3));"""


def cell(source: str, text: str = "") -> nbformat.NotebookNode:
    outputs = [nbformat.v4.new_output("stream", text=text)] if text else []
    return nbformat.v4.new_code_cell(source, outputs=outputs, execution_count=1)


def test_a_planted_mistake_is_caught_and_nothing_else(tmp_path: Path):
    cells = [cell(*case) for case in (SOUND | PLANTED).values()]
    run = compare(nbformat.v4.new_notebook(cells=cells), tmp_path)
    failed = re.findall(r"(?m)^FAILED .*::Cell (\d+)", run.stdout)
    assert list(map(int, failed)) == [3, 4, 5], run.stdout + run.stderr
    assert MIXED in run.stdout and "can't convert cuda:0" in run.stdout


def test_a_playground_that_fails_in_one_state_is_caught(tmp_path: Path):
    hidden = cell(PLAYGROUND)
    hidden.metadata.tags = ["nbval-ignore-output"]
    notebook = nbformat.v4.new_notebook(cells=[cell(*SOUND["set up"]), hidden])
    draw_playgrounds(notebook, count=1)
    run = compare(notebook, tmp_path)
    failed = re.findall(r"(?m)^FAILED .*::Cell (\d+)", run.stdout)
    assert failed == ["2"], run.stdout + run.stderr
    assert "draw({'step': 3}): TypeError: can't convert cuda:0" in run.stdout
