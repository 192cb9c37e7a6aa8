"""The diagram of chapter 09: a batch as a table of questions."""

from tools.diagrams.foundations import BLUE, IMAGE, RED, TEXT
from tools.diagrams.kit import AMBER, EDGE, GREY, INK, WHITE, Drawing, dark, tint

THINGS = [("red\ncircle", "circle", RED), ("red\nsquare", "square", RED), ("blue\nsquare", "square", BLUE),
          ("yellow\ncross", "cross", AMBER)]  # fmt: skip
SHARED = [[2, 1, 0, 0], [1, 2, 1, 0], [0, 1, 2, 0], [0, 0, 0, 2]]  # words that two captions have in common


def draw_09_matrix():
    """A table. Its rows are four pictures: a red circle, a red square, a blue square, a yellow cross. Its columns are
    their four captions. The cells on the diagonal say pull, all others push, in a darker shade where caption and
    picture have a colour or a shape in common. A frame around one row asks which caption belongs to the picture,
    a frame around one column asks which picture belongs to the caption."""
    d = Drawing("A batch is a table of multiple-choice questions", 640)
    left, top, wide, tall = 150, 112, 112, 96
    for k, (words, shape, ink) in enumerate(THINGS):
        d.box(left + k * wide + 6, 30, wide - 12, 72, words, TEXT, 20)
        y = top + k * tall + tall / 2
        d.rect(52, y - 39, 78, 78, WHITE, IMAGE, radius=8)
        _shape(d, 91, y, shape, ink)
        for j, shared in enumerate(SHARED[k]):
            pull = shared == 2
            fill = tint(TEXT, 0.32) if pull else tint(IMAGE, 0.09 + 0.3 * shared)
            d.rect(left + j * wide + 4, top + k * tall + 4, wide - 8, tall - 8, fill, EDGE, radius=8, stroke=1.5)
            style = {"weight": 600} if pull else {}
            d.text(left + j * wide + wide / 2, y, "pull" if pull else "push", 21, INK, **style)
    d.rect(40, top + tall, left + 4 * wide - 32, tall, ink=dark(IMAGE), radius=14, stroke=4)
    d.rect(left + 2 * wide, 20, wide, top + 4 * tall - 14, ink=dark(TEXT), radius=14, stroke=4)
    d.text(40, top + 4 * tall + 40, "row: which caption fits this picture?", 20, dark(IMAGE), anchor="start")
    d.text(40, top + 4 * tall + 74, "column: which picture fits this caption?", 20, dark(TEXT), anchor="start")
    d.text(40, top + 4 * tall + 108, "the darker, the easier to confuse", 20, GREY, anchor="start", italic=True)
    return d


def _shape(d, x, y, shape, ink):
    if shape == "circle":
        d.circle(x, y, 24, ink)
    elif shape == "square":
        d.rect(x - 22, y - 22, 44, 44, ink, radius=3)
    else:
        d.path([(x - 22, y), (x + 22, y)], ink, 15)
        d.path([(x, y - 22), (x, y + 22)], ink, 15)
