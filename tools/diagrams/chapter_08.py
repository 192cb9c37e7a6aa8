"""The diagram of chapter 08: two spaces become one."""

from tools.diagrams.foundations import IMAGE, TEXT
from tools.diagrams.kit import EDGE, GREY, INK, WHITE, Drawing, dark, tint

OWN = {  # where three things lie in the words' own space and in the pictures' own space, as parts of a panel
    "text": [(0.22, 0.30), (0.70, 0.24), (0.48, 0.74)],
    "image": [(0.74, 0.66), (0.26, 0.76), (0.60, 0.22)],
}
SHARED = [(214, 520), (366, 484), (344, 640)]


def _mark(d, kind, x, y, size, ink):
    """Draw a disc, a square or a triangle around (x, y): which thing it is."""
    if kind == 0:
        d.circle(x, y, size, tint(ink, 0.75), ink)
    elif kind == 1:
        d.rect(x - size, y - size, 2 * size, 2 * size, tint(ink, 0.75), ink, radius=2)
    else:
        d.path(f"M{x} {y - 1.15 * size} L{x + 1.1 * size} {y + 0.8 * size} L{x - 1.1 * size} {y + 0.8 * size} Z", ink,
               fill=tint(ink, 0.75))  # fmt: skip


def draw_08_shared_space():
    """At the top two panels, the space of words on the left and the space of pictures on the right. Each holds a
    disc, a square and a triangle, at unrelated places. An encoder leads from each panel to one circle below, the
    shared space, in which the two discs lie side by side, the two squares, and the two triangles."""
    d = Drawing("Two spaces become one", 740)
    for left, kind, ink, title in ((28, "text", TEXT, "words"), (352, "image", IMAGE, "pictures")):
        d.rect(left, 70, 260, 196, WHITE, ink, radius=14)
        d.icon(kind, left + 72, 40, 44)
        d.text(left + 106, 40, title, 23, dark(ink), anchor="start", weight=600)
        for i, (x, y) in enumerate(OWN[kind]):
            _mark(d, i, left + 260 * x, 70 + 196 * y, 13, ink)
        middle = left + 130
        d.arrow((middle, 268), (middle, 296), ink=ink)
        d.box(middle - 80, 300, 160, 54, "encoder", ink, 21)
        d.arrow((middle, 356), (320 + (middle - 320) * 0.66, 406), ink=ink)
    d.circle(320, 560, 164, WHITE, INK)
    d.circle(320, 560, 158, "none", EDGE, 1.5)
    for i, (x, y) in enumerate(SHARED):
        d.circle((2 * x + 34) / 2, y + 2, 46, "none", GREY, 2, dash="5 7")
        _mark(d, i, x, y, 13, TEXT)
        _mark(d, i, x + 34, y + 4, 13, IMAGE)
    d.text(88, 560, "one", 23, weight=600)
    d.text(88, 590, "space", 23, weight=600)
    return d
