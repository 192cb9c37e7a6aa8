"""Write the book's diagrams into ``images/``: ``python -m tools.draw_diagrams [name …]``.

A diagram is a function in ``tools/diagrams`` that returns a ``Drawing``. The function's name is the file's, without
``draw_``, and its docstring goes into the file as the description for those who cannot see it. Without names, all are
drawn, and rsvg-convert (librsvg) makes the few PNG files.
"""

import subprocess
import sys

from tools.diagrams import (
    chapter_08,
    chapter_09,
    chapter_10,
    chapter_11,
    chapter_12,
    chapter_13,
    chapter_14,
    chapter_15,
    chapter_16,
    chapter_23,
    chapter_24,
    covers,
    foundations,
    fusion,
    theory,
)
from tools.notebooks import ROOT

IMAGES = ROOT / "images"
PIXELS = [("cover", 1200, "#FCE9D0"), ("logo", 712, None), ("favicon", 64, None)]  # for places that read no SVG


def diagrams():
    """Return a dict from file names (without the suffix) to the functions that draw them."""
    return {
        name.removeprefix("draw_"): thing
        for module in (
            covers,
            foundations,
            fusion,
            chapter_08,
            chapter_09,
            chapter_10,
            chapter_14,
            chapter_15,
            chapter_16,
            chapter_23,
            chapter_24,
            theory,
            chapter_11,
            chapter_12,
            chapter_13,
        )
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
    for name, width, ground in PIXELS if not names else []:
        size = ["--width", str(width), *(["--background-color", ground] if ground else [])]
        subprocess.run(["rsvg-convert", *size, f"{name}.svg", "-o", f"{name}.png"], cwd=IMAGES, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
