"""Hostile answers: each ends in time, gets its own message, leaves nothing changed."""

import contextlib
import importlib
import io
import math
import random
import signal
import sys
import threading
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.guard import (
    OutOfTime,
    guard,
    put_back,
    restored,
    run_guarded,
)
from course_utils.exercises.model import Exercise, State

NEGATED = Exercise(
    "demo.negated",
    lambda x: -x,
    (),
    lambda: [(torch.tensor([1.0, -2.0, 3.0]),), (torch.tensor([[4.0, -5.0]]),)],
)


def work():
    for _ in range(1000):
        pass


def endless():
    while True:
        pass


def swallowing():
    while True:
        try:
            work()
        except:  # noqa: E722
            pass


def swallowing_everything():
    while True:
        try:
            try:
                work()
            finally:
                work()
        except BaseException as error:
            str(error)


def sleeping():
    while True:
        try:
            time.sleep(0.5)
        except BaseException:
            continue


def printing():
    while True:
        print("again")


ALARM = getattr(signal, "SIGALRM", signal.SIGTERM)  # the latter on Windows
LOOPS = [endless, swallowing, swallowing_everything, sleeping, printing]


@pytest.mark.parametrize("loop", LOOPS)
def test_endless_loop_is_stopped(loop, capsys):
    trace, handler = sys.gettrace(), signal.getsignal(ALARM)
    start = time.monotonic()
    with pytest.raises(OutOfTime):
        run_guarded(loop, 0.2)
    assert time.monotonic() - start < 10
    assert (sys.gettrace(), signal.getsignal(ALARM)) == (trace, handler)
    assert len(capsys.readouterr().out.splitlines()) <= 101


@pytest.mark.parametrize("loop", [endless, swallowing, sleeping])
def test_endless_loop_is_stopped_without_timers_of_the_system(loop, monkeypatch):
    monkeypatch.delattr(signal, "setitimer", raising=False)
    handler, threads = signal.getsignal(signal.SIGTERM), threading.active_count()
    with pytest.raises(OutOfTime):
        run_guarded(loop, 0.2)
    assert signal.getsignal(signal.SIGTERM) is handler
    assert threading.active_count() == threads


