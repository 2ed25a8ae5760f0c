"""The map of the lessons."""

from pathlib import Path

from course_utils.site.catalogue import Entry, catalogue
from course_utils.site.plan import drawing, nearest
from tests.lessons import LESSONS


def lesson(number, *before):
    return Entry(Path(f"{number}_x.ipynb"), f"{int(number)} · X", "Why.", "1 h", before)


def test_a_line_is_left_out_where_another_way_leads_there():
    entries = [lesson("00"), lesson("01", "00"), lesson("02", "00", "01")]
    known = {entry.number: entry for entry in entries}
    assert nearest(entries[2], known) == ["01"]
    assert drawing(entries).count("<path") == 2


def test_every_lesson_stands_below_what_it_builds_on():
    entries = catalogue(LESSONS)
    page = drawing(entries)
    assert page.count("<rect") == len(LESSONS)
    for entry in entries:
        assert f'href="{entry.document}.html"' in page
