"""Every exercise of the course: its reference, its mistakes, and malformed answers."""

import importlib
import inspect
import pkgutil
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.exercises import bank
from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.model import Exercise
from course_utils.exercises.registry import find_exercise
from tests.exercises.verdicts import named_shapes

LESSONS = sorted(m.name for m in pkgutil.iter_modules(bank.__path__))
ALL = {
    exercise.name: exercise
    for name in LESSONS
    for exercise in importlib.import_module(
        f"course_utils.exercises.bank.{name}"
    ).EXERCISES
}
# Where the answer has only to change its argument, doing nothing is a known mistake.
DOES_NOTHING = {"dropout.awake": "nothing changed"}
# `make test` tries each exercise's first mistake, `make test-all` all 1,500.
MISTAKES = [
    pytest.param(name, m.name, marks=pytest.mark.all if place else [])
    for name, exercise in ALL.items()
    for place, m in enumerate(exercise.misconceptions)
]
every_exercise = pytest.mark.parametrize("name", ALL)
every_function = pytest.mark.parametrize(
    "name", [name for name, exercise in ALL.items() if exercise.cases is not None]
)


def stub(*args): ...


def none_at_the_end(*args):
    str(args)


def failing(*args):
    raise ZeroDivisionError("division by nothing")


@pytest.mark.parametrize("lesson", LESSONS)
def test_lesson_has_five_exercises_or_more_named_after_it(lesson):
    names = [name for name in ALL if name.split(".")[0] == lesson]
    assert len(names) >= 5


@every_exercise
def test_exercise_is_found_by_its_name_and_knows_three_mistakes(name):
    assert find_exercise(name) is ALL[name]
    mistakes = [m.name for m in ALL[name].misconceptions]
    assert len(set(mistakes)) == len(mistakes) >= 3


@every_exercise
def test_reference_is_correct(name):
    assert diagnose(ALL[name], ALL[name].reference).state == "correct"


@every_exercise
def test_stub_is_not_attempted(name):
    answers = [...] if ALL[name].cases is None else [..., stub]
    assert {diagnose(ALL[name], a).state for a in answers} == {"not attempted"}


@pytest.mark.nightly
@every_function
def test_shapes_named_for_a_mistake_are_those_of_the_case_shown(name):
    unknown = replace(ALL[name], misconceptions=(), switches=None)
    for mistake in ALL[name].misconceptions:
        verdict = diagnose(unknown, mistake.answer)
        shown = [shape in verdict.case for shape in named_shapes(verdict)]
        assert all(shown), (mistake.name, verdict)


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_mistake_gets_its_own_hint(name, mistake):
    (known,) = [m for m in ALL[name].misconceptions if m.name == mistake]
    verdict = diagnose(ALL[name], known.answer)
    assert verdict.misconception == mistake
    assert verdict.messages == (known.hint,)
    assert verdict.state in ("wrong", "error")


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_hint_is_a_whole_sentence_with_closed_code(name, mistake):
    (known,) = [m for m in ALL[name].misconceptions if m.name == mistake]
    assert known.hint.rstrip(")").endswith((".", "?", "!"))
    assert len(known.hint.split()) >= 5
    assert known.hint.count("`") % 2 == 0


@pytest.mark.parametrize(
    "name", [name for name, exercise in ALL.items() if exercise.switches]
)
def test_a_single_switch_is_the_mistake_of_its_name(name):
    exercise = ALL[name]
    made = 0
    for mistake in exercise.misconceptions:
        answer = exercise.switches(frozenset({mistake.name}))
        if answer is not None:
            assert diagnose(exercise, answer).misconception == mistake.name
            made += 1
    assert made >= 3


@pytest.mark.parametrize(
    ("name", "mistakes"),
    [
        ("linear.backward", ("dx transposed", "bias summed over outputs")),
        ("linear.merge", ("order", "biases added")),
        ("normalization.counts", ("BatchNorm by example", "groups once")),
        ("normalization.running", ("momentum reversed", "biased variance")),
        ("convolution.output_size", ("padding on one side", "one too few")),
        ("pooling.size", ("stride 1", "padding forgotten")),
    ],
)
def test_two_mistakes_at_once_are_both_told(name, mistakes):
    exercise = ALL[name]
    hints = [m.hint for m in exercise.misconceptions if m.name in mistakes]
    verdict = diagnose(exercise, exercise.switches(frozenset(mistakes)))
    assert verdict.messages == ("There are two mistakes.", *hints)


