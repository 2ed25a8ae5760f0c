"""The colours of code on the site's pages."""

import pytest
from pygments.styles import get_style_by_name

from course_utils.display.contrast import contrast
from course_utils.runs.colours import light_and_dark
from course_utils.site.configuration import settings
from tests.display.test_contrast import rgb


@pytest.mark.parametrize(
    ("scheme", "setting"), [(0, "pygments_style"), (1, "pygments_dark_style")]
)
def test_every_colour_of_code_stands_out(scheme, setting):
    band = rgb(light_and_dark()[scheme]["band"])
    colours = {found["color"] for _, found in get_style_by_name(settings()[setting])}
    assert len(colours - {None}) > 4
    for colour in colours - {None}:
        assert contrast(rgb(f"#{colour}"), band) >= 4.5, colour
