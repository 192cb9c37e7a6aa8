"""Build the emoji set: three sheets of pictures and one table. A maintainer's script; readers never need it.

    python data/emoji/build.py                         # sources through npm, into data/_download
    python data/emoji/build.py --npm path/to/node_modules --font path/to/NotoColorEmoji.ttf

It needs
    npm        @twemoji/svg 15.0.0, openmoji 17.0.0, emojibase-data 17.0.0
    Debian 12  fonts-noto-color-emoji 2.042-0+deb12u1, librsvg2-bin 2.54.7 (rsvg-convert)
    Python     the book's environment (Pillow with raqm for joined emoji; fontTools comes with Matplotlib)
and writes noto.webp, twemoji.webp, openmoji.webp, table.csv beside itself. The same versions give the same bytes.

A concept is kept if all three styles draw it. Skin tones and the component group are left out. Each picture is cropped
to its ink, centred in a square with a margin of one sixteenth, laid on white and reduced to 64 × 64. Colours are
rounded to 64 levels a channel (at most 2 of 255 away, invisible): the lossless sheets are a third smaller for it.
"""

import argparse
import csv
import io
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageChops, ImageDraw, ImageFont, features

HERE = Path(__file__).resolve().parent
PACKAGES = {"@twemoji/svg": "15.0.0", "openmoji": "17.0.0", "emojibase-data": "17.0.0"}
FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
FONT_VERSION = "Version 2.042;GOOG;noto-emoji:20231129:7f49a00d523ae5f94e52fd9f9a39bac9cf65f958"
STRIKE = 109  # the only size of pictures in the font
SIZE, COLUMNS, LEVELS = 64, 44, 64
COMPONENTS = 2  # emojibase's number of the group of parts (skin tones, hair)

# Who is shown: the same subject as a man, a woman or a person is one family of near-duplicates.
PERSONS = {
    **dict.fromkeys(["1F468", "1F469"], "1F9D1"),  # man, woman -> person
    **dict.fromkeys(["1F466", "1F467"], "1F9D2"),  # boy, girl -> child
    **dict.fromkeys(["1F474", "1F475"], "1F9D3"),  # old man, old woman -> older person
    **dict.fromkeys(["1F934", "1F478"], "1FAC5"),  # prince, princess -> person with crown
    **dict.fromkeys(["1F930", "1FAC3"], "1FAC4"),  # pregnant woman, man -> person
    **dict.fromkeys(["1F57A"], "1F483"),  # man dancing -> woman dancing
    **dict.fromkeys(["1F46C", "1F46D"], "1F46B"),  # two men, two women -> a couple holding hands
}
FATHER_CHRISTMAS = {"1F385", "1F936", "1F9D1-200D-1F384"}
GENDER_SIGNS = {"2640", "2642"}
CLOCK_FACES = range(0x1F550, 0x1F568)
FAMILIES = {"1F46A", "1F9D1-200D-1F9D1-200D-1F9D2"}
SIZES = r"\b(?:large|medium-small|medium|small) "  # cropping takes the size of squares and diamonds away
SAME_PICTURE = 0.5  # mean absolute difference, of 255: some territories fly the flag of their state


