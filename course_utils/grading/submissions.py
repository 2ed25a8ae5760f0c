"""Submissions: whose file is whose, which lesson it is, and what it answers."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.grading.answers import (
    Cell,
    Unreadable,
    changed_tasks,
    find_answers,
    read_cells,
    score,
)
from course_utils.grading.learners import (
    PLATFORM_IDS,
    Owner,
    Roster,
    find_owner,
    parse_time,
)
from course_utils.grading.model import Learner, Submission
from course_utils.grading.sections import Paper, read_paper
from course_utils.grading.uploads import Upload, find_uploads

# What programs add to the name of a copy: '-Copy1', ' (2)'. A bare number, '-1', is
# one only where something else says whose the file is: it may be a learner's.
_COPY = re.compile(r"(?i)[ _-]*(?:(?:cop(?:y|ie)|kopie)[ _-]*\(?\d*\)?|\(\d{1,3}\))$")
_NUMBER = re.compile(r"[ _-]\d{1,2}$")
_TIMES = "timestamp.txt"
UNTOUCHED = "Nothing was changed: all is as it was given out."
_FOREIGN = re.compile(r"From (another [a-z ]+): \d+ of \d+ tasks ")


def find_submissions(
    paths: Iterable[Path], lessons: Sequence[Path], roster: Roster | None = None
) -> list[Submission]:
    """Return the submissions in folders, notebooks and zip archives.

    One for each learner and lesson, sorted by the learner's name. A file that can't be
    graded is one too, with its problem; so is nothing at all from a learner of the
    roster.

    Args:
        paths: what to search.
        lessons: the released notebooks that may have been submitted.
        roster: the learners of the course; without it, the paths say who is who.

    Raises:
        CourseError: a path is not there, nothing was submitted, or a lesson can't be
            read.

    >>> find_submissions([Path("moodle.zip")], [])
    Traceback (most recent call last):
    course_utils.errors.CourseError: there is no file or folder moodle.zip.
    """
    papers = {lesson.stem: read_paper(lesson) for lesson in lessons}
    entries = _own(_entries(find_uploads(paths), papers), roster)
    if not entries:
        places = ", ".join(map(str, paths))
        raise CourseError(f"no notebook was submitted in {places}.")
    chosen = [_latest(group) for group in _grouped(entries, papers)]
    if roster:
        seen = {(entry.owner.learner.id, entry.lesson) for entry in chosen}
        asked = sorted({entry.lesson for entry in chosen if entry.lesson} or papers)
        chosen += [
            _Entry(Upload(()), Owner(learner), lesson)
            for learner in roster.learners
            for lesson in asked
            if not {(learner.id, lesson), (learner.id, "")} & seen
        ]
    return _with_keys(sorted(chosen, key=_order))


@dataclass(frozen=True)
class _Entry:
    """A file with all that is found out about it."""

    upload: Upload
    owner: Owner
    lesson: str = ""
    checksum: str = ""
    cells: dict[str, str] | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def worth(self) -> int:
        """2 for a notebook that can be graded, 1 for another, 0 for other files."""
        return 2 if self.cells is not None else int(self.upload.is_notebook)

    @property
    def age(self) -> tuple[bool, str, int, float]:
        """What grows from one file of a learner to the next."""
        owner = self.owner
        return self.cells is not None, owner.submitted, owner.order, self.upload.changed


def _entries(uploads: Iterable[Upload], papers: dict[str, Paper]) -> Iterator[_Entry]:
    """Yield the notebooks, and other files where a platform says whose they are."""
    times: dict[tuple[str, ...], str] = {}
    for upload in uploads:
        owner = find_owner(upload.parts)
        if upload.parts[-1] == _TIMES:
            times[upload.parts[:-1]] = parse_time(upload.data[:100].decode("latin-1"))
        elif upload.is_notebook or upload.problem:
            entry = _read(upload, owner or Owner(Learner("")), papers)
            submitted = entry.owner.submitted or times.get(upload.parts[:-1], "")
            yield replace(entry, owner=replace(entry.owner, submitted=submitted))
        elif owner:
            problem = f"There is no notebook, but {upload.parts[-1]}."
            yield _Entry(upload, owner, problem=problem)


def _read(upload: Upload, owner: Owner, papers: dict[str, Paper]) -> _Entry:
    checksum = hashlib.sha256(upload.data).hexdigest() if upload.data else ""
    kept, named = replace(upload, data=b""), _named_lesson(upload, papers)
    entry = _Entry(kept, owner, named, checksum)
    if upload.problem:
        return replace(entry, problem=upload.problem)
    try:
        cells = read_cells(upload.data)
    except Unreadable as error:
        return replace(entry, problem=str(error))
    lesson = _lesson(cells, papers)
    if not lesson and named:
        notes = ("No cell is an exercise's, by its id or by a check.",)
        return replace(entry, cells={}, notes=notes)
    if not lesson:
        wanted = " or ".join(papers) if len(papers) < 4 else "a lesson of this course"
        problem = f"The notebook has no exercise of {wanted}."
        return replace(entry, problem=problem)
    answers, notes = find_answers(cells, papers[lesson])
    stubs = {s.exercise: s.stub.strip() for s in papers[lesson].sections}
    if answers and all(text.strip() == stubs[e] for e, text in answers.items()):
        notes += (UNTOUCHED,)
    tasks, other = len(papers[lesson].tasks), changed_tasks(upload.data, papers[lesson])
    if other >= min(2, tasks) > 0:  # a learner may have written into one
        where = "repair shop" if papers[lesson].lab == "shop" else "version"
        told = f"{other} of {tasks} tasks have another text than in yours."
        notes += (f"From another {where}: {told}",)
    return replace(entry, lesson=lesson, cells=answers, notes=notes)


def from_elsewhere(submissions: Iterable[Submission]) -> list[str]:
    """Say for which lessons most notebooks are not what was given out.

    >>> notes = ("From another repair shop: 7 of 10 tasks have another text.",)
    >>> ada = Submission("ada", Learner("ada"), "shop", "ada.ipynb", notes=notes)
    >>> from_elsewhere([ada])[0].partition("? ")[0]
    '1 of 1 notebooks for shop are from another repair shop: is `--lesson` right'
    """
    read = [s for s in submissions if s.lesson and not (s.missing or s.problem)]
    every = Counter(submission.lesson for submission in read)
    found = Counter(
        (submission.lesson, match[1])
        for submission in read
        for note in submission.notes
        if (match := _FOREIGN.match(note))
    )
    return [
        f"{number} of {every[lesson]} notebooks for {lesson} are from {where}: is "
        "`--lesson` right? Name the notebook that you gave out. (Their tasks have "
        "another text, so marks and reasons are not to be trusted.)"
        for (lesson, where), number in found.items()
        if 2 * number > every[lesson]
    ]


def _lesson(cells: Sequence[Cell], papers: dict[str, Paper]) -> str:
    """Return the lesson of which a notebook has most exercises; "" if it has none."""
    scores = {lesson: score(cells, paper) for lesson, paper in papers.items()}
    best = max(scores, key=lambda lesson: scores[lesson], default="")
    return best if scores.get(best) else ""


def _named_lesson(upload: Upload, papers: dict[str, Paper]) -> str:
    """Return the lesson that the file is called after; "" if none."""
    found = [lesson for lesson in papers if lesson.lower() in upload.stem.lower()]
    return max(found, key=len, default="")


def _own(entries: Iterable[_Entry], roster: Roster | None) -> list[_Entry]:
    """Find out whose the files are where no platform says it, and who is meant."""
    found = list(entries)
    places = {(*entry.upload.parts[:-1], entry.upload.stem) for entry in found}
    rests = [_rest(entry, places) for entry in found]
    # The same name in several folders is the work's, not a learner's.
    folders = {
        (rest.casefold(), entry.upload.parts[:-1])
        for rest, entry in zip(rests, found, strict=True)
    }
    names = Counter(rest for rest, _ in folders)
    crowd = Counter(entry.upload.parts[:-1] for entry in found)
    owned = []
    for entry, rest in zip(found, rests, strict=True):
        owner = entry.owner
        if not owner.learner.id:
            *folders_above, _ = entry.upload.parts
            lone = len(folders_above) > 1 and crowd[entry.upload.parts[:-1]] == 1
            by_folder = not rest or names[rest.casefold()] > 1 or lone
            above = [f for f in reversed(folders_above) if f != entry.lesson]
            keys = [*above, rest] if by_folder else [rest, *above]
            keys = [key for key in keys if key] or [entry.upload.parts[-1]]
            owner = replace(owner, learner=Learner(keys[0]), keys=tuple(keys))
        notes = entry.notes
        if roster:
            learner = roster.find(owner.keys)
            notes += () if learner else ("Not found in the roster.",)
            if learner and (heading := PLATFORM_IDS.get(owner.platform)):
                columns = learner.columns | {heading: owner.learner.id}
                learner = replace(learner, columns=columns)
            owner = replace(owner, learner=learner or owner.learner)
        owned.append(replace(entry, owner=owner, notes=notes))
    return owned


def _rest(entry: _Entry, places: set[tuple[str, ...]]) -> str:
    """Return what a file's name says beside the lesson's name.

    `places` are all files' folders and names without their ending.
    """
    stem = _COPY.sub("", entry.upload.stem)
    before, lesson, after = _partition(stem, entry.lesson)
    first = (*entry.upload.parts[:-1], before + lesson)
    if lesson and (before or (first in places)):
        after = _NUMBER.sub("", after)
    return (before + after).strip(" _-.")


def _partition(stem: str, lesson: str) -> tuple[str, str, str]:
    """Return a name's part before the lesson's name, that as written, and the rest."""
    place = stem.lower().find(lesson.lower()) if lesson else -1
    if place < 0:
        return stem, "", ""
    end = place + len(lesson)
    return stem[:place], stem[place:end], stem[end:]


def _grouped(entries: Sequence[_Entry], papers: dict[str, Paper]) -> list[list[_Entry]]:
    """Return the files of each learner and lesson."""
    groups: dict[tuple[str, str], list[_Entry]] = {}
    best: dict[str, int] = {}
    for entry in entries:
        id = entry.owner.learner.id
        best[id] = max(best.get(id, 0), entry.worth)
    for entry in entries:
        id, lesson = entry.owner.learner.id, entry.lesson
        # Beside a good file, what belongs to no lesson needs no row, nor does a PDF
        # beside any notebook.
        if not lesson and entry.worth < best[id]:
            continue
        if not lesson and len(papers) == 1:
            lesson = min(papers)
        groups.setdefault((id, lesson), []).append(replace(entry, lesson=lesson))
    return list(groups.values())


def _latest(group: list[_Entry]) -> _Entry:
    """Return the file that counts, with a note if there are others."""
    *others, last = sorted(group, key=lambda entry: entry.age)
    if not others:
        return last
    names = ", ".join(entry.upload.source for entry in others)
    note = f"{len(group)} files: the latest that can be read counts, not {names}."
    return replace(last, notes=(*last.notes, note))


def _order(entry: _Entry) -> tuple[str, str, str]:
    learner = entry.owner.learner
    return learner.label.casefold(), learner.id, entry.lesson


def _with_keys(entries: Iterable[_Entry]) -> list[Submission]:
    taken: set[str] = set()
    return [_submission(entry, taken) for entry in entries]


def _submission(entry: _Entry, taken: set[str]) -> Submission:
    upload, owner = entry.upload, entry.owner
    learner = filter(None, map(_slug, (owner.learner.name, owner.learner.id)))
    name = "-".join(dict.fromkeys(learner))[:80] or "learner"
    start = f"{name}--{_slug(entry.lesson) or 'unknown'}"
    key, number = start, 1
    while key in taken:
        number += 1
        key = f"{start}--{number}"
    taken.add(key)
    return Submission(
        key=key,
        learner=owner.learner,
        lesson=entry.lesson,
        source=upload.source,
        cells=entry.cells or {},
        checksum=entry.checksum,
        submitted=owner.submitted or _iso(upload.changed),
        late=owner.late,
        notes=entry.notes,
        problem=entry.problem if upload.parts else "Nothing was submitted.",
    )


def _iso(seconds: float) -> str:
    if not seconds:
        return ""
    time = datetime.fromtimestamp(seconds, timezone.utc)
    return time.isoformat(timespec="seconds")


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore")
    return re.sub(r"[^a-z0-9_.]+", "-", plain.decode()).strip("-.")
