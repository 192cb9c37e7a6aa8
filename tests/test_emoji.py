"""Facts about the emoji set that its loader did not compute: Unicode's, the eye's, the file system's."""

import colorsys
import shutil
import subprocess
import sys
import unicodedata

import numpy as np
import pytest

from mmlib.data import files
from mmlib.data.emoji import STYLES, emoji_table, load_emoji

# Hue in turns round the colour circle. Shades differ between artists, the order of the hues does not.
HUES = {"red": (0.94, 0.03), "orange": (0.04, 0.11), "yellow": (0.11, 0.18), "green": (0.19, 0.4), "blue": (0.53, 0.66)}


@pytest.fixture(scope="module")
def table():
    return emoji_table()


@pytest.fixture(scope="module")
def pictures():
    return {style: load_emoji(style, size=64) for style in STYLES}


def without_selector(code_points):
    return [point for point in code_points if point != 0xFE0F]


def test_codes_spell_the_emoji(table):
    for code, emoji in zip(table["code"], table["emoji"], strict=True):
        spelled = [int(part, 16) for part in code.split("-")]
        assert without_selector(spelled) == without_selector(map(ord, emoji))


def test_names_agree_with_the_unicode_standard(table):
    named = table[table["emoji"].str.len() == 1].set_index("emoji")["name_en"]
    agree = [unicodedata.name(emoji, "").lower() == name.lower() for emoji, name in named.items()]
    assert len(named) > 1000
    assert np.mean(agree) > 0.6  # CLDR words many names anew
    for emoji, name in {"🐛": "bug", "🧀": "cheese wedge", "🚀": "rocket", "🇯🇵": "flag: Japan"}.items():
        assert table.set_index("emoji").loc[emoji, "name_en"] == name


def test_names_and_codes_are_unique_and_every_text_is_there(table):
    assert table["code"].is_unique and table["name_en"].is_unique and table["name_zh"].is_unique
    assert (table != "").all(axis=None)
    chinese = table["name_zh"].map(lambda name: any("\u4e00" <= letter <= "\u9fff" for letter in name))
    assert chinese.mean() > 0.98  # a few are Latin: "OK", "ATM"


def test_pictures_of_every_style_are_whole(table, pictures):
    for drawn in pictures.values():
        assert drawn.shape == (len(table), 64, 64, 3) and drawn.dtype == np.float32
        assert drawn.min() == 0 and drawn.max() == 1
        ink = (drawn < 0.9).any(axis=-1)
        assert ink.any(axis=(1, 2)).mean() > 0.99  # white hearts and squares have almost none
        ring = np.concatenate([drawn[:, 0], drawn[:, -1], drawn[:, :, 0], drawn[:, :, -1]], axis=1)
        assert ring.min() == 1, "the margin of a picture must be white"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("shape", ["heart", "square", "circle"])
def test_a_coloured_shape_has_its_colour(style, shape, table, pictures):
    for colour, (low, high) in HUES.items():
        row = table.index[table["name_en"] == f"{colour} {shape}"][0]
        hue, saturation, _ = colorsys.rgb_to_hsv(*pictures[style][row, 26:38, 26:38].mean(axis=(0, 1)))
        assert saturation > 0.4
        assert (hue - low) % 1 <= (high - low) % 1, (colour, hue)


@pytest.mark.parametrize("style", STYLES)
def test_the_last_line_of_the_sheet_is_read_too(style, table, pictures):
    japan, wales = (table.index[table["name_en"] == f"flag: {name}"][0] for name in ("Japan", "Wales"))
    assert wales == len(table) - 1
    disc, field = pictures[style][japan, 32, 32], pictures[style][japan, 32, 12]
    assert disc[0] > 2 * disc[1] and field.min() > 0.75
    green = pictures[style][wales, 44:48, 10:16].mean(axis=(0, 1))
    assert green[1] > green[0] and green[1] > green[2]


def test_one_concept_looks_more_alike_across_styles_than_two_concepts_do(pictures):
    first, second = pictures["noto"], pictures["openmoji"]
    same = np.abs(first - second).mean()
    other = np.abs(first - np.roll(second, 7, axis=0)).mean()
    assert same < 0.85 * other


