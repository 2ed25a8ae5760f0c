"""Draw a garment in JupyterLab: by mouse and by keyboard, answered by the kernel."""

import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

from course_utils import load_sketches
from course_utils.authoring.normal_form import dumps, normalise
from course_utils.display.bundles import stored_picture
from tests.browser.marks import browser_marks
from tests.browser.page import Browser
from tests.browser.server import Lab

pytestmark = browser_marks(
    pytest.mark.all,  # a browser each, and nothing of the lessons
    pytest.mark.timeout(300),
)
# Run by the kernel, and by this test, which knows so what the kernel must answer.
PREDICT = """import pathlib, time, torch
torch.manual_seed(3)
net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
def predict(pixels):
    while pathlib.Path("hold").exists():
        time.sleep(0.01)
    if pixels.min() > 0:
        raise ValueError("no paper is left")
    with torch.no_grad():
        return net(4 * pixels).softmax(dim=1)"""
SHOW = """from course_utils import draw_garment, load_sketches
g = load_sketches()
draw_garment(predict, g.test, g.train, g.classes, start=4)"""
SKETCHES = load_sketches()
SIDE = 28
PIXELS = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, 28, 28);
  return Array.from({ length: 784 }, (_, i) => 255 - data[4 * i]);
}"""
BARS = """rows => rows.map(row => [
  row.querySelector('td:last-child').textContent,
  parseFloat(row.querySelector('.garment-track span').style.width) / 100])"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("garment")
    cells = [new_code_cell(PREDICT), new_code_cell(SHOW), new_code_cell("1 + 1")]
    notebook = folder / "garment.ipynb"
    text = dumps(normalise(new_notebook(cells=cells)))
    notebook.write_text(text, encoding="utf-8")
    with Lab([notebook], env={"OMP_NUM_THREADS": "1"}) as server:
        yield server


@pytest.fixture(scope="module")
def view(lab):
    with Browser(height=900) as chromium:
        view = chromium.open(lab.url("garment.ipynb"))
        view.run_all()
        yield view


class Garment:
    """The widget on the page."""

    def __init__(self, view):
        self.page = view.page
        self.place = view.page.locator(".garment")
        self.place.wait_for()
        self.canvas = self.place.locator(".garment-sheet canvas")
        self.canvas.evaluate("canvas => canvas.scrollIntoView({ block: 'center' })")

    def pixels(self) -> torch.Tensor:
        values = self.canvas.evaluate(PIXELS)
        return torch.tensor(values, dtype=torch.uint8).reshape(1, SIDE, SIDE)

    def press(self, name: str) -> None:
        self.place.get_by_role("button", name=name, exact=True).click()

    def said(self) -> str:
        return self.place.locator(".garment-said").inner_text()

    def stroke(self, *points: tuple[float, float]) -> None:
        """Draw by mouse through points, in pixels of the canvas."""
        box = self.canvas.bounding_box()
        scale = box["width"] / SIDE
        places = [(box["x"] + scale * x, box["y"] + scale * y) for x, y in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=4)
        self.page.mouse.up()

    def check_answer(self) -> str:
        """Wait for the kernel's answer to what stands on the canvas; return its words.

        Every bar and its number must be what `predict` gives for these pixels.
        """
        names: dict = {}
        exec(PREDICT, names)
        chances = names["predict"](self.pixels()[None] / 255)[0].tolist()
        top = max(range(10), key=chances.__getitem__)
        words = f"{SKETCHES.classes[top]}, {chances[top]:.2f}"
        expected = [f"{chance:.2f}" for chance in chances]
        shown = "([...rows]) => rows.map(r => r.lastChild.textContent).join()"
        self.page.wait_for_function(
            f"expected => ({shown})(document.querySelectorAll('.garment tbody tr'))"
            " === expected",
            arg=",".join(expected),
            timeout=20_000,
        )
        bars = self.place.locator("tbody tr").evaluate_all(BARS)
        assert [width for _, width in bars] == pytest.approx(chances, abs=1e-5)
        assert self.said() == words
        return words


@pytest.fixture
def garment(view):
    """The widget, started from the third image of the row."""
    garment = Garment(view)
    garment.place.locator(".garment-thumbs button").nth(2).click()
    garment.check_answer()
    yield garment
    assert view.errors() == []


def test_first_state_is_the_start_image_and_its_answer(view):
    garment = Garment(view)
    assert torch.equal(garment.pixels(), SKETCHES.test.images[4])
    garment.check_answer()
    assert "Test image 4, labelled" in garment.place.inner_text()


def test_a_stroke_draws_and_is_answered(garment):
    before, said = garment.pixels(), garment.said()
    garment.press("Clear")
    garment.stroke((5, 14), (23, 14))
    pixels = garment.pixels()
    assert garment.check_answer() != said
    assert pixels[0, 13, 14] == 180  # the grey that is set
    assert 0 < pixels[0, 12, 4] < 180  # the brush is soft at its edge
    assert pixels[0, 20].sum() == 0
    garment.press("Undo")
    assert garment.pixels().sum() == 0
    garment.press("Undo")
    assert torch.equal(garment.pixels(), before)
    assert garment.check_answer() == said


