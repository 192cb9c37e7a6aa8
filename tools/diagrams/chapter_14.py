"""The diagram of chapter 14: noise is carried to a code, a sentence bends the way, a painter paints the code."""

from itertools import pairwise

from tools.diagrams.foundations import IMAGE, TEXT
from tools.diagrams.kit import AMBER, EDGE, GREY, INK, WHITE, Drawing, tint


def draw_14_flow():
    """From left to right: a cloud of noise; three arrows, one step each, on a path that bends towards the code of a
    picture; the painter; a picture. From above a sentence, a small red circle at the top left, goes through a text
    encoder, and an arrow leads from it to each step. A dashed path goes straight on: the way without the sentence."""
    d = Drawing("From noise to a picture, led by a sentence", 430)
    d.box(130, 22, 380, 52, "a small red circle at the top left", TEXT, 20)
    d.arrow((320, 78), (320, 102), ink=TEXT)
    d.box(240, 106, 160, 48, "text encoder", TEXT, 20, tint(TEXT, 0.45))
    d.rect(16, 190, 412, 218, WHITE, EDGE, radius=14)
    d.text(120, 392, "noise", 20, GREY)
    d.text(352, 392, "code", 20, GREY)
    for dx, dy in ((-46, 8), (-28, -26), (-6, 20), (14, -10), (32, 26), (-34, 38), (6, -38), (42, -24), (-10, -6)):
        d.circle(84 + dx, 304 + dy, 5, GREY)
    d.path([(136, 320), (390, 366)], GREY, 2, dash="3 9")
    stops = [(136, 306), (212, 300), (288, 276), (352, 240)]
    for start, end in pairwise(stops):
        d.arrow(start, end, ink=INK)
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 - 8)
        d.arrow((320, 158), middle, ink=TEXT, opacity=0.45)
    d.circle(362, 234, 11, AMBER)
    d.arrow((376, 234), (446, 264), ink=INK)
    d.box(450, 240, 104, 56, "painter", IMAGE, 20, tint(IMAGE, 0.45))
    d.arrow((502, 300), (502, 326), ink=IMAGE)
    d.rect(462, 330, 80, 80, WHITE, EDGE, radius=6)
    d.circle(482, 350, 11, IMAGE)
    return d