def test_import_is_not_interrupted(tmp_path, monkeypatch):
    (tmp_path / "slow_module.py").write_text("import time\ntime.sleep(0.5)\ndone = 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    def importing():
        imported.append(importlib.import_module("slow_module").done)
        endless()

    imported: list[int] = []
    with pytest.raises(OutOfTime):
        run_guarded(importing, 0.2)
    assert imported == [1]


def test_code_has_its_time_after_a_slow_import(tmp_path, monkeypatch):
    (tmp_path / "late_module.py").write_text("import time\ntime.sleep(0.6)\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def work_after_import():
        importlib.import_module("late_module")
        time.sleep(0.2)
        return "done"

    assert run_guarded(work_after_import, 0.4) == "done"


def test_limit_around_another_goes_on():
    start = time.monotonic()
    with pytest.raises(OutOfTime), guard(0.3):
        with guard(5):
            work()
        endless()
    assert time.monotonic() - start < 5


def test_code_that_ends_in_time_is_not_stopped():
    with guard(0.2):
        work()
    time.sleep(0.4)


def test_other_threads_run_without_a_limit():
    done = []

    def run():
        with guard(0.1):
            time.sleep(0.2)
        done.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done


def verdict(answer, seconds=10.0):
    return diagnose(NEGATED, answer, seconds)


def test_endless_answer_is_told():
    found = verdict(lambda x: endless(), seconds=0.2)
    assert found.state is State.ERROR
    assert found.messages == (
        "Your code ran for more than 0.2 seconds and was stopped: does a loop never "
        "end?",
    )


@pytest.mark.parametrize("loop", LOOPS)
def test_stopped_answer_is_no_context_of_later_errors(loop):
    verdict(lambda x: loop(), seconds=0.2)
    assert sys.exc_info()[1] is None
    with pytest.raises(ValueError) as info:
        raise ValueError
    assert info.value.__context__ is None


def leaves_python(x):
    sys.exit()


def calls_itself(x):
    return calls_itself(x)


class Silent(Exception):
    def __str__(self):
        raise ValueError("no text")


def fails_silently(x):
    raise Silent


class Broken:
    """An object whose own methods fail."""

    def __eq__(self, other):
        raise ValueError("not comparable")

    def __repr__(self):
        raise ValueError("not printable")

    __str__ = __repr__
    __hash__ = None

    def __len__(self):
        raise ValueError("not countable")


class BrokenList(list):
    def __len__(self):
        raise ValueError("not countable")

    __iter__ = __len__


class Friendly:
    """An object that claims to equal everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


class AlwaysRight(torch.Tensor):
    """A tensor whose comparisons are all true."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return True


def claims_to_be_right(x):
    return x.clone().as_subclass(AlwaysRight)


ODD = {
    "ends Python": leaves_python,
    "A function calls itself without an end": calls_itself,
    "without a message that can be read": fails_silently,
    "got Broken (a Broken that can't be shown)": lambda x: Broken(),
    "not countable": lambda x: BrokenList(),
    "got Friendly": lambda x: Friendly(),
    "dtype torch.float32, yours is torch.complex64": lambda x: -x * (1 + 0j),
    "is a sparse tensor": lambda x: (-x).to_sparse(),
    "is on meta": lambda x: (-x).to("meta"),
    "yours is torch.quint8": lambda x: torch.quantize_per_tensor(
        x, 0.1, 10, torch.quint8
    ),
    "is a nested tensor": lambda x: torch.nested.nested_tensor([-x]),
    "got complex 1j": lambda x: 1j,
    "had the opposite sign": lambda x: x.as_subclass(AlwaysRight),
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("words", ODD)
def test_odd_answer_is_told(words):
    found = verdict(ODD[words])
    assert found.state in (State.WRONG, State.ERROR)
    assert words in " ".join(found.messages)
    assert all(message.isprintable() for message in found.messages)


def test_many_prints_are_cut(capsys):
    def talks(x):
        for number in range(100_000):
            print(number)
        return -x

    assert verdict(talks).state is State.CORRECT
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["0", "1"]
    assert lines[-1] == "… 199900 more lines are not shown."
    assert len(lines) == 101


def test_prints_to_stderr_are_cut_too(capsys):
    with guard(5):
        sys.stderr.write("a\n" * 500)
        sys.stderr.flush()
    assert capsys.readouterr().err.endswith("… 400 more lines are not shown.\n")


def setter(function, *arguments):
    def answer(x):
        function(*arguments)
        return -x

    return answer


SETTINGS = {
    "switches autograd on or off": setter(torch.set_grad_enabled, False),
    "changes the default dtype": setter(torch.set_default_dtype, torch.float64),
    "changes the default device": setter(torch.set_default_device, "meta"),
    "changes the number of threads": setter(
        torch.set_num_threads, torch.get_num_threads() + 1
    ),
    "sets the seed": setter(torch.manual_seed, 3),
    "replaces `torch.equal`": setter(setattr, torch, "equal", lambda *a: True),
    "replaces `torch.Tensor.abs`": setter(setattr, torch.Tensor, "abs", None),
    "replaces `F.relu`": setter(delattr, F, "relu"),
    "replaces `math.isclose`": setter(setattr, math, "isclose", lambda *a, **k: True),
}


def settings():
    return (
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.initial_seed(),
        torch.equal,
        torch.Tensor.abs,
        F.relu,
        math.isclose,
    )


@pytest.mark.parametrize("words", SETTINGS)
def test_setting_left_changed_is_told_and_undone(words):
    before = settings()
    found = verdict(SETTINGS[words])
    assert found.state is State.WRONG
    assert any(words in message for message in found.messages)
    assert settings() == before


@pytest.mark.parametrize("words", SETTINGS)
def test_wrong_answer_that_changes_a_setting_is_still_wrong(words):
    found = verdict(lambda x: SETTINGS[words](x) + 0.25)
    assert found.state is State.WRONG
    assert any(words in message for message in found.messages)


def test_function_replaced_before_the_check_is_put_back():
    original, torch.allclose = torch.allclose, lambda *a, **k: True
    found = verdict(lambda x: -x)
    assert torch.allclose is original
    assert found.state is State.WRONG
    assert "replaces `torch.allclose`" in found.messages[0]
    assert verdict(lambda x: -x).state is State.CORRECT


def test_context_that_ends_by_itself_is_no_change():
    def answer(x):
        with torch.no_grad():
            return -x

    assert verdict(answer).state is State.CORRECT


def test_check_works_where_autograd_is_off():
    with torch.no_grad():
        assert verdict(lambda x: -x).state is State.CORRECT


def test_generators_go_on_as_if_nothing_had_been_drawn():
    states = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    before = torch.get_rng_state()

    def draws(x):
        torch.rand(3), random.random(), np.random.rand()  # noqa: NPY002
        return -x

    assert verdict(draws).state is State.CORRECT
    assert torch.equal(torch.get_rng_state(), before)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states  # noqa: NPY002


def test_settings_are_restored_after_an_error():
    with pytest.raises(ZeroDivisionError), restored() as changes:
        torch.set_default_dtype(torch.float64)
        raise ZeroDivisionError
    assert torch.get_default_dtype() is torch.float32
    assert "default dtype" in changes[0]


def test_nothing_is_replaced_by_torch_itself():
    compiled = torch.compile(lambda x: x + 1, backend="eager")
    compiled(torch.ones(2))
    assert put_back() == []


def test_prints_reach_the_page_in_order():
    target = io.StringIO()

    with contextlib.redirect_stdout(target), guard(5):
        print("a", "b")
        print("c", end="")
    assert target.getvalue() == "a b\nc"
