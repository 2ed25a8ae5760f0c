"""Results of grading as learners who mean harm would like them, and their pages."""

from course_utils.exercises.model import State, Verdict
from course_utils.grading.feedback import write_feedback
from course_utils.grading.gradebook import Gradebook, Scale
from course_utils.grading.model import Learner, Mark, Result, Submission
from course_utils.grading.overview import write_overview
from course_utils.grading.records import read_results, write_results

LESSON = "01_linear_layers"
EXERCISES = ["linear.count", "linear.design", "linear.affine"]
SCALE = Scale({"linear.count": 2.0}, partial=0.5)
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>document.title = 'hacked'</script>",
    "</pre></section></main><style>body { display: none }</style>",
    "\" onmouseover='alert(1)' x=\"",
    "javascript:alert(1)",
    "`<b>` *x* ```</code><a href=javascript:alert(1)>`",
    "{{ 7 * 7 }}{% raw %}",
    "--></title><base href='https://example.org'><meta http-equiv=refresh content=0>",
    "&lt;b&gt; &#60;i&#62;",
    "user\u202egpj.exe \u2066x\u2069 \u200f\u0000\x1b[31m\r\ud800\ufeff\u2028",
    "../../etc/passwd?#%2e%2e",
    "e" + "\u0301" * 500,
]

# Signs that are nothing in HTML, one for each that is something.
HARMLESS = str.maketrans("<>\"'&`*{}", "↤↦“’§·†«»")


def result(number: int, text: str = "plain", state=State.WRONG, **changes) -> Result:
    """Return a result in which everything that a learner can choose is `text`."""
    learner = Learner(f"{text} {number}", text, text)
    cells = dict.fromkeys(EXERCISES, f"{text}\n{number}")
    source, notes = f"folder/{text}", (text,)
    own = Submission(
        f"k{number}", learner, LESSON, source, cells, "ab", "2025-02-02T15:58", True
    )
    steps = None if state is State.NOT_ATTEMPTED else (1, 2)
    verdict = Verdict(state, (text, "Try it."), "no bias", text, (text, "x"), steps)
    marks = tuple(Mark(name, verdict, 0.1, None, "The layer") for name in EXERCISES)
    own = Submission(**vars(own) | {"notes": notes} | changes)
    return Result(own, marks, seconds=0.3)


def broken(number: int, text: str = "plain", source: str = "a.ipynb") -> Result:
    learner = Learner(f"{text} {number}", text)
    own = Submission(f"k{number}", learner, LESSON, source, problem=text)
    return Result(own, problem=text)


def write(results, folder):
    """Write all pages from the stored results; return their texts by address."""
    folder.mkdir(exist_ok=True)
    write_results(folder, results)
    stored = read_results(folder)
    write_feedback(stored, SCALE, folder)
    write_overview(Gradebook(stored, {LESSON: EXERCISES}, SCALE), folder)
    found = {}
    for path in sorted(folder.rglob("*.html")):
        found[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8")
    return found
