"""The diagnosis of an answer."""

import contextlib
import re

import pytest
import torch

from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.model import Exercise, Misconception, State, Verdict
from tests.exercises.verdicts import named_shapes


def cases():
    return [(torch.tensor([1.0, -2.0, 3.0]),), (torch.tensor([[-1.0, 5.0]]),)]


RELU = Exercise(
    "demo.relu",
    lambda x: x.clamp(min=0),
    (
        Misconception("abs", lambda x: x.abs(), "This is |x|."),
        Misconception("error", lambda x: x @ x.T @ x.T, "Matrix."),
    ),
    cases,
)
VALUE = Exercise("demo.value", 13, (Misconception("no bias", 12, "Add the bias."),))


def stub(x): ...


def documented(x):
    """Return relu of x."""


def passed(x):
    pass


def ellipsis_inside(x):
    result = ...
    return result


class StubModule(torch.nn.Module):
    def __init__(self): ...

    def forward(self, x): ...


def two_lines(x):
    """Return relu of x."""
    ...


def returns_a_constant(x):
    return 3


@pytest.mark.parametrize(
    "answer", [..., stub, documented, passed, two_lines, ellipsis_inside, StubModule]
)
def test_stub_is_not_attempted(answer):
    verdict = diagnose(RELU, answer)
    assert verdict == Verdict(
        State.NOT_ATTEMPTED, ("Replace the `...`, then run both cells again.",)
    )


class HalfStub(StubModule):
    def __init__(self):
        super().__init__()
        self.size = 3


class Empty:
    pass


@pytest.mark.parametrize("answer", [returns_a_constant, HalfStub, Empty, torch.relu])
def test_answer_with_any_code_is_attempted(answer):
    assert diagnose(RELU, answer).state != "not attempted"


def in_place(x):
    x[x < 0] = 0
    return x


def no_return(x):
    torch.relu(x)


def misspelt(x):
    return x.clmp(min=0)  # codespell:ignore


def undefined(x):
    return torch.relu(y)  # noqa: F821 - a learner's slip


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (no_return, "wrong", "returns None"),
        (lambda x: 3, "wrong", "Expected a tensor"),
        (lambda x: x.clamp(min=0)[0], "wrong", "Expected shape"),
        (lambda x: x.clamp(min=0).double(), "wrong", "Expected dtype"),
        (lambda x: x.clamp(min=0) * torch.nan, "wrong", "NaN"),
        (lambda x: x.clamp(min=0).to("meta"), "wrong", "device=x.device"),
        (in_place, "wrong", "changes its input `x` in place"),
        (misspelt, "error", "in the line `return x.clmp(min=0)"),
        (undefined, "error", "A name is misspelt"),
        (lambda: 3, "error", "Compare the function's parameters"),
        (torch.zeros(3), "wrong", "pass its name, without parentheses"),
        (lambda x: x.clamp(min=1), "wrong", "wrong exactly where `x` is negative"),
        (lambda x: x.cos(), "wrong", "the largest difference is 3.99"),
    ],
)
def test_malformed_answer_gets_its_own_message(answer, state, words):
    verdict = diagnose(RELU, answer)
    assert verdict.state == state
    assert words in " ".join(verdict.messages)
    assert verdict.misconception is None


def test_not_a_function_is_named():
    assert diagnose(RELU, torch.zeros(3)).messages == (
        "Expected a function or class, got Tensor: pass its name, without parentheses.",
    )


def test_change_of_an_input_is_reported_whole():
    assert diagnose(RELU, in_place).messages == (
        "Your code changes its input `x` in place. "
        "Work on a copy: others may still need the old one. `.clone()` makes one; "
        "`y = x`, a slice and `.detach()` share the numbers of `x`.",
    )


def popped(layers):
    return layers.pop() + layers[0]


def tensors_changed(layers):
    total = layers[0].add_(layers[1])
    return total.clone()


@pytest.mark.parametrize(
    ("answer", "told"),
    [(popped, "work on a copy, `list(layers)`"), (tensors_changed, "a copy of the li")],
)
def test_change_of_a_list_is_told_from_one_of_its_tensors(answer, told):
    case = ([torch.ones(2), torch.tensor([2.0, 5.0])],)
    total = Exercise("demo.total", lambda a: a[0] + a[1], (), lambda: [case])
    (message,) = diagnose(total, answer).messages
    assert message.startswith("Your code changes its input `layers` in place")
    assert told in message


