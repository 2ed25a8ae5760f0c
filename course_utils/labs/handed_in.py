"""The call that hands a lab in, as the text of a cell."""

import ast


def handed_in(source: str) -> tuple[str, dict[str, str]] | None:
    """Return the lab, and the names of its answers by task; None for another text.

    >>> handed_in('submission("hinges", fit=mine, deep=deep)')
    ('hinges', {'fit': 'mine', 'deep': 'deep'})
    >>> handed_in("submission(")
    """
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    match body:
        case [ast.Expr(ast.Call(ast.Name("submission"), [ast.Constant(lab)], tasks))]:
            named = {t.arg: t.value.id for t in tasks if isinstance(t.value, ast.Name)}
            return str(lab), {task: name for task, name in named.items() if task}
    return None
