"""The pen of the book's diagrams: one stroke, one type, one icon and one colour for each modality.

A ``Drawing`` is 640 units wide unless it says otherwise, so that type of 18 units is still 11 pixels on a page
400 pixels wide. Words are real ``<text>``; the pen refuses a word that does not fit its box. The same calls write
the same bytes.
"""

import math
from html import escape

from mmlib.style import COLORS, FREE

INK, AMBER, GREY = COLORS["fused"], FREE[1], "#6B7280"
PAPER, EDGE, WHITE = "#FBF9F4", "#E3DCCD", "#FFFFFF"
FONT = "'Helvetica Neue', Helvetica, Arial, 'PingFang SC', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif"
MONO = "Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
STROKE = 2.5
# Widths of Helvetica's letters in thousandths of the size; what is not listed is 556.
ADVANCE = {
    **dict.fromkeys("ijl'", 222), **dict.fromkeys(" !,./:;I[]ft|", 278), **dict.fromkeys("()-r", 333),
    **dict.fromkeys("Jcksvxyz", 500), **dict.fromkeys("<=>+−×÷·→", 584), **dict.fromkeys("FTZ", 611),
    **dict.fromkeys("ABEKPSVXY&", 667), **dict.fromkeys("CDHNRUw", 722), **dict.fromkeys("GOQ", 778),
    **dict.fromkeys("mM%—", 850), **dict.fromkeys("W@…", 1000),
}  # fmt: skip