@pytest.mark.parametrize("style", STYLES)
def test_reducing_averages_the_area(style, pictures):
    by_hand = pictures[style][::37].reshape(-1, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(load_emoji(style, size=32)[::37], by_hand, atol=1e-6)


def test_reducing_does_not_mix_neighbours(pictures):
    small = load_emoji("noto", size=24)
    assert small.shape == (1870, 24, 24, 3)
    assert small.min() >= 0 and small.max() <= 1
    np.testing.assert_allclose(small.mean((1, 2), float), pictures["noto"].mean((1, 2), float), atol=1e-6)


def test_families_follow_what_is_known(table):
    family = table.set_index("name_en")["family"]
    fighters = family[["firefighter", "man firefighter", "woman firefighter"]]
    assert fighters.nunique() == 1
    clocks = family[[name for name in family.index if name.endswith(("o’clock", "-thirty"))]]
    assert len(clocks) == 24 and clocks.nunique() == 1
    assert family[["flag: Norway", "flag: Svalbard & Jan Mayen", "flag: Bouvet Island"]].nunique() == 1
    assert family[["flag: France", "flag: Netherlands", "flag: Luxembourg"]].nunique() == 3
    assert (
        family[["female sign", "male sign", "keycap: 3", "keycap: 8", "neutral face", "frowning face"]].nunique() == 6
    )
    assert set(table["family"]) <= set(table["code"])


@pytest.mark.parametrize("style", ["apple", "", None, "Noto"])
def test_an_unknown_style_is_refused(style):
    with pytest.raises(ValueError, match=r"must be one of noto, openmoji, twemoji\. Received"):
        load_emoji(style)


@pytest.mark.parametrize("size", [0, 7, 65, -32, 32.0, "32", None, True])
def test_an_impossible_size_is_refused(size):
    with pytest.raises(ValueError, match=r"from 8 to 64\. Received: size="):
        load_emoji("noto", size=size)


@pytest.fixture
def copy_of_data(tmp_path, monkeypatch):
    """A copy of the emoji set that a test may damage."""
    for name in ("checksums.json", "emoji/table.csv", "emoji/noto.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(files.DATA / name, tmp_path / name)
    monkeypatch.setattr(files, "DATA", tmp_path)
    return tmp_path


def test_the_copy_is_read(copy_of_data):
    assert load_emoji("noto", size=8).shape == (1870, 8, 8, 3)


def test_a_missing_file_is_named_with_its_remedy(copy_of_data):
    with pytest.raises(FileNotFoundError, match=r"data/emoji/twemoji\.webp.*git checkout -- data/emoji/twemoji\.webp"):
        load_emoji("twemoji")


@pytest.mark.parametrize(
    "damage", [lambda b: b[:1000], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b"", lambda b: b + b"\n"]
)
def test_a_damaged_file_is_named_with_its_remedy(copy_of_data, damage):
    sheet = copy_of_data / "emoji/noto.webp"
    sheet.write_bytes(damage(sheet.read_bytes()))
    with pytest.raises(OSError, match=r"Damaged data file: data/emoji/noto\.webp.*git checkout"):
        load_emoji("noto")


def test_a_changed_line_ending_is_noticed(copy_of_data):
    path = copy_of_data / "emoji/table.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(OSError, match=r"table\.csv"):
        emoji_table()


def test_a_missing_list_of_checksums_is_named(copy_of_data):
    (copy_of_data / "checksums.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"checksums\.json"):
        emoji_table()


@pytest.mark.parametrize("name", ["emoji/apple.webp", "../LICENSE", "README.md", ""])
def test_only_shipped_files_have_a_path(name):
    with pytest.raises(ValueError, match="must be one of the shipped data files"):
        files.data_path(name)


def test_the_checksums_are_those_of_the_files():
    command = [sys.executable, str(files.DATA / "write_checksums.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_set_is_small_and_licensed():
    folder = files.DATA / "emoji"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 12e6
    for name in (*STYLES, "table"):
        text = (folder / f"LICENSE-{name}.txt").read_text(encoding="utf-8")
        assert "Changes:" in text and len(text) > 3000
