"""Two peers call each other, and one of them trusts nothing."""

import socket
import threading
import weakref
from contextlib import contextmanager
from typing import ClassVar

import pytest
import torch
from torch import nn

from course_utils.exercises.elsewhere import Elsewhere
from course_utils.exercises.guard import restored
from course_utils.exercises.outcome import Recorder
from course_utils.exercises.watch import MultiplyAdds, counted_call
from course_utils.grading import peer as peers
from course_utils.grading.channel import OUT_OF_MEMORY, Channel, Lost
from course_utils.grading.peer import Peer
from course_utils.grading.wire import Writer


@contextmanager
def connected(answer, calls=None):
    """Yield the grader's peer, and the answer of the other one as it sees it."""
    here, there = socket.socketpair()
    with here, there:
        grader = Peer(Channel(here, seconds=30), {}, calls=calls)
        worker = Peer(Channel(there), {}, trusting=True, around=restored)
        worker.operations["define"] = lambda message: worker.result(answer, [])
        server = threading.Thread(target=worker.serve, daemon=True)
        server.start()
        yield grader, grader.value(grader.ask("define"), (), [])
        here.close()
        server.join(10)


def test_function_that_is_handed_over_is_called_here():
    called = []

    def step(tokens):
        called.append(threading.current_thread())
        return tokens * 2

    with connected(lambda step, x: step(x) + step(step(x))) as (_, answer):
        assert answer(step, torch.tensor([3])).tolist() == [18]
    assert called == [threading.main_thread()] * 3


def test_gradients_flow_through_a_function_that_is_handed_over():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with connected(lambda f, x: f(x) * x) as (_, answer):
        answer(lambda x: x * x, x).sum().backward()
    assert x.grad.tolist() == [3, 12]


def test_error_of_a_function_that_is_handed_over_comes_back():
    def answer(step):
        try:
            return step(0)
        except ZeroDivisionError as error:
            return str(error)

    with connected(answer) as (_, remote):
        assert remote(lambda x: 1 / x) == "division by zero"


def again_and_again(step):
    for _ in range(100):
        step(1)
    return "done"


@pytest.mark.parametrize(("calls", "ends"), [(100, False), (99, True)])
def test_calls_of_what_is_handed_over_are_limited(calls, ends):
    count = []
    with connected(again_and_again, calls) as (_, answer):
        if ends:
            with pytest.raises(Lost, match="called functions without an end"):
                answer(count.append)
        else:
            assert answer(count.append) == "done"
    assert len(count) == calls


def test_numbers_given_to_what_is_handed_over_are_limited(monkeypatch):
    monkeypatch.setattr(peers, "_MOST_NUMBERS", 100)
    monkeypatch.setattr(peers, "_MOST_FOR_MODULE", 10)

    def told(call, *args):
        try:
            return len(call(*args))
        except ValueError as error:
            return str(error)

    def answer(step, layer):
        meta = torch.empty(1 << 60, device="meta")
        given = [(step, 100), (step, 101), (layer, 10), (layer, 11)]
        return [told(call, torch.ones(n)) for call, n in given] + [told(step, meta)]

    with connected(answer) as (_, remote):
        results = remote(lambda x: x, nn.ReLU())
    assert results[:4:2] == [100, 10]
    assert all("numbers at most" in told for told in (*results[1::2], results[4]))


def test_gradient_of_another_shape_is_refused():
    x = torch.ones(3, requires_grad=True)
    with connected(lambda step, x: step(x)) as (grader, answer):
        answer(lambda x: x * 2, x)
        grad = Writer().write(torch.ones(3, 1))  # with the result, it makes 3 × 3
        with pytest.raises(ValueError, match="a gradient of another shape"):
            message = {"graph": grader._graph, "grads": [grad]}
            grader.operations["backward"](message)


