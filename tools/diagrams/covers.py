"""The pictures that are no chapter's: cover, map, logo and favicon."""

import math

from tools.diagrams.foundations import AUDIO, IMAGE, TEXT, VIDEO
from tools.diagrams.kit import AMBER, GREY, INK, WHITE, Drawing, tint

FUR, SHADE, CHAIR = "#E8A14B", "#B9762A", "#C8323C"


def _ellipse(d, x, y, across, tall, fill, ink=None, stroke=3):
    d.add("ellipse", cx=x, cy=y, rx=across, ry=tall, fill=fill, stroke=ink, stroke_width=stroke if ink else None)


def _face(d, x, y, size, awake=False):
    """Draw a cat's face of radius ``size``."""
    for side in (-1, 1):
        ear = [(x + side * 0.92 * size, y - 0.3 * size), (x + side * 0.86 * size, y - 1.25 * size)]
        d.path([*ear, (x + side * 0.25 * size, y - 0.85 * size)], SHADE, 0.09 * size, fill=FUR)
    d.circle(x, y, size, FUR, SHADE, 0.09 * size)
    for side in (-1, 1):
        eye = x + side * 0.42 * size
        if awake:
            d.circle(eye, y - 0.05 * size, 0.13 * size, INK)
        else:
            d.path(
                f"M{eye - 0.2 * size:.1f} {y:.1f} q{0.2 * size:.1f} {0.2 * size:.1f} {0.4 * size:.1f} 0",
                INK,
                0.1 * size,
            )
    d.path(
        f"M{x - 0.1 * size:.1f} {y + 0.3 * size:.1f} h{0.2 * size:.1f} l{-0.1 * size:.1f} {0.12 * size:.1f} Z",
        None,
        fill=INK,
    )


def _asleep(d, x, y, size):
    """Draw a curled cat whose body is ``size`` high."""
    _ellipse(d, x, y, 1.25 * size, 0.72 * size, FUR, SHADE, 0.06 * size)
    for k in (-0.1, 0.3, 0.7):
        start = (x + k * size, y - 0.64 * size + 0.12 * size * abs(k))
        d.path([start, (start[0] - 0.06 * size, start[1] + 0.28 * size)], SHADE, 0.09 * size)
    ends = [(1.1, 0.2), (0.9, 0.95), (-0.1, 0.62)]
    start, bend, end = (f"{x + a * size:.1f} {y + b * size:.1f}" for a, b in ends)
    tail = f"M{start} Q{bend} {end}"
    d.path(tail, SHADE, 0.34 * size)
    d.path(tail, FUR, 0.24 * size)
    _face(d, x - 0.8 * size, y + 0.08 * size, 0.5 * size)


def _sits(d, x, y, size):
    """Draw a sitting cat, awake."""
    d.path(
        f"M{x + 0.45 * size:.1f} {y + 0.6 * size:.1f} q{0.7 * size:.1f} 0 {0.5 * size:.1f} {-0.8 * size:.1f}",
        SHADE,
        0.2 * size,
    )
    _ellipse(d, x, y + 0.25 * size, 0.58 * size, 0.75 * size, FUR, SHADE, 0.06 * size)
    _face(d, x, y - 0.62 * size, 0.5 * size, awake=True)


def _walks(d, x, y, size):
    """Draw a cat that walks away to the right."""
    d.path(
        f"M{x - 0.9 * size:.1f} {y:.1f} q{-0.5 * size:.1f} {-0.2 * size:.1f} {-0.35 * size:.1f} {-0.9 * size:.1f}",
        SHADE,
        0.2 * size,
    )
    for k, lean in ((-0.75, -0.12), (-0.45, 0.12), (0.35, -0.12), (0.65, 0.12)):
        d.path([(x + k * size, y + 0.2 * size), (x + (k + lean) * size, y + 0.85 * size)], SHADE, 0.22 * size)
    _ellipse(d, x, y, size, 0.48 * size, FUR, SHADE, 0.06 * size)
    _face(d, x + 0.95 * size, y - 0.4 * size, 0.44 * size, awake=True)


