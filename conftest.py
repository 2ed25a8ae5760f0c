"""How nbval compares a lesson's outputs with the stored ones.

One stored set of outputs serves the CPU, CUDA and every supported torch, so what
rightly differs between them is made alike on both sides before they are compared.
The rest of that list, which needs no code, is tests/nbval_sanitize.cfg.
"""

import re

DIGITS = 4  # significant ones that are compared
# A number with a fraction; no part of a version, a name or a slice.
FLOAT = r"(?<![\w.])\d+\.\d+(?:[eE][+-]?\d+)?(?!\w|\.\d)"
MINUS_ZERO = r"(?<![\w.)\]])-(0\.0*)(?![\d.eE])"
# torch pads columns by a place where any number in them is negative.
PADDING = r"(\[|, |\n) +(?=[-\d\[])"


def round_float(match: re.Match) -> str:
    """Return the matched number with at most `DIGITS` significant digits."""
    text = match.group()
    mantissa = re.split("[eE]", text)[0].replace(".", "").lstrip("0")
    if len(mantissa) <= DIGITS:
        return text
    return f"{float(text):#.{DIGITS}g}"


def pytest_collectstart(collector) -> None:
    """Give nbval's collector of a notebook the rules of this course."""
    if not hasattr(collector, "sanitize_patterns"):
        return
    # Progress bars and warnings differ from run to run and go to stderr.
    collector.skip_compare += ("stderr",)
    collector.sanitize_patterns[FLOAT] = round_float
    collector.sanitize_patterns[MINUS_ZERO] = r"\1"
    collector.sanitize_patterns[PADDING] = r"\1"
