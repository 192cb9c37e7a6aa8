"""The diagram of chapter 12: search with two vectors, then look twice."""

from mmlib.style import COLORS
from tools.diagrams.kit import GREY, INK, WHITE, Drawing, tint

TEXT, IMAGE = COLORS["text"], COLORS["image"]


def draw_12_retrieval():
    """A sentence goes through a text encoder to one vector. A million pictures went through an image encoder
    beforehand, and their vectors lie in an index. The index returns the twenty nearest candidates. A cross-encoder
    looks at the words and the regions of each candidate together and puts the right one first."""
    d = Drawing("Retrieve, then re-rank", 640)
    d.icon("text", 150, 62, 72)
    d.icon("image", 490, 62, 72)
    d.text(200, 62, "one sentence", 20, anchor="start")
    d.text(440, 62, "a million", 20, anchor="end")
    d.box(50, 132, 200, 60, "text encoder", TEXT)
    d.box(390, 132, 200, 60, "image encoder", IMAGE)
    d.text(330, 162, "beforehand", 18, GREY)
    for x in (150, 490):
        d.arrow((x, 102), (x, 130))
    d.vector(102, 222, TEXT)
    for row in range(3):
        d.vector(
            442,
            214 + 22 * row,
            IMAGE,
            pattern=(
                (0.3, 0.8, 0.2, 0.6, 0.4, 0.9),
                (0.9, 0.35, 0.6, 0.15, 0.75, 0.45),
                (0.2, 0.5, 0.9, 0.3, 0.1, 0.7),
            )[row],
        )
    d.arrow((150, 194), (150, 220))
    d.arrow((490, 194), (490, 212))
    d.box(150, 312, 340, 64, "index of vectors", INK)
    d.arrow((150, 242), (150, 276), (200, 290), (240, 310))
    d.arrow((490, 278), (490, 290), (440, 296), (400, 310))
    d.text(340, 402, "twenty candidates", 20, GREY, anchor="start")
    d.arrow((320, 378), (320, 428))
    d.rect(70, 430, 500, 112, tint(INK), INK, radius=14)
    d.text(320, 454, "cross-encoder: words and regions together", 20)
    for row in range(2):
        for column in range(8):
            mark = (row, column) in {(0, 2), (1, 5)}
            d.rect(
                216 + 26 * column, 478 + 26 * row, 26, 26, tint(INK, 0.8) if mark else WHITE, INK, radius=0, stroke=1.5
            )
    d.text(206, 504, "words", 18, TEXT, anchor="end")
    d.text(434, 504, "regions", 18, "#AA4B00", anchor="start")
    d.arrow((320, 544), (320, 586))
    d.text(320, 608, "the right picture first", 20, weight=600)
    return d