def _chair_scene(d, x, y, width, height):
    """Draw the photograph: a cat asleep on a red chair by a window."""
    d.rect(x, y, width, height, "#FBEBD3", radius=14)
    d.rect(x, y + 0.78 * height, width, 0.22 * height, "#E3C9A4", radius=14)
    d.rect(x + 22, y + 20, 78, 84, "#CFE6F5", WHITE, radius=4, stroke=7)
    d.path([(x + 61, y + 22), (x + 61, y + 102)], WHITE, 5)
    left, seat = x + 0.36 * width, y + 0.62 * height
    d.rect(left, y + 0.1 * height, 0.52 * width, 0.6 * height, CHAIR, radius=26)
    d.rect(left + 14, y + 0.16 * height, 0.52 * width - 28, 0.4 * height, "#D9545C", radius=18)
    for leg in (0.04, 0.46):
        d.rect(left + leg * width - 3, seat + 16, 15, 0.3 * height, "#8A2129", radius=5)
    d.rect(left - 16, seat, 0.52 * width + 32, 0.17 * height, "#A9262F", radius=14)
    _asleep(d, left + 0.29 * width, seat - 22, 46)


def _meaning(d, x, y, turn, glyph):
    """Draw one thing that is meant, with the four dots that mean it close around it."""
    dots = [(x + 50 * math.cos(turn + k * math.pi / 2), y + 50 * math.sin(turn + k * math.pi / 2)) for k in range(4)]
    d.circle(x, y, 50, "#FFFFFF", INK, 1.5, dash="2 7", opacity=0.75)
    glyph(d, x, y)
    for dot, ink in zip(dots, (TEXT, IMAGE, VIDEO, AUDIO), strict=True):
        d.circle(*dot, 12.5, ink, WHITE, 3)


def draw_cover():
    """A sentence, a photograph, a sound wave and a strip of film, one in each corner, all about a cat asleep on a red
    chair. From each a coloured ribbon flows into a round shared space in the middle, where four dots, one of each
    colour, lie close together for each thing that is meant: a cat, rain, a bell."""
    d = Drawing("Text, picture, sound and film meet in one shared space", 630, 1200, panel=False)
    for name, reach, *stops in (
        ("glow", 0.5, (0, "#FFFDF8"), (0.62, "#FFF1D6"), (1, "#FBE3BC")),
        ("warm", 0.75, (0, "#FFF4DF"), (1, "#FCE9D0")),
    ):
        colours = "".join(f'<stop offset="{at}" stop-color="{ink}"/>' for at, ink in stops)
        d.parts.append(f'<radialGradient id="{name}" r="{reach}">{colours}</radialGradient>')
    d.rect(0, 0, 1200, 630, "url(#warm)", radius=28)
    d.circle(600, 315, 196, "#FFFFFF", opacity=0.5)
    corners = ((380, 150, TEXT), (820, 160, IMAGE), (380, 490, AUDIO), (816, 490, VIDEO))
    for x, y, ink in corners:
        side = 1 if x < 600 else -1
        for k in range(5):
            start, shift = y + 17 * (k - 2), 13 * (k - 2)
            end = 315 + (y - 315) * 0.34 + shift
            curve = (
                f"M{x - side * 8} {start} C{x + side * 90} {start} {x + side * 60} {end:.1f} {x + side * 150} {end:.1f}"
            )
            d.path(curve, ink, 7, opacity=0.45 + 0.15 * (2 - abs(k - 2)))
    d.circle(600, 315, 178, "url(#glow)", AMBER, 4)
    for across in (60, 128):
        d.add("ellipse", cx=600, cy=315, rx=across, ry=178, fill="none", stroke=AMBER, stroke_width=1.5, opacity="0.35")
        d.add("ellipse", cx=600, cy=315, rx=178, ry=across, fill="none", stroke=AMBER, stroke_width=1.5, opacity="0.35")
    _meaning(d, 526, 254, 0.35, lambda d, x, y: _face(d, x, y + 5, 25))
    _meaning(d, 680, 276, 1.0, _rain)
    _meaning(d, 590, 402, 0.7, _bell)
    _cards(d)
    return d


def _rain(d, x, y):
    cloud = f"M{x - 24} {y + 6} a13 13 0 0 1 5 -25 a18 18 0 0 1 34 -2 a13.5 13.5 0 0 1 7 27 Z"
    d.path(cloud, "#6E8CA8", 3, fill="#BFD3E4")
    for k in (-12, 2, 16):
        d.path([(x + k, y + 14), (x + k - 4, y + 25)], "#4C7BA6", 4)


def _bell(d, x, y):
    d.path(f"M{x - 25} {y + 14} q9 -6 9 -22 a16 16 0 0 1 32 0 q0 16 9 22 Z", "#9A6A00", 3, fill="#F2C14E")
    d.circle(x, y + 21, 5, "#9A6A00")


