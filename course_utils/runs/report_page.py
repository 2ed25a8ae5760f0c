"""The report as one HTML page, readable in light and dark and at any zoom."""

from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2329; --soft: #55606b; --line: #d5dae0;
  --paper: #fff; --band: #f4f6f8; --link: #0b5cad; --good: #00694e; --bad: #a8361a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #a7b1bb;
  --line: #3a424b; --paper: #15191d; --band: #1d2329; --link: #7cb8f5;
  --good: #4fd0a7; --bad: #ff9d7d; } }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 76rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
.summary { font-size: 1.15rem; margin: 0; }
.soft, caption { color: var(--soft); font-size: .9rem; }
a { color: var(--link); }
.scroll { overflow-x: auto; margin: 1.5rem 0; }
.scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding-bottom: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .6rem;
  border-bottom: 1px solid var(--line); }
thead th { font-size: .85rem; color: var(--soft); white-space: nowrap; }
tbody th { font-weight: 600; }
tbody tr:hover { background: var(--band); }
td.seconds { text-align: right; font-variant-numeric: tabular-nums; }
td.state { white-space: nowrap; }
td.open a { display: inline-block; margin-right: .5rem; }
td.cause { min-width: 14rem; overflow-wrap: anywhere; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0;
  font-size: .9rem; color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
"""
COLUMNS = ("lesson", "device", "seed", "parameters", "state", "seconds", "cause")


def render_report(content: dict, rows: list[dict[str, str]]) -> str:
    """Return the page.

    Args:
        content: what report.json holds.
        rows: for each run the text of each column, and the file names 'page' and
            'notebook', empty where there is none.
    """
    # A column in which no row says anything is left out.
    columns = [name for name in COLUMNS if any(row[name] for row in rows)]
    columns.insert(-1 if "cause" in columns else len(columns), "open")
    head = "".join(f'<th scope="col">{name.capitalize()}</th>' for name in columns)
    body = "\n".join(_render_row(row, columns) for row in rows)
    machine = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in content["machine"].items()
    )
    begun = content["begun"]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Layer by Layer: {escape(content["summary"])}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Layer by Layer: a batch of lessons</h1>
<p class="summary">{escape(content["summary"])}</p>
<p class="soft">Begun <time datetime="{begun}">{_readable(begun)}</time>.</p>
<div class="scroll" role="region" aria-label="Runs" tabindex="0">
<table>
<caption>Each row is one run of one lesson.</caption>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</div>
<h2 class="soft">Where it ran</h2>
<dl>{machine}</dl>
</main>
</body>
</html>
"""


def _render_row(row: dict[str, str], columns: list[str]) -> str:
    cells = []
    for name in columns:
        text = escape(row.get(name, ""))
        if name == "lesson":
            cells.append(f'<th scope="row">{text}</th>')
        elif name == "state":
            sign, look = ("✓", "good") if text == "succeeded" else ("✗", "bad")
            sign = f'<span aria-hidden="true">{sign}</span>'
            cells.append(f'<td class="state {look}">{sign} {text}</td>')
        elif name == "open":
            cells.append(f'<td class="open">{_links(row)}</td>')
        else:
            cells.append(f'<td class="{name}">{text}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def _links(row: dict[str, str]) -> str:
    lesson = escape(row["lesson"])
    return " ".join(
        f'<a href="{escape(row[kind])}" aria-label="{lesson}: {kind}">{kind}</a>'
        for kind in ("page", "notebook")
        if row[kind]
    )


def _readable(moment: str) -> str:
    return escape(moment.replace("T", " ").replace("+00:00", " UTC"))
