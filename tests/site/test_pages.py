"""The pages beside the lessons."""

import re
from pathlib import Path

from course_utils.site import pages
from course_utils.site.catalogue import catalogue
from tests.lessons import LESSONS

ROOT = Path(__file__).parents[2]


def test_every_lesson_is_in_the_list_with_what_it_builds_on():
    entries = catalogue(LESSONS)
    text = pages.landing(entries)
    for entry in entries:
        assert f'href="{entry.document}.html"' in text
        assert f"\n{entry.document}\n" in text
        assert entry.predictions > 0
    numbers = [entry.number for entry in entries]
    for entry in entries[1:]:
        assert entry.builds_on
        for before in entry.builds_on:
            assert numbers.index(before) < numbers.index(entry.number)


def test_links_of_the_pages_lead_to_pages_or_to_the_repository():
    for name in pages.PAGES:
        text = (ROOT / name).read_text(encoding="utf-8")
        text = pages.with_links(text, "me/course", [path.name for path in LESSONS])
        for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", text):
            file = target.partition("#")[0]
            known = {f"{page}.md" for page in pages.PAGES.values()}
            known |= {f"lessons/{path.name}" for path in LESSONS}
            assert not file or file in known or re.match("https?:|mailto:", file)


def test_the_public_names_are_those_that_lessons_import():
    import course_utils

    stub = (ROOT / "course_utils" / "__init__.pyi").read_text(encoding="utf-8")
    listed = pages.public(stub)
    names = {name: kind for family in listed.values() for name, kind in family.items()}
    for name, kind in names.items():
        assert isinstance(getattr(course_utils, name), type) == (kind == "class")
    constants = {"HALO", "PALETTE"}
    assert set(dir(course_utils)) & set(names) == set(names)
    assert constants.isdisjoint(names)