@every_exercise
def test_malformed_answer_is_wrong_and_no_known_mistake(name):
    exercise = ALL[name]
    answers = [None, "text", object()]
    if exercise.cases is not None:
        answers += [lambda *args: object(), torch.zeros(2)]
    for answer in answers:
        verdict = diagnose(exercise, answer)
        assert verdict.state in ("wrong", "error")
        assert verdict.misconception in (None, DOES_NOTHING.get(name))
        assert all(message.strip() for message in verdict.messages)


@every_function
def test_missing_return_is_reported(name):
    verdict = diagnose(ALL[name], none_at_the_end)
    assert verdict.state == "wrong"
    assert verdict.misconception == DOES_NOTHING.get(name)
    if name != "dropout.awake":  # it returns nothing
        assert "Your function returns None" in verdict.messages[0]


@every_function
def test_error_of_the_answer_is_shown(name):
    verdict = diagnose(ALL[name], failing)
    assert (verdict.state, verdict.misconception) == ("error", None)
    line = 'raise ZeroDivisionError("division by nothing")'
    assert verdict.messages == (
        f"Your code stopped in the line `{line}`: "
        "ZeroDivisionError: division by nothing",
    )


def content(value):
    """Return what a case holds as plain values, so that `==` compares it all."""
    if isinstance(value, torch.Tensor):
        return value.dtype, value.tolist()
    if isinstance(value, list | tuple):
        return [content(item) for item in value]
    if isinstance(value, torch.nn.Module):
        return repr(value), [module.training for module in value.modules()]
    if inspect.isfunction(value):
        return value.__qualname__
    if hasattr(value, "__dict__"):
        return {name: content(part) for name, part in vars(value).items()}
    return value


@every_function
def test_cases_are_the_same_each_time(name):
    first, second = list(ALL[name].cases()), list(ALL[name].cases())
    assert content(first) == content(second)
    assert first


@every_function
def test_no_case_occurs_twice(name):
    contents = [content(case) for case in ALL[name].cases()]
    assert all(case not in contents[:i] for i, case in enumerate(contents))


@every_function
def test_no_tensor_of_a_case_is_all_zero(name):
    tensors = [a for case in ALL[name].cases() for a in case if torch.is_tensor(a)]
    assert all(tensor.count_nonzero() for tensor in tensors)


def answer_with(count: int):
    """Return an answer whose parameters are called own_0, own_1 and so on."""

    def answer(*args):
        return object()

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = [inspect.Parameter(f"own_{i}", kind) for i in range(count)]
    answer.__signature__ = inspect.Signature(names)
    return answer


@every_function
def test_arguments_of_a_case_are_shown_by_name(name):
    exercise = ALL[name]
    count = len(next(iter(exercise.cases())))
    verdict = diagnose(exercise, answer_with(count))
    first = verdict.case.partition(" = ")[0]
    if verdict.misconception:  # the hint stands alone
        assert name in DOES_NOTHING
    elif not verdict.case:  # the check found the same in every case
        assert exercise.apply is not Exercise.apply
    elif exercise.apply is Exercise.apply:
        assert first == "own_0"
    else:  # the check calls the answer with other things
        apply = list(inspect.signature(exercise.apply).parameters)[1:]
        assert first in {"own_0", *exercise.arguments[:1], *apply[:1]}


class ShrinkingWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(784, 64), nn.Linear(64, 10)])

    def forward(self, x):
        for layer in self.layers:
            layer.weight.data /= layer.in_features**0.5
        return self.layers[1](self.layers[0](x.flatten(1)).relu())


