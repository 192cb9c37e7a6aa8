"""The diagram of chapter 11: two games against a judge."""

from tools.diagrams.foundations import IMAGE, TEXT
from tools.diagrams.kit import AMBER, EDGE, GREY, INK, WHITE, Drawing


def draw_11_games():
    """Two panels. On the left, to make: noise and a label enter a generator, whose drawing goes to a judge; real
    pictures with their labels go to the same judge, who answers the question real or drawn. On the right, to align:
    a text encoder and an image encoder send features, through a sign that turns the gradient round, to a judge who
    answers the question text or image. In both panels a dashed arrow leads back from the judge to the networks that
    learn to fool it."""
    d = Drawing("Two games against a judge", 700)
    for left, title, use in ((22, "to make", "a forger"), (326, "to align", "two spies")):
        d.rect(left, 22, 292, 656, WHITE, EDGE, radius=14)
        d.text(left + 146, 54, title, 23, weight=600)
        d.text(left + 146, 652, use, 19, GREY, italic=True)
    # to make
    d.text(96, 112, "noise, label", 19)
    d.arrow((96, 130), (96, 168))
    d.box(34, 172, 124, 66, "generator", INK, 20)
    d.arrow((96, 240), (96, 290), ink=IMAGE)
    d.icon("image", 96, 324, 58)
    d.text(240, 112, "the world", 19)
    d.arrow((240, 130), (240, 290), ink=IMAGE)
    d.icon("image", 240, 324, 58)
    d.arrow((96, 358), (140, 420), ink=IMAGE)
    d.arrow((240, 358), (196, 420), ink=IMAGE)
    # to align
    for x, kind, ink in ((398, "text", TEXT), (546, "image", IMAGE)):
        d.icon(kind, x, 116, 58)
        d.arrow((x, 148), (x, 182), ink=ink)
        d.box(x - 58, 186, 116, 66, "encoder", ink, 20)
        d.vector(x - 40, 272, ink, cells=5)
        d.arrow((x, 292), (x, 320), ink=ink)
        d.box(x - 54, 324, 108, 50, "reversal", GREY, 19)
        d.arrow((x, 376), (472 + (x - 472) * 0.4, 420), ink=ink)
    for middle, question in ((168, "real or drawn?"), (472, "text or image?")):
        d.box(middle - 100, 424, 200, 66, "judge", AMBER, 22, weight=600)
        d.arrow((middle, 492), (middle, 536))
        d.text(middle, 560, question, 21)
    d.arrow((66, 457), (40, 457), (44, 330), (44, 242), ink=GREY, dash="6 6")
    d.arrow((574, 457), (612, 450), (622, 330), (596, 256), ink=GREY, dash="6 6")
    for middle in (168, 472):
        d.text(middle, 604, "dashed: how to fool it", 18, GREY)
    return d
