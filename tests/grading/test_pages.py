"""The pages of a batch: their counts and links, and that nothing in them is alive."""

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit
from zipfile import ZipFile

import pytest

from course_utils.exercises.model import State, Verdict
from course_utils.grading.alike import compare, normal_form, wrong_answers
from course_utils.grading.gradebook import Gradebook
from course_utils.grading.model import Learner, Mark, Result, Submission
from course_utils.grading.overview import write_overview
from course_utils.grading.pages import visible
from course_utils.grading.submissions import UNTOUCHED
from course_utils.runs.report import COLOURS
from tests.grading.results import (
    EXERCISES,
    HARMLESS,
    HOSTILE,
    LESSON,
    SCALE,
    broken,
    result,
    write,
)


class Page(HTMLParser):
    """A page taken apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.links, self.ids, self.rows = [], [], [], []
        self.inside, self.texts = [], Counter()
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, *(name for name, _ in attrs)))
        values = dict(attrs)
        self.inside.append(tag)
        self.links += [values["href"]] if "href" in values else []
        self.ids += [values["id"]] if "id" in values else []
        self.rows += [values] if tag in ("tr", "td") else []

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if self.inside and self.inside[-1] in ("script", "style"):
            self.texts[self.inside[-1], data] += 1
        else:
            self.words += data


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_submission_becomes_markup(tmp_path, text):
    def pages(text, place):
        rows = [result(1, text), result(2, text), result(3, text, State.ERROR)]
        rows += [broken(4, text), broken(5, text, source="")]
        return write(rows, tmp_path / place)

    harmless = text.translate(HARMLESS)
    plain, hostile = pages(harmless, "plain"), pages(text, "hostile")
    assert list(plain) == list(hostile)
    for name in plain:
        expected, found = Page(plain[name]), Page(hostile[name])
        told = Counter(t for t in found.tags if t not in (("code",), ("em",)))
        assert told == Counter(expected.tags)
        assert found.links == expected.links
        assert found.texts == expected.texts
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\r]", hostile[name])


def test_what_hides_is_spelt_out(tmp_path):
    pages = write([result(1, "user\u202egpj.exe")], tmp_path)
    assert "user⟨U+202E⟩gpj.exe" in Page(pages["feedback/k1.html"]).words


def test_stacked_accents_stay_in_their_line():
    assert visible("e\u0301" + "\u0301" * 500).count("\u0301") == 6
    words = "Việt क्षि 👩\u200d🔬 سی\u200cب"
    assert visible(words) == words


def test_policy_lets_only_our_own_script_and_style_run(tmp_path):
    for name, text in write([result(1)], tmp_path).items():
        (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
        assert policy.startswith("default-src 'none'; ")
        parts = {tag: source for tag, source in Page(text).texts}
        assert set(parts) == (
            {"script", "style"} if name == "index.html" else {"style"}
        )
        allowed = re.findall(r"(\w+)-src '(sha256-[^']+)'", policy)
        assert {kind: text for kind, text in allowed} == {
            tag: "sha256-"
            + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
            for tag, source in parts.items()
        }
        assert "unsafe" not in policy
        assert parts["style"].startswith(COLOURS.read_text())
        assert not re.search(r"https?://|\bsrc=|@import|url\(", text)
        names = {attribute for _, *names in Page(text).tags for attribute in names}
        assert not {name for name in names if name.startswith(("on", "style"))}


def check_links(pages):
    """Assert that each link leads to a page of the folder, and to a place in it."""
    parsed = {name: Page(text) for name, text in pages.items()}
    for name, page in parsed.items():
        assert len(set(page.ids)) == len(page.ids)
        for link in page.links:
            parts = urlsplit(link)
            assert not (parts.scheme or parts.netloc)
            target = parsed[unquote(parts.path) or name]
            assert not parts.fragment or unquote(parts.fragment) in target.ids


def class_of(count: int) -> list[Result]:
    states = list(State)
    rows = []
    for number in range(count):
        made = result(number, f"name {number}", states[number % 4])
        if states[number % 4] is not State.WRONG:
            marks = [
                Mark(m.exercise, Verdict(m.verdict.state), 0.1, None)
                for m in made.marks
            ]
            made = Result(made.submission, tuple(marks), seconds=0.2)
        rows.append(made)
    rows[7] = broken(7)
    rows[8] = broken(8, source="")
    return rows


def test_counts_of_two_hundred_are_those_of_the_results(tmp_path):
    rows = class_of(200)
    pages = write(rows, tmp_path)
    assert len(pages) == 200 and "feedback/k8.html" not in pages  # it is missing
    check_links(pages)
    index = Page(pages["index.html"])
    marks = [mark for row in rows for mark in row.marks]
    told = Counter(
        (r["data-exercise"], r["data-state"]) for r in index.rows if "data-state" in r
    )
    assert told == Counter((m.exercise, SCALE.state(m).value) for m in marks)
    learners = [r for r in index.rows if "data-search" in r]
    assert len(learners) == 200
    assert [r["data-states"] for r in learners[:2]] == ["missing", "not graded"]
    assert "198 graded, 1 not graded, 1 missing." in index.words
    wrong = sum(m.verdict.misconception == "no bias" for m in marks)
    counts = re.findall(r">(\d+) ×<", pages["index.html"])
    assert sum(map(int, counts)) == wrong > 0
    unnamed = sum(
        m.verdict.state in ("wrong", "error") and not m.verdict.misconception
        for m in marks
    )
    assert f"{unnamed} more wrong answers" in index.words
    for name in EXERCISES:
        row = pages["index.html"].partition(f'<tr data-column="{name}">')[2]
        cells = re.findall(r'<td class="count">(\d+)</td>', row.partition("</tr>")[0])
        states = Counter(SCALE.state(m).value for m in marks if m.exercise == name)
        order = ("correct", "wrong", "error", "not attempted")
        assert [int(cell) for cell in cells] == [states[state] for state in order]


def test_error_that_comes_of_a_known_mistake_is_a_wrong_answer(tmp_path):
    pages = write([result(1, "ada", State.ERROR)], tmp_path)
    assert 'data-state="wrong"' in pages["index.html"]
    assert 'data-state="error"' not in pages["index.html"]


def test_page_says_what_to_do_about_a_file_that_can_not_be_read(tmp_path):
    untouched = result(1, "ada", State.NOT_ATTEMPTED, notes=(UNTOUCHED,))
    pages = write([untouched, broken(2, "bo"), result(3, "cy")], tmp_path)
    ada, bo, cy = (pages[f"feedback/k{number}.html"] for number in (1, 2, 3))
    assert "save it there, and hand in that file" in bo
    assert ada.count(UNTOUCHED) == 1 and "hand in that file" not in ada + cy
    assert UNTOUCHED not in bo + cy


def test_who_has_fewest_points_comes_first(tmp_path):
    rows = [
        result(1, "c", State.CORRECT),
        result(2, "b", State.NOT_ATTEMPTED),
        result(3, "a", State.WRONG),
        broken(4),
        broken(5, source=""),
    ]
    index = write(rows, tmp_path)["index.html"]
    body = index.partition("<tbody>")[2].partition("</tbody>")[0]
    assert "<bdi>plain 5</bdi>" in body.partition("<a href=")[0]
    assert re.findall(r'<th scope="row"><a href="feedback/(\w+)', body) == [
        *("k4", "k2", "k3", "k1")
    ]


def test_feedback_says_what_the_notebook_says(tmp_path):
    page = write([result(1, "Use `x.T`.")], tmp_path)["feedback/k1.html"]
    words = " ".join(Page(page).words.split())
    assert "✗ Exercise 3 of 3: The layer linear.affine Not yet." in words
    assert "1 of 4 points: 0 of 3 exercises are correct." in words
    assert "0.5 of 2 points. Steps of the check that are right: 1 of 2." in words
    assert "<p>Use <code>x.T</code>.</p>" in page
    assert page.count("<details><summary>Hint 2</summary>") == 3
    assert "Your answer:" in words


def test_points_are_those_of_the_gradebook(tmp_path):
    rows = [result(1), result(2, state=State.CORRECT)]
    pages = write(rows, tmp_path)
    book = Gradebook(rows, {LESSON: EXERCISES}, SCALE)
    head, *table = book.table()
    for row, name in zip(table, ("k1", "k2"), strict=True):
        found = dict(zip(head, row, strict=True))
        told = f"{found['total']} of {found['of']} points"
        assert told in Page(pages[f"feedback/{name}.html"]).words


def test_page_of_a_learner_names_nobody_else(tmp_path):
    pages = write([result(1, "Ada"), result(2, "Grace")], tmp_path)
    assert "Ada" not in pages["feedback/k2.html"]
    assert Page(pages["feedback/k2.html"]).links == []


def test_page_of_who_is_gone_goes_too(tmp_path):
    write([result(1), result(2)], tmp_path)
    assert list(write([result(2)], tmp_path)) == ["feedback/k2.html", "index.html"]


def test_pages_go_back_to_moodle_in_the_folders_that_it_named(tmp_path):
    ada = "moodle/Ada Lovelace_101_assignsubmission_file_"
    rows = [
        result(1, source=f"{ada}/a.ipynb"),
        result(2, source=f"{ada}/b.ipynb", lesson="hinges"),
        result(3, source="moodle/Bo_102_assignsubmission_file_c.ipynb"),
        result(4, source="elsewhere/d.ipynb"),
        broken(5, source=""),
    ]
    pages, path = write(rows, tmp_path), tmp_path / "feedback-moodle.zip"
    with ZipFile(path) as archive:
        found = {name: archive.read(name).decode() for name in archive.namelist()}
    own = "Ada Lovelace_101_assignsubmission_file_"
    assert found == {
        f"{own}/feedback-{LESSON}.html": pages["feedback/k1.html"],
        f"{own}/feedback-hinges.html": pages["feedback/k2.html"],
        f"Bo_102_assignsubmission_file_/feedback-{LESSON}.html": pages[
            "feedback/k3.html"
        ],
    }
    write(rows[3:], tmp_path)
    assert not path.exists()


def test_several_lessons_and_an_unknown_one(tmp_path):
    other = Result(
        Submission("k9", Learner("x"), "", "x.ipynb", problem="No lesson."),
        problem="No lesson.",
    )
    pages = write([result(1), other], tmp_path)
    check_links(pages)
    index = pages["index.html"]
    assert index.index("01_linear_layers: 1 submission<") < index.index("Of no lesson")
    assert "No lesson that is known" in pages["feedback/k9.html"]


def test_nothing_at_all(tmp_path):
    assert "Nothing was submitted." in write([], tmp_path)["index.html"]


def test_long_answer_is_cut(tmp_path):
    cells = {"linear.count": "x" * 1_000_000}
    pages = write([result(1, cells=cells)], tmp_path)
    assert len(pages["feedback/k1.html"]) < 60_000
    assert "Your answer, its start:" in pages["feedback/k1.html"]


SAME = [
    "def affine(x, weight, bias):\n    y = x @ weight.T\n    return y",
    "def affine(a, w, b):\n  # product\n  out = a@w.T\n\n  return (out)",
    'def affine(x: Tensor, w, b) -> Tensor:\n  "Of many."\n  z = x @ w.T\n  return z',
    "%time 3\ndef affine(x, w, b):\n    z = x @ w.T\n    return z",
]


def test_names_and_spacing_do_not_matter():
    first, *others, magic = map(normal_form, SAME)
    assert others == [first] * 2
    assert magic.endswith(first)  # read, though it is no Python
    assert normal_form(SAME[0].replace("weight.T", "weight.mT")) != first
    assert normal_form(SAME[0].replace("x @ weight", "weight @ x")) != first


@pytest.mark.parametrize(
    "text",
    [
        "def f(",
        "(" * 5000,
        "x = " + "-" * 5_000 + "1",
        "x" + ".y" * 900,
        "f" + "()" * 5_000,
        "\0",
        "x" * 50_000,
    ],
)
def test_any_text_has_a_form(text):
    assert normal_form(text) == normal_form(f"{text} ")


def answers(*texts: str, state=State.WRONG) -> list[Result]:
    return [
        result(n, f"name {n}", state, cells={"linear.affine": text})
        for n, text in enumerate(texts)
    ]


def test_wrong_answers_are_grouped():
    rows = answers("def f(x): return 2", *SAME[:3], "def f(x): return 3")
    (group,) = wrong_answers(rows)
    assert [r.submission.key for r in group.results] == ["k1", "k2", "k3"]
    assert group.text == SAME[0]
    assert wrong_answers(answers(*SAME, state=State.CORRECT)) == []
    assert wrong_answers(answers(*SAME, state=State.NOT_ATTEMPTED)) == []


LONG = """
def affine(x, weight, bias):
    rows = []
    for example in x:
        total = torch.zeros(len(weight))
        for place, row in enumerate(weight):
            total[place] = (example * row).sum() + bias[place]
        rows.append(total)
    return torch.stack(rows)
