"""How the notebooks are tested: nbval re-executes them; here it learns to compare numbers and to try the stubs.

Two rules of the book are laid over nbval's cell:
- stored and printed text may differ by the last printed digit of a number, or by what the tag ``tolerance=…`` says;
- before a cell tagged ``solution`` runs, its stub runs with the next ``check`` cell, which must fail.
"""

from nbval.plugin import IPyNbCell

from tools import notebooks
from tools.compare import same_text

nbval_compare, nbval_runtest = IPyNbCell.compare_outputs, IPyNbCell.runtest


def adopt(printed, stored, tolerance):
    """Return ``printed`` with each text that says the same as its stored counterpart replaced by it."""
    if isinstance(printed, str) and isinstance(stored, str):
        return stored if same_text(stored, printed, tolerance) else printed
    if isinstance(printed, dict) and isinstance(stored, dict):
        return type(printed)({k: adopt(v, stored[k], tolerance) if k in stored else v for k, v in printed.items()})
    return printed


def compare_outputs(self, test, ref, skip_compare=None):
    if self.cell.source.rstrip().endswith(";"):  # a notebook hides the value; nbval's way to execute does not
        test = [output for output in test if output.output_type != "execute_result"]
    if len(test) == len(ref):
        limit = notebooks.tolerance(self.cell)
        test = [adopt(now, then, limit) for now, then in zip(test, ref, strict=True)]
    return nbval_compare(self, test, ref, skip_compare)


def raises(cell, source):
    """Run source in the notebook's kernel, outside its outputs; tell whether it raised."""
    kernel, timeout, raised = cell.parent.kernel, cell.config.option.nbval_cell_timeout, False
    request = kernel.execute_cell_input(source, allow_stdin=False)
    while True:
        message = kernel.get_message("iopub", timeout=timeout)
        if message["parent_header"].get("msg_id") != request:
            continue
        raised |= message["msg_type"] == "error"
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return raised


def runtest(self):
    if "solution" in notebooks.tags(self.cell):
        check = notebooks.check_of(self.parent.nb, self.cell)
        if check is None:
            self.raise_cell_error("A solution without a cell tagged `check` behind it")
        if not raises(self, notebooks.stub(self.cell.source) + "\n\n" + check.source):
            self.raise_cell_error("The learner's stub passes this exercise's check: the check has no power")
    nbval_runtest(self)


IPyNbCell.compare_outputs, IPyNbCell.runtest = compare_outputs, runtest
