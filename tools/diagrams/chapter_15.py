"""The diagrams of chapter 15: a captioner about to say its next word, and a beam that keeps two beginnings."""

from tools.diagrams.foundations import IMAGE, TEXT
from tools.diagrams.kit import AMBER, EDGE, GREY, INK, WHITE, Drawing, dark, tint


def draw_15_captioner():
    """A picture of a red circle and a blue square, cut into sixteen places. Below stand the words start, a and red;
    each feeds a recurrent state, and each state feeds the next. The last state looks at the places, most at those
    of the circle, and predicts the next word: a long bar for circle, a shorter one for disc, a tiny one for box."""
    d = Drawing("The next word, from the words so far and the places of a picture", 560)
    d.rect(28, 40, 200, 200, WHITE, EDGE, radius=4)
    d.circle(84, 110, 34, "#D62D1E")
    d.rect(150, 150, 56, 56, "#2346EB", radius=2)
    for k in range(1, 4):
        d.path([(28 + 50 * k, 40), (28 + 50 * k, 240)], GREY, 1, dash="3 5")
        d.path([(28, 40 + 50 * k), (228, 40 + 50 * k)], GREY, 1, dash="3 5")
    d.rect(28, 90, 100, 50, "none", dark(IMAGE), radius=2, stroke=4)
    d.text(128, 264, "16 places", 19, GREY)
    d.arrow((236, 140), (312, 140), ink=IMAGE)
    d.text(274, 120, "places", 19, dark(IMAGE))
    d.box(318, 100, 136, 80, "look", INK, 22, tint(AMBER, 0.45), weight=600)
    d.arrow((460, 140), (486, 140))
    for k, (word, length) in enumerate((("circle", 58), ("disc", 44), ("box", 8))):
        y = 100 + 40 * k
        d.text(558, y, word, 20, TEXT, anchor="end")
        d.rect(566, y - 12, length, 24, tint(TEXT, 0.6), TEXT, radius=3)
    d.text(558, 216, "next word", 19, GREY)
    for k, word in enumerate(("[start]", "a", "red")):
        x = 90 + 148 * k
        d.box(x - 54, 336, 108, 60, f"state {k + 1}", TEXT, 20)
        d.text(x, 486, word, 22, TEXT, weight=600)
        d.arrow((x, 464), (x, 402), ink=TEXT)
        if k:
            d.arrow((x - 90, 366), (x - 60, 366), ink=TEXT)
    d.arrow((386, 330), (386, 186), ink=TEXT)
    d.text(400, 264, "what was said", 19, dark(TEXT), anchor="start")
    d.text(238, 528, "the words so far", 19, GREY)
    return d


def draw_15_beam():
    """A tree of words. From start, red has 0.5 and thing 0.4. After red the probability is shared by round 0.4, thing
    0.3 and end 0.3; the greedy way goes on through round, thing and end to 0.16. After thing, end has 0.9. A beam of
    two keeps both beginnings and finds thing, end, with 0.36."""
    d = Drawing("Greedy search follows one beginning, a beam keeps two", 420)
    d.box(20, 180, 92, 52, "start", INK, 20)
    for y, word, p, ink in ((90, "red", "0.5", GREY), (310, "thing", "0.4", TEXT)):
        d.arrow((114, 206), (170, y), ink=ink, stroke=3)
        d.text(124 if y < 200 else 128, (206 + y) / 2 + (-16 if y < 200 else 20), p, 18, GREY)
        d.box(174, y - 26, 92, 52, word, ink, 20)
    for y, word, p, on in ((40, "round", "0.4", True), (104, "thing", "0.3", False), (168, "[end]", "0.3", False)):
        d.arrow((268, 90), (336, y), ink=GREY, dash=None if on else "6 6")
        d.box(340, y - 24, 88, 48, word, GREY, 18, dash=None if on else "6 6")
        d.text(*((300, 52) if on else (450, y)), p, 18, GREY)
    d.arrow((430, 40), (470, 40), ink=GREY)
    d.text(476, 40, "thing [end]", 18, GREY, anchor="start")
    d.text(476, 72, "0.16  greedy", 20, INK, anchor="start", weight=600)
    d.arrow((268, 310), (336, 310), ink=TEXT, stroke=3)
    d.text(300, 290, "0.9", 18, GREY)
    d.box(340, 284, 88, 52, "[end]", TEXT, 20)
    d.text(476, 310, "0.36  beam", 20, dark(TEXT), anchor="start", weight=600)
    d.text(320, 384, "a beam of two keeps red and thing", 19, GREY, italic=True)
    return d