"""
OTHER = """
def affine(x, weight, bias):
    out = torch.einsum("ni,oi->no", x.double(), weight.double()).float()
    if bias is not None and bias.numel() == weight.shape[0]:
        out = torch.add(out, bias.reshape(1, -1).expand(x.shape[0], -1))
    return out.contiguous()
"""


def test_long_answers_that_are_alike_are_told():
    renamed = LONG.replace("total", "t").replace("rows", "found").replace("    ", "  ")
    found = compare(answers(LONG, renamed, OTHER, LONG, SAME[0], SAME[0]))
    pairs = {
        tuple(r.submission.key for r in pair.results): pair for pair in found.pairs
    }
    assert set(pairs) == {("k0", "k1"), ("k0", "k3"), ("k1", "k3")}
    assert pairs["k0", "k1"].shares == {"linear.affine": 1.0}
    assert pairs["k0", "k1"].same == frozenset()
    assert pairs["k0", "k3"].same == {"linear.affine"}
    assert (found.compared, found.answers) == (4, 6)


def test_what_many_have_written_is_no_sign():
    assert compare(answers(*[LONG] * 6)).pairs == []
    (copies,) = compare(answers(*[LONG] * 5)).pairs
    assert [r.submission.key for r in copies.results] == [f"k{n}" for n in range(5)]


def test_what_is_alike_to_the_letter_is_counted_and_copiers_stand_together(tmp_path):
    names = [f"linear.task{number}" for number in range(5)]
    rows = []
    for number in range(3):
        cells = {name: LONG.replace("0", f"{names.index(name)}") for name in names}
        own = Submission(f"k{number}", Learner(f"w{number}"), LESSON, "x", cells)
        marks = tuple(Mark(n, Verdict(State.CORRECT), 0.1) for n in names)
        rows.append(Result(own, marks))
    (tmp_path / "pages").mkdir()
    book = Gradebook([*rows, broken(9, source="")], {LESSON: names})
    text = write_overview(book, tmp_path / "pages").read_text(encoding="utf-8")
    (row,) = text.split("<tr data-pair>")[1:]
    words = Page(row.partition("</tr>")[0]).words
    assert words == "w0, w1, w25 of 5 tasks, to the letter"
    assert f"{LESSON}: 3 submissions" in text  # a missing one was not handed in
    assert "Misconceptions" not in text
