"""Write the learner's edition: every chapter with stubs for solutions, its checks kept, its outputs cleared.

The notebooks go to student/, beside chapters/, so that pictures and imports work unchanged.
"""

import nbformat

from tools import notebooks

STUDENT = notebooks.ROOT / "student"


def student_edition(notebook):
    """Return a copy with stubs for solutions, no outputs, and no tags that fold the learner's own cells."""
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        if "solution" in notebooks.tags(cell):
            cell.source = notebooks.stub(cell.source)
            cell.metadata["tags"] = [tag for tag in notebooks.tags(cell) if tag == "solution"]
    return notebook


def main():
    STUDENT.mkdir(exist_ok=True)
    for path in notebooks.chapter_paths():
        nbformat.write(student_edition(notebooks.read(path)), STUDENT / path.name)
    print(f"Wrote the learner's edition to {STUDENT.relative_to(notebooks.ROOT)}/. Open it with: make lab")


if __name__ == "__main__":
    main()
