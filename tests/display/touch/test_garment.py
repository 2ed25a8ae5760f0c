"""Draw a garment, from the kernel's side: what a stroke is answered."""

from base64 import b64decode, b64encode

import ipywidgets.widgets.widget
import pytest
import torch

from course_utils import CourseError, draw_garment, load_sketches
from course_utils.display.bundles import HTML, PLAIN, WIDGET_VIEW, stored_picture
from course_utils.display.touch.garment import ALL, SHELF, GarmentWidget

SKETCHES = load_sketches()
SKETCHES_AND_CLASSES = SKETCHES.test, SKETCHES.train, SKETCHES.classes
MEAN, STD = 0.3, 0.35
net = torch.nn.Sequential(
    torch.nn.Conv2d(1, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8 * 26 * 26, 10)
)


def predict(pixels):
    return net((pixels - MEAN) / STD).softmax(dim=1)


def garment(predict=predict, start=0) -> GarmentWidget:
    return GarmentWidget(predict, *SKETCHES_AND_CLASSES, start)


def ask(widget: GarmentWidget, pixels: torch.Tensor) -> dict:
    """Put a drawing to the widget as its page does; return the answer."""
    text = b64encode(pixels.numpy().tobytes()).decode()
    n = widget.question["n"] + 1
    widget.question = {"n": n, "pixels": text, "origin": "Empty canvas, changed"}
    assert widget.answer["n"] == n
    return widget.answer


def pixels_of(text: str) -> torch.Tensor:
    return torch.tensor(list(b64decode(text)), dtype=torch.uint8).reshape(1, 28, 28)


@pytest.mark.parametrize("start", [0, 4, 999])
def test_first_state_is_the_lessons_own_prediction(start):
    """Within 1e-6 of all test images normalised and answered at once."""
    images, labels = SKETCHES.test
    with torch.no_grad():
        lessons = net((images / 255 - MEAN) / STD).softmax(dim=1)[start]
    widget = garment(start=start)
    assert widget.answer["chances"] == pytest.approx(lessons.tolist(), abs=1e-6)
    assert torch.equal(pixels_of(widget.question["pixels"]), images[start])
    name = SKETCHES.classes[labels[start]]
    assert widget.question["origin"] == f"Test image {start}, labelled {name}"


def test_a_stroke_is_answered_with_what_predict_gives():
    widget = garment()
    drawing = torch.randint(256, (1, 28, 28), dtype=torch.uint8)
    answer = ask(widget, drawing)
    with torch.no_grad():
        expected = predict(drawing[None] / 255)[0]
    assert answer["chances"] == expected.tolist()
    top = SKETCHES.classes[expected.argmax()]
    assert answer["said"] == f"{top}, {expected.max():.2f}"
    assert answer["problem"] == ""


def test_nearest_come_with_pixels_name_and_distance():
    images, labels = SKETCHES.train
    answer = ask(garment(), images[17])
    assert len(answer["near"]) == 3
    first = answer["near"][0]
    assert first["distance"] == 0
    assert first["name"] == SKETCHES.classes[labels[17]]
    assert torch.equal(pixels_of(first["pixels"]), images[17])


def test_shelf_begins_at_the_start_and_shows_its_class():
    widget = garment(start=25)
    assert widget.shelf["of"] == SKETCHES.test.labels[25]
    assert widget.shelf["images"][0] == {
        "pixels": widget.question["pixels"],
        "origin": widget.question["origin"],
    }


@pytest.mark.parametrize(
    ("wish", "places"),
    [
        ({"of": ALL, "first": 0}, range(SHELF)),
        ({"of": ALL, "first": 500}, range(500, 500 + SHELF)),
        ({"of": ALL, "first": 5000}, range(1000 - SHELF, 1000)),
    ],
)
def test_shelf_reaches_any_test_image(wish, places):
    widget = garment()
    widget.wish = wish
    numbers = [int(i["origin"].split()[2].rstrip(",")) for i in widget.shelf["images"]]
    assert numbers == list(places)
    assert widget.shelf["total"] == 1000


def test_shelf_of_a_class_has_that_class_only():
    widget = garment()
    widget.wish = {"of": 6, "first": 3}
    assert {i["origin"].split(", ")[1] for i in widget.shelf["images"]} == {
        "labelled Shirt"
    }
    assert widget.shelf["total"] == (SKETCHES.test.labels == 6).sum()