GROWING = [(torch.arange(2.0 * n).reshape(2, n) + 1,) for n in (1, 3, 4, 5)]
FLATTENED = Exercise("demo.rows", lambda x: x.flatten(), (), lambda: GROWING[::-1])
SUMS = Exercise(
    "demo.sums", lambda x: (x.shape[0], x.sum(1)), (), lambda: GROWING[::-1]
)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (FLATTENED, lambda x: x),
        (FLATTENED, lambda x: x.flatten()[:, None]),
        (FLATTENED, lambda x: x.flatten().expand(3, -1)),
        (SUMS, lambda x: (x.shape[0], x.sum(1, keepdim=True))),
    ],
)
def test_sizes_that_a_message_names_are_those_of_the_case_shown(exercise, answer):
    verdict = diagnose(exercise, answer)
    named = named_shapes(verdict)
    assert len(named) == 2
    assert all(shape in verdict.case for shape in named)


def test_item_that_is_right_in_the_case_shown_is_not_spoken_of():
    def answer(x):
        return x.shape[0] + (x.shape[1] > 4), x.sum(1, keepdim=True)

    (message,) = diagnose(SUMS, answer).messages
    assert message.startswith("In the second value: the numbers are right, the shape")


TOTAL = Exercise(
    "demo.total",
    lambda tensors, extra: sum(tensors) + extra,
    (),
    lambda: [([torch.ones(2), torch.ones(2)], torch.ones(2))],
)


def test_change_inside_a_list_is_reported():
    def accumulate(tensors, extra):
        tensors[0] += tensors[1]
        return tensors[0] + extra

    assert "its input `tensors` in place" in diagnose(TOTAL, accumulate).messages[0]


def test_first_changed_input_is_reported():
    def accumulate(tensors, extra):
        extra += 1
        tensors.pop()
        return 3 * torch.ones(2)

    assert "its input `tensors` in place" in diagnose(TOTAL, accumulate).messages[0]


def test_list_that_became_shorter_is_a_changed_input():
    exercise = Exercise("demo.last", lambda sizes: sizes[-1], (), lambda: [([3, 5],)])
    verdict = diagnose(exercise, lambda sizes: sizes.pop())
    assert "its input `sizes` in place" in verdict.messages[0]


SLOPE = Exercise("demo.slope", torch.ones_like, (), lambda: [(torch.zeros(3),)])


def test_input_marked_for_gradients_is_told_from_changed_numbers():
    def slope(x):
        x.requires_grad_().sum().backward()
        return x.grad

    assert diagnose(SLOPE, slope).messages == (
        "Your code switches `requires_grad` on in its input `x`: it stays on for "
        "whoever else uses `x`. Work on a copy: `x = x.clone().requires_grad_()`.",
    )


def test_input_marked_for_gradients_and_changed_is_changed():
    def slope(x):
        x += 1
        x.requires_grad_().sum().backward()
        return x.grad

    assert "its input `x` in place" in diagnose(SLOPE, slope).messages[0]


def test_tensor_of_a_list_marked_for_gradients_is_a_changed_input():
    def total(tensors, extra):
        return sum(t.requires_grad_() for t in tensors) + extra

    assert "its input `tensors` in place" in diagnose(TOTAL, total).messages[0]


def test_smallest_failing_case_is_shown():
    more = [*cases(), (torch.tensor([-1.0, 5.0]),)]
    exercise = Exercise("demo.relu", torch.relu, (), lambda: more)
    verdict = diagnose(exercise, lambda x: x.clamp(min=1))
    assert verdict.case == (
        "x = [-1, 5]   (shape (2,), float32)\n"
        "expected [0, 5]   (shape (2,), float32)\n"
        "yours    [1, 5]   (shape (2,), float32)"
    )


def test_only_failing_cases_are_shown():
    verdict = diagnose(RELU, lambda x: x.clamp(min=0 if len(x) == 3 else 1))
    assert verdict.case.startswith("x = [[-1, 5]]")


