"""For every rule, the changes to the good lesson that it must see."""

from nbformat.v4 import new_output

from tests.lesson_rules import fixture as made
from tests.lesson_rules.changes import (
    big_picture,
    drop,
    first,
    hush,
    lines,
    move,
    other_alt,
    outputs_of,
    replace,
    replace_untagged,
    tag,
)

error = new_output("error", ename="E", evalue="e", traceback=[])
warning = new_output("stream", name="stderr", text="UserWarning: beware\n")
no_caption = made.picture()[:1]
drawing_failed = made.printed('<div class="course-error">')

BREAKS = {
    "title_first": [replace("# 1 ·", "# 2 ·"), replace("# 1 · A", "# 1 A")],
    "badge_that_leads_here": [replace("01_good", "02_bad"), replace("![Open", "[")],
    "says_how_long": [replace("45 minutes", "an hour or so")],
    "says_what_you_will_be_able_to": [
        replace("- count", ""),
        replace("**You will be able to**", "You will:"),
    ],
    "parameters_second": [
        tag('device = "auto"'),
        replace('"auto"', '"cpu"'),
        replace("seed = 0", "seed = 1"),
    ],
    "setup_next": [
        tag("try:"),
        replace("try:\n    import course_utils", "try:\n    import torch"),
        replace("%pip install", "%pip list"),
        replace("device = setup(device, seed)", "setup(device, seed)"),
        outputs_of("try:", made.printed("Device: cuda. Seed: 0.\n")),
    ],
    "one_title": [replace("## Section two", "# Section two")],
    "sections_in_order": [
        replace("## Summary", "## Sum"),
        replace("## Section one", "### Section one"),
        replace("## Section one", "## Summary"),
        move("## Where to go next", 10),
    ],
    "leads_on": [replace("docs.pytorch.org", "example.org"), drop("## Where")],
    "short_cells": [
        replace("playground(draw, alt)", lines(26)),
        replace("print(1)", lines(13), True),
        replace_untagged(lines(5)),
    ],
    "no_empty_cells": [replace("print(1)", "")],
    "words_between_code": [drop("## Section two")],
    "enough_words": [
        replace("word word word word", "word", True),
        replace("word ", "word word word ", True),
    ],
    "known_tags": [
        tag("print(1)", "raises-exception"),
        replace("print(1)", "# NBVAL_SKIP\nprint(1)"),
    ],
    "playground_there": [drop("playground(")],
    "predictions_there": [drop("ask(")],
    "pictures_in_text_described": [replace("![Open in Colab]", "![]")],
    "enough_exercises": [tag("def one(x)")],
    "stub_then_check": [
        replace("    ...", "    pass"),
        drop('check("fixture.one", one)'),
        replace("def one(", "def uno("),
    ],
    "solution_for_each_stub": [
        drop("Solution: fixture.two"),
        replace('"fixture.two", two_solution', '"fixture.two", two'),
    ],
    "solutions_folded": [
        tag("Solution: fixture.one", "solution"),
        replace("# @title Solution: fixture.one", "# Solution"),
        lambda nb: first(nb, "Solution: fixture.one").metadata.pop("cellView"),
    ],
    "solutions_last": [move("Solution: fixture.one", 4), drop("## Solutions")],
    "verdicts_stored": [
        outputs_of("Solution: fixture.one", made.verdict("one", "wrong")),
        outputs_of('check("fixture.one", one)', made.verdict("one", "correct")),
        outputs_of("Solution: fixture.two"),
    ],
    "known_to_the_checks": [
        replace('check("fixture.one"', 'check("fixture.none"', True),
        replace('check("fixture.one"', 'check("fixture.thin"', True),
    ],
    "no_errors": [
        outputs_of("print(1)", error),
        outputs_of("print(1)", drawing_failed),
    ],
    "no_warnings": [outputs_of("print(1)", warning)],
    "few_ignored": [hush],
    "pictures_described": [
        outputs_of("print(1)", *made.picture(alt="")),
        outputs_of("print(1)", *made.picture(alt="<Figure size 640x480>")),
        outputs_of("print(1)", *made.picture(alt="A plot of a pixel.")),
        outputs_of("print(1)", *other_alt()),
    ],
    "pictures_captioned": [
        outputs_of("print(1)", *no_caption),
        outputs_of("print(1)", *made.picture(shown="Another sentence.")),
    ],
    "pictures_small": [outputs_of("print(1)", *big_picture())],
    "lines_fit_the_page": [outputs_of("print(1)", made.printed("wide " * 21))],
    "nothing_of_a_machine": [
        outputs_of("print(1)", made.printed("/home/ada/course\n")),
        outputs_of("print(1)", made.printed("lib/site-packages/torch\n")),
    ],
}
