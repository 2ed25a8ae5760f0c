"""For every rule, changes to the good lesson, each with the complaint it must get."""

from nbformat.v4 import new_output

from course_utils.display.bundles import ERROR_CLASS
from course_utils.display.measured import measured_bundle
from tests.authoring.changes import (
    BIG,
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
from tests.authoring.fixture import folded, image, picture, printed, verdict

error = new_output("error", ename="E", evalue="e", traceback=[])
warning = new_output("stream", name="stderr", text="UserWarning: beware\n")
outside = new_output("display_data", data=measured_bundle("loss", [0.5], 0.1, 0.2))
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
    "parts_of_the_time_add_up": [
        (replace("45 minutes", "60 minutes"), "60 minutes in all, but the parts make"),
        (replace("core 20", "core 95"), "the core takes 95 minutes, over 90"),
    ],
    "deeper_marked": [
        (replace("*Deeper*: three", "three"), "0 headings begin with '## *Deeper*: '"),
        (replace(" *Deeper* 5,", ""), "1 headings begin with '## *Deeper*: '"),
    ],
    "own_module": [(replace("class Mine", "def mine"), "no 'class …(nn.Module):'")],
    "in_real_networks": [(replace("In real", "In some"), "no heading '## In real")],
    "words_to_a_code_cell": [
        (replace("word ", "", everywhere=True), "words to a code cell in sight, not 40")
    ],
    "numbers_not_verdicts": [
        (outputs_of("print(1)", printed("1\nTrue\n")), "prints a bare True or False"),
    ],
    "one_spelling_of_training": [
        (replace("print(1)", "opt = optim.SGD([])"), "calls an optimizer 'opt'"),
        (
            replace("print(1)", "def train_step(net, x, y):\n    pass"),
            "'train_step(net, x, y):' takes other arguments",
        ),
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
        (
            tag("# @title Setup"),
            "the second code cell, and no other, must be tagged 'setup'",
        ),
        (
            replace("try:\n    import course_utils", "try:\n    import torch"),
            "does not begin by trying course_utils",
        ),
        (replace("%pip install", "%pip list"), "does not install course_utils"),
        (replace(" from None", ""), "does not say what to do where nothing"),
        (
            replace("device = setup(device, seed)", "setup(device, seed)"),
            "the cell after setup is not 'device = setup(device, seed)'",
        ),
        (tag("try:", "setup"), "the setup cell is not folded under '# @title Setup'"),
        (
            replace("# @title Setup", "# Setup"),
            "the setup cell is not folded under '# @title Setup'",
        ),
        (
            outputs_of("device = setup(", printed("Device: cuda. Seed: 0.\n")),
            "were not made on the CPU with seed 0",
        ),
    ],
    "one_title": [
        (replace("## In real", "# In real"), "2 first-level headings, not 1"),
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
    "links_what_it_builds_on": [
        (replace("**Builds on:** nothing.", ""), "in the title cell links no lesson"),
        (replace("nothing.", "lesson 00."), "in the title cell links no lesson"),
        (
            replace("nothing.", "[lesson](00_a.ipynb) 00, lesson 01."),
            "in the title cell links no lesson",
        ),
    ],
    "links_its_neighbours": [
        (replace("**Before:**", "Before:"), "does not link its neighbours"),
        (replace("**Before:** [0", "**Before:** 0"), "does not link its neighbours"),
    ],
    "links_lead_to_lessons": [
        (
            replace("https://example.org", "99_none.ipynb"),
            "links 99_none.ipynb, which is not there",
        ),
        (
            replace("https://example.org", "98_none.ipynb#Exercise-1"),
            "links 98_none.ipynb, which is not there",
        ),
    ],
    "short_cells": [
        (replace("print(1)", lines(26)), "has 26 lines, over 25"),
        (replace("print(1)", lines(13), True), "keep within 12 lines, not 90 %"),
        (replace_untagged(lines(5)), "half the cells have over 5 lines, not 4"),
    ],
    "no_empty_cells": [(replace("print(1)", ""), "('(empty)') is empty")],
    "text_between_code": [
        (drop("## In real", "## *Deeper*"), "is the fourth code cell without text"),
    ],
    "word_count": [
        (
            replace("word word word word", "word", True),
            "354 words of text, not 1,200 to 5,000",
        ),
        (
            replace("word ", "word " * 5, True),
            "6,054 words of text, not 1,200 to 5,000",
        ),
    ],
    "drawings_folded": [
        (tag("playground(draw", "drawing"), "is not folded (source_hidden, cellView"),
        (unfold_in_colab("playground(draw"), "is not folded (source_hidden, cellView"),
        (
            replace("# @title Playground: ", "# @title "),
            "under '# @title Drawing: …' or '# @title Playground: …'",
        ),
        (
            replace("print(1)", "# @title Drawing: a line\nprint(1)"),
            "('# @title Drawing: a line') is not tagged 'drawing'",
        ),
    ],
    "little_drawing_in_sight": [
        (
            replace("print(1)", "fig, ax = 1, 2\n  ax.plot()\nplt.close()\nshow(fig)"),
            "has 4 lines of drawing: move them to a folded cell tagged 'drawing'",
        ),
        (
            replace("print(1)", "playground(f)\nfor x in axes:\n  show(1)\n  show(2)"),
            "has 4 lines of drawing: move them to a folded cell tagged 'drawing'",
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
            replace("## In real", '## Section\n<img src="a.png">'),
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
            "no cell 'Solution: fixture.two' defines two_solution",
        ),
        (
            replace("def two_solution", "def two"),
            "no cell 'Solution: fixture.two' defines two_solution",
        ),
        (
            replace("Solution: fixture.two", "Solution: fixture.six"),
            "the solution of fixture.six belongs to no exercise",
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
    "solutions_unchecked": [
        (
            replace("    return x", '    return x\n\n\ncheck("fixture.one", 1)'),
            "fixture.one') checks the solution: the tests do",
        ),
    ],
    "exercises_numbered": [
        (
            replace("### Exercise 2", "### Exercise 3"),
            "('def two(x):'): no '### Exercise 2' above it",
        ),
        (
            replace("### Exercise 2", "Exercise 2"),
            "('def two(x):'): no '### Exercise 2' above it",
        ),
        (
            replace('check("fixture.two"', 'check("linear.affine"'),
            "linear.affine is exercise 2 here, 3 in the bank",
        ),
    ],
    "counted_at_the_end": [
        (drop("progress("), "the last code cell is not 'progress(\"fixture\")'"),
        (
            replace('progress("fixture")', 'progress("linear")'),
            "the last code cell is not 'progress(\"fixture\")'",
        ),
    ],
    "solutions_last": [
        (move("Solution: fixture.one", 4), "fixture.one') comes before '## Solutions"),
        (drop("## Solutions"), "fixture.five') comes before '## Solutions'"),
    ],
    "verdicts_stored": [
        (
            outputs_of('check("fixture.one", one)', verdict("one", "correct")),
            "says ['correct'], not 'not attempted'",
        ),
        (outputs_of('check("fixture.one", one)'), "says [], not 'not attempted'"),
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
    "measured_values_held": [
        (outputs_of("print(1)", outside), "stores a measured value outside its range"),
    ],
    "few_outputs_ignored": [
        (ignore_outputs, "30% of the outputs are ignored by nbval, over 10%"),
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
    "folded_pictures": [
        (
            outputs_of("print(1)", folded('<img src="a.png">')),
            "('print(1)'): a folded picture has no description",
        ),
        (
            outputs_of("print(1)", folded('<img alt="&lt;Figure size 1x1&gt;">')),
            "a folded picture has no description",
        ),
        (
            outputs_of("print(1)", folded(image(BIG))),
            "a folded picture of 92,163 bytes",
        ),
    ],
    "lines_fit_the_page": [
        (outputs_of("print(1)", printed("wide " * 21)), "prints 105 characters wide"),
        (
            outputs_of("print(1)", folded(f"<pre>{'&lt; ' * 51}</pre>")),
            "prints 102 characters wide",
        ),
    ],
    "no_local_paths": [
        (outputs_of("print(1)", printed("/home/ada/course\n")), "path: '/home/'"),
        (
            outputs_of("print(1)", printed("lib/site-packages/torch\n")),
            "path: 'site-packages'",
        ),
        (
            outputs_of("print(1)", folded("<pre>/tmp/course</pre>")),
            "path: '/tmp/'",
        ),
    ],
}
