"""The clock of the experiments: turns, medians, and what is chosen by them."""

import pytest
import torch

from course_utils.authoring.clock import exponent, faster_precision, in_turns, spread


def test_works_take_turns_after_one_unmeasured_call_each():
    done = []
    works = {name: (lambda name=name: done.append(name)) for name in ("a", "b")}
    seconds = in_turns(works, repeats=3)
    assert "".join(done) == "ab" * 4
    assert [len(runs) for runs in seconds.values()] == [3, 3]
    assert all(second >= 0 for runs in seconds.values() for second in runs)


@pytest.mark.parametrize(
    ("bfloat16", "chosen"),
    [(1.0, torch.bfloat16), (1.96, torch.float32), (9.0, torch.float32)],
)
def test_precision_is_chosen_by_what_is_measured(bfloat16, chosen):
    def clock(works, repeats):
        for work in works.values():
            work()
        return {"float32": [2.0, 2.0, 99.0], "bfloat16": [bfloat16] * repeats}

    tried = []
    assert faster_precision(tried.append, timed=clock) == chosen
    assert tried == [torch.float32, torch.bfloat16]


def test_the_chosen_precision_is_never_slower_than_float32():
    for bfloat16 in (0.5, 0.94, 0.96, 1.0, 3.0):
        seconds = {torch.float32: 1.0, torch.bfloat16: bfloat16}
        clock = lambda works, repeats, s=bfloat16: {  # noqa: E731
            "float32": [1.0],
            "bfloat16": [s],
        }
        assert seconds[faster_precision(print, timed=clock)] <= 1.0


def test_spread_and_exponent():
    assert spread([4.0, 1.0, 2.0]) == [1.0, 2.0, 4.0]
    assert exponent([1, 10, 100], [5, 50, 500]) == pytest.approx(1)
