"""The diagrams of part I: what a multimodal model is, data, encoders."""

from tools.diagrams.kit import AMBER, COLORS, EDGE, GREY, INK, WHITE, Drawing, dark, tint

TEXT, IMAGE, AUDIO, VIDEO = (COLORS[name] for name in ("text", "image", "audio", "video"))
RED, BLUE = "#C8323C", "#3568C9"


def scene(d, x, y, size):
    """Draw the book's small scene, a red circle above a blue square, in a square that starts at (x, y)."""
    d.rect(x, y, size, size, WHITE, IMAGE, radius=6)
    d.circle(x + 0.5 * size, y + 0.3 * size, 0.17 * size, RED)
    d.rect(x + 0.34 * size, y + 0.56 * size, 0.32 * size, 0.32 * size, BLUE, radius=2)


def draw_01_flowchart():
    """A flowchart from top to bottom. A sentence goes into a text encoder and a picture into an image encoder.
    Both send vectors into one cross-modal fusion layer; a decoder turns what it makes into the output."""
    d = Drawing("From two inputs to one output", 704)
    for x, kind, words, encoder in (
        (165, "text", "a sentence", "text encoder"),
        (475, "image", "a picture", "image encoder"),
    ):
        ink = COLORS[kind]
        d.icon(kind, x, 66, 78)
        d.text(x, 124, words)
        d.arrow((x, 143), (x, 180), ink=ink)
        d.box(x - 110, 184, 220, 66, encoder, ink, 22)
        d.vector(x - 48, 270, ink)
        d.arrow((x, 296), (x, 326), (320 + (x - 320) * 0.45, 326), (320 + (x - 320) * 0.45, 368), ink=ink)
    d.text(320, 278, "vectors", 18, GREY, italic=True)
    d.box(130, 372, 380, 70, "cross-modal fusion", INK, 24, weight=600)
    d.arrow((320, 444), (320, 482))
    d.box(210, 486, 220, 66, "decoder", AMBER, 22)
    d.arrow((320, 554), (320, 590))
    d.rect(150, 594, 340, 86, WHITE, INK)
    d.icon("text", 208, 637, 54)
    d.icon("image", 270, 637, 54)
    d.text(396, 637, "output", 22, weight=600)
    return d


