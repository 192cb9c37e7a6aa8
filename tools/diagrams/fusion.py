"""The diagrams of part II: where modalities are joined, how opinions are pooled, who looks at whom, what is missing."""

import random

from tools.diagrams.foundations import AUDIO, BLUE, IMAGE, RED, TEXT
from tools.diagrams.kit import AMBER, EDGE, GREY, INK, WHITE, Drawing, dark, tint


def _join(d, x, y):
    """Draw the point where modalities meet, the same amber circle everywhere."""
    d.circle(x, y, 21, AMBER, INK)
    d.path([(x - 9, y), (x + 9, y)], INK, 4)
    d.path([(x, y - 9), (x, y + 9)], INK, 4)


def draw_04_fusion_places():
    """Three columns, each from a text and a picture at the top to an answer at the bottom. An amber circle marks
    where the two meet. Early fusion: at once, before one network. Intermediate fusion: after an encoder each,
    before a common head. Late fusion: at the end, after each has given its own answer."""
    d = Drawing("Three places to fuse", 636)
    for i, title in enumerate(("early", "intermediate", "late")):
        x = 22 + 200 * i
        left, middle, right = x + 52, x + 98, x + 144
        d.rect(x, 22, 196, 592, WHITE, EDGE, radius=14)
        d.text(middle, 54, title, 23, weight=600)
        d.icon("text", left, 112, 56)
        d.icon("image", right, 112, 56)
        meet = (184, 306, 470)[i]
        for at, ink in ((left, TEXT), (right, IMAGE)):
            side = -1 if at == left else 1
            if i > 0:
                d.arrow((at, 144), (at, 176), ink=ink)
                d.box(at - 41, 180, 82, 62, "encoder", ink, 18)
            if i > 1:
                d.arrow((at, 244), (at, 272), ink=ink)
                d.box(at - 41, 276, 82, 56, "head", ink, 18)
                d.arrow((at, 334), (at, 362), ink=ink)
                for k, tall in enumerate(((34, 14, 20), (26, 34, 8))[at == right]):
                    d.rect(at - 24 + 17 * k, 404 - tall, 13, tall, tint(ink, 0.7), ink, radius=2, stroke=1.5)
                d.path([(at - 28, 405), (at + 28, 405)], INK, 2)
            start = (146, 246, 416)[i]
            d.arrow((at, start), (middle + side * 17, meet - 19), ink=ink)
        _join(d, middle, meet)
        if i == 0:
            d.arrow((middle, 208), (middle, 266))
            d.box(x + 22, 270, 152, 190, "one\nnetwork", INK)
            d.arrow((middle, 462), (middle, 538))
        elif i == 1:
            d.arrow((middle, 330), (middle, 370))
            d.box(x + 22, 374, 152, 86, "head", INK)
            d.arrow((middle, 462), (middle, 538))
        else:
            d.arrow((middle, 494), (middle, 538))
        d.box(x + 36, 542, 124, 50, "answer", INK, fill=WHITE)
    return d


def draw_05_pools():
    """Bar charts of probabilities over three classes. At the top the opinions of a sound expert and of a picture
    expert, and the prior. Below, the mean of the two opinions, and their product divided by the prior: where
    both experts lean the same way against the prior, the product leans further than either."""
    sound, picture, prior = (0.15, 0.60, 0.25), (0.25, 0.50, 0.25), (0.5, 0.3, 0.2)
    product = [s * p / q for s, p, q in zip(sound, picture, prior, strict=True)]
    product = [value / sum(product) for value in product]
    mean = [(s + p) / 2 for s, p in zip(sound, picture, strict=True)]
    d = Drawing("Two ways to pool opinions", 660)
    given = (118, sound, AUDIO, "audio"), (320, picture, IMAGE, "image"), (522, prior, GREY, None)
    for x, values, ink, kind in given:
        _bars(d, x, 246, values, ink, 130)
        if kind:
            d.icon(kind, x, 56, 62)
        else:
            d.text(x, 56, "prior", 23, weight=600)
    for x, values, title in ((170, mean, "mean"), (470, product, "product ÷ prior")):
        d.rect(x - 128, 382, 256, 256, WHITE, EDGE, radius=14)
        d.text(x, 414, title, 22, weight=600)
        _bars(d, x, 592, values, INK, 130)
    d.arrow((118, 290), (150, 374), ink=AUDIO)
    d.arrow((296, 290), (210, 374), ink=IMAGE)
    d.arrow((144, 290), (416, 374), ink=AUDIO)
    d.arrow((344, 290), (462, 374), ink=IMAGE)
    d.arrow((522, 290), (500, 374), ink=GREY)
    return d


