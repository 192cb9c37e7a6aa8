"""From arrays to batches: splitting, batching, and spoiling a modality on purpose."""

import numpy as np
from sklearn.datasets import load_sample_image


def split(num_items, fractions, seed, groups=None):
    """Divide items into parts at random; with ``groups``, whole groups only.

    Items that share an entity (a voice, a writer, a picture, a concept) share its group, and no group is in two parts.
    Parts then hold about their fraction of the items, as closely as whole groups allow.

    Args:
        num_items: the number N of items.
        fractions: the share of each part, adding up to 1, e.g. ``(0.6, 0.2, 0.2)``.
        seed: int or ``np.random.Generator``.
        groups: N values, the group of each item; None makes every item its own group.

    Returns:
        A tuple of int arrays, one per fraction: the sorted positions of the part's items.

    Raises:
        ValueError: fractions that do not add up to 1, a wrong number of groups, or a part that would be empty.

    Derived in chapter 02.
    """
    fractions = np.asarray(fractions, dtype=float)
    if fractions.ndim != 1 or not np.all(fractions > 0) or abs(fractions.sum() - 1) > 1e-9:
        raise ValueError(f"`fractions` must be positive and add up to 1. Received: fractions={fractions.tolist()}")
    groups = np.arange(num_items) if groups is None else np.asarray(groups)
    if groups.shape != (num_items,):
        raise ValueError(f"`groups` must have one entry per item, {num_items}. Received: shape={groups.shape}")
    _, group_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(sizes))
    middle = np.empty(len(sizes))
    middle[order] = np.cumsum(sizes[order]) - sizes[order] / 2  # where a group lies if all are laid in a row
    part_of = np.searchsorted(np.cumsum(fractions[:-1]) * num_items, middle, side="right")
    parts = tuple(np.flatnonzero(part_of[group_of] == part) for part in range(len(fractions)))
    if not all(map(len, parts)):
        raise ValueError(
            f"Every part needs at least one group. Received: {len(sizes)} groups of {num_items} items for "
            f"fractions={fractions.tolist()}"
        )
    return parts


def make_dataset(inputs, targets=None, batch_size=32, shuffle_seed=None, drop_remainder=False):
    """Make a ``tf.data.Dataset`` of batches: shuffle → batch → gather → prefetch.

    What is shuffled are positions, not values: one list of positions cuts every modality and the targets, so a pair
    cannot be torn apart. The arrays stay in memory once, which makes a cache pointless; put ``.cache()`` behind slow
    reading, before the shuffle.

    Args:
        inputs: an array, or a dict of arrays by modality, all with N rows.
        targets: an array of N rows or a dict of such; None gives batches of inputs only.
        batch_size: rows of a batch; the last may be smaller.
        shuffle_seed: None keeps the order; an int shuffles anew in every epoch. The same seed gives the same orders, as
            long as the global seed (``seed_everything``) is the same.
        drop_remainder: True leaves out a smaller last batch, for losses whose value depends on the batch's size.

    Returns:
        A ``tf.data.Dataset`` of ``inputs`` or ``(inputs, targets)``.

    Raises:
        ValueError: arrays of different length, or no rows.

    Derived in chapter 02.
    """
    import tensorflow as tf  # takes seconds to load, and nothing else here needs it

    data = (inputs,) if targets is None else (inputs, targets)
    named = (
        {f"inputs[{k!r}]": len(v) for k, v in inputs.items()} if isinstance(inputs, dict) else {"inputs": len(inputs)}
    )
    if targets is not None:
        table = targets if isinstance(targets, dict) else {None: targets}
        named |= {f"targets[{k!r}]" if k is not None else "targets": len(v) for k, v in table.items()}
    if len(set(named.values())) != 1 or 0 in named.values():
        found = ", ".join(f"{name} {rows}" for name, rows in named.items())
        raise ValueError(f"`inputs` and `targets` must have the same number of rows, at least one. Received: {found}")
    tensors = tf.nest.map_structure(tf.convert_to_tensor, data)
    num_items = next(iter(named.values()))
    positions = tf.data.Dataset.range(num_items)
    if shuffle_seed is not None:
        positions = positions.shuffle(num_items, seed=shuffle_seed, reshuffle_each_iteration=True)

    def gather(rows):
        batch = tf.nest.map_structure(lambda values: tf.gather(values, rows), tensors)
        return batch if targets is not None else batch[0]

    return positions.batch(batch_size, drop_remainder).map(gather).prefetch(tf.data.AUTOTUNE)


