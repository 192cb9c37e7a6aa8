"""Emoji: 1,870 concepts, drawn by three groups of artists, named in English and Chinese."""

import numpy as np
import pandas as pd
from PIL import Image

from mmlib.data.files import data_path

STYLES = ("noto", "openmoji", "twemoji")
CELL, COLUMNS, SMALLEST = 64, 44, 8  # a sheet holds pictures of 64 × 64, 44 in a line


def load_emoji(style="noto", size=32):
    """Return the pictures of one art style, in the order of ``emoji_table``.

    A picture is reduced from 64 × 64 by averaging the area under each new pixel.

    Args:
        style: "noto", "openmoji" or "twemoji".
        size: height and width of a picture in pixels, 8 to 64.

    Returns:
        A float32 array of shape (N, size, size, 3), values in [0, 1], on white.

    Raises:
        ValueError: unknown style, or a size outside 8 to 64.
        FileNotFoundError, OSError: the sheet is missing or damaged; the message says how to mend it.

    Derived in chapter 02.
    """
    if style not in STYLES:
        raise ValueError(f"`style` must be one of {', '.join(STYLES)}. Received: style={style!r}")
    whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
    if not whole or not SMALLEST <= size <= CELL:
        raise ValueError(f"`size` must be a whole number of pixels from {SMALLEST} to {CELL}. Received: size={size!r}")
    count = len(emoji_table())
    lines = -(-count // COLUMNS)
    path = data_path(f"emoji/{style}.webp")
    with Image.open(path) as sheet:
        if sheet.size != (COLUMNS * CELL, lines * CELL):
            raise ValueError(
                f"Expected {lines} lines of {COLUMNS} pictures in {path.name}. Received: {sheet.size} pixels"
            )
        pixels = np.asarray(sheet.convert("RGB"), "float32") / 255
    cells = pixels.reshape(lines, CELL, COLUMNS, CELL, 3).swapaxes(1, 2).reshape(-1, CELL, CELL * 3)[:count]
    weights = area_weights(CELL, size)
    reduced = weights @ (weights @ cells).reshape(count, size, CELL, 3)  # lines of a picture, then its columns
    return np.clip(reduced, 0, 1)  # rounding may leave 1.0000001


def area_weights(old, new):
    """Return the (new, old) matrix whose row i averages the old pixels under new pixel i, each by the part covered."""
    edges = np.arange(new + 1) * old / new
    start, end = np.arange(old), np.arange(1, old + 1)
    covered = np.minimum(edges[1:, None], end) - np.maximum(edges[:-1, None], start)
    return (np.maximum(covered, 0) * new / old).astype("float32")


def emoji_table():
    """Return one row of text per emoji.

    Returns:
        A ``pandas.DataFrame`` of strings with the columns ``code`` (Unicode code points in hexadecimal, joined by "-"),
        ``emoji``, ``name_en``, ``tags_en`` (keywords, joined by ", "), ``name_zh``, ``tags_zh``, ``group``,
        ``subgroup`` and ``family``: the code of the first emoji of its family of near-duplicates (the same subject as
        a man, a woman or a person; the faces of a clock; one flag flown by several territories). Concepts of one
        family are false negatives of each other: their pictures and names can hardly be told apart.

    Raises:
        FileNotFoundError, OSError: the table is missing or damaged; the message says how to mend it.

    Derived in chapter 02.
    """
    return pd.read_csv(data_path("emoji/table.csv"), dtype=str, keep_default_na=False, encoding="utf-8")