def _bars(d, x, base, values, ink, tall):
    """Draw probabilities as bars around ``x`` that stand on ``base``, with their values and the classes' letters."""
    for k, value in enumerate(values):
        left = x - 78 + 54 * k
        d.rect(left, base - tall * value / 0.8, 46, tall * value / 0.8, tint(ink, 0.6), ink, radius=3)
        d.text(left + 23, base - tall * value / 0.8 - 15, f".{round(100 * value):02d}", 19)
        d.text(left + 23, base + 20, "ABC"[k], 19, GREY)
    d.path([(x - 84, base), (x + 84, base)], INK, 2)


def draw_06_cross_attention():
    """At the left the words of the question "what colour is the circle", the word circle marked as the query. At the
    right a picture of nine patches, the keys and values. Lines run from the query to the patches, thicker the
    larger the weight: thickest to the two patches that hold the red circle. Below, the weighted mean of the
    patches' vectors, which goes back to the word."""
    d = Drawing("A word looks at the patches", 650)
    for k, word in enumerate(("what", "colour", "is", "the", "circle")):
        mine = word == "circle"
        d.box(28, 88 + 78 * k, 122, 54, word, TEXT, 22, tint(TEXT, 0.5 if mine else 0.14), weight=600 if mine else None)
    d.text(89, 46, "queries", 21, TEXT, italic=True)
    d.text(434, 46, "keys and values", 21, dark(IMAGE), italic=True)
    weights = [[0.03, 0.03, 0.05], [0.43, 0.06, 0.02], [0.31, 0.05, 0.02]]
    left, top, cell, step = 266, 88, 106, 114
    for row, line in enumerate(weights):
        for column, weight in enumerate(line):
            shade = tint(AMBER, min(1.0, 1.6 * weight))
            d.rect(left + column * step, top + row * step, cell, cell, shade, IMAGE, radius=6)
    middle, edge = left + cell / 2, top + step + cell
    d.path(f"M{middle - 40} {edge} A40 40 0 0 1 {middle + 40} {edge} Z", None, fill=RED)
    d.path(f"M{middle - 40} {edge + 8} A40 40 0 0 0 {middle + 40} {edge + 8} Z", None, fill=RED)
    d.rect(left + 2 * step + 26, top + 26, 54, 54, BLUE, radius=4)
    lines = sorted((weights[row][column], row, column) for row in range(3) for column in range(3))
    for weight, row, column in lines:
        end = (left + column * step + 18, top + row * step + 18)
        ink = INK if weight > 0.2 else GREY
        d.path([(154, 427), end], ink, 1.2 + 16 * weight, opacity=1.0 if weight > 0.2 else 0.35)
        d.circle(*end, 3 + 9 * weight, ink)
    d.text(212, 470, "weights", 21, italic=True)
    d.arrow((434, 444), (434, 486), ink=IMAGE)
    d.text(434, 512, "weighted mean of the values", 21)
    d.vector(434 - 104, 538, RED, 8, 26)
    d.path("M326 551 L105 551 Q89 551 89 535 L89 500", TEXT)
    d.arrow((89, 502), (89, 458), ink=TEXT)
    d.text(320, 610, "“circle” now knows: red", 22, GREY, italic=True)
    return d


def draw_07_missing():
    """Three rows, one for each condition. Both present: a clear sound and a clear picture reach the model. Noisy: the
    sound's icon is covered with specks. Missing: the place of the sound is an empty dashed square, and only the
    picture reaches the model. In each the model must answer."""
    d = Drawing("Both present, one noisy, one missing", 640)
    for i, title in enumerate(("both present", "one noisy", "one missing")):
        y = 132 + 204 * i
        d.rect(22, y - 110, 596, 196, WHITE, EDGE, radius=14)
        d.text(46, y - 80, title, 23, anchor="start", weight=600)
        d.icon("image", 208, y + 10, 92)
        if i < 2:
            d.icon("audio", 94, y + 10, 92)
        else:
            d.rect(50, y - 34, 88, 88, "none", GREY, radius=18, dash="7 8")
            d.text(94, y + 10, "?", 34, GREY)
        if i == 1:
            specks = random.Random(7)
            for k in range(70):
                place = (54 + 80 * specks.random(), y - 30 + 80 * specks.random())
                d.circle(*place, 2 + 2.6 * specks.random(), INK if k % 2 else WHITE)
        d.arrow((264, y + 10), (316, y + 10))
        d.box(320, y - 30, 128, 80, "model", INK, 22)
        d.arrow((450, y + 10), (494, y + 10))
        d.box(498, y - 22, 100, 64, "answer", INK, fill=WHITE)
    return d
