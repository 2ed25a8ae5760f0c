"""What grading consists of: learners, submissions, marks and results, as plain data."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from course_utils.exercises.model import State, Verdict
from course_utils.labs.model import Curve, Score


@dataclass(frozen=True)
class Learner:
    """Who submitted something.

    >>> Learner("s17", "Ada Lovelace").label
    'Ada Lovelace'

    Attributes:
        id: what tells learners apart, as the roster or the path gives it.
        name: as people write it; "" where it is not known.
        email: "" where it is not known.
        columns: what else the roster says, by the name of the column.
    """

    id: str
    name: str = ""
    email: str = ""
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name where it is known, else the id."""
        return self.name or self.id


@dataclass(frozen=True)
class Submission:
    """What one learner submitted of one lesson, or that nothing came.

    Every text can be written as UTF-8. All come from other people: a page has to
    escape them.

    Attributes:
        key: tells it apart in its batch; made of a-z, 0-9, "-", "_" and ".", and good
            as the name of a file.
        learner: whose it is.
        lesson: the name of the lesson's file without its ending, "01_linear_layers";
            "" where it can't be told.
        source: where it was found; "" if nothing was submitted.
        cells: the learner's text by the name of the exercise.
        checksum: the SHA-256 of the file, in hexadecimal digits.
        submitted: when, as ISO 8601 with a time zone; "" where it is not known.
        late: whether the platform says so.
        notes: what the instructor should know, a sentence each.
        problem: why it can't be graded, in a sentence; "" if it can.
    """

    key: str
    learner: Learner
    lesson: str = ""
    source: str = ""
    cells: dict[str, str] = field(default_factory=dict)
    checksum: str = ""
    submitted: str = ""
    late: bool = False
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def missing(self) -> bool:
        """Whether nothing was submitted."""
        return not self.source


@dataclass(frozen=True)
class Mark:
    """What a submission's answer to one exercise is worth.

    >>> Mark("linear.affine", Verdict(State.CORRECT), 0.1).fault

    Attributes:
        exercise: its name.
        verdict: as the lesson's own check would give it.
        seconds: how long it took.
        fault: why the code was ended, where it had to be; else None.
        title: of the task; "" if it has none.
        scores: of a lab's task, one for each item of its rubric; else none.
        curves: to be drawn on the learner's page.
        points: as a teacher has set them; None where nobody has.
        reason: why.
        again: why the teacher has to read it again, in a sentence; "" otherwise.
    """

    exercise: str
    verdict: Verdict
    seconds: float
    fault: str | None = None
    title: str = ""
    scores: tuple[Score, ...] = ()
    curves: tuple[Curve, ...] = ()
    points: float | None = None
    reason: str = ""
    again: str = ""

    @property
    def right(self) -> bool:
        """Whether nothing in the answer is wrong: what a lab asks for first counts."""
        if self.scores:
            return self.scores[0].points == self.scores[0].most
        return self.verdict.state is State.CORRECT


@dataclass(frozen=True)
class Result:
    """How the grading of one submission ended.

    >>> ada = Submission("ada", Learner("ada"), "01_linear_layers", "ada/01.ipynb")
    >>> mark = Mark("linear.affine", Verdict(State.WRONG, ("No bias.",)), 0.1)
    >>> result = Result(ada, (mark,))
    >>> Result.from_json(result.to_json()) == result
    True

    Attributes:
        submission: what was graded.
        marks: one for each exercise of the lesson, in its order; none where there is a
            problem.
        problem: why there are no marks, in a sentence; "" if there are.
        seconds: how long grading took.
    """

    submission: Submission
    marks: tuple[Mark, ...] = ()
    problem: str = ""
    seconds: float = 0.0

    @property
    def state(self) -> str:
        """'graded', 'missing', or 'not graded'."""
        if self.submission.missing:
            return "missing"
        return "not graded" if self.problem else "graded"

    def to_json(self) -> str:
        """Return the result as one line of JSON, in ASCII."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "Result":
        """Return the result that `to_json` wrote.

        Raises:
            ValueError: the line is not one; also KeyError and TypeError.
        """
        data = json.loads(line)
        own = data.pop("submission")
        learner = Learner(**own.pop("learner"))
        notes = tuple(own.pop("notes"))
        submission = Submission(learner=learner, notes=notes, **own)
        marks = tuple(_mark(mark) for mark in data.pop("marks"))
        return cls(submission=submission, marks=marks, **data)


def _mark(data: dict[str, Any]) -> Mark:
    found = data["verdict"]
    texts = {name: tuple(found[name]) for name in ("messages", "hints")}
    steps = found["steps"] and tuple(found["steps"])
    read = texts | {"state": State(found["state"]), "steps": steps}
    verdict = Verdict(**found | read)
    scores = tuple(Score(**score) for score in data.get("scores", ()))
    curves = tuple(Curve(**curve) for curve in data.get("curves", ()))
    fields: dict[str, Any] = data | {"verdict": verdict}
    fields |= {"scores": scores, "curves": curves}
    return Mark(**fields)
