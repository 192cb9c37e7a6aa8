"""Run notebooks again, keep what is stored, and list the cells whose numbers have moved too far for the tests.

    python -m tools.drift 08               # chapter 08, as this machine computes it
    python -m tools.drift 08 --elsewhere   # on one core and with older instructions, as another machine might

Sums in another order differ in the last bit, and a training grows the difference. A cell that only one machine can
repeat needs a calmer experiment, fewer printed digits, or a tag ``tolerance=…``. This is one other machine of many, so
a cell that used more than half of what it is allowed is named, too: the next machine may need the rest.
"""

import argparse
import os
import sys

from nbclient.exceptions import CellExecutionError

from tools import notebooks, run_notebooks
from tools.compare import NUMBER, same_text, value, words

# What the libraries read when they choose their instructions; a processor of 2011 would choose these itself.
ELSEWHERE = {
    "ONEDNN_MAX_CPU_ISA": "SSE41",  # TensorFlow's matrix products and convolutions
    "OPENBLAS_CORETYPE": "Sandybridge",  # NumPy's and SciPy's linear algebra
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


def texts(cell):
    """Return a code cell's output as texts, in order: tables, values and what was printed."""
    found = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            found.append(output.text)
        elif data := output.get("data"):
            found += [data[kind] for kind in ("text/html", "text/plain", "text/markdown") if kind in data]
    return found


def moved(stored, printed):
    """Return the largest distance between two numbers at the same place; inf where words or counts differ."""
    if words(stored) != words(printed):
        return float("inf")
    pairs = list(zip(NUMBER.findall(stored), NUMBER.findall(printed), strict=True))
    return max((abs(value(a) - value(b)) for a, b in pairs), default=0.0)


def compare(before, after):
    """Yield (cell number, distance, limit, first line, verdict) for each cell in which a number has moved.

    The verdict is "FAILS", as in the tests; "close", more than half of the limit, or the last digit; or "holds".
    """
    for index, (old, new) in enumerate(zip(before.cells, after.cells, strict=True)):
        if old.cell_type != "code" or "nbval-ignore-output" in notebooks.tags(old):
            continue
        limit, pairs = notebooks.tolerance(old), list(zip(texts(old), texts(new), strict=False))
        distance = max((moved(a, b) for a, b in pairs), default=0.0)
        if len(texts(old)) != len(texts(new)) or not all(same_text(a, b, limit) for a, b in pairs):
            verdict = "FAILS"
        elif limit is None or distance > limit / 2:
            verdict = "close"
        else:
            verdict = "holds"
        if distance or verdict == "FAILS":
            yield index, distance, limit, old.source.splitlines()[0], verdict


def report(path):
    before = notebooks.read(path)
    try:
        after, seconds, _ = run_notebooks.execute(path)
    except CellExecutionError as error:  # a claim that is asserted does not hold here
        print(f"{path.name}: FAILS, a cell raises\n{error}", flush=True)
        return 1
    run_notebooks.tidy(after)
    print(f"{path.name}: {seconds:.0f} s", flush=True)
    count = 0
    for index, distance, limit, line, verdict in compare(before, after):
        stated = "last digit" if limit is None else f"{limit:g}"
        print(f"  {verdict}  cell {index:>2}  moved {distance:<6.3g} allowed {stated:<10}  {line}", flush=True)
        count += verdict == "FAILS"
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapter", nargs="?", help="the chapter's number; all chapters if left out")
    parser.add_argument("--elsewhere", action="store_true", help="one core and older instructions")
    arguments = parser.parse_args()
    if arguments.elsewhere:
        os.environ.update(ELSEWHERE)
        if hasattr(os, "sched_setaffinity"):  # Linux; TensorFlow takes one thread for each core it may use
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    try:
        paths = notebooks.chapter_paths(arguments.chapter)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    sys.exit(1 if sum(map(report, paths)) else 0)


if __name__ == "__main__":
    main()
