"""Re-execute notebooks in place from a fresh kernel, and measure what each costs.

    python -m tools.run_notebooks          # all of them
    python -m tools.run_notebooks 04       # chapter 04

Seconds and peak memory go to costs.csv and into the chapter's Time line. A notebook that raises, or
that writes to stderr, is left as it was, and the cell is named.
"""

import argparse
import re
import sys
import threading
import time

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools import notebooks


def resident_bytes(process):
    family = [process, *process.children(recursive=True)]
    total = 0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def execute(path):
    """Execute a notebook; return it with its outputs, the seconds it took and the peak resident memory in MB."""
    notebook = notebooks.read(path)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": path.parent}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    peak, done = [0], threading.Event()

    def watch(pid):
        process = psutil.Process(pid)
        while not done.wait(0.1):
            try:
                peak[0] = max(peak[0], resident_bytes(process))
            except psutil.NoSuchProcess:
                return

    started = time.perf_counter()
    with client.setup_kernel():
        pid = client.km.provisioner.pid
        watcher = threading.Thread(target=watch, args=(pid,), daemon=True)
        watcher.start()
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        seconds = time.perf_counter() - started
        done.set()
        watcher.join()
    return notebook, seconds, peak[0] / 1e6


# TensorFlow's C++ core announces at start-up that it found no GPU; no setting keeps it from doing so.
START_UP = re.compile(r"^(?:WARNING: All log messages before absl|[IWE]\d{4} \d\d:|[IWE]0000 ).*\n?", re.MULTILINE)


def without_start_up(outputs):
    """Leave out what TensorFlow's core writes to stderr when it starts; any other word on stderr stays."""
    for output in outputs:
        if output.get("name") == "stderr":
            output.text = START_UP.sub("", output.text)
    return [output for output in outputs if output.get("name") != "stderr" or output.text.strip()]


def tidy(notebook):
    """Number the code cells 1…n and merge neighbouring pieces of one stream, as a fresh "run all" stores them."""
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        merged = []
        for output in without_start_up(cell.outputs):
            if output.output_type == "execute_result":
                output.execution_count = count
            if output.output_type == "stream" and merged and merged[-1].get("name") == output.name:
                merged[-1].text += output.text
            else:
                merged.append(output)
        cell.outputs = merged
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )


def stderr_of(notebook):
    return ["".join(o.text) for c in notebook.cells for o in c.get("outputs", []) if o.get("name") == "stderr"]


def run(path):
    print(f"{path.name} …", end=" ", flush=True)
    try:
        notebook, seconds, megabytes = execute(path)
    except CellExecutionError as error:
        print(f"failed; the file is left as it was.\n{error}")
        return False
    tidy(notebook)
    if said := stderr_of(notebook):
        print(f"wrote to stderr; the file is left as it was.\n{said[0][:2000]}")
        return False
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    row = {
        "notebook": path.name,
        "chapter": title,
        "minutes_to_read": notebooks.reading_minutes(notebook),
        "seconds_to_run": round(seconds),
        "peak_memory_mb": int(round(megabytes, -1)),
    }
    line = notebooks.time_line(row["minutes_to_read"], row["seconds_to_run"], row["peak_memory_mb"])
    header = notebook.cells[0].source.splitlines()
    notebook.cells[0].source = "\n".join(line if text.startswith("**Time:**") else text for text in header)
    nbformat.write(notebook, path)
    notebooks.write_costs({**notebooks.read_costs(), path.name: row})
    print(f"{seconds:.0f} s, {megabytes:.0f} MB at the peak")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapter", nargs="?", help="the chapter's number; all chapters if left out")
    try:
        paths = notebooks.chapter_paths(parser.parse_args().chapter)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    sys.exit(0 if all(list(map(run, paths))) else 1)


if __name__ == "__main__":
    main()
