"""Write the book's diagrams into ``images/``: ``python -m tools.draw_diagrams [name …]``.

A diagram is a function in ``tools/diagrams`` that returns a ``Drawing``. The function's name is the file's, without
``draw_``, and its docstring goes into the file as the description for those who cannot see it.
"""

import sys

from tools.diagrams import foundations, fusion
from tools.notebooks import ROOT

IMAGES = ROOT / "images"


def diagrams():
    """Return a dict from file names (without the suffix) to the functions that draw them."""
    return {
        name.removeprefix("draw_"): thing
        for module in (foundations, fusion)
        for name, thing in vars(module).items()
        if name.startswith("draw_")
    }


def svg(function):
    """Return the text of the file that ``function`` draws."""
    drawing = function()
    drawing.description = " ".join(function.__doc__.split())
    return drawing.svg()


def main(names=()):
    known = diagrams()
    IMAGES.mkdir(exist_ok=True)
    for name in names or known:
        (IMAGES / f"{name}.svg").write_text(svg(known[name]), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