@pytest.mark.parametrize(
    "hiding", [torch.eye(2), torch.ones(1, 2), torch.ones(1, 3), torch.ones(3, 1, 1)]
)
def test_case_that_hides_a_confusion_of_sizes_is_not_shown(hiding):
    table = torch.arange(6.0).reshape(2, 3)
    exercise = Exercise("demo.x", lambda x: x + 1, (), lambda: [(hiding,), (table,)])
    assert diagnose(exercise, lambda x: x.exp()).case.startswith("x = [[0, 1, 2]")


@pytest.mark.parametrize("answer", [misspelt, in_place])
def test_case_of_an_error_or_a_change_has_no_result(answer):
    assert diagnose(RELU, answer).case == "x = [1, -2, 3]   (shape (3,), float32)"


def test_number_counts_one_in_the_size_of_a_case():
    cases = [(torch.ones(2), torch.ones(1)), (1.0, 7), (torch.ones(3), 7)]
    exercise = Exercise("demo.times", lambda x, c: c * x, (), lambda: cases)
    verdict = diagnose(exercise, lambda x, c: x - c)
    assert verdict.case == "x = 1.0\nc = 7\nexpected 7.0\nyours    -6.0"


def test_state_is_that_of_the_case_shown():
    verdict = diagnose(RELU, lambda x: fails_in_one_dimension(x.T).abs())
    assert verdict.state == "error"
    assert verdict.case == "x = [1, -2, 3]   (shape (3,), float32)"


def test_arguments_of_an_unknown_signature_are_numbered():
    exercise = Exercise("demo.max", torch.maximum, (), lambda: [(torch.ones(1),) * 2])
    verdict = diagnose(exercise, torch.add)
    assert verdict.case.startswith(
        "input 1 = [1]   (shape (1,), float32)\ninput 2 = [1]   (shape (1,), float32)"
    )


def test_arguments_that_do_not_fit_the_signature_are_numbered():
    exercise = Exercise("demo.sum", lambda *x: sum(x), (), lambda: [(1, 2)])
    assert "input 2 = 2" in diagnose(exercise, lambda *x: x[0]).case


def test_misconception_is_recognised_by_its_numbers():
    verdict = diagnose(RELU, lambda x: torch.sqrt(x * x))
    assert verdict == Verdict(State.WRONG, ("This is |x|.",), "abs")


def test_misconception_must_agree_on_every_case():
    half = diagnose(RELU, lambda x: x.abs() if x.dim() == 1 else 2 * x)
    assert half.misconception is None


def test_misconception_is_recognised_by_its_error():
    verdict = diagnose(RELU, lambda x: x @ x.T @ x.T)
    assert verdict == Verdict(State.ERROR, ("Matrix.",), "error")


def failing_with(error: Exception):
    def answer(x):
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "name"),
    [(ValueError("a"), "a"), (ValueError("b"), "b"), (TypeError("a"), None)],
)
def test_errors_are_told_apart_by_type_and_message(error, name):
    mistakes = [
        Misconception(text, failing_with(ValueError(text)), f"Message {text}.")
        for text in "ab"
    ]
    exercise = Exercise("demo.relu", torch.relu, mistakes, cases)
    assert diagnose(exercise, failing_with(error)).misconception == name


@pytest.mark.parametrize("answer", [lambda x: x.abs(), lambda x: x.abs_()])
def test_misconceptions_are_told_apart_by_what_they_change(answer):
    mistakes = [
        Misconception("in place", lambda x: x.abs_(), "This is |x|, in place."),
        Misconception("new", lambda x: x.abs(), "This is |x|."),
    ]
    exercise = Exercise("demo.relu", lambda x: x.clamp(min=0), mistakes, cases)
    changed = answer(x := torch.tensor([-1.0])) is x
    assert diagnose(exercise, answer).misconception == (
        "in place" if changed else "new"
    )


def test_first_of_two_equal_misconceptions_is_named():
    twice = [Misconception(n, lambda x: x.abs(), "This is |x|.") for n in "ab"]
    exercise = Exercise("demo.relu", torch.relu, twice, cases)
    assert diagnose(exercise, torch.abs).misconception == "a"


def fails_in_one_dimension(x):
    if x.dim() == 1:
        raise ValueError("one dimension")
    return x.abs()


def test_error_of_the_reference_is_raised():
    exercise = Exercise("demo.broken", fails_in_one_dimension, (), cases)
    with pytest.raises(ValueError, match="one dimension"):
        diagnose(exercise, lambda x: x)


