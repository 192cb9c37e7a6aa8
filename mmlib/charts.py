"""Charts of numbers, with their intervals and with chance; the chapters reach them as ``plots.show_…``."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from mmlib import style
from mmlib.style import WIDTH, checked_array, checked_intervals, checked_list, wrapped


def show_bars(values, intervals=None, labels=None, chance=None, groups=None, xlabel="accuracy", ax=None):
    """Show values as lying bars with their numbers, intervals, and chance as a dashed line; return the Axes.

    Args:
        values: (N,), or (G, N) for G bars at each label.
        intervals: (N, 2) or (G, N, 2): low, high.
        labels: N names, from top to bottom; a name that speaks of one modality gives its bar that colour.
        chance: where to draw the dashed line.
        groups: G names for the legend.
        xlabel: what the values are.
        ax: Axes to draw on.
    """
    values = checked_array(values, "values", (1, 2))
    ends = checked_intervals(np.stack([values] * 2, -1) if intervals is None else intervals, values)
    table, ends = values.reshape(-1, values.shape[-1]), ends.reshape(-1, values.shape[-1], 2)
    bars, count = table.shape
    labels = [str(label or "") for label in checked_list(labels, count, "labels")]
    ax = ax or plt.subplots(figsize=(WIDTH, 0.9 + count * (0.18 + 0.27 * bars)))[1]
    inks = style.colors(checked_list(groups, bars, "groups")) if bars > 1 else None
    for g, (row, end) in enumerate(zip(table, ends, strict=True)):
        y = np.arange(count) + (g - (bars - 1) / 2) * 0.8 / bars
        ax.barh(
            y,
            row,
            0.74 / bars,
            color=inks[g] if inks else style.colors(labels, style.FREE[:1]),
            label=groups[g] if groups else None,
        )
        if intervals is not None:
            halo = {"path_effects": [withStroke(linewidth=3.5, foreground="white")]}
            ax.errorbar(row, y, xerr=np.abs(end.T - row), fmt="none", ecolor="black", elinewidth=1.5, **halo)
        for value, high, place in zip(row, end[:, 1], y, strict=True):
            text = {"xytext": (5, 0), "textcoords": "offset points", "va": "center", "fontsize": 10}
            ax.annotate(f"{np.round(value, 2):.2f}", (max(high, 0), place), **text)  # rounds as a table does
    ax.set_yticks(range(count), [wrapped(label, 1.9) for label in labels])
    ax.set(xlabel=xlabel, ylim=(count - 0.5, -0.5))
    ax.margins(x=0.12)
    return _finished(ax, chance, ax.axvline, groups is not None)


def show_curves(x, series, intervals=None, chance=None, xlabel="", ylabel="", ax=None):
    """Show a curve for each entry of ``series``, its interval as a band, chance as a dashed line; return the Axes.

    Args:
        x: (N,).
        series: a dict from names to (N,) values.
        intervals: a dict from (some of) the same names to (N, 2): low, high.
        chance: where to draw the dashed line.
        xlabel: what ``x`` is, with its unit.
        ylabel: what the values are, with their unit.
        ax: Axes to draw on.
    """
    ax = ax or plt.subplots()[1]
    for i, (name, ink) in enumerate(zip(series, style.colors(series), strict=True)):
        values = checked_array(checked_list(series[name], len(x), f"series[{name!r}]"), f"series[{name!r}]", (1,))
        ax.plot(x, values, color=ink, marker=style.MARKERS[i % len(style.MARKERS)], markersize=5, label=name)
        if intervals and name in intervals:
            ends = checked_intervals(intervals[name], values, f"intervals[{name!r}]")
            ax.fill_between(x, *ends.T, color=ink, alpha=0.18, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return _finished(ax, chance, ax.axhline, len(series) > 1)


def show_history(history, metrics=None):
    """Show what ``fit`` recorded, a panel for each metric, training and validation; return the Axes.

    Args:
        history: what ``fit`` returned, or its dict from metric names to a value for each epoch.
        metrics: which to show; by default all.
    """
    record = getattr(history, "history", history)
    metrics = metrics or [name for name in record if not name.startswith("val_")]
    axes = style.panels(len(metrics), min(2, len(metrics)), 2.8, WIDTH / min(2, len(metrics)))
    for ax, metric in zip(axes, metrics, strict=True):
        names = {metric: "training", f"val_{metric}": "validation"}
        series = {names[key]: record[key] for key in names if key in record}
        if not series:
            raise ValueError(f"`metrics` must be among {sorted(record)}. Received: {metric!r}")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        epochs = np.arange(1, len(record[metric]) + 1)
        show_curves(epochs, series, xlabel="epoch", ylabel=metric.replace("_", " "), ax=ax)
    return axes


def show_embedding(points, labels=None, names=None, ax=None):
    """Show points of the plane, a colour and a marker for each label; return the Axes.

    Args:
        points: (N, 2).
        labels: N names of groups, listed in the legend.
        names: N strings, written beside the points; an empty one is left out.
        ax: Axes to draw on.
    """
    points = checked_array(points, "points", (2,))
    if points.shape[1] != 2:
        raise ValueError(f"`points` must be (N, 2). Received: shape={points.shape}")
    labels = np.array([label if label is not None else "" for label in checked_list(labels, len(points), "labels")])
    ax = ax or plt.subplots(figsize=(WIDTH, 4.5))[1]
    groups = np.unique(labels)
    for i, (group, ink) in enumerate(zip(groups, style.colors(groups), strict=True)):
        marker = style.MARKERS[(i + i // len(style.MARKERS)) % len(style.MARKERS)]
        ax.scatter(*points[labels == group].T, s=22, color=ink, marker=marker, alpha=0.8, linewidths=0, label=group)
    for point, name in zip(points, checked_list(names, len(points), "names"), strict=True):
        ax.annotate(name or "", point, xytext=(5, 3), textcoords="offset points", fontsize=9)
    if len(groups) > 1:
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ax.set(xlabel="dimension 1", ylabel="dimension 2")
    return ax


def _finished(ax, chance, line, legend):
    if chance is not None:
        line(chance, color="#666666", linestyle="--", linewidth=1.5, label="chance")
    if legend or chance is not None:
        ax.figure.legend(loc="outside upper center", ncols=3) if ax.figure.axes == [ax] else ax.legend()
    return ax