class DropoutInAList(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(12, 32), nn.Linear(32, 4)
        self.drops = [nn.Dropout(0.2), nn.Dropout(0.5)]

    def forward(self, x):
        hidden = self.first(self.drops[0](x)).relu()
        return self.last(self.drops[1](hidden))


class DropoutInPlace(DropoutInAList):
    def __init__(self):
        super().__init__()
        self.drops = nn.ModuleList([nn.Dropout(0.2, inplace=True), nn.Dropout(0.5)])


class NormInPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(16))
        self.up, self.down = nn.Linear(16, 64), nn.Linear(64, 16)

    def normed(self, x):
        x /= (x.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()
        return x * self.gamma

    def forward(self, x):
        return x + self.down(self.up(self.normed(x)).relu())


class GammaCutOff(NormInPlace):
    def normed(self, x):
        root = (x.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()
        return x / root * self.gamma.data


class RootHeldFixed(NormInPlace):
    def normed(self, x):
        with torch.no_grad():
            root = (x.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()
        return x / root * self.gamma


class RightNorm(NormInPlace):
    def normed(self, x):
        root = (x.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()
        return x / root * self.gamma


class BranchCutOff(RightNorm):
    def forward(self, x):
        return x + self.down(self.up(self.normed(x)).relu()).detach()


class AllCutOff(RightNorm):
    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)


class ReluBehindDown(RightNorm):
    def forward(self, x):
        return x + self.down(self.up(self.normed(x))).relu()


class GeluForRelu(RightNorm):
    def forward(self, x):
        return x + self.down(F.gelu(self.up(self.normed(x))))


class NormBehindTheBranch(RightNorm):
    def forward(self, x):
        return x + self.normed(self.down(self.up(x).relu()))


class OneRootForAll(NormInPlace):
    def normed(self, x):
        return x / (x.square().mean() + 1e-6).sqrt() * self.gamma


class ReluInPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.middle = nn.Linear(196, 64), nn.Linear(64, 64)
        self.last = nn.Linear(64, 10)

    def forward(self, x):
        hidden = self.first(x.mul_(1.5)).relu()
        return self.last(hidden + self.middle(hidden).relu())


def stack_with_biases_over_the_budget():
    widths = (784, 69, 74, 10)
    layers = [nn.Flatten(), nn.Dropout(0.2), nn.Linear(*widths[:2]), nn.ReLU()]
    layers += [nn.Dropout(0.3), nn.Linear(*widths[1:3]), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(0.3), nn.Linear(*widths[2:]))


def stack_without_one_activation():
    layers = [nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(196, 100)]
    layers += [nn.BatchNorm1d(100), nn.Dropout(0.5), nn.Linear(100, 100), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(0.5), nn.Linear(100, 10))


def stack_with_whole_channels_dropped():
    layers = [nn.Dropout2d(0.2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(784, 69)]
    layers += [nn.ReLU(), nn.Dropout(0.3), nn.Linear(69, 69), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(0.3), nn.Linear(69, 10))


class OwnDropout(nn.Module):
    def forward(self, x):
        return 2 * x * (torch.rand_like(x) < 0.5) if self.training else x


def stack_with_own_dropout_on_the_scores():
    layers = [nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(196, 100)]
    layers += [nn.ReLU(), nn.Dropout(0.5), nn.Linear(100, 100), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(0.5), nn.Linear(100, 10), OwnDropout())


def stack_with_random_slopes():
    net = ALL["dropout.design"].reference()
    return nn.Sequential(
        *(nn.RReLU() if isinstance(layer, nn.ReLU) else layer for layer in net)
    )


class OwnActivation(nn.Module):
    def forward(self, x):
        return x * x.sigmoid()


def stack_with_own_activations_after_dropout():
    layers = [nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(196, 100)]
    layers += [nn.Dropout(0.5), OwnActivation(), nn.Linear(100, 100), nn.Dropout(0.5)]
    return nn.Sequential(*layers, OwnActivation(), nn.Linear(100, 10))


def stack_with_norms_over_the_budget():
    blocks = [nn.Sequential(nn.LayerNorm(41), nn.Linear(41, 41)) for _ in range(18)]
    return nn.Sequential(
        nn.Linear(196, 41), *blocks, nn.LayerNorm(41), nn.Linear(41, 10)
    )


def stack_with_dropout():
    layers = [nn.Linear(196, 38), *(nn.Linear(38, 38) for _ in range(18))]
    return nn.Sequential(*layers, nn.Dropout(0.1), nn.Linear(38, 10))


def blocks_with_a_log_softmax():
    net = ALL["normalization.design"].reference()
    return nn.Sequential(net, nn.LogSoftmax(dim=-1))


class Scaled(nn.Module):
    def __init__(self, net, factor):
        super().__init__()
        self.net, self.factor = net, factor

    def forward(self, x):
        return self.factor * self.net(x)


def blocks_with_small_scores():
    return Scaled(ALL["normalization.design"].reference(), 0.1)


class Branch(nn.Module):
    def __init__(self, norm, call=lambda layer, x: layer(x)):
        super().__init__()
        self.norm, self.up, self.down = norm, nn.Linear(38, 38), nn.Linear(38, 38)
        self.call = call

    def forward(self, x):
        return x + 0.3 * self.call(self.down, self.call(self.up, self.norm(x)).relu())


def blocks_with_one_norm_at_the_entrance():
    blocks = [Branch(nn.Identity()) for _ in range(9)]
    entrance = nn.LayerNorm(196), nn.Linear(196, 38)
    return Scaled(nn.Sequential(*entrance, *blocks, nn.Linear(38, 10)), 3)


def stack_of_orthogonal_weights_without_a_path():
    layers = [nn.Linear(196, 40), nn.LayerNorm(40)]
    for _ in range(18):
        layers += [nn.Linear(40, 40), nn.Tanh(), nn.LayerNorm(40)]
    net = nn.Sequential(*layers, nn.Linear(40, 10))
    for layer in net[:-1]:
        if isinstance(layer, nn.Linear):
            nn.init.orthogonal_(layer.weight)
    return net


def blocks_that_call_in_other_ways(call):
    def answer():
        blocks = [Branch(nn.LayerNorm(38), call) for _ in range(9)]
        body = nn.Linear(196, 38), *blocks, nn.LayerNorm(38)
        return Scaled(nn.Sequential(*body, nn.Linear(38, 10)), 2)

    return answer


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        blocks = [Branch(nn.LayerNorm(38)) for _ in range(9)]
        self.body = nn.Sequential(nn.Linear(196, 38), *blocks[1:], nn.LayerNorm(38))
        self.heads = nn.ModuleList([nn.Linear(38, 10) for _ in range(3)])

    def forward(self, x):
        h = self.body(x)
        return 2 * sum(head(h) for head in self.heads)


def stack_with_hes_weights_and_no_norm():
    widths = [196, *([40] * 19)]
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(40, 10))
    for layer in net[::2]:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return net


def rms_backward_by_autograd(x, gamma, g, eps):
    inputs = x.clone().requires_grad_(), gamma.clone().requires_grad_()
    y = inputs[0] / (inputs[0].square().mean(-1, keepdim=True) + eps).sqrt() * inputs[1]
    return torch.autograd.grad(y, inputs, g)


def rms_backward_by_vjp(x, gamma, g, eps):
    def forward(x, gamma):
        return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * gamma

    return torch.func.vjp(forward, x, gamma)[1](g)


def rms_backward_by_jacfwd(x, gamma, g, eps):
    def loss(x, gamma):
        root = (x.square().mean(-1, keepdim=True) + eps).sqrt()
        return (x / root * gamma * g).sum()

    return torch.func.jacfwd(loss, argnums=(0, 1))(x, gamma)


def narrow(width):
    def answer(n_in, n_out, budget):
        hidden = width(n_in, n_out, budget)
        return nn.Sequential(nn.Linear(n_in, hidden), nn.Linear(hidden, n_out))

    return answer


def garment_net(first, second):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.middle = nn.Linear(196, 64), nn.Linear(64, 64)
            self.last = nn.Linear(64, 10)

        def forward(self, x):
            hidden = first(self.first(x))
            return self.last(hidden + second(self.middle(hidden)))

    return Net


def backward_by_autograd(x, weight, g):
    (x.requires_grad_() @ weight.T).backward(g)
    return x.grad, g.T @ x.detach(), g.sum(0)


def slopes_at_the_argument(activation, z):
    activation(z.requires_grad_()).sum().backward()
    return z.grad.square().mean().rsqrt()


def output_weights_in_a_row():
    first = torch.tensor([[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]])
    return first, torch.zeros(3), torch.tensor([1.0, 1.0, -1.0]), torch.zeros(1)


# Made by a function, so not found by name in another process.
MADE = [
    ("linear.budget", narrow(lambda i, o, budget: budget // 300), "too many"),
    (
        "linear.budget",
        narrow(lambda i, o, budget: budget // (i + o + 2)),
        "more than the rank needs",
    ),
    (
        "linear.budget",
        narrow(lambda i, o, budget: 1),
        "there is room for a wider layer",
    ),
    (
        "activations.repair",
        garment_net(F.leaky_relu, F.relu),
        "a leaky ReLU of slope 0.01 in place of its first ReLU, a new operation",
    ),
    (
        "activations.repair",
        garment_net(F.relu, F.gelu),
        "a GELU in place of its second ReLU, a new operation",
    ),
    (
        "activations.repair",
        garment_net(F.leaky_relu, F.leaky_relu),
        "in place of both its ReLUs, a new operation",
    ),
]
CAUSES = [
    (
        "linear.backward",
        backward_by_autograd,
        "switches `requires_grad` on in its input `x`",
    ),
    (
        "activations.gain",
        slopes_at_the_argument,
        "switches `requires_grad` on in its input `z`",
    ),
    ("activations.maximum", output_weights_in_a_row, "do not fit together"),
    ("linear.repair", ShrinkingWeights, "changes the parameter `layers.0.weight`"),
    ("dropout.repair", DropoutInAList, "kept in a plain list"),
    ("dropout.repair", DropoutInPlace, "changes its input in place"),
    ("normalization.repair", NormInPlace, "changes its input in place"),
    ("normalization.repair", GammaCutOff, "no gradient reaches `gamma`"),
    ("normalization.repair", BranchCutOff, "no gradient reaches `gamma`"),
    ("normalization.repair", AllCutOff, "no gradient reaches `gamma`"),
    ("normalization.repair", RootHeldFixed, "the gradient that `x` gets is another"),
    ("activations.repair", ReluInPlace, "changes its input in place"),
    (
        "dropout.design",
        stack_with_biases_over_the_budget,
        "The weights alone are 59,942",
    ),
    (
        "dropout.design",
        stack_without_one_activation,
        "a hidden layer has no activation after it",
    ),
    (
        "dropout.design",
        stack_with_whole_channels_dropped,
        "a Dropout2d drops in another way",
    ),
    (
        "dropout.design",
        stack_with_own_dropout_on_the_scores,
        "training still gives random scores",
    ),
    (
        "dropout.design",
        stack_with_random_slopes,
        "training still gives random scores",
    ),
    (
        "normalization.design",
        stack_with_norms_over_the_budget,
        "The linear layers alone have 39,493",
    ),
    (
        "normalization.design",
        stack_with_dropout,
        "The same pictures get other scores at the second call",
    ),
    (
        "normalization.design",
        blocks_with_a_log_softmax,
        "a log-softmax stands at the end",
    ),
    (
        "normalization.rms_backward",
        rms_backward_by_autograd,
        "Your code calls `autograd.grad`",
    ),
    (
        "normalization.rms_backward",
        rms_backward_by_vjp,
        "Your code calls `func.vjp`",
    ),
    pytest.param(
        "normalization.rms_backward",
        rms_backward_by_jacfwd,
        "Your code calls `func.jacfwd`",
        # torch itself still uses it in forward mode
        marks=pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated"),
    ),
]


@pytest.mark.parametrize(("name", "answer", "words"), [*CAUSES, *MADE])
def test_cause_beside_the_numbers_is_told(name, answer, words):
    verdict = diagnose(ALL[name], answer)
    assert (verdict.state, verdict.misconception) == ("wrong", None)
    assert words in verdict.messages[0]


def group_norm_with_its_own_eps(x, groups, eps):
    return F.group_norm(x, groups, eps=1e-5)


def rms_backward_with_its_own_eps(x, gamma, g, eps):
    return ALL["normalization.rms_backward"].reference(x, gamma, g, 1e-5)


def layer_norm_by_mean_deviation(x, gamma, beta, eps):
    centred = x - x.mean(dim=-1, keepdim=True)
    return gamma * centred / (centred.abs().mean(dim=-1, keepdim=True) + eps) + beta


@pytest.mark.parametrize(
    ("name", "answer", "mistake", "words"),
    [
        (
            "normalization.group_norm",
            group_norm_with_its_own_eps,
            "eps forgotten",
            "or of a tiny fixed one",
        ),
        (
            "normalization.rms_backward",
            rms_backward_with_its_own_eps,
            "eps forgotten",
            "or of a tiny fixed one",
        ),
        (
            "normalization.layer_norm",
            layer_norm_by_mean_deviation,
            "mean absolute deviation",
            "Square the deviations",
        ),
        *(
            (
                "normalization.repair",
                answer,
                "mean subtracted",
                "one ReLU stands between `up` and `down`",
            )
            for answer in (ReluBehindDown, GeluForRelu, NormBehindTheBranch)
        ),
        (
            "normalization.repair",
            OneRootForAll,
            "over the words",
            "without a `dim` all numbers share one root",
        ),
        (
            "normalization.design",
            blocks_with_small_scores,
            "a norm in a plain stack",
            "what scales the scores down",
        ),
        ("normalization.design", TwoHeads, "side by side", "leads through 20 of them"),
    ],
)
def test_hint_fits_other_answers_that_look_the_same(name, answer, mistake, words):
    verdict = diagnose(ALL[name], answer)
    assert verdict.misconception == mistake
    assert words in verdict.messages[0]
    assert verdict.case == ""


@pytest.mark.parametrize("seed", range(5))
def test_size_is_the_trouble_of_a_stack_with_hes_weights_and_no_norm(seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        exercise = ALL["normalization.design"]
        verdict = diagnose(exercise, stack_with_hes_weights_and_no_norm)
    assert verdict.misconception == "size not taken out"


@pytest.mark.parametrize("width", [1, 25])
def test_width_for_a_budget_is_not_given_away(width):
    verdict = diagnose(ALL["linear.budget"], narrow(lambda i, o, budget: width))
    assert f"the width between your layers is {width}." in verdict.messages[0]
    assert verdict.case == ""


def test_case_of_a_design_of_wrong_shapes_is_not_shown():
    assert diagnose(ALL["activations.maximum"], output_weights_in_a_row).case == ""


@pytest.mark.parametrize(
    "bias",
    [
        lambda merged, b1, w2, b2: b1 + b2,
        lambda merged, b1, w2, b2: b2,
        lambda merged, b1, w2, b2: b1 @ w2 + b2,
        lambda merged, b1, w2, b2: w2 @ b1,
    ],
)
def test_order_of_merged_weights_is_told_whatever_the_bias(bias):
    def merge(layers):
        weight, shift = layers[0]
        for w2, b2 in layers[1:]:
            merged = weight @ w2
            weight, shift = merged, bias(merged, shift, w2, b2)
        return weight, shift

    verdict = diagnose(ALL["linear.merge"], merge)
    hints = [m.hint for m in ALL["linear.merge"].misconceptions if m.name == "order"]
    assert hints[0] in verdict.messages


class TurnedWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(torch.randn(784, 64) / 28)
        self.first_bias = nn.Parameter(torch.zeros(1, 64))
        self.last = nn.Parameter(torch.randn(64, 10) / 8)
        self.last_bias = nn.Parameter(torch.zeros(10))

    def forward(self, x):
        hidden = (x.flatten(1) @ self.first + self.first_bias).relu()
        return hidden @ self.last + self.last_bias


def test_design_takes_own_activations_behind_the_dropout():
    answer = stack_with_own_activations_after_dropout
    assert diagnose(ALL["dropout.design"], answer).state == "correct"


def test_repair_takes_weights_that_are_stored_the_other_way_round():
    assert diagnose(ALL["linear.repair"], TurnedWeights).state == "correct"


def convolutions_without_biases():
    widths = [(1, 16, 2), (16, 16, 2), *[(16, 16, 1)] * 3]
    layers = []
    for n_in, n_out, stride in widths:
        conv = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(n_out), nn.ReLU()]
    return nn.Sequential(*layers)


def maxima_before_the_convolution():
    return nn.Sequential(nn.MaxPool2d(4), nn.Conv2d(1, 16, 9, padding=4), nn.ReLU())


def head_of_maxima():
    maxima = nn.AdaptiveMaxPool2d(3)
    head = [nn.Conv2d(128, 4, 1), nn.ReLU(), maxima, nn.Flatten(), nn.Linear(36, 10)]
    return nn.Sequential(*head)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("convolution.design", convolutions_without_biases),
        ("convolution.design", maxima_before_the_convolution),
        ("flatten.design_head", head_of_maxima),
    ],
)
def test_design_takes_layers_that_pass_on_one_number_or_one_sign(name, answer):
    assert diagnose(ALL[name], answer).state == "correct"


@pytest.mark.parametrize(
    "answer",
    [
        blocks_with_one_norm_at_the_entrance,
        stack_of_orthogonal_weights_without_a_path,
        blocks_that_call_in_other_ways(lambda layer, x: layer(x)),
        blocks_that_call_in_other_ways(lambda layer, x: layer(input=x)),
        blocks_that_call_in_other_ways(lambda layer, x: x @ layer.weight.T),
        blocks_that_call_in_other_ways(lambda layer, x: layer.forward(x)),
    ],
)
def test_normalization_design_takes_other_ways_to_be_deep(answer):
    assert diagnose(ALL["normalization.design"], answer).state == "correct"