def test_misconception_that_fails_on_one_case_is_wrong_if_another_fails_first():
    mistake = Misconception("abs", fails_in_one_dimension, "This is |x|.")
    for order, state in [(1, "error"), (-1, "wrong")]:
        exercise = Exercise(
            "demo.relu", torch.relu, [mistake], lambda order=order: cases()[::order]
        )
        verdict = diagnose(exercise, fails_in_one_dimension)
        assert (verdict.state, verdict.misconception) == (state, "abs")


UNPACKING = Exercise(
    "demo.design",
    lambda: (2.0, 1.0),
    (),
    cases,
    apply=lambda design, x: (lambda weight, bias: weight * x + bias)(*design()),
)


class Layer(torch.nn.Module):
    def forward(self, x):
        return x.clamp(min=0)


MODULE = Exercise("demo.layer", Layer, (), cases, lambda layer, x: layer()(x) + 1)


class EmptyLayer(torch.nn.Module):
    result = ...

    def forward(self, x):
        return self.result


class NoReturn(EmptyLayer):
    result = None


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (UNPACKING, lambda: ...),
        (MODULE, EmptyLayer),
        (RELU, lambda x: ...),
        (Exercise("demo.put", lambda x: None, (), cases), lambda x: ...),
    ],
)
def test_ellipsis_as_a_result_is_not_attempted(exercise, answer):
    assert diagnose(exercise, answer).state == "not attempted"


def test_ellipsis_is_seen_though_apply_ignores_the_result():
    exercise = Exercise(
        "demo.train", lambda x: x, (), cases, lambda answer, x: (answer(x), 3)[1]
    )
    assert diagnose(exercise, lambda x: ...).state == "not attempted"


@pytest.mark.parametrize(
    ("exercise", "answer"), [(UNPACKING, lambda: print(end="")), (MODULE, NoReturn)]
)
def test_missing_return_is_reported_though_apply_fails(exercise, answer):
    verdict = diagnose(exercise, answer)
    assert verdict.state == "wrong"
    assert verdict.messages == ("Your function returns None: it may lack a `return`.",)


def test_error_in_a_later_call_is_not_taken_for_a_missing_return():
    calls = []

    def fails_second(x):
        calls.append(x)
        if len(calls) % 2 == 0:
            raise ValueError("second call")

    exercise = Exercise(
        "demo.twice", lambda x: x, (), cases, lambda answer, x: (answer(x), answer(x))
    )
    assert "ValueError: second call" in diagnose(exercise, fails_second).messages[0]


def test_hooks_are_not_left_on_a_module_that_an_answer_returns():
    module = torch.nn.Linear(2, 2)
    exercise = Exercise("demo.give", lambda x: module, (), cases)
    diagnose(exercise, lambda x: module)
    assert not module._forward_hooks


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (13, Verdict(State.CORRECT)),
        (torch.tensor(13), Verdict(State.CORRECT)),
        (12, Verdict(State.WRONG, ("Add the bias.",), "no bias")),
        (..., diagnose(RELU, ...)),
        (None, Verdict(State.WRONG, ("You gave None: put the value there.",))),
        (5, Verdict(State.WRONG, ("5 is not the number asked for.",))),
    ],
)
def test_value_is_compared_without_cases(answer, verdict):
    assert diagnose(VALUE, answer) == verdict


MASK = Exercise("demo.mask", lambda x: x * (torch.rand_like(x) < 0.5), (), cases)


def test_answer_draws_what_the_reference_draws():
    state = torch.get_rng_state()
    answer = diagnose(MASK, lambda x: x * (torch.rand_like(x) < 0.5))
    assert answer.state == "correct"
    assert torch.equal(torch.get_rng_state(), state)


def test_draws_are_the_same_whatever_the_seed():
    draws = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        diagnose(MASK, lambda x: draws.append(torch.rand(2)))
    half = len(draws) // 2
    assert torch.equal(torch.stack(draws[:half]), torch.stack(draws[half:]))


def test_result_drawn_where_none_should_be_is_told():
    verdict = diagnose(RELU, lambda x: x.relu() + torch.rand(()))
    assert verdict.state == "wrong"
    assert verdict.messages[0].startswith("Your result is drawn at random")