def hide_modality(inputs, name, rows=None):
    """Replace one modality by its absence: zeros; for token numbers the empty sentence; for strings "".

    Zero is black in a picture and silence in a sound or a spectrogram of the book. The first token of a row is the
    start token; it stays, since a row of nothing but padding has no mean and no attention.

    Args:
        inputs: dict of arrays by modality, all with N rows.
        name: the modality to hide.
        rows: bool (N,), which rows lose it; None hides it everywhere.

    Returns:
        A new dict; the arrays of ``inputs`` are left as they are.

    Raises:
        ValueError: no modality of that name.

    Derived in chapter 02.
    """
    values = _modality(inputs, name).copy()
    rows = slice(None) if rows is None else np.asarray(rows, dtype=bool)
    if values.dtype.kind in "iu" and values.ndim == 2:
        values[rows, 1:] = 0
    else:
        values[rows] = "" if values.dtype.kind in "UOS" else 0
    return {**inputs, name: values}


def corrupt(inputs, name, kind, level, seed):
    """Spoil one modality on purpose, as a bad sensor would.

    Args:
        inputs: dict of arrays by modality, all with N rows.
        name: the modality to spoil, not token numbers unless kind is "missing".
        kind: "noise" adds Gaussian noise of standard deviation ``level``; pictures and films, arrays of four or more
            axes, are clipped to [0, 1], waveforms (two axes) to [-1, 1], spectrograms are not clipped. "occlusion"
            covers the fraction ``level`` of each item: a grey square somewhere in a picture or film, or a span of
            silence somewhere in a sound. "missing" hides the modality, see ``hide_modality``, in each row with
            probability ``level``.
        level: how much; 0 changes nothing.
        seed: int or ``np.random.Generator``.

    Returns:
        A new dict; the arrays of ``inputs`` are left as they are.

    Raises:
        ValueError: unknown modality or kind, a level out of range, or a kind that does not suit the array.

    Derived in chapter 02.
    """
    kinds = ("noise", "occlusion", "missing")
    if kind not in kinds or not level >= 0 or (kind != "noise" and level > 1):
        raise ValueError(
            f"`kind` must be one of {kinds} and `level` not negative, at most 1 unless it is noise. "
            f"Received: kind={kind!r}, level={level!r}"
        )
    values, rng = _modality(inputs, name), np.random.default_rng(seed)
    if kind == "missing":
        return hide_modality(inputs, name, rng.random(len(values)) < level)
    if values.dtype.kind != "f" or values.ndim < 2:
        raise ValueError(
            f"{kind!r} suits pictures and sounds. Received: {name!r} of {values.dtype}, shape={values.shape}"
        )
    return {**inputs, name: (_add_noise if kind == "noise" else _occlude)(values, level, rng)}


def load_photographs():
    """Return two real photographs that come with scikit-learn: a temple roof in China, and a dahlia.

    Returns:
        A dict: ``china`` and ``flower``, float32 (427, 640, 3) in [0, 1].

    Reference: scikit-learn, ``sklearn.datasets.load_sample_images``; both CC BY 2.0, see the data card.
    Derived in chapter 02.
    """
    return {name: load_sample_image(f"{name}.jpg").astype(np.float32) / 255 for name in ("china", "flower")}


def _modality(inputs, name):
    if name not in inputs:
        raise ValueError(f"`name` must be one of {sorted(inputs)}. Received: name={name!r}")
    return np.asarray(inputs[name])


def _add_noise(values, level, rng):
    noisy = values + level * rng.standard_normal(values.shape, dtype=np.float32).astype(values.dtype)
    limits = (0, 1) if values.ndim >= 4 else (-1, 1) if values.ndim == 2 else None
    return noisy if limits is None else np.clip(noisy, *limits)


def _occlude(values, level, rng):
    """Cover a square of the last two axes before the channels, or a span of the time axis."""
    covered, items = values.copy(), len(values)
    if values.ndim >= 4:
        inside = (
            _span(values.shape[-3], level**0.5, items, rng)[:, :, None]
            & _span(values.shape[-2], level**0.5, items, rng)[:, None, :]
        )  # (B, H, W)
        inside = inside.reshape(items, *[1] * (values.ndim - 4), *inside.shape[1:])
        covered[np.broadcast_to(inside, values.shape[:-1])] = 0.5
    else:
        covered[_span(values.shape[1], level, items, rng)] = 0
    return covered


def _span(length, fraction, items, rng):
    """Return bool (items, length): in each row a run of True of the given fraction, at a random place."""
    run = round(length * fraction)
    start = rng.integers(0, length - run + 1, size=(items, 1))
    return (np.arange(length) >= start) & (np.arange(length) < start + run)