def test_the_eraser_leaves_paper(garment):
    before = garment.pixels()
    garment.press("Erase")
    garment.stroke((14, 2), (14, 26))
    garment.press("Draw")
    after = garment.pixels()
    assert before[0, 3:25, 14].sum() > 0
    assert after[0, 3:25, 14].sum() == 0
    assert (after <= before).all()
    garment.check_answer()


def test_any_test_image_can_be_the_start(garment):
    place = garment.place
    place.locator("select").select_option("Shirt")
    place.locator("button[title$='labelled Shirt']").first.wait_for()
    number = place.get_by_label("Number of the first image in the row")
    number.fill("41")
    number.press("Enter")
    index = (SKETCHES.test.labels == 6).nonzero()[40].item()
    place.get_by_label(f"Start from Test image {index}, labelled Shirt").click()
    assert torch.equal(garment.pixels(), SKETCHES.test.images[index])
    garment.check_answer()
    nearest = place.locator(".garment-near figcaption").all_inner_texts()
    image = SKETCHES.test.images[index].float()
    distances = (SKETCHES.train.images.float() - image).flatten(1).norm(dim=1) / 255
    values, indices = distances.topk(3, largest=False)
    names = [SKETCHES.classes[SKETCHES.train.labels[i]] for i in indices]
    expected = [f"{n}\ndistance {v:.1f}" for n, v in zip(names, values, strict=True)]
    assert nearest == expected


def test_keyboard_paints_and_no_key_reaches_the_notebook(view, garment):
    cells = view.page.locator(".jp-Notebook .jp-Cell").count()
    garment.press("Clear")
    garment.canvas.focus()
    for key in ["ArrowUp", "ArrowUp", "ArrowLeft"]:
        view.page.keyboard.press(key)
    view.page.keyboard.press("Space")
    assert garment.pixels().nonzero()[:, 1:].float().mean(dim=0).tolist() == [12, 13]
    garment.check_answer()
    view.page.keyboard.down("Space")
    for _ in range(4):
        view.page.keyboard.press("ArrowRight")
    view.page.keyboard.up("Space")
    assert (garment.pixels()[0, 12, 13:18] == 180).all()
    view.page.keyboard.press("Backspace")
    assert garment.pixels()[0, 12, 17] == 0
    view.page.keyboard.press("Control+z")
    assert garment.pixels()[0, 12, 17] == 180
    for key in "ddxabm":
        view.page.keyboard.press(key)
    assert view.page.locator(".jp-Notebook .jp-Cell").count() == cells
    garment.check_answer()


def test_an_error_in_predict_is_a_sentence_that_passes(garment):
    garment.place.get_by_label("Size").fill("9")
    for row in range(0, 29, 4):
        garment.stroke((0, row), (28, row))
    problem = garment.place.locator(".garment-problem")
    problem.filter(has_text="predict failed. ValueError: no paper is left").wait_for()
    garment.place.get_by_label("Size").fill("3")
    garment.press("Clear")
    garment.check_answer()
    assert problem.inner_text() == ""


COUNT = """() => {
  window.garmentAsked = 0;
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  kernel.anyMessage.connect((_, { direction, msg }) => {
    if (direction === 'send' && msg.content?.data?.state?.question)
      window.garmentAsked += 1;
  });
}"""


def test_of_many_strokes_only_the_last_waits(lab, view, garment):
    """While `predict` works, strokes queue no questions behind it."""
    view.page.evaluate(COUNT)
    (lab.folder / "hold").touch()
    garment.press("Clear")
    for row in range(4, 24, 2):
        garment.stroke((5, row), (23, row))
    assert view.page.evaluate("garmentAsked") == 1
    (lab.folder / "hold").unlink()
    garment.check_answer()
    assert view.page.evaluate("garmentAsked") == 2  # the last, asked after the first


def test_after_a_reload_the_living_kernel_answers(view, garment):
    garment.stroke((5, 5), (23, 23))
    drawn = garment.pixels()
    said = garment.check_answer()
    view.save()
    view.page.reload()
    view._wait_for_kernel()
    reloaded = Garment(view)
    assert torch.equal(reloaded.pixels(), drawn)
    assert reloaded.check_answer() == said
    reloaded.press("Clear")
    reloaded.stroke((5, 14), (23, 14))
    assert reloaded.pixels().sum() > 0
    reloaded.check_answer()


def test_the_stored_output_holds_the_still_picture(view):
    output = view.page.evaluate(
        "() => jupyterapp.shell.currentWidget.content.widgets[1]"
        ".model.sharedModel.toJSON().outputs[0].data"
    )
    assert stored_picture(output["text/html"]).startswith(b"\x89PNG")
    assert "Where the notebook runs, you can draw." in output["text/plain"]
