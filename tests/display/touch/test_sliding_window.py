"""The sliding window: what the lesson hands over, and its arithmetic beside torch's."""

import math
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from ipywidgets import Widget
from torch.testing import assert_close

from course_utils import slide_window
from course_utils.display.bundles import PLAIN, WIDGET_VIEW
from course_utils.display.touch import sliding_window
from course_utils.display.touch.widget import HERE
from tests.browser.marks import needs_browser
from tests.browser.page import Browser

# A module from its text: a page without an address can import no file.
IMPORT = """source => import('data:text/javascript,' + encodeURIComponent(source))
  .then(module => { window.arithmetic = module; })"""
# torch's floats have an infinity, JSON has none: a refused case is null.
SLIDE = """cases => cases.map(([image, state]) =>
  arithmetic.refusal(image, state) ? null : arithmetic.slide(image, state))"""
IMAGE = torch.tensor([[1.0, 2.0, 0.0], [0.0, 3.0, 1.0], [2.0, 0.0, 4.0]])
KERNELS = {
    "corners": torch.tensor([[1.0, 0.0], [0.0, -2.0]]),
    "sum": torch.ones(2, 2),
}
OUTPUT = torch.tensor([[-5.0, 0.0], [0.0, -5.0]])  # 1·1 − 2·3, 1·2 − 2·1, …


@pytest.fixture(scope="module", autouse=True)
def widgets_closed():
    yield
    Widget.close_all()


@pytest.fixture
def shown(monkeypatch):
    """What is shown: a list of (widget, figure, description)."""
    calls = []
    monkeypatch.setattr(sliding_window, "show_widget", lambda *call: calls.append(call))
    return calls


@pytest.fixture(scope="module")
def page():
    """An empty page that has imported the arithmetic."""
    with Browser() as chromium:
        view = chromium.blank()
        source = (HERE / "window_arithmetic.js").read_text(encoding="utf-8")
        view.evaluate(IMPORT, source)
        yield view


def torch_slides(image, kernel, kind, stride, padding, dilation):
    """Return what torch gives, or None where it refuses."""
    batch, size = image[None, None], kernel.shape[0]
    try:
        if kind == "convolution":
            weight = kernel[None, None]
            return F.conv2d(batch, weight, None, stride, padding, dilation)[0, 0]
        if kind == "max":
            return F.max_pool2d(batch, size, stride, padding, dilation)[0, 0]
        if dilation > 1:
            return None  # avg_pool2d takes none
        return F.avg_pool2d(batch, size, stride, padding)[0, 0]
    except RuntimeError:
        return None


def cases():
    """Every setting that the page offers, over images and kernels of several sizes."""
    make = torch.Generator().manual_seed(0)
    for (rows, columns), size in product([(7, 7), (5, 8)], [1, 2, 3, (2, 3)]):
        shape = size if isinstance(size, tuple) else (size, size)
        image = torch.randint(-9, 10, (rows, columns), generator=make).double()
        kernel = torch.randint(-8, 9, shape, generator=make).double() / 4
        kinds = ["convolution"]
        if shape[0] == shape[1]:
            kinds += ["max", "average"]
        for setting in product(kinds, [1, 2, 3], [0, 1, 2], [1, 2, 3]):
            # Half of the window, gaps included or not: versions of torch differ.
            if setting[0] != "max" or 2 * setting[2] <= shape[0] or setting[3] == 1:
                yield image, kernel, setting


@needs_browser
def test_arithmetic_is_that_of_torch_and_refuses_what_torch_refuses(page):
    names = ["kind", "stride", "padding", "dilation"]
    tried = list(cases())
    asked = [
        (image.tolist(), {"kernel": kernel.tolist()} | dict(zip(names, s, strict=True)))
        for image, kernel, s in tried
    ]
    refused = 0
    for (image, kernel, setting), rows in zip(
        tried, page.evaluate(SLIDE, asked), strict=True
    ):
        expected = torch_slides(image, kernel, *setting)
        assert (rows is None) == (expected is None), (kernel.shape, setting)
        refused += rows is None
        if expected is not None:
            assert_close(torch.tensor(rows, dtype=torch.double), expected)
    assert 0 < refused < len(tried) / 2


@needs_browser
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2", 2),
        (" -1.5 ", -1.5),
        ("−3", -3),
        ("1/9", 1 / 9),
        ("-1 / 4", -0.25),
        (".5", 0.5),
        ("0,25", 0.25),
        ("", None),
        ("-", None),
        ("two", None),
        ("1/0", None),
        ("1 2", None),
        ("1e400", None),
    ],
)
def test_typed_text_is_read_as_a_number_or_refused(page, text, number):
    read = page.evaluate("text => arithmetic.parse(text)", text)
    assert read == (number if number is None else pytest.approx(number))


@needs_browser
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1 / 9, "1/9"),
        (-0.375, "−3/8"),
        (0.25, "0.25"),
        (-2, "−2"),
        (math.pi, "3.14"),
        (float(torch.tensor(1 / 9)), "1/9"),
    ],
)
def test_weight_is_written_as_one_would(page, number, text):
    assert page.evaluate("number => arithmetic.writeWeight(number)", number) == text


