"""The nearest pictures, against all distances computed one by one."""

import pytest
import torch

from course_utils.display.touch.nearest import CHUNK, Nearest


@pytest.mark.parametrize("count", [1, 2, CHUNK, 2 * CHUNK + 7])
def test_nearest_are_those_of_all_distances(count):
    images = torch.randint(256, (count, 1, 28, 28), dtype=torch.uint8)
    image = torch.randint(256, (1, 28, 28), dtype=torch.uint8)
    found = Nearest(images).to(image)
    all_distances = (images.double() - image.double()).flatten(1).norm(dim=1) / 255
    expected = all_distances.sort()
    places, distances = zip(*found, strict=True)
    assert list(places) == expected.indices[:3].tolist()
    assert list(distances) == pytest.approx(expected.values[:3].tolist(), rel=1e-6)


def test_order_of_nearly_equal_pictures_is_not_lost_to_rounding():
    """Bright pictures whose squares no float holds, each one step further away."""
    images = torch.full((12, 1, 28, 28), 255, dtype=torch.uint8)
    for k in range(12):
        images[k, 0, 0, :12] = torch.tensor([254] * (12 - k) + [255] * k)
    image = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    found = Nearest(images).to(image)
    assert [index for index, _ in found] == [11, 10, 9]
    expected = [(k**0.5) / 255 for k in (1, 2, 3)]
    assert [d for _, d in found] == pytest.approx(expected, rel=1e-5)


def test_a_picture_is_nearest_to_itself():
    images = torch.randint(256, (50, 1, 28, 28), dtype=torch.uint8)
    assert Nearest(images).to(images[31], count=1) == [(31, 0.0)]
