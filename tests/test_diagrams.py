"""Facts about the drawn pictures, read from their files."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.colors import to_rgb
from PIL import Image, ImageFont

from mmlib import style
from tools import draw_diagrams
from tools.diagrams.kit import Drawing
from tools.notebooks import ROOT

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = draw_diagrams.diagrams()
FILES = sorted((ROOT / "images").glob("*.svg"))
SIGNS = {"favicon", "logo"}  # too small for rules about words on a page
every_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def words_of(root):
    """Return (words, x, y, size, anchor, ink, mono, weight) of every text of a picture."""
    for text in root.iter(f"{SVG}text"):
        place = float(text.get("x")), float(text.get("y")), float(text.get("font-size"))
        yield (
            text.text,
            *place,
            text.get("text-anchor", "start"),
            text.get("fill"),
            text.get("font-family"),
            text.get("font-weight", "400"),
        )


def test_each_file_has_its_function_and_each_function_its_file():
    assert {path.stem for path in FILES} == set(DRAWN)


@every_file
def test_file_is_what_is_drawn_again(path):
    assert path.read_text(encoding="utf-8") == draw_diagrams.svg(DRAWN[path.stem]), "python -m tools.draw_diagrams"


@every_file
def test_picture_speaks_scales_and_stands_alone(path):
    root = ElementTree.parse(path).getroot()
    title, description = root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text
    assert title
    assert path.stem in SIGNS or len(description) > 100
    assert "  " not in description
    assert "\n" not in description
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    outside = re.search(
        r"href|@import|url\((?!#)|<image|<style|<script|<foreignObject", path.read_text(encoding="utf-8")
    )
    assert not outside, f"{outside} reaches outside the file"
    assert path.stat().st_size < 40_000


@every_file
def test_words_are_large_enough_and_inside_even_in_a_wide_font(path):
    root = ElementTree.parse(path).getroot()
    width, height = float(root.get("width")), float(root.get("height"))
    for words, x, y, size, anchor, _, mono, weight in words_of(root):
        assert path.stem in SIGNS or size * 400 / width >= 11, f"{words}: too small on a page 400 pixels wide"
        if re.search(r"[\u2e80-\uffff]", words):
            continue
        font = font_manager.FontProperties(family="DejaVu Sans Mono" if mono else "DejaVu Sans", weight=weight)
        wide = ImageFont.truetype(font_manager.findfont(font), 100).getlength(words) * size / 100
        left = x - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
        assert left >= 0, f"{words}: {left:.0f}"
        assert left + wide <= width, f"{words}: {left + wide:.0f} of {width:.0f}"
        assert size / 2 < y < height, words


@every_file
def test_dark_words_stand_out(path):
    for words, *_, ink, _, _ in words_of(ElementTree.parse(path).getroot()):
        rgb = np.array(to_rgb(ink))
        light = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
        assert ink == "#FFFFFF" or 1.0 / (light + 0.05) >= 4.5, f"{words}: contrast with the panel"


@every_file
def test_strokes_stay_on_the_panel(path):
    root = ElementTree.parse(path).getroot()
    width, height = float(root.get("width")), float(root.get("height"))
    tops = [shape for shape in root if shape.tag == f"{SVG}rect"]
    for shape in tops:
        x, y = float(shape.get("x")), float(shape.get("y"))
        assert 0 <= x <= x + float(shape.get("width")) <= width, shape.attrib
        assert 0 <= y <= y + float(shape.get("height")) <= height, shape.attrib


def test_modalities_have_the_colours_of_the_charts():
    for kind in ("text", "image", "audio", "video"):
        drawing = Drawing("x", 100, 100, panel=False)
        drawing.icon(kind, 50, 50)
        inks = set(re.findall(r'(?:stroke|fill)="(#[0-9A-F]{6})"', drawing.svg()))
        assert style.COLORS[kind] in inks
        assert not inks & (set(style.COLORS.values()) - {style.COLORS[kind]})


def test_words_that_do_not_fit_are_refused():
    drawing = Drawing("x", 100)
    drawing.box(10, 10, 80, 40, "fits")
    with pytest.raises(ValueError, match="must fit"):
        drawing.box(10, 10, 80, 40, "does not fit in here")
    with pytest.raises(ValueError, match="must fit"):
        drawing.text(20, 20, "starts left of the page")


def test_pictures_for_places_that_read_no_svg():
    sizes = {name: Image.open(ROOT / "images" / f"{name}.png").size for name in ("cover", "logo", "favicon")}
    assert sizes == {"cover": (1200, 630), "logo": (712, 216), "favicon": (64, 64)}
    corner = Image.open(ROOT / "images" / "cover.png").convert("RGBA").getpixel((0, 0))
    assert corner[3] == 255, "a preview shows transparent corners black"
