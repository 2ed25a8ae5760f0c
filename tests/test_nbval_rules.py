"""The rules by which one stored set of outputs serves every device."""

import importlib.util
import re
from types import SimpleNamespace

import pytest
from jupyter_client.provisioning import KernelProvisionerFactory
from nbval.plugin import get_sanitize_patterns

from course_utils.display.bundles import MEASURED
from tests.lessons import ROOT

# By its path: there are several conftest.py.
_spec = importlib.util.spec_from_file_location("rules", ROOT / "conftest.py")
rules = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rules)


@pytest.fixture
def collector():
    fresh = SimpleNamespace(sanitize_patterns={}, skip_compare=("metadata",), marks=[])
    fresh.add_marker, fresh.setup = fresh.marks.append, lambda: None
    rules.pytest_collectstart(fresh)
    text = (ROOT / "tests" / "nbval_sanitize.cfg").read_text(encoding="utf-8")
    fresh.sanitize_patterns.update(get_sanitize_patterns(text))
    return fresh


@pytest.fixture
def sanitize(collector):
    def apply(text: str) -> str:
        for pattern, replacement in collector.sanitize_patterns.items():
            text = re.sub(pattern, replacement, text)
        return text

    return apply


SAME = {
    "fifth digit": ("0.81334", "0.81329"),
    "after the point": ("loss 12.3457", "loss 12.3462"),
    "exponent": ("1.23456e-05", "1.23461e-05"),
    "in HTML": ("<td>0.123456</td>", "<td>0.123459</td>"),
    "end of a sentence": ("It is 0.123456.", "It is 0.123459."),
    "minus zero": ("-0.0000", "0.0000"),
    "minus zero in a tensor": ("tensor([-0.,  1.])", "tensor([0., 1.])"),
    "padding in a matrix": (
        "tensor([[-0.0000,  1.0000],\n        [ 2.0000,  3.0000]])",
        "tensor([[0.0000, 1.0000],\n        [2.0000, 3.0000]])",
    ),
    "tensor on a GPU": ("tensor([1.], device='cuda:0')", "tensor([1.])"),
    "wrapped suffix": (
        "tensor([1.], device='cuda:0',\n       grad_fn=<AddmmBackward0>)",
        "tensor([1.], grad_fn=<AddmmBackward0>)",
    ),
    "setup's line": ("Device: cuda. Seed: 0.", "Device: cpu. Seed: 0."),
    "setup's line, numbered": ("Device: cuda:1. Seed: 0.", "Device: cpu. Seed: 0."),
    "torch.device": ("device(type='cuda', index=0)", "device(type='cpu')"),
    "address": ("<f at 0x7f5d3c2b1a90>", "<f at 0x7f0000000000>"),
    "duration": ("took 12.5 ms", "took 3 s"),
    "measured value": (
        "MLP, accuracy: 0.884 0.881 (expected 0.87 to 0.9)",
        "MLP, accuracy: 0.879 0.890 (expected 0.87 to 0.9)",
    ),
    "measured value in HTML": (
        "accuracy: <b>MLP 0.884</b> (expected 0.87 to 0.9)</div>",
        "accuracy: <b>MLP 0.879</b> (expected 0.87 to 0.9)</div>",
    ),
    "wrapped error": (
        "ValueError: a long message,\n  wrapped",
        "ValueError: a long\n  message, wrapped",
    ),
    "runs that may break": (
        '<td style="white-space:nowrap">0.5 0.5</td>',
        "<td>0.5 0.5</td>",
    ),
}
DIFFERENT = {
    "fourth digit": ("0.8133", "0.8134"),
    "fourth of more": ("0.81334", "0.81344"),
    "sign": ("-0.5000", "0.5000"),
    "exponent": ("1.234e-05", "1.234e-06"),
    "small number against zero": ("0.0001", "0.0000"),
    "large integer": ("669,706", "669,707"),
    "integer-valued float": ("669706.", "669707."),
    "version": ("2.15.0", "2.15.1"),
    "shape": ("torch.Size([3, 784])", "torch.Size([3, 785])"),
    "seed": ("Device: cpu. Seed: 0.", "Device: cpu. Seed: 1."),
    "gradient": ("grad_fn=<AddmmBackward0>", "grad_fn=<AddBackward0>"),
    "dtype": ("tensor([1.], dtype=torch.float64)", "tensor([1.])"),
    "value outside its range": (
        "accuracy: 0.884 (expected 0.87 to 0.9)",
        "accuracy: 0.5 (expected 0.87 to 0.9). Outside it: other versions may do that.",
    ),
    "range of a measured value": (
        "accuracy: 0.884 (expected 0.87 to 0.9)",
        "accuracy: 0.884 (expected 0.86 to 0.9)",
    ),
    "range of a measured value on sketches": (
        "accuracy: 0.884 (expected 0.87 to 0.9; on sketches 0.9 to 0.95)",
        "accuracy: 0.884 (expected 0.87 to 0.9; on sketches 0.9 to 0.96)",
    ),
    "name of a measured value": (
        "MLP, accuracy: 0.884 (expected 0.87 to 0.9)",
        "CNN, accuracy: 0.884 (expected 0.87 to 0.9)",
    ),
    "order": ("[1.5, 2.5]", "[2.5, 1.5]"),
}


@pytest.mark.parametrize("case", SAME)
def test_what_rightly_differs_is_made_alike(sanitize, case):
    one, other = SAME[case]
    assert sanitize(one) == sanitize(other)


@pytest.mark.parametrize("case", DIFFERENT)
def test_a_real_difference_is_still_seen(sanitize, case):
    one, other = DIFFERENT[case]
    assert sanitize(one) != sanitize(other)


@pytest.mark.parametrize("text", ["2.15.0", "669,706", "(10, 5, 3)", "v1.23456rc", "7"])
def test_integers_versions_and_shapes_are_left_alone(sanitize, text):
    assert sanitize(text) == text


def test_stderr_is_not_compared(collector):
    assert collector.skip_compare == ("metadata", "stderr", MEASURED)


def test_only_a_notebook_s_cells_get_the_long_time(collector):
    assert [(mark.name, mark.args) for mark in collector.marks] == [
        ("timeout", (1200,))
    ]


def test_only_a_notebook_s_kernel_starts_warm():
    factory, seen = KernelProvisionerFactory.instance(), []
    rules.warm_start(lambda: seen.append(factory.default_provisioner_name))()
    assert seen == ["warm"]
    assert factory.default_provisioner_name == "local-provisioner"


def test_other_collectors_are_left_alone():
    folder = SimpleNamespace()
    rules.pytest_collectstart(folder)
    assert vars(folder) == {}


def test_settings_hold_a_replacement_for_every_pattern():
    text = (ROOT / "tests" / "nbval_sanitize.cfg").read_text(encoding="utf-8")
    assert len(get_sanitize_patterns(text)) == text.count("\nregex:") > 0


@pytest.mark.parametrize(
    ("test", "scope"),
    [
        (
            "notebooks/01_linear_layers.ipynb::Cell 7",
            "notebooks/01_linear_layers.ipynb",
        ),
        ("tests/test_idx.py::test_one[cut off]", "tests/test_idx.py"),
        ("tests/a.py::test_it[02_activations]", "tests/a.py 02_activations"),
        ("tests/a.py::test_it[02_activations-rule]", "tests/a.py 02_activations"),
    ],
)
def test_what_stays_on_one_worker(test, scope):
    scheduling = object.__new__(rules.ByLesson)
    assert scheduling._split_scope(test) == scope
