"""Pictures in one style, for the chapters: ``from mmlib import plots``.

Each ``show_…`` takes arrays, draws with Matplotlib and returns the Axes it drew on. End a cell with a semicolon,
``plots.show_images(images);``, and only the picture is shown. What plays (``play_audio``, ``play_video``) is a cell
of its own: the page gives all outputs of a cell the same caption and name.
"""

import math
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio, Image
from PIL import Image as Picture

from mmlib import style
from mmlib.charts import show_bars, show_curves, show_embedding, show_history
from mmlib.data.audio import hz_to_mel, log_mel
from mmlib.style import COLORS, WIDTH, checked_array, checked_images, checked_list, use_book_style, wrapped

__all__ = ["show_bars", "show_curves", "show_embedding", "show_history", "use_book_style"]  # and what follows


def show_images(images, titles=None, columns=6, correct=None):
    """Show pictures in rows; return the N Axes.

    Args:
        images: (N, H, W, 3), (N, H, W, 1) or (N, H, W); uint8, or float in [0, 1].
        titles: N strings, written above the pictures.
        columns: pictures in a row.
        correct: N values: True draws a blue frame and a tick, False a vermilion frame and a cross, None neither.

    Raises:
        ValueError: if the shape is another, a float lies outside [0, 1], or the lengths differ.
    """
    images = checked_images(images)
    titles, correct = checked_list(titles, len(images), "titles"), checked_list(correct, len(images), "correct")
    marks = ["" if right is None else "✓ " if right else "✗ " for right in correct]
    columns = min(columns, len(images))
    width = min(1.8, WIDTH / columns)
    words = [wrapped(f"{mark}{title or ''}", width) for mark, title in zip(marks, titles, strict=True)]
    lines = max(word.count("\n") + bool(word) for word in words)
    axes = style.panels(len(images), columns, 0.19 * lines + 0.1 + width * images.shape[1] / images.shape[2], width)
    for ax, image, word, right in zip(axes, images, words, correct, strict=True):
        ax.imshow(image, interpolation="nearest", cmap="gray", vmin=0, vmax=255 if image.dtype == np.uint8 else 1)
        ax.set_title(word, fontsize=10, pad=3)
        style.frame(ax) if right is None else style.frame(ax, COLORS["text" if right else "image"], 3)
    return axes


def show_video(frames, columns=8, frames_per_second=None):
    """Show the F frames of a film (shapes as in ``show_images``) in the order of time; return the F Axes.

    Args:
        frames: (F, H, W, 3), (F, H, W, 1) or (F, H, W); uint8, or float in [0, 1].
        columns: frames in a row.
        frames_per_second: if given, the titles say seconds; otherwise the number of the frame.
    """
    rate = frames_per_second
    titles = [f"{i / rate:.2f} s" if rate else f"t = {i}" for i in range(len(frames))]
    return show_images(frames, titles, columns)


def play_video(frames, frames_per_second=8, width=192):
    """Return the film as a moving picture (an animated PNG) that plays in the notebook and in the page.

    Args:
        frames: (F, H, W, 3), (F, H, W, 1) or (F, H, W); uint8, or float in [0, 1].
        frames_per_second: the speed.
        width: in pixels, rounded to a multiple of W, so that each pixel of the film stays a sharp square.
    """
    frames = checked_images(frames, "frames")
    frames = frames if frames.dtype == np.uint8 else np.round(frames * 255).astype(np.uint8)
    zoom = max(1, round(width / frames.shape[2]))
    first, *others = [Picture.fromarray(picture.repeat(zoom, 0).repeat(zoom, 1)) for picture in frames]
    first.save(file := BytesIO(), "png", save_all=True, append_images=others, duration=1000 / frames_per_second, loop=0)
    return Image(file.getvalue(), width=first.width)


def show_audio(waveform, sample_rate, bands=32):
    """Show a sound twice, its waveform and the log-mel energy that the models are given; return the two Axes.

    The energy is `mmlib.data.audio.log_mel`, written as decibels below the loudest point. Derived in chapter 02.

    Args:
        waveform: (samples,), in [-1, 1], at least 256 of them.
        sample_rate: in Hz.
        bands: number of mel bands.
    """
    waveform = _checked_sound(waveform, sample_rate)
    size, hop = 256, 128
    decibels = 10 / math.log(10) * log_mel(waveform, sample_rate, size, hop, bands, low_hz=60.0)  # (frames, bands)
    low, high = hz_to_mel(60.0), hz_to_mel(sample_rate / 2)
    half = (high - low) / (bands + 1) / 2  # bands overlap by half
    start = (size - hop) / 2 / sample_rate
    place = (start, start + len(decibels) * hop / sample_rate, low + half, high - half)
    figure, axes = plt.subplots(2, 1, figsize=(WIDTH, 3.8), sharex=True, height_ratios=(2, 3))
    axes[0].plot(np.arange(len(waveform)) / sample_rate, waveform, color=COLORS["audio"], linewidth=0.8)
    axes[0].set(ylabel="amplitude", xlim=(0, len(waveform) / sample_rate))
    below = decibels.T - decibels.max()
    picture = axes[1].imshow(below, origin="lower", aspect="auto", extent=place, vmin=-60, vmax=0)
    hertz = [f for f in (250, 500, 1000, 2000, 4000, 8000) if f < sample_rate / 2]
    axes[1].set_yticks([hz_to_mel(f) for f in hertz], hertz)
    axes[1].set(ylabel="frequency, Hz", xlabel="time, seconds", xlim=axes[0].get_xlim())
    figure.colorbar(picture, ax=axes[1], label="energy, dB", pad=0.01)
    return axes


