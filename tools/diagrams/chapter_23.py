"""The diagram of chapter 23: the source's model with its numbers, and the places of its defects."""

from tools.diagrams.foundations import IMAGE, TEXT
from tools.diagrams.fusion import _join
from tools.diagrams.kit import AMBER, GREY, INK, WHITE, Drawing


def draw_23_source_model():
    """The source's model as a flow chart. Left, the text: 7 tokens, an embedding with 1,600 parameters, an LSTM with
    6,272, a vector of 32. Right, the picture of 32 by 32: a convolution with 896 parameters, pooling, a convolution
    with 18,496, pooling, flatten to 2,304 numbers, a dense layer with 73,760, a vector of 32. The two are joined and
    go through a dense layer with 2,080 parameters to a vector of 32. Below it an empty dashed box: no head, no loss.
    Amber numbers from 1 to 6 mark the defects: padding, scale, the sum, the missing head, flatten, saving."""
    d = Drawing("The source's model, its parameters and its defects", 884)
    left, right = 160, 470
    d.icon("text", left, 58, 68)
    d.icon("image", right, 58, 68)
    d.text(left, 112, "7 tokens", 20)
    d.text(right, 112, "32 × 32 × 3", 20)
    _column(d, left, TEXT, [(136, "Embedding", "1,600"), (236, "LSTM", "6,272")])
    picture = [(136, "convolution, pool", "896"), (236, "convolution, pool", "18,496")]
    _column(d, right, IMAGE, [*picture, (336, "Flatten", "2,304 numbers"), (436, "Dense", "73,760")])
    d.arrow((left, 308), (left, 532), ink=TEXT)
    d.arrow((right, 508), (right, 532), ink=IMAGE)
    for x, ink in ((left, TEXT), (right, IMAGE)):
        d.vector(x - 64, 538, ink, 8, 16)
        d.text(x + (88 if x == left else -88), 546, "32", 20, GREY)
    d.arrow((left, 558), (298, 600), ink=TEXT)
    d.arrow((right, 558), (342, 600), ink=IMAGE)
    _join(d, 320, 612)
    d.arrow((320, 634), (320, 656))
    d.box(204, 660, 232, 68, "Dense, no activation", INK, 21, small="2,080")
    d.arrow((320, 730), (320, 756))
    d.vector(256, 760, INK, 8, 16)
    d.arrow((320, 778), (320, 800), ink=GREY, dash="6 6")
    d.rect(190, 804, 260, 56, WHITE, GREY, radius=12, dash="8 8")
    d.text(320, 832, "no head, no loss", 20, GREY, italic=True)
    marks = {1: (46, 170), 2: (46, 546), 3: (456, 694), 4: (470, 832), 5: (594, 370), 6: (184, 694)}
    for number, (x, y) in marks.items():
        d.circle(x, y, 19, AMBER, INK)
        d.text(x, y, str(number), 21, weight=600)
    return d


def _column(d, x, ink, parts):
    """Draw boxes under one another with arrows between them: (top, name, parameters)."""
    for top, name, small in parts:
        d.box(x - 104, top, 208, 70, name, ink, 21, small=small)
        if (top, name, small) != parts[-1]:
            d.arrow((x, top + 72), (x, top + 98), ink=ink)
