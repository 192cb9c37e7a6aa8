"""The diagram of chapter 16: four ways from frames to one vector, and which of them notice a film run backwards."""

from mmlib.style import COLORS
from tools.diagrams.foundations import IMAGE
from tools.diagrams.kit import AMBER, EDGE, GREY, INK, WHITE, Drawing, tint

VIDEO = COLORS["video"]


def _film(d, left, top, cell=30):
    """Four frames of a film in which a ball moves to the right and turns from one colour into another."""
    for t in range(4):
        d.rect(left + t * (cell + 6), top, cell, cell, WHITE, VIDEO, radius=4, stroke=2)
        d.circle(left + t * (cell + 6) + 9 + 8 * t, top + cell / 2, 6, IMAGE if t < 2 else AMBER)


def draw_16_time():
    """Four panels. In each, four frames of a film in which a ball moves to the right and changes its colour. First, a
    bag: the frames fall into one heap, and the film run backwards is the same heap. Second, recurrence: each frame
    hands its state on to the next. Third, convolution: a small window slides along the time axis. Fourth, attention:
    every frame looks at every other, and carries a number for its place in time."""
    d = Drawing("Four ways from frames to one vector", 560)
    panels = (
        (16, 16, "bag", "blind to the order"),
        (326, 16, "recurrence", "one after the other"),
        (16, 286, "convolution", "a window that slides"),
        (326, 286, "attention", "blind without numbers"),
    )
    for left, top, name, says in panels:
        d.rect(left, top, 298, 258, WHITE, EDGE, radius=14)
        d.text(left + 149, top + 28, name, 23, weight=600)
        d.text(left + 149, top + 234, says, 19, GREY, italic=True)
        first = left + 52
        _film(d, first, top + 56, 43)
        middle = [first + 21.5 + 49 * t for t in range(4)]
        if name == "bag":
            for x in middle:
                d.arrow((x, top + 104), (left + 149 + (x - left - 149) * 0.35, top + 164), ink=VIDEO)
            d.box(left + 94, top + 168, 110, 42, "sum", VIDEO, 20)
        if name == "recurrence":
            for t, x in enumerate(middle):
                d.arrow((x, top + 104), (x, top + 136), ink=VIDEO)
                d.rect(x - 14, top + 140, 28, 28, tint(VIDEO, 0.3), VIDEO, radius=6)
                if t < 3:
                    d.arrow((x + 16, top + 154), (x + 34, top + 154), head=8)
            d.arrow((middle[3], top + 172), (middle[3], top + 206), ink=INK)
        if name == "convolution":
            d.rect(first - 6, top + 48, 154, 60, "none", AMBER, radius=8, stroke=4)
            d.arrow((middle[1], top + 112), (middle[1], top + 148), ink=INK)
            d.box(middle[1] - 55, top + 152, 110, 42, "filter", INK, 20, tint(AMBER, 0.55))
            d.arrow((middle[1] + 62, top + 173), (middle[3] + 20, top + 173), dash="6 6")
        if name == "attention":
            for i, x in enumerate(middle):
                d.text(x, top + 116, str(i), 20, weight=600)
                for other in middle:
                    d.path([(x, top + 130), (other, top + 186)], VIDEO, 1.5, opacity=0.6)
                d.circle(x, top + 190, 7, VIDEO)
    return d
