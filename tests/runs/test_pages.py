"""The page of an executed lesson: where its links lead, and what it loads."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import nbformat
import pytest

from course_utils.runs.colours import COLOURS
from course_utils.runs.pages import write_page
from course_utils.site.configuration import settings
from tests.lessons import LESSONS, quick


class Page(HTMLParser):
    """What a page has: links, ids, and the addresses that it loads by itself."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        held = dict(attrs)
        if tag == "a" and "href" in held:
            self.links.append(held["href"])
        if "id" in held:
            self.ids.add(held["id"])
        self.loaded += [held["src"]] if "src" in held else []
        self.loaded += [held["href"]] if tag == "link" else []


@pytest.mark.parametrize("lesson", quick("00"))
def test_no_link_is_dead_and_nothing_is_loaded(lesson, tmp_path):
    pages = {path.name: f"{path.stem}--seed-1.html" for path in LESSONS[:3]}
    file = tmp_path / "page.html"
    notebook = nbformat.read(lesson, as_version=4)
    write_page(notebook, file, lesson.parent, beside=pages)
    text = file.read_text(encoding="utf-8")
    page = Page(text)
    assert page.loaded
    assert [url for url in page.loaded if not url.startswith("data:")] == []
    assert re.findall(r"url\((?!\s*['\"]?(?:data:|#))[^)]{0,80}", text) == []
    inside = {unquote(url[1:]) for url in page.links if url.startswith("#")}
    assert inside - {unquote(name) for name in page.ids} == set()
    others = [url for url in page.links if not url.startswith("#")]
    assert any("/notebooks/" in url or url.startswith("./") for url in others)
    beside = {f"./{name}" for name in pages.values()}
    assert [u for u in others if not u.startswith("https://") and u not in beside] == []


def written(tmp_path, *texts: str, **options) -> Page:
    cells = [nbformat.v4.new_markdown_cell(text) for text in texts]
    notebook = nbformat.v4.new_notebook(cells=cells)
    write_page(notebook, tmp_path / "page.html", tmp_path, **options)
    return Page((tmp_path / "page.html").read_text(encoding="utf-8"))


def test_links_lead_to_pages_beside_or_to_where_the_lesson_comes_from(tmp_path):
    place = "me/course/blob/main/notebooks"
    badge = f"[Open](https://colab.research.google.com/github/{place}/01_a.ipynb)"
    text = "[b](02_b.ipynb#why), [c](03_c.ipynb), [d](../LICENSE), [e](//e.org)"
    page = written(tmp_path, badge, text, beside={"02_b.ipynb": "02 b.html"})
    assert page.links[1:] == [
        "./02%20b.html#why",
        f"https://github.com/{place}/03_c.ipynb",
        "https://github.com/me/course/blob/main/LICENSE",
        "//e.org",
    ]


def test_a_link_that_would_lead_nowhere_is_no_link(tmp_path):
    assert written(tmp_path, "See [lesson 3](03_c.ipynb).").links == []
    assert ">See lesson 3.<" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_site_and_lessons_have_the_colours_of_the_reports(tmp_path):
    written(tmp_path, "Text.")
    colours = COLOURS.read_text(encoding="utf-8")
    assert colours in (tmp_path / "page.html").read_text(encoding="utf-8")
    for scheme in ("light", "dark"):
        theirs = settings()["html_theme_options"][f"{scheme}_css_variables"]
        assert all(colour in colours for colour in theirs.values())
        assert len({*theirs.values()}) > 4
