"""The diagram of chapter 13: what the question suggests, times what the picture shows."""

from tools.diagrams.foundations import IMAGE, TEXT
from tools.diagrams.kit import AMBER, EDGE, GREY, INK, WHITE, Drawing, dark, tint

ANSWERS = ("red", "yellow", "green", "blue")
PRIOR = (0.79, 0.07, 0.07, 0.07)  # what the circle's colour has been so far
EVIDENCE = (1, 1, 1, 20)  # how well the picture fits each answer
BLUE, RED = "#2346EB", "#D62D1E"


def _bars(d, left, bottom, values, ink, width=176, height=110):
    """Draw a bar for each answer, with its initial under it; the longest fills the height."""
    step = width / len(values)
    for i, (name, value) in enumerate(zip(ANSWERS, values, strict=True)):
        tall = max(3, height * value / max(values))
        d.rect(left + i * step + 5, bottom - tall, step - 10, tall, tint(ink, 0.55), ink, radius=3, stroke=2)
        d.text(left + (i + 0.5) * step, bottom + 16, name[0].upper(), 18)
    d.path([(left, bottom), (left + width, bottom)], GREY, 2)


def draw_13_prior_evidence():
    """At the top left the question: what colour is the circle? Four bars under it, one for each colour, are the prior:
    red is by far the highest. At the top right a picture with a blue circle and a red square. Four bars under it are
    the evidence: blue is by far the highest. Both lead down to a multiplication sign and to a third set of four bars,
    the answer: blue is the highest, and some red is left."""
    d = Drawing("Prior times evidence", 640)
    d.rect(40, 34, 256, 96, tint(TEXT), TEXT, radius=14)
    d.lines(168, 82, "what colour\nis the circle?", 23, ink=dark(TEXT), weight=600)
    d.rect(400, 30, 144, 104, WHITE, IMAGE, radius=10)
    d.circle(440, 66, 22, BLUE)
    d.rect(484, 80, 38, 38, RED, radius=2)
    for x, ink in ((168, TEXT), (472, IMAGE)):
        d.arrow((x, 138), (x, 172), ink=ink)
    d.text(168, 194, "prior", 23, weight=600)
    d.text(472, 194, "evidence", 23, weight=600)
    _bars(d, 80, 330, PRIOR, TEXT)
    _bars(d, 384, 330, EVIDENCE, IMAGE)
    d.circle(320, 390, 24, AMBER, INK)
    d.text(320, 390, "×", 30, weight=600)
    d.arrow((190, 360), (290, 386))
    d.arrow((450, 360), (350, 386))
    d.arrow((320, 416), (320, 444))
    d.rect(150, 450, 340, 166, WHITE, EDGE, radius=14)
    products = [p * e for p, e in zip(PRIOR, EVIDENCE, strict=True)]
    _bars(d, 290, 584, products, INK)
    d.text(222, 520, "answer", 23, weight=600)
    d.text(222, 550, "sums to 1", 18, GREY)
    return d
