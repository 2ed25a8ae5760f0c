"""The pictures that are nearest to another, by Euclidean distance over the pixels."""

from collections.abc import Iterator

import torch

CHUNK = 1000  # pictures made float at a time: they stay in the processor's cache
SPARE = 8  # candidates beyond those asked for: rounding may change their order


class Nearest:
    """Pictures to search. They stay the bytes they are: no copy, a quarter of floats.

    Args:
        images: uint8, (N, 1, height, width), 0 to 255.

    >>> three = torch.tensor([0, 255, 102], dtype=torch.uint8).reshape(3, 1, 1, 1)
    >>> [(index, round(distance, 2)) for index, distance in Nearest(three).to(three[2])]
    [(2, 0.0), (0, 0.4), (1, 0.6)]
    """

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images.flatten(1)
        self._squares = torch.cat([rows.square().sum(dim=1) for rows in self._rows()])

    def to(self, image: torch.Tensor, count: int = 3) -> list[tuple[int, float]]:
        """Return index and distance of the nearest pictures, the nearest first.

        Args:
            image: uint8, (1, height, width). Distances are of pixels from 0 to 1.
            count: how many pictures, at most.
        """
        point = image.flatten().float()
        products = torch.cat([rows @ point for rows in self._rows()])
        distances = self._squares - 2 * products  # |row - point|² without |point|²
        near = distances.topk(min(count + SPARE, len(distances)), largest=False).indices
        exact = (self.images[near].float() - point).norm(dim=1) / 255
        order = exact.argsort()[:count]
        return list(zip(near[order].tolist(), exact[order].tolist(), strict=True))

    def _rows(self) -> Iterator[torch.Tensor]:
        return (part.float() for part in self.images.split(CHUNK))
