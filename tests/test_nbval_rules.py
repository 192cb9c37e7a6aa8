"""nbval with the book's rules, on a notebook whose stored outputs drift by known amounts: which cells fail?"""

import os
import re
import shutil
import subprocess
import sys

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.notebooks import ROOT


def cell(source, stored=None, tags=()):
    outputs = [] if stored is None else [new_output("stream", name="stdout", text=stored + "\n")]
    return new_code_cell(source, outputs=outputs, execution_count=1, metadata={"tags": list(tags)})


DOUBLE = 'def double(a):\n    """Return twice a."""\n    return 2 * a'
CELLS = [  # (the cell, must it pass?)
    (cell("print('accuracy 0.93')", "accuracy 0.94"), True),  # another CPU's last digit
    (cell("print('accuracy 0.93')", "accuracy 0.96"), False),  # a drift
    (cell("print('accuracy 0.93')", "accuracy 0.96", ["tolerance=0.05"]), True),
    (cell("print('accuracy 0.93')", "recall 0.93", ["tolerance=0.05"]), False),  # a word
    (cell("print('took 3 s')", "took 9 s", ["nbval-ignore-output"]), True),
    (cell("print('one more line')"), False),
    (cell("1 + 1;"), True),  # the semicolon hides the value
    (cell("1 + 1"), False),
    (cell(DOUBLE, tags=["solution"]), True),
    (cell("assert double(3) == 6", tags=["check"]), True),
    (cell(DOUBLE, tags=["solution"]), False),  # its stub passes the next check
    (cell("assert callable(double)", tags=["check"]), True),
    (cell(DOUBLE, tags=["solution"]), False),  # no check behind it
]


def test_drift_fails_and_the_last_digit_passes(tmp_path):
    nbformat.write(new_notebook(cells=[c for c, _ in CELLS]), tmp_path / "drift.ipynb")
    shutil.copy(ROOT / "conftest.py", tmp_path)
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-rA", "-q", "--color=no"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [*command, "-p", "no:xdist", "-p", "no:cacheprovider", "drift.ipynb"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = re.findall(r"^(PASSED|FAILED) .*::Cell (\d+)", run.stdout, re.MULTILINE)
    verdicts = {int(number): verdict == "PASSED" for verdict, number in lines}
    assert [verdicts.get(number) for number in range(len(CELLS))] == [passes for _, passes in CELLS], run.stdout