class Twice(nn.Module):
    """Convolves in a layer and in a function."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        return self.layer(x) + torch.conv2d(x, self.layer.weight)


def test_multiply_adds_of_a_module_are_counted_over_there():
    net, x = Twice(), torch.ones(3, 1, 5, 5)
    with connected(lambda: net) as (_, answer):
        result, work = counted_call(answer(), x)
        assert work == counted_call(net, x)[1] == 2 * 2 * 9 * 9
        assert result.equal(net(x))
        answer()(x)  # is not counted, and asks for no count


def test_multiply_adds_of_both_sides_are_counted_together():
    layer = nn.Linear(2, 3)
    answer = lambda step, x: step(x) @ torch.ones(3, 5)  # noqa: E731
    with connected(answer) as (_, remote), MultiplyAdds() as work:
        remote(layer, torch.ones(1, 2))
    assert work.count == 6 + 15


@pytest.mark.parametrize("forged", [-5, 2.5, True, "9", None])
def test_count_that_is_none_is_refused(forged):
    here, there = socket.socketpair()
    with here, there, MultiplyAdds() as work:
        Channel(there).send({"multiply_adds": forged})
        with pytest.raises(Lost, match="can't be read"):
            Peer(Channel(here, seconds=30), {}).ask("define")
    assert work.count == 0


def test_hook_after_a_part_of_a_module_elsewhere_is_refused():
    """It would see nothing, and its check would let everything pass."""
    with connected(Twice) as (_, answer):
        net = answer()
        called = []
        net.register_forward_hook(lambda *_: called.append("net"))
        net.layer.register_forward_pre_hook(lambda *_: called.append("layer"))
        net(torch.ones(1, 1, 5, 5))
        assert called == ["layer", "net"]
        net.layer(torch.ones(1, 1, 5, 5))
        assert called == ["layer", "net", "layer"]
        net.layer.register_forward_hook(lambda *_: called.append("after"))
        with pytest.raises(NotImplementedError, match="aren't seen"):
            net(torch.ones(1, 1, 5, 5))


class Listed(nn.Linear):
    """Keeps a list of all of its kind, itself among them."""

    listed: ClassVar[list[nn.Module]] = []

    def __init__(self):
        super().__init__(2, 3)
        self.listed.append(self)


def test_modules_that_hold_themselves_and_each_other_are_described():
    Listed.listed.clear()
    nets = [Listed() for _ in range(8)]
    with connected(lambda: nets[5]) as (_, answer):
        net = answer()
        assert len(net.listed) == 8
        assert type(net.listed[5]).__name__ == "Listed"
        assert net(torch.ones(1, 2)).equal(nets[5](torch.ones(1, 2)))
        assert net.listed[0](torch.ones(1, 2)).equal(nets[0](torch.ones(1, 2)))


made: list[nn.Module] = []


class Wrapped(nn.Module):
    """Holds the module that was made before it."""

    def __init__(self):
        super().__init__()
        self.inner = made[-1] if made else nn.Linear(2, 2)
        made.append(self)

    def forward(self, x):
        return self.inner(x)


class Made(Elsewhere):
    """The answer of the other side, as the judge holds it."""

    def __init__(self, remote):
        super().__init__(Wrapped)
        self._remote = remote

    def __call__(self, *args):
        return self._remote(*args)


@pytest.mark.parametrize("calls", [1, 3])
def test_watched_result_inside_a_later_one_is_no_part_with_a_hook(calls):
    """A check hooks each whole result; another result has stand-ins of its own."""
    with connected(Wrapped) as (_, answer):
        recorder = Recorder(Made(answer))
        for _ in range(calls):
            net = recorder()
            assert net._forward_hooks
            assert net(torch.ones(1, 2)).shape == (1, 2)
            assert not recorder.running
            assert recorder.returned.shape == (1, 2)
    made.clear()


def test_graph_that_nothing_hangs_on_is_given_up():
    made = []

    def answer(x):
        y = x * 2
        made.append(weakref.ref(y))
        return y

    x = torch.ones(3, requires_grad=True)
    with connected(answer) as (_, remote):
        kept = remote(x)
        remote(x)
        with torch.no_grad():
            remote(x)
        remote(x)
        assert [y() is not None for y in made[:3]] == [True, False, False]
        kept.sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("… can't allocate memory: you tried …")]
)
def test_lack_of_memory_ends_the_answer_and_is_told_as_such(error):
    def answer():
        raise error

    with connected(answer) as (grader, remote):
        with pytest.raises(Lost):
            remote()
        assert grader._channel.fault == OUT_OF_MEMORY
