"""The page of the experiments quotes what was measured."""

from course_utils.authoring import speed_tables


def test_page_has_the_tables_of_the_results():
    page = speed_tables.README.read_text(encoding="utf-8")
    assert speed_tables.with_tables(page) == page, (
        "run: python -m course_utils.authoring.speed_tables"
    )


def test_marks_stay_and_what_stands_around_them(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"a\n{speed_tables.BEGIN}old\n{speed_tables.END}b\n")
    speed_tables.main(page)
    text = page.read_text()
    assert text.startswith(f"a\n{speed_tables.BEGIN}```text\n")
    assert text.endswith(f"```\n{speed_tables.END}b\n")
    assert "old" not in text
