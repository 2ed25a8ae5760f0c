"""Values as plain data: they come back as they were, and nothing odd gets in."""

import json
import math

import pytest
import torch

from course_utils.exercises.compare import describe
from course_utils.grading.wire import Reader, Unreadable, Writer

TENSORS = [
    torch.randn(3, 4),
    torch.randn(3, 4).T,
    torch.randn(3, 1).expand(3, 4),
    torch.randn(4, 4)[:, 1:3],
    torch.randn(1).expand(1),
    torch.tensor(2.0),
    torch.empty(0, 3),
    torch.arange(5),
    torch.tensor([True, False]),
    torch.ones(2, dtype=torch.bfloat16),
    torch.tensor([1 + 2j]),
    torch.tensor([math.nan, math.inf]),
]


def sent(value, **options):
    return Reader(**options).read(json.loads(json.dumps(Writer().write(value))))


@pytest.mark.parametrize("tensor", TENSORS)
def test_tensor_comes_back_with_its_place_in_memory(tensor):
    back = sent(tensor, strided=True)
    torch.testing.assert_close(back, tensor, rtol=0, atol=0, equal_nan=True)
    assert back.stride() == tensor.stride()


def test_tensor_from_a_side_that_is_not_trusted_is_contiguous():
    assert sent(torch.randn(3, 4).T).is_contiguous()


@pytest.mark.parametrize(
    "value",
    [3, -(2**70), 2.5, True, None, "text", (1, [2, (3,)]), {"a": 1}, ..., (), []],
)
def test_plain_value_comes_back(value):
    back = sent(value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.uint8, torch.quint8])
def test_dtype_comes_back_as_itself(dtype):
    assert sent(dtype) is dtype


def test_types_of_torch_come_back():
    largest = torch.tensor([[1.0, 2.0]]).max(dim=1)
    assert type(sent(largest)) is type(largest)
    assert type(sent(torch.Size([1, 2]))) is torch.Size
    assert sent(torch.nn.Parameter(torch.ones(1))).requires_grad


@pytest.mark.parametrize("value", [object(), {1, 2}, 3j])
def test_other_value_is_described_alike(value):
    assert describe(sent(value)) == describe(value)


def test_subclass_comes_back_without_its_methods():
    class Liar(torch.Tensor):
        pass

    class Number(int):
        __eq__ = lambda self, other: True  # noqa: E731
        __hash__ = int.__hash__

    assert type(sent(torch.ones(1).as_subclass(Liar))) is torch.Tensor
    assert type(sent(Number(3))) is int


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.eye(2).to_sparse(),
        lambda: torch.nested.nested_tensor([torch.ones(1)]),
        lambda: torch.ones(2, device="meta"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*nested tensors is in prototype")
def test_odd_tensor_stays_odd(make):
    tensor = make()
    back = sent(tensor)
    same = (back.is_nested, back.layout, back.is_meta)
    assert same == (tensor.is_nested, tensor.layout, tensor.is_meta)


TENSOR = Writer().write(torch.ones(2))


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"function": 3},
        {"module": 0},
        {"tuple": 3},
        {"dict": 3},
        {"dtype": "Tensor"},
        {"dtype": 3},
        {"return_type": "system", "items": []},
        TENSOR | {"shape": [3]},
        TENSOR | {"shape": [-2, -1]},
        TENSOR | {"shape": [1] * 100},
        TENSOR | {"shape": [10**30]},
        TENSOR | {"tensor": "object"},
        TENSOR | {"tensor": "object", "odd": "meta"},
        TENSOR | {"data": "?"},
        TENSOR | {"data": None},
    ],
)
def test_data_that_describe_no_value_are_refused(data):
    with pytest.raises(Unreadable):
        Reader().read(data)


def test_stride_from_a_side_that_is_not_trusted_asks_for_no_memory():
    assert Reader().read(TENSOR | {"stride": [1 << 50]}).stride() == (1,)


def test_deep_data_are_refused():
    data = 1
    for _ in range(100_000):
        data = {"list": [data]}
    with pytest.raises(Unreadable):
        Reader().read(data)
