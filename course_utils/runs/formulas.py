"""A formula in LaTeX as MathML, which browsers show without a script or a request."""

import re
from html import escape
from xml.etree import ElementTree

from latex2mathml.converter import convert

_MATH = "http://www.w3.org/1998/Math/MathML"
_FUNCTIONS = {"arg", "cos", "cosh", "det", "dim", "exp", "ln", "log", "max", "min"}
_FUNCTIONS |= {"sin", "sinh", "tan", "tanh"}
_TEXT = re.compile(r"\\text\{[^}]*\}")


def formula(latex: str, display: str) -> str:
    r"""Return a formula as MathML; as its source where it can't be read.

    Args:
        latex: the formula, without dollars around it.
        display: 'inline', or 'block' for one on a line of its own.

    >>> formula("x", "inline")
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">...</math>'
    >>> formula(r"a \sin b + x_\max", "inline").count("<mspace")
    2
    >>> "<mi>∞</mi>" in formula(r"-\infty", "inline")
    True
    """
    # The library shows the backslash.
    latex = _TEXT.sub(lambda words: words[0].replace("\\_", "_"), latex)
    try:
        mathml = convert(latex.strip(), display=display)
        # The library takes infinity for an operator: '− ∞ ', with gaps.
        return _spaced(mathml.replace("<mo>&#x0221E;</mo>", "<mi>&#x0221E;</mi>"))
    except Exception:  # its errors have no type in common
        return f"<code>{escape(latex, quote=False)}</code>"


def _spaced(mathml: str) -> str:
    """Return a formula with TeX's space around the names of functions.

    The library leaves it out: sin a cos b became one word.
    """
    root = ElementTree.fromstring(mathml)
    for row in root.iter(f"{{{_MATH}}}mrow"):
        for place in reversed(range(1, len(row))):
            pair = row[place - 1], row[place]
            no_sign = all(part.tag != f"{{{_MATH}}}mo" for part in pair)
            if no_sign and any(map(_is_function, pair)):
                space = ElementTree.Element(f"{{{_MATH}}}mspace", width="0.167em")
                row.insert(place, space)
    ElementTree.register_namespace("", _MATH)
    return ElementTree.tostring(root, encoding="unicode")


def _is_function(part: ElementTree.Element) -> bool:
    """Whether a part of a formula is a function's name, with or without an index."""
    name = next(part.iter(f"{{{_MATH}}}mi"), part)
    return name.text in _FUNCTIONS