def test_result_that_grows_from_call_to_call_is_not_said_to_be_drawn():
    def count(n, layers=[]):  # noqa: B006
        layers.append(torch.nn.Linear(n, 1))
        return sum(layer.weight.numel() for layer in layers)

    sizes = Exercise("demo.sizes", lambda n: n, (), lambda: [(3,), (1,), (5,)])
    (message,) = diagnose(sizes, count).messages
    assert message.startswith("Called again with the same input, your code gives")


@pytest.mark.parametrize("kept_for_good", [True, False])
def test_result_kept_on_the_function_is_told(kept_for_good):
    def ones(n):
        if not hasattr(ones, "saved"):
            ones.saved = torch.ones(n)
        return ones.saved[:n] if kept_for_good else torch.zeros(n)

    lengths = Exercise("demo.lengths", torch.ones, (), lambda: [(3,), (2,), (5,)])
    messages = diagnose(lengths, ones).messages
    told = "Your result is right in a first call, and wrong after calls with"
    assert messages[0].startswith(told) is kept_for_good
    assert ones.saved.shape == (3,)  # as the calls have left it


def test_operands_in_another_order_make_the_same_mistake():
    rows = Misconception("rows", lambda x, w: x * w[:, None], "You scale the rows.")
    columns = Exercise(
        "demo.columns",
        lambda x, w: x * w,
        [rows],
        lambda: [(torch.ones(3, 2), torch.ones(2)), (torch.ones(1, 4), torch.ones(4))],
    )
    assert diagnose(columns, lambda x, w: w[:, None] * x).misconception == "rows"


def test_what_the_check_saw_is_not_shown_twice():
    seen = Exercise(
        "demo.seen", lambda n: "nothing", (), lambda: [(1,), (2,)], lambda f, n: f(n)
    )
    verdict = diagnose(seen, lambda n: "a layer is missing")
    assert verdict.messages == ("The check sees this: a layer is missing.",)
    assert verdict.case == ""


def test_numpy_array_is_not_told_to_be_drawn():
    verdict = diagnose(RELU, lambda x: x.relu().numpy())
    assert verdict.state == "wrong"
    assert verdict.messages[0].startswith("Expected a tensor of shape")
    drawn = diagnose(RELU, lambda x: (x.relu() + torch.rand(())).numpy())
    assert drawn.messages[0].startswith("Your result is drawn at random")


def test_result_of_a_design_has_its_own_name():
    line = Exercise(
        "demo.line",
        lambda: 2.0,
        (),
        lambda: [(torch.arange(5.0),), (torch.arange(7.0),)],
        lambda design, x: design() * x,
        result="line's output",
    )
    message = diagnose(line, lambda: -2.0).messages[0]
    assert message.startswith("Your line's output would be right if")


def test_wrong_draws_are_not_told_to_be_none():
    verdict = diagnose(MASK, lambda x: x * (torch.rand_like(x) < 0.1))
    assert "drawn at random" not in " ".join(verdict.messages)


@pytest.mark.parametrize(
    ("available", "initialized", "devices"),
    [(True, True, [1]), (True, False, []), (False, True, []), (False, False, [])],
)
def test_generator_of_a_gpu_in_use_is_forked(
    available, initialized, devices, monkeypatch
):
    forked = []

    def fork_rng(devices):
        forked.append(devices)
        return contextlib.nullcontext()

    monkeypatch.setattr(torch.random, "fork_rng", fork_rng)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: initialized)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch, "manual_seed", lambda seed: None)
    diagnose(RELU, torch.relu)
    assert forked and all(given == devices for given in forked)


def test_every_run_gets_its_own_copy_of_the_case():
    given = torch.tensor([-1.0, 2.0])
    exercise = Exercise("demo.relu", torch.relu, (), lambda: [(given,)])
    diagnose(exercise, in_place)
    assert given.tolist() == [-1.0, 2.0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: [2.0, 1.0, 3.0], "list [2.0, 1.0, 3.0]; expected is tuple (2.0, 1.0)"),
        (lambda: 3, "int 3; expected is tuple (2.0, 1.0)"),
    ],
)
def test_apply_that_stumbles_tells_the_kind_that_is_expected(answer, words):
    verdict = diagnose(UNPACKING, answer)
    assert verdict.state == "wrong"
    assert verdict.messages == (f"Your result is of the wrong kind: {words}.",)


