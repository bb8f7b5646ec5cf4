"""The page: findings, tables and figures in one HTML file that needs no other file and no other host."""

import base64
import html
from pathlib import Path
from string import Template

from training.atomic_write import write_atomically
from training.dataset.eda.figures import FIGURES
from training.dataset.eda.findings import findings
from training.dataset.eda.survey import Survey
from training.evaluate.figures import save

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ccc; }
th:first-child, td:first-child { text-align: left; }
</style>
</head>
<body>
<h1>$title</h1>
<ul>
$findings
</ul>
<h2>By class</h2>
<table>
$table
</table>
$figures
</body>
</html>
""")


def write_page(survey: Survey, output: Path, title: str) -> list[Path]:
    """Write ``index.html`` and every figure as PNG to the folder ``output``, and return their paths."""
    paths, sections = [], []
    for name, heading, draw in FIGURES:
        path = output / f"{name}.png"
        save(draw(survey), path)
        encoded = base64.b64encode(path.read_bytes()).decode()
        alternative = html.escape(heading, quote=True)
        sections.append(f'<h2>{heading}</h2>\n<img alt="{alternative}" src="data:image/png;base64,{encoded}">')
        paths.append(path)
    text = _PAGE.substitute(
        title=html.escape(title),
        findings="\n".join(f"<li>{html.escape(sentence)}</li>" for sentence in findings(survey)),
        table=_table(survey),
        figures="\n".join(sections),
    )
    page = output / "index.html"
    write_atomically(page, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return [page, *paths]


def _table(survey: Survey) -> str:
    header = ("class", *survey.splits, "brightness", "red", "green", "blue")
    rows = [_row("th", header)]
    for index, name in enumerate(survey.classes):
        measured = (survey.class_brightness()[index], *survey.colours[index])
        rows.append(_row("td", (name, *map(str, survey.counts[index]), *(f"{value:.1f}" for value in measured))))
    return "\n".join(rows)


def _row(tag: str, cells: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
