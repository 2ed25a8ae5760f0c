"""Attacks on the grader, as cells of a submission.

Most try something and return what came of it as text. No exercise asks for text, so
the verdict's message says what the attack found: `refused` and the error, or nothing.
"""

from textwrap import dedent, indent

_TRY = """
def answer(*args):
    try:
        found = attempt()
    except BaseException as error:
        found = f"refused {type(error).__name__}"
    return str(found)[:70]
"""


def attempt(code: str) -> str:
    """Return a cell that runs this code and answers with what it returns."""
    return f"def attempt():\n{indent(dedent(code).strip(), '    ')}\n{_TRY}"


def forged(code: str) -> str:
    """Return a cell that runs this code, then answers with a wrong number."""
    body = indent(dedent(code).strip(), "    ")
    return f"def answer(*args):\n{body}\n    return torch.full((1,), 0.123)\n"
