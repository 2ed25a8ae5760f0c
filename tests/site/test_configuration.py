"""The colours of code on the site's pages."""

import pytest
from pygments.styles import get_style_by_name

from course_utils.display.contrast import contrast
from course_utils.runs.colours import light_and_dark
from course_utils.site.configuration import DARK_CODE, settings
from tests.display.test_contrast import rgb


@pytest.mark.parametrize(
    ("scheme", "style"), [(0, settings()["pygments_style"]), (1, DARK_CODE)]
)
def test_every_colour_of_code_stands_out(scheme, style):
    band = rgb(light_and_dark()[scheme]["band"])
    colours = {found["color"] for _, found in get_style_by_name(style)} - {None}
    assert len(colours) > 4
    for colour in colours:
        assert contrast(rgb(f"#{colour}"), band) >= 4.5, colour