def play_audio(waveform, sample_rate):
    """Return a player; the sound is stored in the output, so keep it under 1.5 s at 8 kHz.

    Args:
        waveform: (samples,), in [-1, 1].
        sample_rate: in Hz.
    """
    return Audio(_checked_sound(waveform, sample_rate), rate=sample_rate, normalize=False)


def show_similarity(matrix, row_labels=None, column_labels=None, label="similarity", limit=None, ax=None):
    """Show a matrix, blue above zero, vermilion below, white at zero; return the Axes.

    Up to 8 × 8 the numbers are written, too.

    Args:
        matrix: (rows, columns).
        row_labels: names of the rows.
        column_labels: names of the columns.
        label: what the numbers are.
        limit: the absolute value with the fullest colour; by default the largest.
        ax: Axes to draw on.
    """
    matrix = checked_array(matrix, "matrix", (2,))
    rows, columns = matrix.shape
    limit = limit or float(np.abs(matrix).max()) or 1.0
    ax = ax or plt.subplots(figsize=(WIDTH, min(6.0, 1.2 + 4.2 * rows / columns)))[1]
    picture = ax.imshow(matrix, cmap=style.SIGNED, vmin=-limit, vmax=limit, aspect="auto")
    bar = ax.figure.colorbar(picture, ax=ax, label=label)
    bar.ax.set_ylim(min(0, max(-limit, matrix.min())), max(0, min(limit, matrix.max())) or limit)
    if row_labels is not None:
        ax.set_yticks(range(rows), [wrapped(name, 1.7) for name in checked_list(row_labels, rows, "row_labels")])
    if column_labels is not None:
        names = [str(name) for name in checked_list(column_labels, columns, "column_labels")]
        slant = (
            {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) * columns > 40 else {}
        )
        ax.set_xticks(range(columns), names, **slant)
    for (row, column), value in np.ndenumerate(matrix) if max(rows, columns) <= 8 else ():
        ink = "white" if abs(value) > 0.6 * limit else "black"
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=10)
    return ax


def show_attention(image, weights, words, columns=4):
    """Show where each word looks, the picture once per word, dark where the weight is small; return the T Axes.

    All panels share one scale: the largest weight of all is fully lit. A title gives the word and its largest weight.

    Args:
        image: (H, W, 3), uint8 or float in [0, 1].
        weights: (T, P) with P a square number, or (T, rows, columns): a weight for each word and patch.
        words: T strings.
        columns: pictures in a row.
    """
    weights = checked_array(weights, "weights", (2, 3))
    side = math.isqrt(weights.shape[1])
    if weights.min() < 0 or (weights.ndim == 2 and side**2 != weights.shape[1]):
        expected = "not negative and (T, P) with P a square number, or (T, rows, columns)"
        raise ValueError(f"`weights` must be {expected}. Received: shape={weights.shape}, minimum={weights.min():.3g}")
    weights = weights.reshape(len(weights), side, side) if weights.ndim == 2 else weights
    words = checked_list(words, len(weights), "words")
    titles = [f"{word}\n{weight.max():.2f}" for word, weight in zip(words, weights, strict=True)]
    axes = show_images([image] * len(weights), titles, columns)
    height, width = np.shape(image)[:2]
    for ax, weight in zip(axes, weights, strict=True):
        shade = np.zeros((*weight.shape, 4))  # black; its opacity is what the weight lacks of the largest
        shade[..., 3] = 0.65 * (1 - weight / (weights.max() or 1.0))
        ax.imshow(shade, extent=(-0.5, width - 0.5, height - 0.5, -0.5), interpolation="nearest")
    return axes


def _checked_sound(waveform, sample_rate):
    waveform = checked_array(waveform, "waveform", (1,))
    if np.abs(waveform).max() > 1 or not sample_rate > 0:
        found = f"largest={np.abs(waveform).max():.3g}, sample_rate={sample_rate}"
        raise ValueError(f"`waveform` must be in [-1, 1] and `sample_rate` positive. Received: {found}")
    return waveform