def fetch(folder):
    """Install the npm packages into the folder; return its node_modules."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    subprocess.run(["npm", "install", "--prefix", str(folder), "--ignore-scripts", *wanted], check=True)
    return folder / "node_modules"


def check_versions(npm, font):
    for name, version in PACKAGES.items():
        found = json.loads((npm / name / "package.json").read_text(encoding="utf-8"))["version"]
        if found != version:
            raise ValueError(f"Expected {name} {version}. Received: {found}")
    found = TTFont(font)["name"].getDebugName(5)
    if found != FONT_VERSION:
        raise ValueError(f"Expected the font's {FONT_VERSION!r}. Received: {found!r}")
    if not features.check("raqm"):
        raise RuntimeError("Pillow must be built with raqm: without it, joined emoji fall apart. Received: no raqm")


def on_white_square(picture):
    """Crop an RGBA picture to its ink, centre it in a square with a margin, on white, SIZE × SIZE, in LEVELS levels."""
    picture = picture.crop(picture.getchannel("A").getbbox())
    side = round(max(picture.size) * 16 / 14)
    square = Image.new("RGBA", (side, side), (255, 255, 255, 255))
    corner = ((side - picture.width) // 2, (side - picture.height) // 2)
    square.alpha_composite(picture, corner)
    small = square.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    top = LEVELS - 1
    return small.point([round(round(value / 255 * top) / top * 255) for value in range(256)] * 3)


def draw_svg(path):
    png = subprocess.run(["rsvg-convert", "-w", "288", "-h", "288", str(path)], check=True, capture_output=True).stdout
    return on_white_square(Image.open(io.BytesIO(png)).convert("RGBA"))


def svg_file(folder, code):
    """Return the file of a code, whichever way its name treats the variation selector FE0F and letter case, or None."""
    bare = "-".join(part for part in code.split("-") if part != "FE0F")
    names = [code, bare, code.lower(), bare.lower()] + [name.lstrip("0") for name in (code.lower(), bare.lower())]
    return next((folder / f"{name}.svg" for name in names if (folder / f"{name}.svg").is_file()), None)


class NotoStyle:
    """Draws an emoji from the bitmap strike of the font, if the font has one glyph for the whole sequence."""

    def __init__(self, path):
        self.font = ImageFont.truetype(str(path), STRIKE, layout_engine=ImageFont.Layout.RAQM)
        self.known = set(TTFont(path).getBestCmap())
        self.one_glyph = self.font.getlength("\N{GRINNING FACE}")

    def has(self, emoji):
        letters = {ord(letter) for letter in emoji} - {0xFE0F, 0x200D}
        return letters <= self.known and abs(self.font.getlength(emoji) - self.one_glyph) < 1

    def draw(self, emoji):
        canvas = Image.new("RGBA", (180, 180), (0, 0, 0, 0))
        ImageDraw.Draw(canvas).text((16, 16), emoji, font=self.font, embedded_color=True)
        return on_white_square(canvas)


def read_names(npm):
    """Return one row per emoji of the data base, in its order: code, emoji, names and keywords, group, subgroup."""
    english, chinese = (
        json.loads((npm / "emojibase-data" / language / "data.json").read_text(encoding="utf-8"))
        for language in ("en", "zh")
    )
    groups = json.loads((npm / "emojibase-data" / "meta" / "groups.json").read_text(encoding="utf-8"))
    chinese = {entry["hexcode"]: entry for entry in chinese}
    rows = []
    for entry in sorted((e for e in english if "group" in e), key=lambda e: e["order"]):
        if entry["group"] == COMPONENTS:
            continue
        other = chinese[entry["hexcode"]]
        rows.append(
            {
                "code": entry["hexcode"],
                "emoji": entry["emoji"],
                "name_en": entry["label"],
                "tags_en": ", ".join(entry.get("tags", [])),
                "name_zh": other["label"],
                "tags_zh": ", ".join(other.get("tags", [])),
                "group": groups["groups"][str(entry["group"])],
                "subgroup": groups["subgroups"][str(entry["subgroup"])],
            }
        )
    return rows


def subject(row):
    """Return a key that near-duplicates share by their meaning: who is shown does not count, nor a clock's hour."""
    code = row["code"]
    if code in FATHER_CHRISTMAS:
        return "father christmas"
    if code in FAMILIES or row["name_en"].startswith("family"):
        return "family"
    if row["name_en"].startswith(("kiss:", "couple with heart")) or code == "1F48F":
        return row["name_en"].partition(":")[0]
    if code.isalnum() and int(code, 16) in CLOCK_FACES:
        return "clock face"
    if row["subgroup"] == "geometric":
        return re.sub(SIZES, "", row["name_en"])
    for sign in GENDER_SIGNS:
        code = code.removesuffix(f"-200D-{sign}-FE0F").removesuffix(f"-200D-{sign}")
    return "-".join(PERSONS.get(part, part) for part in code.split("-"))


def families(rows, pictures):
    """Return for each row the code of the first member of its family.

    Two concepts are of one family if they share their subject, or if at least two styles draw them as the same picture.
    """
    first = list(range(len(rows)))

    def root(index):
        while first[index] != index:
            index = first[index]
        return index

    def join(a, b):
        a, b = sorted((root(a), root(b)))
        first[b] = a

    seen = {}
    for index, row in enumerate(rows):
        join(index, seen.setdefault(subject(row), index))
    same = np.zeros((len(rows), len(rows)), int)
    for drawn in pictures.values():
        flat = np.stack([np.asarray(p.resize((32, 32), Image.Resampling.BOX), np.float32).ravel() for p in drawn])
        for index in range(len(rows)):
            same[index] += np.abs(flat - flat[index]).mean(axis=1) < SAME_PICTURE
    for a, b in np.argwhere(np.triu(same >= 2, k=1)):
        join(int(a), int(b))
    return [rows[root(index)]["code"] for index in range(len(rows))]


def write_sheet(drawn, path):
    lines = -(-len(drawn) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * SIZE, lines * SIZE), "white")
    for index, picture in enumerate(drawn):
        sheet.paste(picture, (index % COLUMNS * SIZE, index // COLUMNS * SIZE))
    sheet.save(path, lossless=True, quality=80, method=4)
    with Image.open(path) as written:
        assert ImageChops.difference(written.convert("RGB"), sheet).getbbox() is None, f"{path.name} is not lossless"


def write_table(rows, path):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--npm", type=Path, help="a node_modules folder with the three packages; fetched if left out")
    parser.add_argument("--font", type=Path, default=FONT, help="NotoColorEmoji.ttf with bitmaps")
    parser.add_argument("--out", type=Path, default=HERE, help="where to write (for checking that a rebuild is equal)")
    args = parser.parse_args()
    npm = args.npm or fetch(HERE.parent / "_download")
    check_versions(npm, args.font)
    noto = NotoStyle(args.font)
    folders = {"twemoji": npm / "@twemoji" / "svg", "openmoji": npm / "openmoji" / "color" / "svg"}
    rows = [
        row
        for row in read_names(npm)
        if noto.has(row["emoji"]) and all(svg_file(folder, row["code"]) for folder in folders.values())
    ]
    pictures = {"noto": [noto.draw(row["emoji"]) for row in rows]}
    with ThreadPoolExecutor(2) as pool:
        for style, folder in folders.items():
            pictures[style] = list(pool.map(draw_svg, [svg_file(folder, row["code"]) for row in rows]))
    for row, family in zip(rows, families(rows, pictures), strict=True):
        row["family"] = family
    for style, drawn in pictures.items():
        write_sheet(drawn, args.out / f"{style}.webp")
    write_table(rows, args.out / "table.csv")
    print(
        f"{len(rows)} concepts in {len({row['family'] for row in rows})} families. Now: python data/write_checksums.py"
    )


if __name__ == "__main__":
    main()