def tint(ink, strength=0.14):
    """Return ``ink`` mixed into white."""
    parts = (int(ink[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * strength):02X}" for part in parts)


def dark(ink):
    """Return ``ink`` darkened until its words stand out from white by 4.5 to 1."""
    return "#" + "".join(f"{round(0.8 * int(ink[i : i + 2], 16)):02X}" for i in (1, 3, 5))


def text_width(words, size, weight=400, mono=False):
    """Return the width of ``words`` in Helvetica, with the allowance that wider substitutes need."""
    wide = sum(1000 if ord(letter) > 0x2E80 else 602 if mono else ADVANCE.get(letter, 556) for letter in words)
    return wide / 1000 * size * (1.0 if mono else 1.1 if weight > 500 else 1.05)


def number(value):
    """Return ``value`` with at most one decimal."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


class Drawing:
    """A picture on its own light panel; its ``description`` tells those who cannot see it what it shows.

    Args:
        title: what the picture is, in a few words.
        height: in units.
        width: in units.
        panel: whether to lay the light rounded panel that keeps the picture legible on a dark page.
    """

    def __init__(self, title, height, width=640, panel=True):
        self.title, self.description, self.width, self.height = title, "", width, height
        self.parts, self.sizes = [], []
        if panel:
            self.rect(1, 1, width - 2, height - 2, PAPER, EDGE, radius=18, stroke=2)

    # Strokes

    def add(self, name, content=None, **attributes):
        words = "".join(
            f' {key.rstrip("_").replace("_", "-")}="{number(value) if isinstance(value, int | float) else value}"'
            for key, value in attributes.items()
            if value is not None
        )
        self.parts.append(f"<{name}{words}/>" if content is None else f"<{name}{words}>{content}</{name}>")

    def _shape(self, name, fill, ink, stroke, dash, opacity, **place):
        width, opacity = stroke if ink else None, None if opacity is None else f"{opacity:.2f}"
        self.add(name, **place, fill=fill, stroke=ink, stroke_width=width, stroke_dasharray=dash, opacity=opacity)

    def rect(self, x, y, width, height, fill="none", ink=None, radius=10, stroke=STROKE, dash=None, opacity=None):
        size = {"width": width, "height": height, "rx": radius or None}
        self._shape("rect", fill, ink, stroke, dash, opacity, x=x, y=y, **size)

    def circle(self, x, y, radius, fill="none", ink=None, stroke=STROKE, dash=None, opacity=None):
        self._shape("circle", fill, ink, stroke, dash, opacity, cx=x, cy=y, r=radius)

    def path(self, d, ink=INK, stroke=STROKE, fill="none", dash=None, opacity=None):
        """Draw an SVG path; ``d`` is text, or a list of points to join by straight lines."""
        if not isinstance(d, str):
            d = "M" + " L".join(f"{number(x)} {number(y)}" for x, y in d)
        self._shape("path", fill, ink, stroke, dash, opacity, d=d)

    def arrow(self, *points, ink=INK, stroke=STROKE, head=11, dash=None, opacity=None):
        """Draw a line through ``points`` that ends in a head; of four points the middle ones are a curve's handles."""
        (x0, y0), (x1, y1) = points[-2:]
        angle = math.atan2(y1 - y0, x1 - x0)
        back = [(x1 - head * math.cos(angle + turn), y1 - head * math.sin(angle + turn)) for turn in (0.45, -0.45)]
        end = (x1 - 0.7 * head * math.cos(angle), y1 - 0.7 * head * math.sin(angle))
        line = [*points[:-1], end]
        if len(line) == 4:
            (a, b), *rest = line
            line = f"M{number(a)} {number(b)} C" + ", ".join(f"{number(x)} {number(y)}" for x, y in rest)
        self.path(line, ink, stroke, dash=dash, opacity=opacity)
        self.path(
            "M" + " L".join(f"{number(x)} {number(y)}" for x, y in [(x1, y1), *back]) + " Z",
            None,
            fill=ink,
            opacity=opacity,
        )

    # Words

    def text(self, x, y, words, size=20, ink=INK, anchor="middle", weight=None, mono=False, room=None, italic=False):
        """Write one line whose middle height is ``y``; raise an error if it is wider than ``room``."""
        wide = text_width(words, size, weight or 400, mono)
        left = x - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
        if wide > (room or self.width) or left < 4 or left + wide > self.width - 4:
            raise ValueError(
                f"`words` must fit. Received: {words!r}, {wide:.0f} wide at {left:.0f} in {room or self.width}"
            )
        self.sizes.append(size)
        self.add(
            "text", escape(words, quote=False), x=x, y=y + 0.35 * size, font_size=size, fill=ink,
            text_anchor=None if anchor == "start" else anchor, font_weight=weight, font_family=MONO if mono else None,
            font_style="italic" if italic else None,
        )  # fmt: skip

    def lines(self, x, y, words, size=20, leading=1.25, **style):
        """Write several lines around the middle height ``y``."""
        words = words.split("\n")
        for i, line in enumerate(words):
            self.text(x, y + (i - (len(words) - 1) / 2) * leading * size, line, size, **style)

    # Things

    def box(self, x, y, width, height, words="", ink=INK, size=20, fill=None, weight=None, dash=None, small=None):
        """Draw a rounded box with its words in the middle, and ``small`` words under them."""
        self.rect(x, y, width, height, fill or tint(ink), ink, radius=min(12, height / 2), dash=dash)
        middle, count = y + height / 2, len(words.split("\n"))
        if small:
            self.lines(x + width / 2, middle + 0.62 * size * count, small, 0.85 * size, ink=GREY, room=width - 8)
            middle -= 0.55 * size * len(small.split("\n"))
        if words:
            self.lines(x + width / 2, middle, words, size, weight=weight, room=width - 8)

    def icon(self, kind, x, y, size=64, ink=None, tile=True, opacity=None, dash=None):
        """Draw the icon of a modality ("text", "image", "audio", "video") in a square of ``size`` around (x, y)."""
        ink, unit = ink or COLORS[kind], size / 100
        self.parts.append(f'<g transform="translate({number(x - size / 2)} {number(y - size / 2)}) scale({unit:.3f})"'
                          + (f' opacity="{opacity:.2f}">' if opacity is not None else ">"))  # fmt: skip
        if tile:
            self.rect(3, 3, 94, 94, tint(ink), ink, radius=20, stroke=STROKE / unit, dash=dash)
        getattr(self, f"_{kind}")(ink)
        self.parts.append("</g>")

    def _text(self, ink):
        self.path("M19 72 L35 29 L51 72 M25.500 57 L44.500 57 M80 45 L80 72", ink, 7.5)
        self.circle(68, 58.5, 12, ink=ink, stroke=7.5)

    def _image(self, ink):
        self.circle(68, 33, 9, ink)
        self.path("M17 76 L40 41 L55 62 L65 50 L83 76 Z", ink, 4, fill=ink)

    def _audio(self, ink):
        for i, tall in enumerate((12, 34, 58, 26, 44, 18)):
            self.path([(19 + 12.4 * i, 50 - tall / 2), (19 + 12.4 * i, 50 + tall / 2)], ink, 7)

    def _video(self, ink):
        self.path("M40 33 L40 67 L69 50 Z", ink, 5, fill=ink)
        for x in (18, 36.5, 55, 73.5):
            for y in (12, 80):
                self.rect(x, y, 8.5, 8, ink, radius=2)

    def vector(self, x, y, ink, cells=6, cell=16, across=True, pattern=(0.9, 0.35, 0.6, 0.15, 0.75, 0.45, 0.25, 0.65)):
        """Draw a row (or column) of numbers as tinted cells that starts at (x, y)."""
        for i in range(cells):
            place = (x + i * cell, y) if across else (x, y + i * cell)
            self.rect(*place, cell, cell, tint(ink, pattern[i % len(pattern)]), ink, radius=0, stroke=1.5)

    def svg(self):
        """Return the file's text."""
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}"'
        style = f'font-family="{FONT}" stroke-linecap="round" stroke-linejoin="round"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {style}>'
        names = [f"<title>{escape(self.title)}</title>", f"<desc>{escape(self.description)}</desc>"]
        return "\n".join([head, *names, *self.parts, "</svg>"]) + "\n"
