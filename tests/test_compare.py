"""How stored and printed numbers are compared, and how stubs are made: each passes what it should, fails the rest."""

import nbformat
import pytest

from tools import drift, notebooks
from tools.compare import same_text
from tools.student_edition import student_edition

SAME = [
    ("accuracy 0.93", "accuracy 0.94", None),  # one unit of the last digit
    ("loss 9.99 nats", "loss 10.00 nats", None),  # the width may change
    ("[ 0.10 -0.00]", "[0.11  0.00]", None),
    ("gap 1.2e-05", "gap 1.3e-05", None),
    ("rank 12", "rank 14", 2),
    ("<td>0.512</td>", "<td>0.534</td>", 0.03),
]
DIFFERENT = [
    ("accuracy 0.93", "accuracy 0.95", None),
    ("rank 12", "rank 13", None),  # integers are exact
    ("accuracy 0.93", "recall 0.93", None),
    ("0.93 0.50", "0.93", None),
    ("conv2d", "conv3d", 2),  # a name, not a number
    ("head_1", "head_2", 2),
    ("gap 1.2e-05", "gap 1.2e-04", None),
    ("<td>0.512</td>", "<td>0.543</td>", 0.03),
    ("loss nan", "loss 0.1", None),
    ("-0.50", "0.50", None),
]


@pytest.mark.parametrize(("stored", "printed", "tolerance"), SAME)
def test_last_digit_of_another_machine_passes(stored, printed, tolerance):
    assert same_text(stored, printed, tolerance)


@pytest.mark.parametrize(("stored", "printed", "tolerance"), DIFFERENT)
def test_real_drift_fails(stored, printed, tolerance):
    assert not same_text(stored, printed, tolerance)


SOLUTION = '''import math
width = 8  # given
def area(r, *, scale=1.0):
    """Return pi r squared."""
    secret = math.pi
    return scale * secret * r**2
answer, other = area(2), 3
print(answer)
'''


def test_stub_keeps_names_and_loses_the_answer():
    stub = notebooks.stub(SOLUTION)
    space = {}
    exec(stub, space)  # it is valid Python
    assert space["width"] == 8
    assert space["area"].__doc__ == "Return pi r squared."
    assert space["answer"] is ... and space["other"] is ...
    assert "secret" not in stub and "print" not in stub
    with pytest.raises(NotImplementedError):
        space["area"](2)


def test_learners_edition_has_stubs_and_no_outputs():
    cells = [nbformat.v4.new_code_cell("1 + 1", execution_count=1), nbformat.v4.new_code_cell(SOLUTION)]
    cells[1].metadata["tags"] = ["solution", "hide-input"]
    cells[0].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    original = nbformat.v4.new_notebook(cells=cells)
    edition = student_edition(original)
    assert edition.cells[0].source == "1 + 1" and edition.cells[0].outputs == []
    assert "secret" not in edition.cells[1].source and "hide-input" not in edition.cells[1].metadata["tags"]
    assert "secret" in original.cells[1].source, "the original must not change"


def executed(*cells):
    """A notebook of code cells, each given as (source, printed text, tags)."""
    book = nbformat.v4.new_notebook()
    for source, printed, tags in cells:
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": tags})
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=printed)]
        book.cells.append(cell)
    return book


def test_drift_names_the_cells_that_moved_and_those_that_moved_too_far():
    cells = [  # source, stored text, printed text, tags
        ("a = 1", "rank 0.50", "rank 0.50", []),
        ("b = 2", "rank 0.50", "rank 0.65", ["tolerance=0.2"]),
        ("c = 3", "rank 0.50", "rank 0.75", ["tolerance=0.2"]),
        ("d = 4", "0.1 seconds", "0.9 seconds", ["nbval-ignore-output"]),
        ("e = 5", "found 3 of 4", "found 4 of 4", []),
        ("f = 6", "red", "blue", []),
        ("g = 7", "rank 0.50", "rank 0.59", ["tolerance=0.2"]),
        ("h = 8", "rank 0.50", "rank 0.51", []),
    ]
    before = executed(*[(source, stored, tags) for source, stored, _, tags in cells])
    after = executed(*[(source, printed, tags) for source, _, printed, tags in cells])
    seen = [(index, round(distance, 2), verdict) for index, distance, _, _, verdict in drift.compare(before, after)]
    assert seen == [
        (1, 0.15, "close"),
        (2, 0.25, "FAILS"),
        (4, 1.0, "FAILS"),
        (5, float("inf"), "FAILS"),
        (6, 0.09, "holds"),
        (7, 0.01, "close"),
    ]


def test_drift_fails_a_cell_that_says_nothing_any_more():
    before, after = executed(("a = 1", "rank 0.50", [])), executed(("a = 1", "rank 0.50", []))
    after.cells[0].outputs = []
    assert [verdict for *_, verdict in drift.compare(before, after)] == ["FAILS"]