def test_shelf_of_a_class_without_images_is_empty():
    images, labels = SKETCHES.test
    some = (images[labels != 6], labels[labels != 6])
    widget = GarmentWidget(predict, some, SKETCHES.train, SKETCHES.classes, 0)
    widget.wish = {"of": 6, "first": 0}
    assert (widget.shelf["images"], widget.shelf["total"]) == ([], 0)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValueError("too dark"), "predict failed. ValueError: too dark"),
        (KeyboardInterrupt(), "predict failed. KeyboardInterrupt: "),
    ],
)
def test_error_of_a_stroke_is_a_sentence_and_passes(error, sentence):
    def fragile(pixels):
        if pixels.sum() == 0:
            raise error
        return predict(pixels)

    widget = garment(fragile)
    before = widget.answer
    answer = ask(widget, torch.zeros(1, 28, 28, dtype=torch.uint8))
    assert answer["problem"] == sentence
    assert answer["chances"] == before["chances"]
    assert ask(widget, SKETCHES.test.images[0])["problem"] == ""


def test_first_error_of_predict_is_raised():
    def broken(pixels):
        raise ValueError("no network here")

    with pytest.raises(ValueError, match="no network here"):
        garment(broken)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (torch.arange(10.0), r"sum to 45, the smallest is 0; logits need .softmax"),
        (torch.full((1, 10), float("nan")), "logits need .softmax"),
        (torch.tensor([1.5, -0.5] + [0.0] * 8), "the smallest is -0.5"),
        (torch.full((2, 10), 0.1), r"tensor \(1, 10\), not \(2, 10\)"),
        ([0.1] * 10, r"tensor \(1, 10\), not \[0.1, "),
        (None, r"tensor \(1, 10\), not None"),
    ],
)
def test_what_is_no_probability_is_refused(answer, sentence):
    with pytest.raises(CourseError, match=sentence):
        garment(lambda pixels: answer)


def test_no_gradient_is_kept():
    modes = []

    def spying(pixels):
        modes.append(torch.is_grad_enabled())
        return predict(pixels)

    garment(spying)
    assert modes == [False]


def pictures(shape=(4, 1, 28, 28), dtype=torch.uint8, labels=(0, 1, 2, 3)):
    return torch.zeros(shape).to(dtype), torch.tensor(labels, dtype=torch.int64)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (pictures(dtype=torch.float32), r"as they were loaded, not torch.float32"),
        (pictures(shape=(4, 28, 28)), r"give uint8 \(N, 1, 28, 28\)"),
        (pictures(shape=(4, 1, 32, 32)), r"not torch.uint8 \(4, 1, 32, 32\)"),
        (pictures(labels=(0, 1)), r"one label each.* 4 images, and labels \(2,\)"),
        (pictures(shape=(0, 1, 28, 28), labels=()), "there must be one or more"),
        (pictures(labels=(0, 1, 2, 10)), "labels are 0 to 10, and there are 10"),
        (pictures(labels=(-1, 1, 2, 3)), "labels are -1 to 3"),
    ],
)
@pytest.mark.parametrize("name", ["test", "train"])
def test_bad_pictures_are_named(name, given, sentence, displayed):
    splits = {"test": SKETCHES.test, "train": SKETCHES.train} | {name: given}
    with pytest.raises(CourseError, match=f"the {name} .*{sentence}"):
        draw_garment(predict, **splits, classes=SKETCHES.classes)
    assert displayed == []


@pytest.mark.parametrize("start", [-1, 1000])
def test_bad_start_is_named(start):
    with pytest.raises(CourseError, match=f"start={start} is no test image: 0 to 999"):
        draw_garment(predict, *SKETCHES_AND_CLASSES, start=start)


def test_still_picture_and_sentence_stand_where_no_kernel_runs(displayed):
    draw_garment(predict, *SKETCHES_AND_CLASSES, start=3)
    (data, _), (view, _), _ = displayed
    registry = ipywidgets.widgets.widget
    live = getattr(registry, "_instances", None) or registry.Widget.widgets
    widget = live[view[WIDGET_VIEW]["model_id"]]
    assert stored_picture(data[HTML])
    start, said = widget.question["origin"], widget.answer["said"]
    near = [f"{n['name']} ({n['distance']:.1f})" for n in widget.answer["near"]]
    assert data[PLAIN] == (
        f"At first stands: {start}. The network says: {said}. The nearest training "
        f"images, with their distance: {', '.join(near)}. Where the notebook runs, you "
        "can draw."
    )
