"""What the build refuses, and what it makes of the scripts."""

import re

import pytest

from course_utils.errors import CourseError
from course_utils.site.build import build
from course_utils.site.configuration import SCRIPTS
from course_utils.site.static import as_script, static_files


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("kept")
    with pytest.raises(CourseError, match="name another folder"):
        build(tmp_path, tmp_path, tmp_path / "work")
    assert mine.read_text() == "kept"


def test_a_folder_without_lessons_is_named(tmp_path):
    with pytest.raises(CourseError, match="there are no lessons here"):
        build(tmp_path, tmp_path / "out", tmp_path / "work")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "module",
    [
        "const a = 1;",
        "export default a;\nexport default b;",
        'import "x";\nexport default a;',
    ],
)
def test_a_module_that_can_be_no_script_is_refused(module):
    with pytest.raises(CourseError, match="The script of Name"):
        as_script(module, "Name")


def test_every_script_of_a_page_is_there_and_is_no_module():
    files = static_files()
    assert files.keys() >= {*SCRIPTS, "site.css", "playgrounds.css"}
    for name, text in files.items():
        assert not re.search(r"(?m)^(?:import|export) ", text), name
