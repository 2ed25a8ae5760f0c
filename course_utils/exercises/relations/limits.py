"""Wrong results that are right, but for numbers that go no further than a limit."""

import math

import torch
from torch import Tensor

from course_utils.exercises.relations.numbers import Numbers, Pairs, always, is_close

_FEWEST = 3  # different numbers on either side of a limit


def limit(pairs: Pairs) -> str | None:
    """Recognise a limit that a wrong result does not pass.

    >>> x = Tensor([-900, -800, -700, -3, -2, -1])
    >>> limit([Numbers({}, x.clamp(min=-5), x)])[:40]
    'None of your numbers is below -5: someth'
    """
    for sign, side in ((1, "below"), (-1, "above")):
        signed = [Numbers({}, sign * pair.got, sign * pair.expected) for pair in pairs]
        least = min(pair.got.min().item() for pair in signed)
        small = _added_before_log(signed, least)
        if small and _tells(signed, math.log(small)):
            logarithm = f"{sign * math.log(small):.4g}"
            return (
                f"None of your numbers is {side} {logarithm}: that is the logarithm of "
                f"{small:.0e}, which is added before `log`, or the least that `log` "
                "gets. Work with the logarithms themselves."
            )
        if always(signed, lambda g, r, m=least: is_close(g, r.clamp(min=m))):
            if _tells(signed, least):
                return (
                    f"None of your numbers is {side} {sign * least:g}: something is "
                    "limited that should not be."
                )
    return None


def _added_before_log(pairs: Pairs, least: float) -> float | None:
    """Return the power of ten whose logarithm is the least of all results."""
    power = round(least / math.log(10))
    if not -46 < power < 0:
        return None
    floor = torch.tensor(power * math.log(10), dtype=torch.float64)

    def limited(got: Tensor, right: Tensor) -> bool:
        added = torch.logaddexp(right, floor)
        return is_close(got, added) or is_close(got, right.clamp(min=floor))

    return 10.0**power if always(pairs, limited) else None


def _tells(pairs: Pairs, least: float) -> bool:
    """Tell whether different numbers lie on both sides of the limit."""
    numbers = torch.cat([pair.expected.flatten() for pair in pairs]).unique()
    below = int((numbers < least - 1e-3 * abs(least)).sum())
    # A limit that is a power of ten was typed in: fewer numbers tell of it.
    typed = least != 0 and math.log10(abs(least)).is_integer()
    return below >= _FEWEST and (typed or len(numbers) - below >= _FEWEST)
