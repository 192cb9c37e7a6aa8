"""What the tools and the tests know of the book's notebooks: where they are, their tags, exercises and header."""

import ast
import csv
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"
COSTS = ROOT / "costs.csv"
NOT_YET = 'raise NotImplementedError("Your turn: replace this line.")'


def chapter_paths(number=None):
    """Return the chapters' notebooks in order, or the one whose name begins with ``number``."""
    paths = sorted(p for p in CHAPTERS.glob("*.ipynb") if not number or p.name.startswith(f"{int(number):02d}_"))
    if not paths:
        raise FileNotFoundError(f"Expected a notebook chapters/{int(number or 0):02d}_*.ipynb. Received: none.")
    return paths


def read(path):
    return nbformat.read(path, as_version=4)


def tags(cell):
    return cell.metadata.get("tags", [])


def tolerance(cell):
    """Return the absolute tolerance that a cell's tag ``tolerance=0.03`` states, or None."""
    stated = [float(tag.split("=", 1)[1]) for tag in tags(cell) if tag.startswith("tolerance=")]
    return stated[0] if stated else None


def check_of(notebook, solution):
    """Return the first cell tagged ``check`` behind a ``solution`` cell, or None."""
    behind = notebook.cells[notebook.cells.index(solution) + 1 :]
    for cell in behind:
        if "check" in tags(cell):
            return cell
        if "solution" in tags(cell):
            break
    return None


def stub(source):
    """Return the learner's version of a solution.

    Functions and methods keep signature and docstring and lose their body; an assignment becomes ``name = ...``;
    imports and statements whose first line ends in ``# given`` stay; everything else goes.
    """
    lines = source.splitlines()
    kept = []
    for node in ast.parse(source).body:
        text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        if isinstance(node, ast.Import | ast.ImportFrom) or lines[node.lineno - 1].rstrip().endswith("# given"):
            kept.append(text)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            kept.append(("\n\n" if kept else "") + ast.unparse(_without_body(node)))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            kept += [f"{name} = ...  # your turn" for name in names]
    return "\n".join(kept).lstrip("\n")


def _without_body(node):
    if isinstance(node, ast.ClassDef):
        node.body = [_without_body(n) if isinstance(n, ast.FunctionDef | ast.ClassDef) else n for n in node.body]
        return node
    docstring = node.body[:1] if ast.get_docstring(node) is not None else []
    node.body = docstring + ast.parse(NOT_YET).body
    return node


def reading_minutes(notebook):
    """Estimate the minutes to read: 180 words a minute, and half a minute for each code cell."""
    words = sum(len(c.source.split()) for c in notebook.cells if c.cell_type == "markdown")
    code = sum(c.cell_type == "code" for c in notebook.cells)
    return int(5 * round((words / 180 + code / 2) / 5))


def time_line(minutes, seconds, megabytes):
    return (
        f"**Time:** about {minutes} minutes to read; {seconds} seconds to run on two CPU cores, "
        f"with at most {megabytes / 1000:.1f} GB of memory."
    )


def read_costs():
    """Return {notebook name: row of costs.csv}."""
    if not COSTS.exists():
        return {}
    with COSTS.open(encoding="utf-8", newline="") as file:
        return {row["notebook"]: row for row in csv.DictReader(file)}


def write_costs(rows):
    with COSTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, ["notebook", "chapter", "minutes_to_read", "seconds_to_run", "peak_memory_mb"], lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows[name] for name in sorted(rows))
