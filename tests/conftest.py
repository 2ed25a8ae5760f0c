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