@needs_browser
@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("convolution", "0·1 + 2·3 + 1·(−1) + 5·0 = 5"),
        ("max", "max(0, 2, 1, 5) = 5"),
        ("average", "(0 + 2 + 1 + 5) / 4 = 2"),
    ],
)
def test_calculation_is_spelled_out(page, kind, sentence):
    spell = """kind => {
      const kernel = [[1, 3], [-1, 0]];
      const state = { kind, kernel, stride: 1, padding: 0, dilation: 1 };
      const taps = arithmetic.windowAt([[0, 2], [1, 5]], state, 0, 0);
      const { open, terms, result } = arithmetic.spell(taps, kind);
      return open + terms.map(t => t.value + t.weight + t.sign).join('') + result;
    }"""
    assert page.evaluate(spell, kind) == sentence


@needs_browser
def test_rounded_result_says_so(page):
    thirds = """arithmetic.spell([{ value: 1, weight: 1 }, { value: 0, weight: 1 },
      { value: 0, weight: 1 }], 'average').result"""
    assert page.evaluate(thirds) == " ≈ 0.33"


def test_convolution_hands_over_the_lessons_numbers(shown):
    slide_window(IMAGE, OUTPUT, kernels=KERNELS)
    ((widget, _, description),) = shown
    assert widget.data == {
        "image": IMAGE.tolist(),
        "kernels": {name: kernel.tolist() for name, kernel in KERNELS.items()},
        "kernel": KERNELS["corners"].tolist(),
        "kind": "convolution",
        "limit": 8.0,  # 0 + 3 + … : the largest that one of the kernels gives
        "stride": 1,
        "padding": 0,
        "dilation": 1,
    }
    assert "3×3, and its output of 2×2" in description
    assert "(corners) gives -5." in description


def test_pooling_moves_by_its_window_unless_told(shown):
    slide_window(IMAGE, torch.tensor([[3.0]]), kind="max")
    average = F.avg_pool2d(IMAGE[None], 2, 1)[0]
    slide_window(IMAGE, average, kind="average", stride=1)
    assert [widget.data["stride"] for widget, *_ in shown] == [2, 1]
    assert all(widget.data["kernel"] == [[1, 1], [1, 1]] for widget, *_ in shown)


def test_still_picture_shows_the_numbers_and_the_window(shown):
    slide_window(IMAGE, OUTPUT, kernels=KERNELS)
    slide_window(IMAGE, torch.tensor([[3.0]]), kind="max")
    (_, convolution, _), (_, pooling, _) = shown
    grids = {
        ax.get_title(): [t.get_text() for t in ax.texts] for ax in convolution.axes
    }
    assert grids == {
        "input": ["1", "2", "0", "0", "3", "1", "2", "0", "4"],
        "kernel": ["1", "0", "0", "−2"],
        "output": ["−5", "0", "0", "−5"],
    }
    assert [ax.get_title() for ax in pooling.axes] == ["input", "output"]
    (window,) = convolution.axes[0].patches
    assert (window.get_width(), window.get_height()) == (2, 2)


def test_without_a_kernel_the_page_has_a_picture_and_a_sentence(displayed):
    slide_window(IMAGE, OUTPUT, kernels=KERNELS)
    (picture, _), (widget, _), (caption, _) = displayed
    assert WIDGET_VIEW in widget and WIDGET_VIEW not in picture
    assert picture[PLAIN] == caption[PLAIN]
    assert "Run this cell to move the window." in caption[PLAIN]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"image": IMAGE[None]}, r"image has shape \(1, 3, 3\): give rows and columns"),
        ({"image": torch.zeros(0, 3)}, r"image has shape \(0, 3\): give rows"),
        ({"image": torch.zeros(28, 28)}, "image is 28×28: give 12×12 at most"),
        ({"image": IMAGE / 0}, "image holds nan or inf"),
        ({"kernels": None}, "no kernel: give kernels="),
        ({"kernels": {"blur": torch.ones(3)}}, r"kernel 'blur' has shape \(3,\)"),
        ({"kernels": {"big": torch.ones(4, 4)}}, "'big' spans 4 cells, .* image has 3"),
        ({"dilation": 3}, "'corners' spans 4 cells, but the padded image has 3"),
        ({"kind": "maximum"}, "kind='maximum': give 'convolution', 'max' or 'average'"),
        ({"kind": "average", "dilation": 2}, "average pooling has no dilation"),
        ({"kind": "max", "padding": 2}, "torch refuses these settings: pad should be"),
        ({"padding": 1}, r"output has shape \(2, 2\), but torch gives \(4, 4\)"),
        ({"output": OUTPUT + 1}, "output is not what torch gives here"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(changes, sentence):
    arguments = {"image": IMAGE, "output": OUTPUT, "kernels": KERNELS} | changes
    image, output = arguments.pop("image"), arguments.pop("output")
    with pytest.raises(ValueError, match=sentence):
        slide_window(image, output, **arguments)
