"""Formulas of a Sphinx page as MathML: no script, no font from elsewhere."""

from typing import TYPE_CHECKING

from docutils import nodes

from course_utils.runs.formulas import formula

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

NAME = "mathml"


def _inline(translator: "HTML5Translator", node: nodes.math) -> None:
    translator.body.append(formula(node.astext(), "inline"))
    raise nodes.SkipNode


def _block(translator: "HTML5Translator", node: nodes.math_block) -> None:
    shown = formula(node.astext(), "block")
    translator.body.append(f'<div class="math" tabindex="0">{shown}</div>')
    raise nodes.SkipNode


def setup(app: "Sphinx") -> dict[str, bool]:
    """Have Sphinx set formulas as MathML; called by Sphinx."""
    app.add_html_math_renderer(NAME, (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
