"""Modules made of a description: what they hold, and what nobody may put there."""

import json

import pytest
from torch import nn

from course_utils.grading.modules import (
    Parts,
    RemoteModule,
    read_module,
    write_module,
)


class Scale(nn.Module):
    p = 0.5
    sizes = (2, 3)
    _private = 1

    @property
    def computed(self):
        return 1

    def method(self):
        return 2


class Doubled(Scale):
    p = 1.0


def made(module, change=None):
    """Return the module that another process makes of this one's description."""
    described = json.loads(json.dumps(write_module(module, lambda value: {})))
    if change:
        change(described["parts"][0])
    return read_module(described, lambda data: None, link=None)[0]


@pytest.mark.parametrize(("kind", "p"), [(Scale, 0.5), (Doubled, 1.0)])
def test_attributes_of_the_class_are_those_of_the_class_there(kind, p):
    module = made(kind())
    assert (module.p, module.sizes) == (p, (2, 3))
    assert "p" not in vars(module)


def test_class_is_known_to_be_of_torch_or_not():
    there = made(nn.Sequential(nn.Dropout2d(), nn.BatchNorm1d(3), Scale()))
    homes = [type(module).__module__ for module in there]
    assert homes == [nn.Dropout.__module__, nn.BatchNorm1d.__module__, __name__]


def test_attributes_with_an_underscore_come_along():
    """Layers in a plain list are found by their owner's attributes."""
    module = Scale()
    module._layers = [1]
    assert (made(module)._layers, made(module)._private) == ([1], 1)


def test_methods_and_what_is_computed_stay_behind():
    module = made(Scale())
    assert not hasattr(module, "method")
    assert not hasattr(module, "computed")


def test_attributes_of_one_class_are_not_seen_by_another():
    made(Scale())
    assert not hasattr(made(nn.ReLU()), "p")
    assert not hasattr(RemoteModule, "p")


def test_layer_of_torch_has_what_its_class_has():
    there = made(nn.LPPool1d(2, 1))
    assert isinstance(there, nn.LPPool1d)
    assert there.norm_type == 2


@pytest.mark.parametrize("table", ["attributes", "shared"])
@pytest.mark.parametrize(
    "name",
    ["forward", "train", "_link", "_modules", "_forward_hooks", "__class__", "a b"],
)
def test_nothing_of_every_module_is_replaced(table, name):
    module = made(Scale(), lambda part: part[table].update({name: 3}))
    assert 3 not in vars(module).values()
    assert 3 not in vars(type(module)).values()


@pytest.mark.parametrize("table", ["attributes", "shared"])
def test_what_holds_no_end_of_attributes_is_cut(table):
    owner = type("Full", (nn.Module,), {})
    module = owner()
    target = vars(module) if table == "attributes" else None
    for number in range(1_000):
        if target is None:
            setattr(owner, f"a{number}", number)
        else:
            target[f"a{number}"] = number
    described = write_module(module, lambda value: {})
    assert len(described["parts"][0][table]) == 50


@pytest.mark.parametrize(
    "change",
    [
        lambda weight: weight.data.mul_(2),
        lambda weight: setattr(weight, "data", weight.data + 1),
        lambda weight: nn.init.zeros_(weight),
    ],
)
def test_state_that_changes_is_news_once(change):
    layer, there = nn.Linear(2, 3), nn.Linear(2, 3)
    here, other = Parts(layer), Parts(there)
    other.take(here.news())
    assert here.news() == other.news() == []
    change(layer.weight)
    (news,) = here.news()
    other.take([news])
    assert there.weight.equal(layer.weight)
    assert here.news() == other.news() == []
