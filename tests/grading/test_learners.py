"""Who is who: what platforms put into names, and what a roster says."""

import pytest

from course_utils.errors import CourseError
from course_utils.grading.learners import (
    Roster,
    find_owner,
    parse_time,
    read_roster,
    read_table,
)
from course_utils.grading.model import Learner

MOODLE = "Ada Lovelace_123_assignsubmission_file_"
TIME = "2025-02-02 15:58:23.948203"


@pytest.mark.parametrize(
    ("parts", "learner", "more"),
    [
        ([MOODLE, "x.ipynb"], Learner("Participant 123", "Ada Lovelace"), {}),
        ([f"{MOODLE}x.ipynb"], Learner("Participant 123", "Ada Lovelace"), {}),
        (
            ["all", "Ada_B_7_assignsubmission_file", "work", "x.ipynb"],
            Learner("Participant 7", "Ada_B"),
            {},
        ),
        (
            ["Participant_9_assignsubmission_file_x.ipynb"],
            Learner("Participant 9", "Participant 9"),
            {},
        ),
        (
            ["lovelaceada_12_3456_x-1.ipynb"],
            Learner("12", "lovelaceada"),
            {"order": 3456},
        ),
        (
            ["all", "lovelaceada_LATE_12_3456_my_file.ipynb"],
            Learner("12", "lovelaceada"),
            {"late": True},
        ),
        (["course", "submitted", "ada", "01", "x.ipynb"], Learner("ada"), {}),
        (
            ["inbound", f"ada+01+{TIME} UTC", "x.ipynb"],
            Learner("ada"),
            {"submitted": "2025-02-02T15:58:23+00:00"},
        ),
        (
            ["inbound", f"ada+01+{TIME} Europe/Berlin+a8f3==", "x.ipynb"],
            Learner("ada"),
            {"submitted": "2025-02-02T15:58:23+01:00"},
        ),
    ],
)
def test_learner_of_a_platforms_path(parts, learner, more):
    owner = find_owner(parts)
    assert owner.learner == learner
    assert owner.platform
    assert {name: getattr(owner, name) for name in more} == more


@pytest.mark.parametrize(
    "parts",
    [
        ["subs", "anna.ipynb"],
        ["anna_01_linear_layers.ipynb"],
        ["submitted", "x.ipynb"],
        ["group_1", "01", "x.ipynb"],
    ],
)
def test_other_paths_say_nothing_of_their_own(parts):
    assert find_owner(parts) is None


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2025-99-99 10:00:00 UTC", f"{TIME} ../x"]
)
def test_time_that_is_none(text):
    assert parse_time(text) == ""


ROSTER = Roster(
    [
        Learner(
            "s1", "Ada Lovelace", "ada@example.org", {"Identifier": "Participant 7"}
        ),
        Learner("s2", "Zoë de la Cruz", "zoe@example.org", {"ID": "41"}),
        Learner("s3", "Jo Li", "jo@example.org"),
        Learner("s4", "Jo Li", "li@example.org"),
    ]
)


@pytest.mark.parametrize(
    ("keys", "id"),
    [
        (["s1"], "s1"),
        (["nobody", "ADA@example.org"], "s1"),
        (["ada"], "s1"),
        (["Lovelace, Ada"], "s1"),
        (["lovelaceada"], "s1"),
        (["Participant 7"], "s1"),
        (["41"], "s2"),
        (["delacruzzoe"], "s2"),
        (["Zoe De La Cruz"], "s2"),
        (["Jo Li"], None),
        (["Jo Li", "s4"], "s4"),
        (["", "-", "s"], None),
    ],
)
def test_roster_finds_whom_one_key_fits_alone(keys, id):
    found = ROSTER.find(keys)
    assert (found and found.id) == id


def test_roster_of_a_moodle_worksheet(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_bytes(
        "\ufeffIdentifier,Full name,Email address,Status\r\n"
        "Participant 7,Ada Lovelace,ada@example.org,No submission\r\n".encode()
    )
    (learner,) = read_roster(path).learners
    assert (learner.id, learner.name) == ("Participant 7", "Ada Lovelace")
    assert (learner.email, learner.columns["Status"]) == (
        "ada@example.org",
        "No submission",
    )


def test_roster_of_a_canvas_gradebook(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Lesson 1 (9)\n"
        "    Points Possible,,,,,9\n"
        '"Lovelace, Ada",41,s1,ada1,A,\n'
    )
    (learner,) = read_roster(path).learners
    assert (learner.id, learner.name) == ("41", "Lovelace, Ada")
    assert read_roster(path).find(["ada1"]) == learner


def test_roster_with_first_and_last_names_and_no_id(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_bytes(
        "Surname;First name;E-Mail\nGröß;Zoë;z@x.org\n;;\n".encode("cp1252")
    )
    (learner,) = read_roster(path).learners
    assert (learner.id, learner.name) == ("z@x.org", "Zoë Größ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no column that names learners"),
        ("a,b\n1,2\n", "no column that names learners"),
        ("id,name\n1,Ada\n1,Bo\n", "'1' more than once"),
    ],
)
def test_roster_that_names_nobody_is_an_error(tmp_path, text, told):
    path = tmp_path / "roster.csv"
    path.write_text(text)
    with pytest.raises(CourseError, match=told):
        read_roster(path)


def test_roster_that_is_not_there(tmp_path):
    with pytest.raises(CourseError, match="can't be read: No such file"):
        read_roster(tmp_path / "none.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_table_as_spreadsheets_write_it(encoding, delimiter):
    text = f'id{delimiter}name\r\n\r\n1{delimiter}"Zoë ""Z"""\r\n2\r\n'
    rows = read_table(text.encode(encoding))
    assert rows == [{"id": "1", "name": 'Zoë "Z"'}, {"id": "2"}]