def unusable():
    return "2", 1.0


def test_error_of_the_check_is_not_the_learner_s():
    (message,) = diagnose(UNPACKING, unusable).messages
    assert "in the line" not in message
    assert "Your code stopped" not in message


def refusing(design, x):
    weight, bias = design()
    if weight < 0:
        raise ValueError("The weight must not be negative.")
    return weight * x + bias


def test_error_that_the_check_raises_is_a_message():
    exercise = Exercise("demo.design", lambda: (2.0, 1.0), (), cases, refusing)
    verdict = diagnose(exercise, lambda: (-2.0, 1.0))
    assert (verdict.state, verdict.messages) == (
        "wrong",
        ("The weight must not be negative.",),
    )


def refusing_by_case(design, x):
    if design()[0] < 0:
        raise ValueError(f"Not so for a tensor with {x.ndim} dims.")
    return refusing(design, x)


@pytest.mark.parametrize(
    ("apply", "case"),
    [(refusing, ""), (refusing_by_case, "x = [1, -2, 3]   (shape (3,), float32)")],
)
def test_error_of_the_check_is_shown_with_its_case_where_that_matters(apply, case):
    exercise = Exercise("demo.design", lambda: (2.0, 1.0), (), cases, apply)
    assert diagnose(exercise, lambda: (-2.0, 1.0)).case == case


def test_error_in_a_layer_of_the_learner_is_explained():
    class Fails(Layer):
        def forward(self, x):
            return x @ torch.ones(7, 7)

    verdict = diagnose(MODULE, Fails)
    assert verdict.state == "error"
    assert "in the line `return x @ torch.ones(7, 7)`" in verdict.messages[0]


def with_forbidden(*names):
    return Exercise(
        "demo.relu", torch.relu, RELU.misconceptions, cases, forbidden=names
    )


def test_forbidden_call_is_wrong_even_if_the_values_are_right():
    verdict = diagnose(with_forbidden("F.relu"), lambda x: x.relu())
    assert verdict == Verdict(
        State.WRONG,
        (
            "Your code calls `F.relu`, which this exercise does not allow: write it by "
            "hand.",
        ),
    )


def test_forbidden_call_comes_after_the_mistake():
    verdict = diagnose(with_forbidden("abs"), lambda x: x.abs())
    assert verdict.misconception == "abs"
    assert verdict.messages[0] == "This is |x|."
    assert "Your code calls `abs`" in verdict.messages[1]


def test_stub_calls_nothing_forbidden():
    assert diagnose(with_forbidden("relu"), stub).state == "not attempted"


WEIGHTED = Exercise(
    "demo.weighted",
    lambda x, w: (x * w, x.sum()),
    (),
    lambda: [(torch.tensor([1.0, 2.0]), torch.tensor([3.0, -1.0]))],
    parts=("the product", "the sum"),
    differentiable=True,
)


WRONG_GRADIENT = "The values are right, the gradient of `w` is not:"


def half_without_gradients(x, w):
    with torch.no_grad():
        other = w / 2
    return x * (w / 2 + other), x.sum()


