"""What reaches the page: pictures and captions."""

import base64

import matplotlib.pyplot as plt
import pytest

from course_utils import show
from course_utils.display.bundles import caption_bundle
from course_utils.display.figures import figure_bundle


def test_a_picture_carries_its_description_three_times(displayed):
    fig, _ = plt.subplots()
    show(fig, alt="The curve rises from 0 to 3.")
    (picture, _), (caption, _) = displayed
    assert base64.b64decode(picture["image/png"]).startswith(b"\x89PNG")
    assert picture["text/plain"] == "The curve rises from 0 to 3."
    assert caption["text/plain"] == "The curve rises from 0 to 3."
    assert "The curve rises from 0 to 3." in caption["text/html"]


def test_the_metadata_carries_it_too():
    _, metadata = figure_bundle(plt.figure(), "Two humps.")
    assert metadata == {"alt": "Two humps.", "image/png": {"alt": "Two humps."}}


def test_a_shown_figure_is_closed(displayed):
    show(plt.figure(), alt="Nothing but white.")
    assert plt.get_fignums() == []
    assert len(displayed) == 2


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_picture_without_a_description_is_refused(alt):
    with pytest.raises(ValueError, match="alt is empty"):
        show(plt.figure(), alt=alt)


def test_a_caption_is_escaped_and_drops_empty_lines():
    bundle = caption_bundle("a < b", "", error=True)
    assert "a &lt; b" in bundle["text/html"]
    assert "course-error" in bundle["text/html"]
    assert bundle["text/plain"] == "a < b"
    assert bundle["text/html"].count("<p ") == 1
