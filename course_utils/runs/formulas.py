"""A formula in LaTeX as MathML, which browsers show without a script or a request."""

import re
from html import escape

from latex2mathml.converter import convert

_TEXT = re.compile(r"\\text\{[^}]*\}")


def formula(latex: str, display: str) -> str:
    """Return a formula as MathML; as its source where it can't be read.

    Args:
        latex: the formula, without dollars around it.
        display: 'inline', or 'block' for one on a line of its own.

    >>> formula("x", "inline")
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">...</math>'
    """
    # The library shows the backslash.
    latex = _TEXT.sub(lambda words: words[0].replace("\\_", "_"), latex)
    try:
        return convert(latex.strip(), display=display)
    except Exception:  # its errors have no type in common
        return f"<code>{escape(latex, quote=False)}</code>"