CUT_OFF = "is cut off from autograd, by `.detach()`: no gradient reaches `x`, `w`."
CUT_OFF_SOMEHOW = (
    "is cut off from autograd, for example by {}: no gradient reaches `x`, `w`."
)
TOLIST = "`.tolist()` or `torch.tensor(...)` around a result"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x, w: (x * w, x.sum()), None),
        (
            lambda x, w: ((x * w).detach(), x.sum().detach()),
            f"Your result {CUT_OFF}",
        ),
        (
            lambda x, w: (torch.tensor((x * w).tolist()), torch.tensor(x.sum().item())),
            f"Your result {CUT_OFF_SOMEHOW.format('`.item()`, ' + TOLIST)}",
        ),
        (
            lambda x, w: (torch.from_numpy(x.numpy() * w.numpy()), x.sum()),
            f"Your result {CUT_OFF_SOMEHOW.format('numpy')}",
        ),
        (
            lambda x, w: (x * w, x.sum().detach()),
            f"Your result for the sum {CUT_OFF}",
        ),
        (
            lambda x, w: (x * w.detach(), x.sum()),
            "The values are right, but no gradient reaches `w`: its way back is cut "
            "off, by `.detach()`.",
        ),
        (
            lambda x, w: (x * torch.tensor(w.tolist()), x.sum()),
            "The values are right, but no gradient reaches `w`: its way back is cut "
            f"off, for example by {TOLIST}.",
        ),
        (
            lambda x, w: (x * (w.round() + (w - w)), x.sum()),
            "The values are right, but the gradient of `w` is 0 everywhere. Nothing is "
            "cut off: either every way back has a slope of 0, as `round`, `floor` and "
            "`sign` have, or terms that cancel do so on the way back too, as in "
            "`a + (b - a)`.",
        ),
        (
            lambda x, w: (x * torch.cat([w[:1], w[1:].round()]), x.sum()),
            f"{WRONG_GRADIENT} it is 0 in places where it should not be.",
        ),
        (
            lambda x, w: ((x * w).long().to(x.dtype), x.sum().long().to(x.dtype)),
            "Your result is cut off from autograd: no gradient reaches `x`, `w`. "
            "Comparisons, `argmax`, whole numbers, `float(…)` and `int(…)` let none "
            "through.",
        ),
        *(
            (
                answer,
                f"{WRONG_GRADIENT} a part of your result is held constant, by "
                f"`{what}`. That part depends on `w` too: let the gradient flow "
                "through it.",
            )
            for what, answer in {
                ".detach()": lambda x, w: (x * (w + w.detach()) / 2, x.sum()),
                ".data": lambda x, w: (x * torch.cat([w[:1], w.data[1:]]), x.sum()),
                "torch.tensor(…)": lambda x, w: (
                    x * (w + torch.tensor([w[0], w[1]])) / 2,
                    x.sum(),
                ),
                "torch.no_grad()": half_without_gradients,
            }.items()
        ),
        (
            lambda x, w: (x * (3 * w - 2 * torch.tensor(w.tolist())), x.sum()),
            f"{WRONG_GRADIENT} a gradient comes through, but another one than asked "
            "for.",
        ),
        (
            lambda x, w: (
                x * torch.cat([w[:1], torch.tensor(w[1:].tolist())]),
                x.sum(),
            ),
            f"{WRONG_GRADIENT} on its way back it, or a part of it, may be cut off by "
            f"{TOLIST}.",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Converting a tensor")
def test_gradients_are_compared(answer, message):
    verdict = diagnose(WEIGHTED, answer)
    messages = [re.sub(" in the line `[^`]*`", "", m) for m in verdict.messages]
    assert messages == ([message] if message else [])
    assert verdict.state == ("wrong" if message else "correct")


def half_detached(x, w):
    length = len(x.detach())
    other = w.detach() / 2
    return (x * (w / 2 + other))[:length], x.sum()


def test_line_that_holds_a_part_constant_is_shown():
    (message,) = diagnose(WEIGHTED, half_detached).messages
    assert "by `.detach()` in the line `other = w.detach() / 2`" in message


def test_wrong_gradient_is_shown():
    verdict = diagnose(WEIGHTED, lambda x, w: (x * w.detach(), x.sum()))
    assert verdict.case.startswith("x = [1, 2]")
    assert "the gradient of w" in verdict.case
    assert "yours    [0, 0]" in verdict.case


def test_wrong_values_come_before_gradients():
    verdict = diagnose(WEIGHTED, lambda x, w: ((x * w * 2).detach(), x.sum()))
    assert "autograd" not in " ".join(verdict.messages)


def test_mistake_in_the_gradient_is_named():
    detached = Misconception(
        "cut", lambda x, w: (x * w.detach(), x.sum()), "You detach `w`."
    )
    exercise = Exercise(
        "demo.w", WEIGHTED.reference, [detached], WEIGHTED.cases, differentiable=True
    )
    assert diagnose(exercise, lambda x, w: (x * w.data, x.sum())) == Verdict(
        State.WRONG, ("You detach `w`.",), "cut"
    )


def scaled(mistakes):
    """Return 2 x + 1 with some of the mistakes: no factor, no offset, sign."""

    def answer(x):
        factor = 1.0 if "no factor" in mistakes else 2.0
        offset = 0.0 if "no offset" in mistakes else 1.0
        sign = -1 if "sign" in mistakes else 1
        return sign * (factor * x.sin() + offset)

    return None if mistakes == {"no factor", "sign"} else answer


COMBINED = Exercise(
    "demo.scaled",
    scaled(frozenset()),
    [
        Misconception(name, scaled(frozenset([name])), f"Hint: {name}.")
        for name in ("no factor", "no offset", "sign")
    ],
    cases,
    switches=scaled,
)


def test_two_mistakes_at_once_are_named():
    verdict = diagnose(COMBINED, lambda x: x.sin())
    assert verdict == Verdict(
        State.WRONG,
        ("There are two mistakes.", "Hint: no factor.", "Hint: no offset."),
        "no factor + no offset",
    )


def test_one_mistake_is_named_alone():
    verdict = diagnose(COMBINED, lambda x: x.sin() + 1)
    assert (verdict.messages, verdict.misconception) == (
        ("Hint: no factor.",),
        "no factor",
    )


def test_mistakes_that_do_not_go_together_are_not_tried():
    assert diagnose(COMBINED, lambda x: -x.sin() - 1).misconception is None


def test_unused_parameter_is_named():
    exercise = Exercise(
        "demo.times", lambda x, c: c * x, (), lambda: [(2, 3), (3, 7), (5, 11)]
    )
    verdict = diagnose(exercise, lambda number, factor: number**3 - number)
    assert verdict.messages[0] == "Your code never uses `factor`."


def test_numbers_are_rounded_for_show():
    cases = [(0.1,), (0.7,), (0.4,)]
    exercise = Exercise("demo.third", lambda x: x / 3, (), lambda: cases)
    verdict = diagnose(exercise, lambda x: x**2 / 7)
    assert verdict.case == "x = 0.1\nexpected 0.0333333\nyours    0.00142857"


def test_arguments_are_those_of_apply_where_it_takes_others():
    exercise = Exercise(
        "demo.layer", Layer, (), cases, apply=lambda layer, values: layer()(values)
    )
    assert diagnose(exercise, EmptyLayer).state == "not attempted"

    class Twice(Layer):
        def forward(self, x):
            return 2 * x.exp()

    assert diagnose(exercise, Twice).case.startswith("values = ")


def test_arguments_named_by_the_exercise_come_first_with_apply():
    exercise = Exercise(
        "demo.layer",
        Layer,
        (),
        cases,
        apply=lambda layer, values: layer()(values),
        arguments=("the batch",),
    )
    verdict = diagnose(exercise, lambda: lambda x: x.exp())
    assert verdict.case.startswith("the batch = ")


TWO = Exercise(
    "demo.two",
    lambda x: (x.sum(), x * 2),
    (),
    lambda: [(torch.arange(20.0).reshape(4, 5),)],
    parts=("the sum of `x`", "twice `x`"),
)


def test_items_of_a_result_are_shown_by_name():
    verdict = diagnose(TWO, lambda x: (x.sum(), (x * 2).cos()))
    assert verdict.messages[0].startswith("Twice `x`: the shape is right")
    assert verdict.case == (
        "x = shape (4, 5), float32\n"
        "the sum of x: as expected\n"
        "twice x:\n"
        "  expected shape (4, 5), float32\n"
        "  yours    shape (4, 5), float32\n"
        "  first difference at [0, 0] (counted from 0); around it, at [0, 0:3]:\n"
        "  expected [0, 2, 4]\n"
        "  yours    [1, -0.4161, -0.6536]"
    )


def test_relation_of_an_item_names_it():
    verdict = diagnose(TWO, lambda x: (x.sum(), x * 6))
    assert verdict.messages == (
        "In twice `x`: your result is 3 times the expected one: look for a constant "
        "factor too much or missing.",
    )


def test_condition_of_an_error_is_named():
    shapes = [(2, 3), (4, 3), (3,), (5, 2)]
    exercise = Exercise(
        "demo.x", lambda x: x, (), lambda: [(torch.rand(shape),) for shape in shapes]
    )
    verdict = diagnose(exercise, lambda x: x + len(x[0]) - len(x[0]))
    assert (
        verdict.messages[-1]
        == "In the cases tried, it is wrong exactly where `x` has 1 dim."
    )
