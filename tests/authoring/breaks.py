"""For every rule, changes to the good lesson, each with the complaint it must get."""

from nbformat.v4 import new_output

from course_utils.display.bundles import ERROR_CLASS
from tests.authoring.changes import (
    Change,
    big_picture,
    drop,
    ignore_outputs,
    lines,
    move,
    outputs_of,
    picture_with_other_alt,
    replace,
    replace_untagged,
    tag,
    unfold_in_colab,
    wide_picture,
)
from tests.authoring.fixture import picture, printed, verdict

error = new_output("error", ename="E", evalue="e", traceback=[])
warning = new_output("stream", name="stderr", text="UserWarning: beware\n")
no_caption = picture()[:1]
bare_picture = new_output("display_data", data={"image/png": "iVBOR"})
failed_drawing = printed(f'<div class="{ERROR_CLASS}">')

BREAKS: dict[str, list[tuple[Change, str]]] = {
    "title_first": [
        (replace("# 1 ·", "# 2 ·"), "begins with '# 2 · A good lesson', not with '# 1"),
        (replace("# 1 · A", "# 1 A"), "begins with '# 1 A good lesson', not with '# 1"),
    ],
    "badge_opens_this_lesson": [
        (replace("01_good", "02_bad"), "no Colab badge that opens this very notebook"),
        (replace("![Open", "[Open"), "no Colab badge that opens this very notebook"),
    ],
    "says_how_long": [
        (replace("45 minutes", "an hour or so"), "does not say how many minutes"),
    ],
    "lists_objectives": [
        (replace("- count", ""), "lists 2 things, not 3 to 5"),
        (replace("- count", "- count\n- a\n- b\n- c"), "lists 6 things, not 3 to 5"),
        (replace("**You will be able to**", "You will:"), "lists 0 things"),
    ],
    "parameters_second": [
        (tag('device = "auto"'), "the second cell, and no other, must be tagged"),
        (tag("print(1)", "parameters"), "the second cell, and no other"),
        (replace('"auto"', '"cpu"'), "lacks the line 'device = \"auto\"'"),
        (replace("seed = 0", "seed = 1"), "lacks the line 'seed = 0'"),
    ],
    "setup_follows": [
        (tag("try:"), "the second code cell, and no other, must be tagged 'setup'"),
        (
            replace("try:\n    import course_utils", "try:\n    import torch"),
            "does not begin by trying course_utils",
        ),
        (replace("%pip install", "%pip list"), "does not install course_utils"),
        (
            replace("device = setup(device, seed)", "setup(device, seed)"),
            "ends without 'device = setup(device, seed)'",
        ),
        (
            outputs_of("try:", printed("Device: cuda. Seed: 0.\n")),
            "were not made on the CPU with seed 0",
        ),
    ],
    "one_title": [
        (replace("## Section two", "# Section two"), "2 first-level headings, not 1"),
    ],
    "sections_in_order": [
        (replace("## Summary", "## Sum"), "ends with ['## Sum', '## Exercises'"),
        (
            replace("## Section one", "### Section one"),
            "2 sections before the summary, not 3 or more",
        ),
        (replace("## Section one", "## Summary"), "'## Summary' appears twice"),
        (move("## Where to go next", 10), "'## Exercises', '## Solutions'], not with"),
    ],
    "links_the_reference": [
        (replace("docs.pytorch.org", "example.org"), "links no page of docs.pytorch"),
        (drop("## Where"), "links no page of docs.pytorch.org"),
    ],
    "short_cells": [
        (replace("playground(draw, alt)", lines(26)), "has 26 lines, over 25"),
        (replace("print(1)", lines(13), True), "keep within 12 lines, not 90 %"),
        (replace_untagged(lines(5)), "half the cells have over 5 lines, not 4"),
    ],
    "no_empty_cells": [(replace("print(1)", ""), "('(empty)') is empty")],
    "text_between_code": [
        (drop("## Section two"), "('playground(draw, alt)') is the fourth code cell"),
    ],
    "word_count": [
        (
            replace("word word word word", "word", True),
            "330 words of text, not 1,200 to 3,000",
        ),
        (
            replace("word ", "word word word ", True),
            "3,630 words of text, not 1,200 to 3,000",
        ),
    ],
    "known_tags": [
        (tag("print(1)", "raises-exception"), "has unknown tags: raises-exception"),
        (
            replace("print(1)", "# NBVAL_SKIP\nprint(1)"),
            "steers nbval by a comment, not a tag",
        ),
    ],
    "has_playground": [(drop("playground("), "no playground")],
    "has_predictions": [(drop("ask("), "2 predictions, not 3 or more")],
    "images_in_text_described": [
        (replace("![Open in Colab]", "![]"), "holds a picture without a description"),
        (
            replace("## Section two", '## Section two\n<img src="a.png">'),
            "holds a picture without a description",
        ),
    ],
    "enough_exercises": [(tag("def one(x)"), "4 exercises, not 5 or more")],
    "stub_then_check": [
        (replace("    ...", "    pass"), "is no stub: it lacks '...'"),
        (
            drop('check("fixture.one", one)'),
            "('def one(x):'): the next cell does not check it",
        ),
        (
            replace("def one(", "def uno("),
            "('def uno(x):'): the next cell does not check it",
        ),
    ],
    "solution_for_each_stub": [
        (
            drop("Solution: fixture.two"),
            "no solution cell checks ('fixture.two', 'two_solution')",
        ),
        (
            replace('"fixture.two", two_solution', '"fixture.two", two'),
            "the solution ('fixture.two', 'two') belongs to no exercise",
        ),
    ],
    "solutions_folded": [
        (tag("Solution: fixture.one", "solution"), "fixture.one') is not folded"),
        (
            replace("# @title Solution: fixture.one", "# Solution"),
            "does not begin with '# @title Solution: <name>'",
        ),
        (unfold_in_colab("Solution: fixture.one"), "fixture.one') is not folded"),
    ],
    "solutions_last": [
        (move("Solution: fixture.one", 4), "fixture.one') comes before '## Solutions"),
        (drop("## Solutions"), "fixture.five') comes before '## Solutions'"),
    ],
    "verdicts_stored": [
        (
            outputs_of("Solution: fixture.one", verdict("one", "wrong")),
            "says ['wrong'], not 'correct'",
        ),
        (
            outputs_of('check("fixture.one", one)', verdict("one", "correct")),
            "says ['correct'], not 'not attempted'",
        ),
        (outputs_of("Solution: fixture.two"), "says [], not 'correct'"),
    ],
    "exercises_known": [
        (
            replace('check("fixture.one"', 'check("fixture.none"', True),
            "There is no exercise 'fixture.none'",
        ),
        (
            replace('check("fixture.one"', 'check("fixture.thin"', True),
            "fixture.thin has 2 misconceptions, not 3 or more",
        ),
    ],
    "no_errors": [
        (outputs_of("print(1)", error), "('print(1)') stores an error"),
        (outputs_of("print(1)", failed_drawing), "('print(1)') stores an error"),
    ],
    "no_warnings": [(outputs_of("print(1)", warning), "('print(1)') stores a warning")],
    "few_outputs_ignored": [
        (ignore_outputs, "60% of the outputs are ignored by nbval, over 10%"),
    ],
    "pictures_described": [
        (
            outputs_of("print(1)", bare_picture),
            "a picture without alt text: put it on the page by show",
        ),
        (outputs_of("print(1)", *picture(alt="")), "a picture has no description"),
        (
            outputs_of("print(1)", *picture(alt="<Figure size 640x480>")),
            "a picture has no description",
        ),
        (
            outputs_of("print(1)", *picture(alt="A plot of a pixel.")),
            "'A plot of a pixel.…' says nothing",
        ),
        (
            outputs_of("print(1)", *picture_with_other_alt()),
            "the alt text differs from the description",
        ),
    ],
    "pictures_captioned": [
        (
            outputs_of("print(1)", *no_caption),
            "('print(1)'): a description is not visible below",
        ),
        (
            outputs_of("print(1)", *picture(caption="Another text.")),
            "('print(1)'): a description is not visible below",
        ),
    ],
    "pictures_small": [
        (outputs_of("print(1)", *big_picture()), "a picture of 92,161 bytes"),
    ],
    "pictures_of_few_widths": [
        (wide_picture, "its width is 430 pixels: make figsize 4.2 or 5.6 or 7.6 wide"),
    ],
    "lines_fit_the_page": [
        (outputs_of("print(1)", printed("wide " * 21)), "prints 105 characters wide"),
    ],
    "no_local_paths": [
        (outputs_of("print(1)", printed("/home/ada/course\n")), "path: '/home/'"),
        (
            outputs_of("print(1)", printed("lib/site-packages/torch\n")),
            "path: 'site-packages'",
        ),
    ],
}
