"""Who is who: a learner from the path of a file, and from the course's roster."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from course_utils.errors import CourseError
from course_utils.grading.model import Learner

_MOODLE = re.compile(r"(.*)_(\d+)_assignsubmission_(?:file|onlinetext)(?:_.*)?", re.S)
_MOODLE_FOLDER = re.compile(r".*_\d+_assignsubmission_(?:file|onlinetext)_?", re.S)
_CANVAS = re.compile(r"([^_]+)_(?:(LATE)_)?(\d+)_(\d+)_(.+)", re.S)
_EXCHANGE = re.compile(r"([^+]+)\+[^+]+\+(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^+]*)(\+.*)?")
# What a roster calls its columns; of several ids the first that is there names a
# learner, and all are looked up. "identifier" is "Participant 123" of a Moodle
# grading worksheet, "id" the user of a Canvas gradebook.
_IDS = (
    "id",
    "identifier",
    "username",
    "user name",
    "login",
    "student id",
    "id number",
    "sis user id",
    "sis login id",
    "participant",
    "matriculation number",
)
_NAMES = ("name", "full name", "fullname", "student", "student name", "learner")
_FIRST = ("first name", "firstname", "given name")
_LAST = ("last name", "lastname", "surname", "family name")
_EMAILS = ("email", "e-mail", "email address", "e-mail address", "mail")


# How a platform heads the column of what it tells learners by, as its paths have it.
PLATFORM_IDS = {"Moodle": "Identifier", "Canvas": "ID"}


@dataclass(frozen=True)
class Owner:
    """Whose a file is, as far as its path tells.

    Attributes:
        learner: see there.
        keys: what may be looked up in a roster, the best first.
        late: whether the platform says so.
        submitted: when, as ISO 8601; "" where the path does not tell.
        order: the larger, the later, among the files of one learner on one platform.
        platform: "Moodle", "Canvas", "nbgrader", or "" for plain folders.
    """

    learner: Learner
    keys: tuple[str, ...] = ()
    late: bool = False
    submitted: str = ""
    order: int = 0
    platform: str = ""


def find_owner(parts: Sequence[str]) -> Owner | None:
    """Return whose a file is, from names that a platform gives; else None.

    >>> find_owner(["all", "Ada Lovelace_123_assignsubmission_file_", "x.ipynb"])
    Owner(learner=Learner(id='Participant 123', name='Ada Lovelace', email='', ...
    >>> find_owner(["all", "lovelaceada_LATE_12_3456_x.ipynb"]).late
    True
    >>> find_owner(["submitted", "ada", "01", "x.ipynb"]).learner.id
    'ada'
    """
    for part in parts:
        if found := _MOODLE.fullmatch(part):
            # "Participant" alone where names are hidden.
            id = f"Participant {found[2]}"
            name = id if found[1] in ("", "Participant") else found[1]
            return Owner(Learner(id, name), (id, name), platform="Moodle")
        if found := _EXCHANGE.fullmatch(part):
            learner, when = Learner(found[1]), parse_time(found[2])
            return Owner(learner, (found[1],), submitted=when, platform="nbgrader")
    matches = map(_CANVAS.fullmatch, parts[1:] or parts)  # one may be an archive
    if found := next(filter(None, matches), None):
        name, late, id, attachment, _ = found.groups()
        keys, late = (id, name), late is not None
        order = int(attachment[:18])
        return Owner(Learner(id, name), keys, late, order=order, platform="Canvas")
    if "submitted" in parts[:-2]:
        user = parts[parts.index("submitted") + 1]
        return Owner(Learner(user), (user,), platform="nbgrader")
    return None


def moodle_folder(source: str) -> str:
    """Return the folder of a submission as Moodle names it; "" where it is none.

    In a download without folders the name of the file begins with it. Only from such a
    name does Moodle tell whose a file of feedback is.

    >>> moodle_folder("all/Ada Lovelace_123_assignsubmission_file_/x.ipynb")
    'Ada Lovelace_123_assignsubmission_file_'
    >>> moodle_folder("all/Ada Lovelace_123_assignsubmission_file_x.ipynb")
    'Ada Lovelace_123_assignsubmission_file_'
    """
    found = filter(None, map(_MOODLE_FOLDER.match, source.split("/")))
    return next((match[0] for match in found), "")


def parse_time(text: str) -> str:
    """Return a time as nbgrader writes it in ISO 8601; "" if it can't be read.

    >>> parse_time("2025-02-02 15:58:23.948203 Europe/Berlin")
    '2025-02-02T15:58:23+01:00'
    """
    day, _, rest = text.strip().partition(" ")
    clock, _, zone = rest.partition(" ")
    try:
        known = timezone.utc if zone in ("", "UTC") else ZoneInfo(zone)
        time = datetime.fromisoformat(f"{day} {clock[:8]}").replace(tzinfo=known)
    except (ValueError, OSError, KeyError):  # no such time, no such zone
        return ""
    return time.isoformat()


@dataclass
class Roster:
    """The learners of a course.

    Attributes:
        learners: all of them, in the roster's order.
    """

    learners: list[Learner]
    _index: dict[str, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place, learner in enumerate(self.learners):
            texts = [learner.id, *_values(learner.columns, _IDS)]
            keys = {_key(text) for text in texts}
            keys |= {_key(learner.email), _key(learner.email.partition("@")[0])}
            keys |= _name_keys(learner.name)
            for key in keys - {""}:
                self._index.setdefault(key, set()).add(place)

    def find(self, keys: Iterable[str]) -> Learner | None:
        """Return the learner that the first of these fits, if it fits one alone.

        >>> roster = Roster([Learner("s1", "Ada Lovelace", "ada@example.org")])
        >>> [roster.find([key]) is None for key in ("lovelace, ada", "ADA", "s2")]
        [False, False, True]
        """
        for key in keys:
            if len(places := self._index.get(_key(key), set())) == 1:
                return self.learners[min(places)]
        return None


def _key(text: str) -> str:
    """Return a text without case, accents, spaces and signs."""
    text = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in text if character.isalnum())


def _name_keys(name: str) -> set[str]:
    """Return how a name may be written: "Ada Lovelace", "Lovelace, Ada"."""
    words = [_key(word) for word in re.split(r"[\s,]+", name)]
    turns = [words[turn:] + words[:turn] for turn in range(len(words))]
    return {"".join(words) for words in turns}


def read_roster(path: Path) -> Roster:
    """Read a table with a heading for each column, as CSV.

    Raises:
        CourseError: it can't be read, or has no column that names learners.

    >>> read_roster(Path("none.csv"))
    Traceback (most recent call last):
    course_utils.errors.CourseError: the roster none.csv can't be read: No such file ...
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CourseError(f"the roster {path} can't be read: {error.strerror}.") from (
            error
        )
    rows = read_table(data)
    headings = list(rows[0]) if rows else []
    known = (*_IDS, *_NAMES, *_EMAILS, *_LAST)
    if not any(heading.casefold() in known for heading in headings):
        raise CourseError(
            f"the roster {path} has no column that names learners: its first line must "
            "have some of the headings id, name, email."
        )
    learners = [_learner(row) for row in rows if "Points Possible" not in row_name(row)]
    learners = [learner for learner in learners if learner.id]
    if twice := {a.id for n, a in enumerate(learners) if a.id in _ids(learners[:n])}:
        raise CourseError(
            f"the roster {path} has {min(twice)!r} more than once: each learner needs "
            "an id (or a name or e-mail address) of their own."
        )
    return Roster(learners)


def _ids(learners: Iterable[Learner]) -> set[str]:
    return {learner.id for learner in learners}


def read_table(data: bytes) -> list[dict[str, str]]:
    r"""Return the rows of a CSV file by its headings.

    >>> read_table(b"id;name\r\n1;Ada\r\n")
    [{'id': '1', 'name': 'Ada'}]
    """
    first, *rest = read_rows(data) or [[]]
    return [dict(zip(first, line, strict=False)) for line in rest]


def read_rows(data: bytes) -> list[list[str]]:
    r"""Return the rows of a CSV file as spreadsheets write it, headings first.

    >>> read_rows(b"id;name\r\n1;Ada\r\n")
    [['id', 'name'], ['1', 'Ada']]
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")  # Excel, in much of Europe
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [[cell.strip() for cell in line] for line in lines if any(line)]
    except csv.Error:
        return []


def _values(row: dict[str, str], headings: Iterable[str]) -> list[str]:
    """Return the values that are there, in the order of the headings."""
    row = {heading.casefold(): value for heading, value in row.items()}
    return [row[heading] for heading in headings if row.get(heading)]


def row_name(row: dict[str, str]) -> str:
    """Return the name in a roster's row; "" if it has none.

    >>> row_name({"First name": "Ada", "Surname": "Lovelace"})
    'Ada Lovelace'
    """
    whole = _values(row, _NAMES)
    parts = [*_values(row, _FIRST)[:1], *_values(row, _LAST)[:1]]
    return whole[0] if whole else " ".join(parts)


def _learner(row: dict[str, str]) -> Learner:
    name, emails = row_name(row), _values(row, _EMAILS)
    id = [*_values(row, _IDS), *emails, name][0]
    return Learner(id, name, emails[0] if emails else "", row)
