"""A learner's parameters in the cell of a new lesson."""

import pytest

from course_utils.copies.parameters import carry_parameters

OLD = 'device = "auto"  # or cpu\nseed = 0'
NEW = 'seed: int = 1  # any\ndevice = "auto"\nwidth = 8'


@pytest.mark.parametrize(
    ("mine", "new", "released", "expected"),
    [
        (OLD, NEW, OLD, (NEW, [], True)),
        ("seed = 7", OLD, OLD, ("seed = 7", ["seed"], True)),
        (
            'device = "cpu"\nseed = 7',
            NEW,
            OLD,
            (
                "seed: int = 7  # any\ndevice = 'cpu'\nwidth = 8",
                ["seed", "device"],
                True,
            ),
        ),
        (f"{OLD}\ndepth = 3", NEW, OLD, (NEW, [], False)),
        (f"{OLD}\nprint(seed)", NEW, OLD, (NEW, [], False)),
        (OLD + "  # mine: 7 diverges", NEW, OLD, (NEW, [], False)),
        (OLD, NEW, OLD.replace("# or cpu", ""), (NEW, [], False)),
        ("seed = = 3", NEW, OLD, (NEW, [], False)),
        ("seed = 7", NEW, None, (NEW.replace("1", "7"), ["seed"], True)),
        ("seed = 1", NEW, None, (NEW, [], True)),
        ("name = 'ä'", "α = 1; name = ''", None, ("α = 1; name = 'ä'", ["name"], True)),
        ("seed = 7", "seed = = 1", OLD, ("seed = = 1", [], False)),
    ],
    ids=[
        "nothing",
        "only the learner",
        "both",
        "a name of the learner's",
        "a statement",
        "a note",
        "another note",
        "no Python",
        "no record",
        "no record, the same",
        "signs of two bytes",
        "the new cell is no Python",
    ],
)
def test_values_that_the_learner_changed_are_carried(mine, new, released, expected):
    assert carry_parameters(mine, new, released) == expected