def draw_01_four_shapes():
    """Four small flowcharts. Dual encoder: text and picture each have an encoder, and one number compares the two
    vectors. Cross-encoder: one network reads both and gives one score. Encoder-decoder: an encoder reads the
    picture, and a decoder that looks at it writes text. Prefix: vectors of the picture stand before the words,
    and a language model reads them all."""
    d = Drawing("Four shapes of multimodal models", 960)
    corners = [(22 + 304 * (i % 2), 22 + 462 * (i // 2)) for i in range(4)]
    titles = [
        ("Dual encoder", "fast search"),
        ("Cross-encoder", "close comparison"),
        ("Encoder–decoder", "description"),
        ("Prefix", "conversation"),
    ]
    for (x, y), (title, use) in zip(corners, titles, strict=True):
        d.rect(x, y, 292, 454, WHITE, EDGE, radius=14)
        d.text(x + 146, y + 32, title, 23, weight=600)
        d.text(x + 146, y + 426, use, 19, GREY, italic=True)
    for shape, corner in zip((_dual_encoder, _cross_encoder, _encoder_decoder, _prefix), corners, strict=True):
        shape(d, *corner)
    return d


def _dual_encoder(d, x, y):
    for at, ink, kind in ((x + 76, TEXT, "text"), (x + 216, IMAGE, "image")):
        d.icon(kind, at, y + 92, 60)
        d.arrow((at, y + 127), (at, y + 154), ink=ink)
        d.box(at - 58, y + 158, 116, 58, "encoder", ink)
        d.vector(at - 42, y + 236, ink, cell=14)
        d.arrow((at, y + 258), (x + 146 + (at - x - 146) * 0.36, y + 306), ink=ink)
    d.circle(x + 146, y + 328, 27, tint(INK), INK)
    d.circle(x + 146, y + 328, 5, INK)
    d.text(x + 146, y + 378, "similarity")


def _cross_encoder(d, x, y):
    for at, ink, kind in ((x + 76, TEXT, "text"), (x + 216, IMAGE, "image")):
        d.icon(kind, at, y + 92, 60)
        d.arrow((at, y + 127), (at, y + 154), ink=ink)
    d.box(x + 26, y + 158, 240, 98, "one encoder\nreads both", INK)
    d.arrow((x + 146, y + 258), (x + 146, y + 298))
    d.circle(x + 146, y + 328, 27, tint(INK), INK)
    d.text(x + 146, y + 378, "score")


def _encoder_decoder(d, x, y):
    d.icon("image", x + 76, y + 92, 60)
    d.arrow((x + 76, y + 127), (x + 76, y + 154), ink=IMAGE)
    d.box(x + 18, y + 158, 116, 58, "encoder", IMAGE)
    for k in range(3):
        d.vector(
            x + 34, y + 236 + 18 * k, IMAGE, cell=14, pattern=((0.9, 0.35, 0.6, 0.15, 0.75, 0.45)[k:] + (0.25, 0.5))
        )
    d.arrow((x + 122, y + 261), (x + 152, y + 261), ink=IMAGE)
    d.box(x + 156, y + 214, 118, 94, "decoder\nlooks at it", TEXT)
    d.arrow((x + 215, y + 310), (x + 215, y + 340), ink=TEXT)
    d.icon("text", x + 215, y + 374, 60)


def _prefix(d, x, y):
    d.icon("image", x + 76, y + 92, 60)
    d.arrow((x + 76, y + 127), (x + 76, y + 154), ink=IMAGE)
    d.box(x + 18, y + 158, 116, 48, "encoder", IMAGE)
    d.arrow((x + 76, y + 208), (x + 76, y + 228), ink=IMAGE)
    d.icon("text", x + 216, y + 92, 60)
    d.arrow((x + 216, y + 127), (x + 216, y + 228), ink=TEXT)
    for k in range(8):
        ink = IMAGE if k < 4 else TEXT
        d.rect(x + 18 + 32.6 * k, y + 233, 27, 27, tint(ink, 0.45), ink, radius=5)
    d.arrow((x + 146, y + 263), (x + 146, y + 281))
    d.box(x + 26, y + 285, 240, 48, "language model", TEXT)
    d.arrow((x + 146, y + 335), (x + 146, y + 351), ink=TEXT)
    d.icon("text", x + 146, y + 381, 54)


def draw_01_information():
    """Two overlapping circles, one for the text and one for the picture. What lies in the overlap is redundant:
    both know it. What lies in one circle only is unique. A dashed halo around both is synergy: what only the
    two together reveal."""
    d = Drawing("Four kinds of information", 520)
    d.rect(26, 24, 588, 472, tint(AMBER, 0.16), AMBER, radius=150, dash="3 9", stroke=3.5)
    d.circle(232, 296, 158, tint(TEXT, 0.22), TEXT, 3)
    d.circle(408, 296, 158, tint(IMAGE, 0.22), IMAGE, 3, opacity=0.8)
    d.circle(232, 296, 158, ink=TEXT, stroke=3)
    d.text(320, 66, "synergistic", 24, weight=600)
    d.text(320, 96, "only both together tell", 19)
    d.icon("text", 170, 210, 54)
    d.icon("image", 470, 210, 54)
    for x, title, words in (
        (154, "unique", "only the\ntext tells"),
        (320, "redundant", "each\ntells"),
        (486, "unique", "only the\npicture tells"),
    ):
        d.text(x, 282, title, 21 if x != 320 else 20, weight=600)
        d.lines(x, 328, words, 19)
    return d


def draw_02_pipeline():
    """Four rows. A sentence is split into words, each word becomes a number, and the row is padded with zeros:
    shape B, T. A picture is resized and scaled to between zero and one: B, H, W, 3. A sound is cut into short
    frames, each turned into mel bands: B, frames, bands. A film becomes a row of frames: B, F, H, W, 3."""
    d = Drawing("From the raw thing to a tensor, four times", 664)
    rows = [
        ("text", "number the words, pad", "(B, T)"),
        ("image", "resize, scale to [0, 1]", "(B, H, W, 3)"),
        ("audio", "short frames, mel bands", "(B, frames, bands)"),
        ("video", "pick frames, resize", "(B, F, H, W, 3)"),
    ]
    for i, (kind, words, shape) in enumerate(rows):
        y, ink = 88 + 162 * i, COLORS[kind]
        if i:
            d.path([(30, y - 81), (610, y - 81)], EDGE, 2)
        d.icon(kind, 66, y - 4, 76)
        d.arrow((112, y - 18), (146, y - 18), ink=ink)
        d.text(267, y + 44, words)
        d.arrow((388, y - 18), (422, y - 18), ink=ink)
        d.text(518, y + 44, shape, 19, dark(ink), mono=True)
        _row_of(kind, d, y - 18)
    return d


def _row_of(kind, d, y):
    """Draw in the middle what happens to the modality, at the right the numbers it ends as."""
    ink = COLORS[kind]
    if kind == "text":
        for k, (word, code) in enumerate([("a", "5"), ("red", "12"), ("dot", "31"), ("", "0")]):
            if word:
                d.box(160 + 74 * k, y - 21, 66, 42, word, ink, 20)
            d.rect(438 + 42 * k, y - 22, 42, 44, tint(ink) if word else WHITE, ink, radius=0)
            d.text(459 + 42 * k, y, code)
    elif kind == "image":
        scene(d, 227, y - 40, 80)
        for layer, shade in ((2, "#C0453B"), (1, "#3F9B57"), (0, "#3B69B5")):
            x, top = 477 + 15 * layer, y - 28 - 10 * layer
            for a in range(4):
                for b in range(4):
                    d.rect(
                        x + 15 * a,
                        top + 15 * b,
                        15,
                        15,
                        tint(shade, 0.2 + 0.17 * ((a * 3 + b * 5 + layer) % 4)),
                        shade,
                        0,
                        1.2,
                    )
    elif kind == "audio":
        heights = (8, 22, 44, 30, 58, 36, 50, 20, 34, 14, 26, 10)
        for k, tall in enumerate(heights):
            d.path([(168 + 18 * k, y - tall / 2), (168 + 18 * k, y + tall / 2)], ink, 5)
        for k in range(3):
            d.rect(159 + 72 * k, y - 36, 72, 72, ink=GREY, radius=4, stroke=1.8, dash="5 5")
        for a in range(9):
            for b in range(5):
                d.rect(
                    438 + 19 * a,
                    y - 38 + 15 * b,
                    19,
                    15,
                    tint(ink, 0.1 + 0.85 * ((a * 2 + b * 3 + a * b) % 7) / 7),
                    ink,
                    0,
                    1,
                )
    else:
        for k in range(3):
            x = 163 + 72 * k
            d.rect(x, y - 34, 64, 68, WHITE, ink, radius=6)
            d.circle(x + 14 + 18 * k, y, 11, RED)
        for k in range(3):
            x = 446 + 52 * k
            d.rect(x, y - 30 + 6 * k, 48, 48, WHITE, ink, radius=0, stroke=1.5)
            for a in range(1, 4):
                d.path([(x + 12 * a, y - 30 + 6 * k), (x + 12 * a, y + 18 + 6 * k)], tint(ink, 0.4), 1.2)
                d.path([(x, y - 30 + 6 * k + 12 * a), (x + 48, y - 30 + 6 * k + 12 * a)], tint(ink, 0.4), 1.2)
            d.rect(x + 12 * k, y - 6 + 6 * k - 12, 12, 12, RED, radius=0)


def draw_02_split():
    """Five voices with six recordings each, twice. Split by row: every voice has recordings on both sides, so the
    test asks about voices that were heard in training. Split by voice: all recordings of a voice are on one
    side, so the test voice is new."""
    d = Drawing("Two ways to split recordings", 684)
    by_row = ["001000", "000010", "100000", "000100", "010001"]
    by_voice = ["000000", "000000", "000000", "000000", "111111"]
    for top, title, table, words in (
        (26, "Split by row", by_row, "every test voice\nis also in training"),
        (332, "Split by voice", by_voice, "the test voice\nwas never heard"),
    ):
        d.rect(22, top, 596, 276, WHITE, EDGE, radius=14)
        d.text(44, top + 34, title, 23, anchor="start", weight=600)
        for i, row in enumerate(table):
            y = top + 82 + 40 * i
            d.icon("audio", 62, y, 34)
            for k, test in enumerate(row):
                d.rect(98 + 44 * k, y - 15, 36, 30, AMBER if test == "1" else tint(INK, 0.3), None, radius=6)
        d.lines(490, top + 162, words, 20)
    d.rect(196, 632, 36, 30, tint(INK, 0.3), radius=6)
    d.text(242, 647, "training", anchor="start")
    d.rect(348, 632, 36, 30, AMBER, radius=6)
    d.text(394, 647, "test", anchor="start")
    return d


def draw_03_encoders():
    """Four rows: text goes through embedding and LSTM or Transformer, a picture through a CNN or ResNet, a sound
    through a spectrogram and a CNN, a film through frames and recurrence. Each row ends in a vector, and all
    four vectors have the same width D."""
    d = Drawing("An encoder for each modality, vectors of one width", 640)
    rows = [
        ("text", "embedding +", "LSTM, Transformer"),
        ("image", "convolution:", "CNN, ResNet"),
        ("audio", "spectrogram +", "CNN"),
        ("video", "frame encoder +", "recurrence"),
    ]
    for i, (kind, first, second) in enumerate(rows):
        y, ink = 78 + 132 * i, COLORS[kind]
        d.icon(kind, 70, y, 80)
        d.arrow((118, y), (152, y), ink=ink)
        d.box(156, y - 44, 222, 88, f"{first}\n{second}", ink, 21)
        d.arrow((380, y), (414, y), ink=ink)
        pattern = [(0.9, 0.35, 0.6, 0.15, 0.75, 0.45, 0.25, 0.65)[(k + 3 * i) % 8] for k in range(8)]
        d.vector(420, y - 12, ink, 8, 24, pattern=pattern)
    d.path("M420 548 L420 560 L612 560 L612 548", GREY, 2)
    d.text(516, 590, "D numbers each", 21)
    return d


def draw_03_residual():
    """Left, a plain block: x goes through two layers, and the output is f of x. Right, a residual block: x also
    goes around the layers by a shortcut and is added to their output, so that the block gives x plus f of x."""
    d = Drawing("A plain block and a residual block", 560)
    for x, title in ((164, "plain"), (452, "residual")):
        d.text(x, 42, title, 24, weight=600)
        d.text(x, 90, "x", 26, italic=True)
        d.arrow((x, 112), (x, 152))
        d.box(x - 84, 156, 168, 66, "layer", IMAGE, 22)
        d.arrow((x, 224), (x, 258), ink=IMAGE)
        d.box(x - 84, 262, 168, 66, "layer", IMAGE, 22)
    d.path([(316, 30), (316, 530)], EDGE, 2.5)
    d.arrow((164, 330), (164, 480))
    d.text(164, 510, "f(x)", 26, italic=True)
    d.arrow((452, 330), (452, 376), ink=IMAGE)
    d.path("M452 132 L562 132 Q582 132 582 152 L582 380 Q582 400 562 400", AMBER, 5)
    d.arrow((562, 400), (480, 400), ink=AMBER, stroke=5, head=17)
    d.circle(452, 400, 22, WHITE, INK)
    d.path("M441 400 L463 400 M452 389 L452 411", INK, 3.5)
    d.arrow((452, 424), (452, 480))
    d.text(452, 510, "x + f(x)", 26, italic=True)
    d.text(540, 105, "shortcut", 20)
    return d
