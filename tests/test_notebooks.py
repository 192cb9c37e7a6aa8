"""The book's rules for its notebooks, read from the stored files."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

from tools import notebooks
from tools.notebooks import ROOT

CHAPTERS = {path.name: notebooks.read(path) for path in notebooks.chapter_paths()}
every_chapter = pytest.mark.parametrize("name", CHAPTERS)


def code_cells(name):
    return [cell for cell in CHAPTERS[name].cells if cell.cell_type == "code"]


def strip_magics(source):
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))


def prose(name):
    return "\n\n".join(cell.source for cell in CHAPTERS[name].cells if cell.cell_type == "markdown")


def pages_of_toc():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"]] + [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]


def test_toc_and_files_agree():
    listed = {page.removeprefix("chapters/") + ".ipynb" for page in pages_of_toc() if page.startswith("chapters/")}
    assert listed == set(CHAPTERS)
    for page in pages_of_toc():
        assert any((ROOT / f"{page}{ending}").exists() for ending in (".md", ".ipynb")), f"_toc.yml names {page}"


@every_chapter
def test_ran_from_top_to_bottom_without_error(name):
    assert [cell.execution_count for cell in code_cells(name)] == list(range(1, len(code_cells(name)) + 1))
    for cell in code_cells(name):
        for output in cell.outputs:
            assert output.output_type != "error", f"cell {cell.execution_count} raised"
            assert output.get("name") != "stderr", f"cell {cell.execution_count} wrote to stderr: {output.text[:200]}"


@every_chapter
def test_mmlib_is_imported_before_tensorflow(name):
    imported = []
    for cell in code_cells(name):
        for node in ast.walk(ast.parse(strip_magics(cell.source))):
            imported += [node.module] if isinstance(node, ast.ImportFrom) else []
            imported += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    module = next(module for module in imported if module.split(".")[0] not in sys.stdlib_module_names)
    assert module.split(".")[0] == "mmlib", "mmlib sets TensorFlow's switches, so the set-up cell imports it first"


@every_chapter
def test_kernel_is_any_python3(name):
    assert CHAPTERS[name].metadata.kernelspec.name == "python3"


@every_chapter
def test_every_picture_has_alt_text(name):
    for cell in code_cells(name):
        shows = any(mime.startswith("image/") for out in cell.outputs for mime in out.get("data", {}))
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        assert not shows or len(alt) >= 20, f"cell {cell.execution_count} shows a picture without alt text"
    for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", prose(name)):
        assert len(alt) >= 20, f"the picture {target} has no alt text"


@every_chapter
def test_cells_are_small(name):
    lengths = [len(cell.source.splitlines()) for cell in code_cells(name)]
    assert max(lengths) <= 30, f"cell {lengths.index(max(lengths)) + 1} has {max(lengths)} lines"
    assert sorted(lengths)[len(lengths) // 2] <= 8, "half of the cells are longer than 8 lines"


@every_chapter
def test_stored_file_is_small(name):
    assert (notebooks.CHAPTERS / name).stat().st_size <= 1_000_000


@every_chapter
def test_parts_of_a_chapter(name):
    header = CHAPTERS[name].cells[0].source
    assert re.match(rf"# {name[:2]} · \S", header)
    for mark in ("**Builds on:**", "**Time:**"):
        assert mark in header, f"the first cell has no line {mark}"
    headings = re.findall(r"^## (.+)$", prose(name), re.MULTILINE)
    for heading in ("Set-up", "Exercises", "Check yourself", "Summary", "Further reading"):
        assert heading in headings, f"no section {heading}"


@every_chapter
def test_header_repeats_the_measured_costs(name):
    row = notebooks.read_costs()[name]
    line = notebooks.time_line(row["minutes_to_read"], row["seconds_to_run"], int(row["peak_memory_mb"]))
    assert line in CHAPTERS[name].cells[0].source, "run `make run` for this chapter"


@every_chapter
def test_exercises_have_question_solution_and_check(name):
    cells = CHAPTERS[name].cells
    questions = re.findall(
        rf"^### Exercise {int(name[:2])}\.(\d) · .+ \((warm-up|core|stretch)\)$", prose(name), re.MULTILINE
    )
    assert [int(number) for number, _ in questions] == list(range(1, len(questions) + 1))
    assert 4 <= len(questions) <= 6
    assert {grade for _, grade in questions} == {"warm-up", "core", "stretch"}
    solutions = [cell for cell in cells if "solution" in notebooks.tags(cell)]
    assert len(solutions) == len(questions)
    for cell in solutions:
        check = notebooks.check_of(CHAPTERS[name], cell)
        assert check is not None, f"no check behind: {cell.source[:80]}"
        assert any(isinstance(n, ast.Assert) for n in ast.walk(ast.parse(check.source))) or "assert_" in check.source
        assert "hide-input" in notebooks.tags(cell), "a solution folds in the book"


@every_chapter
def test_self_check_has_five_folded_answers(name):
    behind = prose(name).split("## Check yourself")[1].split("\n## ")[0]
    assert behind.count("<details>") == behind.count("</details>") == 5


@every_chapter
def test_ignored_outputs_print_only_seconds(name):
    for cell in code_cells(name):
        if "nbval-ignore-output" in notebooks.tags(cell):
            said = "".join(
                out.get("text", "") or str(out.get("data", {}).get("text/plain", "")) for out in cell.outputs
            )
            assert re.search(r"\bs\b|\bms\b|second", said), f"cell {cell.execution_count} is ignored but prints no time"


def bibliography():
    return set(re.findall(r"^@\w+\{([^,\s]+),", (ROOT / "references.bib").read_text(encoding="utf-8"), re.MULTILINE))


def cited():
    pages = [Path(ROOT / f"{page}.md") for page in pages_of_toc()]
    texts = [path.read_text(encoding="utf-8") for path in pages if path.exists()] + [prose(name) for name in CHAPTERS]
    return {
        key.strip() for text in texts for keys in re.findall(r"\{cite:\w+\}`([^`]+)`", text) for key in keys.split(",")
    }


def test_citations_and_bibliography_agree():
    assert cited() - bibliography() == set(), "cited, not in references.bib"
    assert bibliography() - cited() == set(), "in references.bib, cited nowhere"


def test_bibliography_is_sorted_and_complete():
    text = (ROOT / "references.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{([^,\s]+),", text, re.MULTILINE)
    assert keys == sorted(keys)
    for entry in re.split(r"^(?=@)", text, flags=re.MULTILINE)[1:]:
        fields = {field.lower() for field in re.findall(r"^\s*(\w+)\s*=", entry, re.MULTILINE)}
        assert {"title", "author", "year"} <= fields, entry.splitlines()[0]
        assert re.search(r"(1[89]|20)\d\d", re.search(r"^@\w+\{([^,]+)", entry).group(1)), "keys are surname and year"


@every_chapter
def test_new_terms_stand_in_the_glossary(name):
    glossary = (ROOT / "glossary.md").read_text(encoding="utf-8")
    for english, chinese in re.findall(r"\*([^*\n]+)\*\s*[\((]([\u4e00-\u9fff][^))]*)[\))]", prose(name)):
        assert chinese in glossary, f"the term {english} ({chinese}) is not in glossary.md"


@every_chapter
def test_reads_no_absolute_path_and_no_network(name):
    for cell in CHAPTERS[name].cells:
        text = cell.source + "".join(
            str(out.get("text", "")) + str(out.get("data", {}).get("text/plain", "")) for out in cell.get("outputs", [])
        )
        assert not re.search(r"(?<![\w.:/])/(home|root|tmp|Users|work)/", text), cell.source[:80]
    code = "\n".join(cell.source for cell in code_cells(name))
    assert not re.search(r"urlopen|requests\.|get_file\(|download\(", code)
