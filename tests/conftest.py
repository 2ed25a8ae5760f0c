"""What every test starts from: a seed, and nothing left by another."""

import random
import signal

import matplotlib
import numpy as np
import pytest

from course_utils.display.bundles import HTML, PICTURE_CLASS, PLAIN

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
    """Close a test's figures and forget its style, and that of a module's fixture."""
    import matplotlib.pyplot as plt

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield
    plt.close("all")


@pytest.fixture(autouse=True)
def signals_as_before():
    """Put the handlers of signals back: a process inherits what a test ignores."""
    numbers = [
        getattr(signal, name)
        for name in ("SIGINT", "SIGTERM", "SIGHUP")
        if hasattr(signal, name)
    ]
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def displayed(monkeypatch):
    """Outputs on the page: a list of (data, handle), each update of a handle appended.

    The handle is None for an output that is never updated.
    """
    import IPython.display

    outputs = []

    def display(data, *, raw, metadata=None, handle=None):
        assert raw, "the course displays bundles"
        if PICTURE_CLASS in data.get(HTML, ""):
            assert metadata["alt"] == data[PLAIN]
        outputs.append((data, handle))

    class Handle:
        def display(self, data, **options):
            display(data, handle=self, **options)

        update = display

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(IPython.display, "DisplayHandle", Handle)
    return outputs