def _cards(d):
    d.rect(46, 58, 330, 190, WHITE, TEXT, radius=20, stroke=5)
    for i, line in enumerate(("the cat sleeps", "on the red chair")):
        d.text(211, 128 + 52 * i, line, 38, weight=600 if i < 0 else None)
    d.rect(826, 44, 330, 232, WHITE, IMAGE, radius=20, stroke=5)
    _chair_scene(d, 840, 58, 302, 204)
    d.rect(46, 392, 330, 180, WHITE, AUDIO, radius=20, stroke=5)
    for k in range(25):
        tall = 16 + 104 * abs(math.sin(0.39 * k + 0.35)) ** 1.6 * (0.75 + 0.25 * math.cos(2.1 * k))
        d.path([(75 + 11.4 * k, 482 - tall / 2), (75 + 11.4 * k, 482 + tall / 2)], AUDIO, 6)
    d.rect(826, 388, 330, 188, VIDEO, VIDEO, radius=20, stroke=5)
    for k in range(11):
        for y in (400, 548):
            d.rect(842 + 28.4 * k, y, 15, 16, WHITE, radius=4)
    for k, pose in enumerate((_asleep, _sits, _walks)):
        d.rect(836 + 105 * k, 426, 99, 112, "#FBEBD3", radius=8)
        d.rect(836 + 105 * k, 508, 99, 30, "#E3C9A4", radius=8)
        pose(d, 888 + 105 * k - (0, 4, 6)[k], (494, 482, 488)[k], (29, 34, 26)[k])


def draw_map():
    """The eight parts of the book as stations of one winding path: one, foundations, chapters 1 to 3; two, fusion, 4 to
    7; three, representation, 8 to 11; four, tasks, 12 to 16; five, training and practice, 17 to 20; six, theory, 21
    and 22; seven, code walkthrough, 23 and 24; eight, perspective, 25 to 28."""
    d = Drawing("The map of the book", 748)
    parts = [
        ("I", "Foundations", "01–03"), ("II", "Fusion", "04–07"), ("III", "Representation", "08–11"),
        ("IV", "Tasks", "12–16"), ("V", "Training\nand practice", "17–20"), ("VI", "Theory", "21–22"),
        ("VII", "Code\nwalkthrough", "23–24"), ("VIII", "Perspective", "25–28"),
    ]  # fmt: skip
    road = "M152 92 H488 V280 H152 V468 H488 V656 H152"
    d.path(road, tint(AMBER, 0.5), 26)
    d.path(road, WHITE, 3, dash="10 12")
    for i, (roman, title, chapters) in enumerate(parts):
        row, second = divmod(i, 2)
        x, y = (152, 488)[second ^ (row % 2)], 92 + 188 * row
        d.rect(x - 128, y - 64, 256, 128, WHITE, AMBER, radius=16, stroke=3)
        d.circle(x - 86, y, 32, INK)
        d.text(x - 86, y, roman, 24 if len(roman) < 4 else 21, WHITE, weight=700)
        lines = title.count("\n") + 1
        d.lines(x - 44, y - 14, title, 21, anchor="start", weight=600)
        d.text(x - 44, y + 10 + 13 * lines, chapters, 20, GREY, anchor="start")
    return d


def _mark(d, x, y, size):
    """Draw the mark: four petals in the four colours around one common point."""
    half, near = 0.235 * size, 0.03 * size  # a petal is a disc with one square corner, which points to the middle
    for across, down, ink in ((-1, -1, TEXT), (1, -1, IMAGE), (-1, 1, AUDIO), (1, 1, VIDEO)):
        corner, turn = (x + across * near, y + down * near), int(across == down)
        arcs = ((across * half, down * half), (-across * half, down * half), (-across * half, -down * half))
        words = [f"M{corner[0]:.1f} {corner[1]:.1f} h{across * half:.1f}"]
        words += [f"a{half:.1f} {half:.1f} 0 0 {turn} {right:.1f} {below:.1f}" for right, below in arcs]
        d.path(" ".join(words) + " Z", None, fill=ink)
    d.circle(x, y, 0.15 * size, AMBER, WHITE, 0.055 * size)


def draw_favicon():
    """Four petals in the colours of text, picture, sound and film around one common point."""
    d = Drawing("Multimodal Models, Step by Step", 128, 128, panel=False)
    _mark(d, 64, 64, 126)
    return d


def draw_logo():
    """Four petals in the colours of text, picture, sound and film around one common point, beside the words Multimodal
    Models, Step by Step."""
    d = Drawing("Multimodal Models, Step by Step", 108, 356)
    _mark(d, 58, 54, 76)
    d.text(108, 40, "Multimodal Models", 22, anchor="start", weight=700)
    d.text(108, 70, "Step by Step", 20, GREY, anchor="start")
    return d
