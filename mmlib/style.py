"""The look of the book's pictures: colours, type, and the checks that ``mmlib.plots`` makes before it draws.

Each modality keeps its colour through the whole book. The colours are, or are near, those of Okabe and Ito (2008),
which people with any common kind of colour blindness can tell apart.
"""

import logging
import re
import textwrap
import unicodedata
import warnings

import numpy as np

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # silent while it lists the machine's fonts
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib import font_manager  # noqa: E402
from matplotlib.colors import LinearSegmentedColormap  # noqa: E402

COLORS = {
    "text": "#1565C0", "image": "#D55E00", "audio": "#009E73", "video": "#B85C9E",
    "fused": "#2B2D42", "none": "#BDBDBD",
}  # fmt: skip
FREE = ["#2B2D42", "#E69F00", "#56B4E9", "#8C6D46"]  # for what is no modality
CYCLE = [*FREE, *list(COLORS.values())[:4]]
WORDS = {
    **{name: name for name in COLORS}, "question": "text", "caption": "text", "words": "text", "picture": "image",
    "pixels": "image", "sound": "audio", "speech": "audio", "film": "video", "both": "fused", "nothing": "none",
    "neither": "none", "blind": "none", "majority": "none", "chance": "none",
}  # fmt: skip
MARKERS = "osD^vPX*"
SIGNED = LinearSegmentedColormap.from_list(
    "signed", [COLORS["image"], "#FFFFFF", COLORS["text"]], N=257
)  # zero is white
CHINESE = [
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Noto Sans CJK JP", "PingFang SC", "PingFang HK",
    "Hiragino Sans GB", "Heiti TC", "Microsoft YaHei", "SimHei", "WenQuanYi Zen Hei", "Arial Unicode MS",
]  # fmt: skip
WIDTH = 6.0  # of a figure, in inches


def use_book_style():
    """Set Matplotlib to the book's style.

    White background, type that stays legible when a figure is 400 pixels wide, the book's colours, and the first
    Chinese font that this machine has. Where it has none, Chinese characters are drawn as boxes, without a warning.
    """
    known = set(font_manager.get_font_names())
    warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
    plt.rcParams.update({
        "font.family": ["DejaVu Sans", *[name for name in CHINESE if name in known][:1]],
        "font.size": 11, "axes.titlesize": 11, "axes.labelsize": 11, "xtick.labelsize": 10, "ytick.labelsize": 10,
        "legend.fontsize": 10, "legend.frameon": False, "lines.linewidth": 2, "lines.markersize": 6,
        "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#555555", "axes.axisbelow": True,
        "axes.prop_cycle": plt.cycler(color=CYCLE), "grid.color": "#E4E4E4", "image.cmap": "cividis",
        "figure.facecolor": "white", "savefig.facecolor": "white", "figure.figsize": (WIDTH, 3.6), "figure.dpi": 120,
        "figure.constrained_layout.use": True, "figure.max_open_warning": 0,
    })  # fmt: skip


def colors(names, free=CYCLE):
    """Return a colour for each of the ``names``: that of the modality it speaks of, or of "fused" if it speaks of two.

    Names that speak of none take the colours of ``free`` in turn, of which the first ones belong to no modality.
    """
    # FiLM is a way to fuse, not a film.
    words = [re.findall("[a-z]+", str(name).replace("FiLM", "").lower().replace("no input", "none")) for name in names]
    kinds = [{WORDS[word] for word in line if word in WORDS} for line in words]
    own = [None if not kind else COLORS[kind.pop() if len(kind) == 1 else "fused"] for kind in kinds]
    return [ink or free[own[:i].count(None) % len(free)] for i, ink in enumerate(own)]


def panels(count, columns, height, width):
    """Return ``count`` Axes of ``width`` × ``height`` inches in rows of ``columns``; what is left over stays empty."""
    rows = -(-count // columns)
    axes = plt.subplots(rows, columns, figsize=(columns * width, rows * height), squeeze=False)[1].ravel()
    for ax in axes[count:]:
        ax.remove()
    return axes[:count]


def frame(ax, ink="#C8C8C8", width=0.8):
    """Leave of ``ax`` only a frame of colour ``ink`` and the given ``width``."""
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, color=ink, linewidth=width)


def wrapped(text, inches):
    """Return ``text`` on lines that fit into ``inches`` at 10 points; a Chinese character counts for two letters."""
    text = str(text)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    room = max(4, int(inches * 13 * len(text) / max(1, len(text) + wide)))
    return "\n".join(textwrap.fill(line, room) for line in text.split("\n"))


def checked_array(values, name, dimensions):
    """Return ``values`` as a finite float array with one of the allowed ``dimensions``; an error speaks of ``name``."""
    array = np.asarray(values, dtype=float)
    if array.ndim not in dimensions or array.size == 0:
        raise ValueError(
            f"`{name}` must have {' or '.join(map(str, dimensions))} dimensions. Received: shape={array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` must be finite. Received: {np.count_nonzero(~np.isfinite(array))} values that are not"
        )
    return array


def checked_images(images, name="images"):
    """Return ``images`` as (N, H, W) or (N, H, W, 3), uint8 or float in [0, 1], or raise an error about ``name``."""
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.size == 0 or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] != 3):
        raise ValueError(f"`{name}` must be (N, H, W), (N, H, W, 1) or (N, H, W, 3). Received: shape={images.shape}")
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "fb" or not (images.min() >= -1e-3 and images.max() <= 1 + 1e-3):
        span = f"dtype={images.dtype}, from {images.min():.3g} to {images.max():.3g}"
        raise ValueError(f"`{name}` must be uint8, or float in [0, 1]. Received: {span}")
    return np.clip(images.astype(float), 0.0, 1.0)


def checked_list(values, count, name):
    """Return ``values`` as a list of length ``count`` (of None if it is None), or raise an error about ``name``."""
    values = [None] * count if values is None else list(values)
    if len(values) != count:
        raise ValueError(f"`{name}` must have {count} items, one each. Received: {len(values)}")
    return values


def checked_intervals(intervals, values, name="intervals"):
    """Return ``intervals`` as (..., 2), low before high around ``values``, or raise an error about ``name``."""
    intervals = np.asarray(intervals, dtype=float)
    if intervals.shape != (*values.shape, 2):
        raise ValueError(
            f"`{name}` must be (…, 2): low, high. Expected: {(*values.shape, 2)}. Received: {intervals.shape}"
        )
    if not ((intervals[..., 0] <= values + 1e-9) & (values <= intervals[..., 1] + 1e-9)).all():
        raise ValueError(f"`{name}` must contain the values, low first. Received: {intervals.tolist()}")
    return intervals
