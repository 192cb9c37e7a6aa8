"""The diagrams of part VI: what a product of probabilities ranges over, and why a match is not a sum."""

import math

from tools.diagrams.foundations import AUDIO, BLUE, IMAGE, RED, TEXT
from tools.diagrams.kit import AMBER, EDGE, GREY, INK, WHITE, Drawing, tint


def _panel(d, k, title, words):
    """Draw panel ``k`` of four with its title and the words below it; return the middle and the top."""
    x, y = 22 + 304 * (k % 2), 22 + 364 * (k // 2)
    d.rect(x, y, 292, 352, WHITE, EDGE, radius=14)
    d.text(x + 146, y + 34, title, 23, weight=600)
    d.text(x + 146, y + 324, words, 19, GREY, italic=True)
    return x + 146, y


def _node(d, x, y, words, ink=INK, fill=None):
    d.circle(x, y, 30, fill or tint(ink), ink)
    d.text(x, y, words, 21, INK, room=54)


def draw_21_readings():
    """Four panels. Over examples: three rows, each with an arrow from its own input to its own answer. Over answers:
    a picture and a sound each lead to an opinion about y, and the two opinions are multiplied. Over evidence: one
    answer y has arrows to a picture and to a sound. Over words: a picture leads to three words, and each word leads
    to the words behind it."""
    d = Drawing("Four products of probabilities", 760)
    x, y = _panel(d, 0, "over examples", "rows are independent")
    for row in range(3):
        height = y + 92 + 80 * row
        d.box(x - 112, height - 28, 96, 56, f"x ({row + 1})", INK, 21)
        d.arrow((x - 12, height), (x + 44, height))
        _node(d, x + 80, height, f"y ({row + 1})", fill=WHITE)
    x, y = _panel(d, 1, "over answers", "the prior is counted twice")
    for side, kind, ink in ((-1, "image", IMAGE), (1, "audio", AUDIO)):
        d.icon(kind, x + 68 * side, y + 92, 58)
        d.arrow((x + 68 * side, y + 126), (x + 68 * side, y + 158), ink=ink)
        d.box(x + 68 * side - 60, y + 162, 120, 50, "opinion", ink, 20)
        d.arrow((x + 68 * side, y + 214), (x + 24 * side, y + 242), ink=ink)
    d.circle(x, y + 256, 21, AMBER, INK)
    for slope in (1, -1):
        d.path([(x - 8, y + 256 - 8 * slope), (x + 8, y + 256 + 8 * slope)], INK, 4)
    d.text(x + 62, y + 268, "y ?", 22)
    x, y = _panel(d, 2, "over evidence", "independent, given y")
    _node(d, x, y + 100, "y", fill=WHITE)
    for side, kind, ink in ((-1, "image", IMAGE), (1, "audio", AUDIO)):
        d.arrow((x + 20 * side, y + 126), (x + 62 * side, y + 196), ink=ink)
        d.icon(kind, x + 68 * side, y + 236, 68)
    x, y = _panel(d, 3, "over words", "always right")
    d.icon("image", x, y + 96, 62)
    for k in range(3):
        at = x + 92 * (k - 1)
        d.arrow((x + 18 * (k - 1), y + 132), (x + 84 * (k - 1), y + 180), ink=IMAGE)
        _node(d, at, y + 214, f"y{'₁₂₃'[k]}", TEXT)
        if k:
            d.arrow((at - 60, y + 214), (at - 34, y + 214), ink=TEXT)
    d.arrow((x - 84, y + 246), (x - 60, y + 300), (x + 60, y + 300), (x + 84, y + 247), ink=TEXT)
    return d


def draw_22_alignment():
    """At the left a table: the sentences "a red circle" and "a blue square" against a picture of each. The two pairs
    that fit hold a plus, the others a minus; behind each row and below each column stands one half. At the right
    eight points on a circle; a straight line cuts off one of them from the other seven."""
    d = Drawing("Half of each row fits; a line finds one of many", 392)
    d.rect(22, 22, 344, 348, WHITE, EDGE, radius=14)
    d.rect(378, 22, 240, 348, WHITE, EDGE, radius=14)
    left, top, cell = 122, 116, 84
    for column in range(2):
        x = left + cell * column
        d.rect(x + 14, 46, 56, 56, WHITE, IMAGE, radius=6)
        if column == 0:
            d.circle(x + 42, 74, 17, RED)
        else:
            d.rect(x + 27, 59, 30, 30, BLUE, radius=2)
    for row, words in enumerate(("a red\ncircle", "a blue\nsquare")):
        y = top + cell * row
        d.lines(72, y + cell / 2, words, 20, ink=TEXT)
        for column in range(2):
            fits = row == column
            x = left + cell * column
            d.rect(x, y, cell, cell, tint(AMBER, 0.5) if fits else WHITE, INK, radius=0)
            d.text(x + cell / 2, y + cell / 2, "+" if fits else "−", 40)
        d.text(left + 2 * cell + 40, y + cell / 2, "½", 28, GREY)
    for column in range(2):
        d.text(left + cell * (column + 0.5), top + 2 * cell + 34, "½", 28, GREY)
    d.text(194, 350, "one side alone: no idea", 19, GREY, italic=True)
    x, y, radius = 498, 176, 82
    d.circle(x, y, radius, ink=GREY, stroke=1.5, dash="5 6")
    for k in range(8):
        turn = math.pi * k / 4 - math.pi / 8
        place = (x + radius * math.cos(turn), y + radius * math.sin(turn))
        d.circle(*place, 8, AMBER if k == 0 else WHITE, INK)
    turn, cut = -math.pi / 8, radius * (1 + math.cos(math.pi / 4)) / 2
    foot, along = (x + cut * math.cos(turn), y + cut * math.sin(turn)), (-math.sin(turn), math.cos(turn))
    d.path([(foot[0] + side * 84 * along[0], foot[1] + side * 84 * along[1]) for side in (-1, 1)], INK, 3)
    d.text(498, 306, "two dimensions and", 19, GREY, italic=True)
    d.text(498, 332, "a threshold suffice", 19, GREY, italic=True)
    return d
