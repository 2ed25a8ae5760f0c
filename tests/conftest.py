"""What every test starts from: a seed, and no figure left open by another."""

import random

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def seeded():
    """Seed every generator, so that a test gives the same numbers alone."""
    import torch

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries use numpy's global generator
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def no_figure_left():
    """Close a test's figures and forget its style."""
    import matplotlib.pyplot as plt

    with matplotlib.rc_context():
        yield
    plt.close("all")


@pytest.fixture
def displayed(monkeypatch):
    """What is put on the page: a list of (data, handle), a handle's newest last."""
    import IPython.display

    outputs = []

    class Handle:
        def update(self, data, **_options):
            outputs.append((data, self))

    def display(data, *, raw, metadata=None, display_id=False):
        assert raw, "the course displays bundles"
        handle = Handle() if display_id else None
        outputs.append((data, handle))
        return handle

    monkeypatch.setattr(IPython.display, "display", display)
    return outputs
