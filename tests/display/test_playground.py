"""Controls beside one picture that is redrawn in place."""

import pytest
from ipywidgets.widgets import widget

from course_utils import Matrix, playground
from course_utils.display.bundles import (
    CAPTION_CLASS,
    ERROR_CLASS,
    HTML,
    PLAIN,
    STILL_CLASS,
    WIDGET_VIEW,
    stored_picture,
)
from course_utils.display.frame.widget import Frame


def line(ax, slope=1.0, dashed=False):
    ax.plot([0, 1], [0, slope], "--" if dashed else "-")
    return f"slope {slope:.1f}"


def widget_registry() -> dict:
    # ipywidgets 8 keeps its widgets in a private dict, 7 in a public one
    return getattr(widget, "_instances", None) or widget.Widget.widgets


def frame(displayed) -> Frame:
    return widget_registry()[displayed[-1][0][WIDGET_VIEW]["model_id"]]


def ask(shown: Frame, scale=1.0, **values) -> None:
    """Ask as frame.js does."""
    number = shown.asked["number"] + 1
    values = shown.asked["values"] | values
    shown.asked = {"number": number, "scale": scale, "values": values}


def test_stored_are_sentence_picture_caption_and_controls(displayed):
    playground(line, alt="A line.", slope=(-2.0, 2.0, 0.5), dashed=True)
    sentence, picture, caption, view = [data for data, _ in displayed]
    assert sentence[PLAIN] == "slope 1.0"
    assert stored_picture(picture[HTML]).startswith(b"\x89PNG")
    assert picture[PLAIN] == caption[PLAIN] == "A line."
    assert CAPTION_CLASS in caption[HTML]
    assert view[PLAIN].startswith("Controls: slope = 1.0, dashed = False.")


def test_live_shows_the_same_and_hides_what_is_stored(displayed):
    playground(line, alt="A line.", slope=(-2.0, 2.0, 0.5))
    shown = frame(displayed)
    assert shown.said == {"sentence": "slope 1.0", "reached": False, "failed": ""}
    assert shown.data["alt"] == "A line."
    assert shown.data["still"].startswith(STILL_CLASS)
    for data, _ in displayed[:-1]:
        assert data[HTML].startswith(f'<div class="{shown.data["still"]}">')


def test_no_sentence_leaves_no_empty_output(displayed):
    playground(lambda ax, k=1: None, alt="White.", k=(0, 2))
    assert [data[PLAIN] for data, _ in displayed[:2]] == ["White.", "White."]


def test_a_move_is_answered_with_picture_and_sentence(displayed):
    playground(line, alt="A line.", slope=(-2.0, 2.0, 0.5))
    shown = frame(displayed)
    before = shown.picture
    ask(shown, slope=-2)
    assert shown.answered == 1
    assert shown.picture != before
    assert shown.said["sentence"] == "slope -2.0"


def test_a_sharper_picture_is_not_drawn_anew(displayed):
    calls = []

    def counted(ax, slope=1.0):
        calls.append(slope)
        return line(ax, slope)

    playground(counted, alt="A line.", slope=(-2.0, 2.0))
    shown = frame(displayed)
    ask(shown, slope=2)
    coarse = shown.picture
    ask(shown, scale=2.0)
    assert calls == [1.0, 2.0]
    assert len(shown.picture) > len(coarse)
    assert shown.answered == 2


def test_answer_is_told_after_the_picture(displayed):
    playground(line, alt="A line.", slope=(-2.0, 2.0))
    shown, told = frame(displayed), []
    for name in ("picture", "said", "answered"):
        shown.observe(lambda change: told.append(change["name"]), names=name)
    ask(shown, slope=2)
    assert told == ["picture", "said", "answered"]


def test_goal_is_shown_and_reached(displayed):
    def draw(ax, slope=1.0):
        return line(ax, slope), slope > 1.5

    playground(draw, alt="A line.", goal="steeper than 1.5", slope=(0.0, 2.0))
    assert displayed[0][0][PLAIN] == "slope 1.0\nGoal: steeper than 1.5"
    shown = frame(displayed)
    assert shown.data["goal"] == "steeper than 1.5"
    assert not shown.said["reached"]
    ask(shown, slope=2)
    assert shown.said["reached"]


def test_controls_are_named_in_words(displayed):
    def draw(ax, weight, line_width=1, b1=0):
        return f"{weight}"

    weight = Matrix([[1, 0], [0, 1]], -2, 2)
    labels = {"b1": "bias 1"}
    sizes = {"line_width": (1, 3), "b1": (-2, 2)}
    playground(draw, alt="White.", labels=labels, weight=weight, **sizes)
    named = {each["name"]: each["label"] for each in frame(displayed).data["controls"]}
    assert named == {"weight": "weight", "line_width": "line width", "b1": "bias 1"}
    assert "Controls: weight = [[1, 0], [0, 1]], line width = 1, bias 1 = 0." in str(
        displayed[-1][0][PLAIN]
    )


def test_name_for_no_control_is_refused():
    with pytest.raises(TypeError, match="labels names 'angle', which is no control"):
        playground(line, alt="A line.", labels={"angle": "angle"}, slope=(0.0, 1.0))


def test_error_while_drawing_is_shown_until_it_is_mended(displayed):
    def fragile(ax, k=1):
        ax.plot([1 / k])
        return f"k = {k}"

    playground(fragile, alt="A point.", k=(0, 2))
    shown = frame(displayed)
    ask(shown, k=0)
    broken = {"sentence": "k = 1", "reached": False}
    failed = "The drawing failed: ZeroDivisionError: division by zero"
    assert shown.said == broken | {"failed": failed}
    ask(shown, scale=2.0)  # as the page does at rest
    assert shown.said["failed"] == failed
    assert shown.answered == 2
    ask(shown, k=2)
    assert shown.said == {"sentence": "k = 2", "reached": False, "failed": ""}


def test_error_in_the_first_drawing_is_raised(displayed):
    with pytest.raises(ZeroDivisionError):
        playground(lambda ax, k=0: 1 / k, alt="Never.", k=(0, 2))
    assert displayed == []


def test_page_marks_an_error_with_the_class_that_tests_look_for():
    assert f'className: "{ERROR_CLASS}"' in Frame._esm
