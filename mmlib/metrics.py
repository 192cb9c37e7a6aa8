"""How good is it, compared with what, and how sure are we? NumPy only.

Every function refuses NaN: a model that has broken down must not score.
"""

import statistics

import numpy as np


def retrieval_ranks(similarity, relevant=None):
    """Rank of the best relevant item for each query: 1 is the top of the list.

    rank(q) = 1 + #{j not relevant : s(q, j) >= max over relevant i of s(q, i)}

    A tie counts against the match, so an encoder that maps everything to one point gets the last rank, not the first.

    Args:
        similarity: (Q, N) scores, larger is more similar.
        relevant: what counts as found. None: item q belongs to query q (Q = N). Integers (Q,): the index of the one
            right item. Booleans (Q, N): all right items, e.g. ``ids[:, None] == ids`` to match by meaning.

    Returns:
        (Q,) integers in 1 … N.

    Raises:
        ValueError: for NaN, a wrong shape, or a query without any relevant item.

    Derived in chapter 08; by meaning and by instance in chapter 12.
    """
    similarity = _numbers(similarity, "similarity", ndim=2)
    relevant = _relevant_matrix(relevant, *similarity.shape)
    if not relevant.any(axis=1).all():
        raise ValueError(f"Each query needs a relevant item. Received none for query {np.argmin(relevant.any(axis=1))}")
    best = np.where(relevant, similarity, -np.inf).max(axis=1, keepdims=True)
    return 1 + np.sum(~relevant & (similarity >= best), axis=1)


def _relevant_matrix(relevant, num_queries, num_items):
    if relevant is None:
        if num_queries != num_items:
            raise ValueError(
                f"Without `relevant` the similarity must be square. Received: shape={(num_queries, num_items)}"
            )
        return np.eye(num_items, dtype=bool)
    relevant = np.asarray(relevant)
    if relevant.dtype != bool and relevant.shape == (num_queries,):
        if relevant.min(initial=0) < 0 or relevant.max(initial=0) >= num_items:
            raise ValueError(f"`relevant` must index {num_items} items. Received: {relevant.min()} … {relevant.max()}")
        return relevant[:, None] == np.arange(num_items)
    if relevant.dtype != bool or relevant.shape != (num_queries, num_items):
        raise ValueError(
            f"`relevant` must be {num_queries} integers or booleans of shape {(num_queries, num_items)}. "
            f"Received: shape={relevant.shape}, dtype={relevant.dtype}"
        )
    return relevant


def recall_at_k(ranks, k=1):
    """Fraction of queries whose best relevant item is among the first `k`. `ranks` come from `retrieval_ranks`."""
    ranks = _numbers(ranks, "ranks", ndim=1)
    if k < 1 or ranks.min() < 1:
        raise ValueError(f"`k` and all ranks start at 1. Received: k={k}, smallest rank={ranks.min():g}")
    return float(np.mean(ranks <= k))


def median_rank(ranks):
    """The rank that half of the queries reach or beat. `ranks` come from `retrieval_ranks`."""
    return float(np.median(_numbers(ranks, "ranks", ndim=1)))


def accuracy_by_group(labels, predictions, groups):
    """Accuracy within each group, with its Wilson interval.

    Args:
        labels: (N,) the truth.
        predictions: (N,) what the model said: classes, not probabilities.
        groups: (N,) the name of each item's group (question type, voice, art style, …).

    Returns:
        dict: group name to ``{"accuracy", "low", "high", "count"}``, sorted by name; ``pd.DataFrame(…).T`` is a table.
    """
    labels, predictions, groups = np.asarray(labels), np.asarray(predictions), np.asarray(groups)
    if not labels.shape == predictions.shape == groups.shape or labels.ndim != 1:
        raise ValueError(
            "`labels`, `predictions` and `groups` must be vectors of one length. "
            f"Received: shapes {labels.shape}, {predictions.shape}, {groups.shape}"
        )
    table = {}
    for group in np.unique(groups):
        correct = (labels == predictions)[groups == group]
        low, high = wilson_interval(correct.sum(), correct.size)
        table[group.item()] = {"accuracy": float(correct.mean()), "low": low, "high": high, "count": int(correct.size)}
    return table


def expected_calibration_error(labels, probabilities, num_bins=15):
    """How far confidence and accuracy are apart, on average.

    ECE = sum over bins b of (n_b / N) · | accuracy(b) - mean confidence(b) |, bins of equal width on (0, 1].

    Args:
        labels: (N,) class indices.
        probabilities: (N, K) rows that sum to one; the confidence is the largest entry of a row.
        num_bins: the estimate depends on it, so report it with the number.

    Reference: Naeini, Cooper & Hauskrecht 2015 (AAAI); Guo et al. 2017 (ICML). Derived in chapter 05.
    """
    probabilities = _numbers(probabilities, "probabilities", ndim=2)
    labels = np.asarray(labels)
    if np.abs(probabilities.sum(axis=1) - 1).max() > 1e-3 or probabilities.min() < 0:
        raise ValueError("Each row of `probabilities` must be a distribution. Received: logits? Apply softmax first.")
    confidence = probabilities.max(axis=1)
    gap = (probabilities.argmax(axis=1) == labels) - confidence
    bins = np.clip(np.ceil(confidence * num_bins).astype(int) - 1, 0, num_bins - 1)
    # |sum of gaps in a bin| = n_b · |accuracy(b) - confidence(b)|
    return float(np.abs(np.bincount(bins, weights=gap, minlength=num_bins)).sum() / len(gap))


def fit_temperature(labels, logits):
    """Temperature scaling: the T > 0 for which softmax(logits / T) has the smallest mean -log p(label).

    With b = 1 / T the loss is convex. Its derivative, the mean of (expected logit - logit of the label), rises with b,
    and bisection finds its zero. Scaling never changes which class is the largest.

    Args:
        labels: (N,) class indices of *validation* items.
        logits: (N, K) unnormalised log-probabilities.

    Returns:
        T as a float in [0.001, 1000]; above 1 means the model was too sure.

    Reference: Guo et al. 2017 (ICML). Used in chapters 05 and 18.
    """
    logits = _numbers(logits, "logits", ndim=2)
    of_label = logits[np.arange(len(logits)), np.asarray(labels)]
    low, high = np.log(1e-3), np.log(1e3)
    for _ in range(60):
        middle = (low + high) / 2
        scaled = logits * np.exp(middle)
        weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        expected = (weights * logits).sum(axis=1) / weights.sum(axis=1)
        low, high = (middle, high) if np.mean(expected - of_label) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))


def wilson_interval(successes, total, level=0.95):
    """Interval for a proportion; it stays inside [0, 1] and is honest when all or none succeed.

    centre = (p + z²/2n) / (1 + z²/n),   half-width = z · sqrt(p(1-p)/n + z²/4n²) / (1 + z²/n)

    Reference: Wilson 1927 (J. Am. Stat. Assoc. 22); Brown, Cai & DasGupta 2001 (Stat. Sci. 16). Derived in chapter 18.
    """
    if not 0 <= successes <= total or total == 0:
        raise ValueError(f"Expected 0 <= successes <= total, total > 0. Received: {successes} of {total}")
    p, z = successes / total, statistics.NormalDist().inv_cdf((1 + level) / 2)
    centre = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z * np.sqrt(p * (1 - p) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def bootstrap_interval(values, statistic=np.mean, groups=None, num_resamples=2000, level=0.95, seed=0):
    """Percentile bootstrap interval of `statistic` over items, or over groups of items that belong together.

    For two models on the same items pass the *differences*: that is the paired comparison.

    Args:
        values: (N, …) one row per item.
        statistic: maps such an array to a number.
        groups: (N,) names; whole groups are drawn (a voice, a picture), because items of one group are not independent.
        num_resamples: how often items (or groups) are drawn anew.
        level: the share of resampled statistics between the two ends.
        seed: of the draws.

    Returns:
        (low, high).

    Reference: Efron & Tibshirani 1993 (An Introduction to the Bootstrap). Derived in chapter 18.
    """
    values, rng = _numbers(values, "values"), np.random.default_rng(seed)
    if groups is None:
        draws = (rng.integers(len(values), size=len(values)) for _ in range(num_resamples))
    else:
        _, index = np.unique(np.asarray(groups), return_inverse=True)
        members = [np.flatnonzero(index == g) for g in range(index.max() + 1)]
        draws = (
            np.concatenate([members[g] for g in rng.integers(len(members), size=len(members))])
            for _ in range(num_resamples)
        )
    low, high = np.quantile([statistic(values[rows]) for rows in draws], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def seed_interval(values, level=0.95):
    """Mean over training runs with Student's interval, mean ± t · s / sqrt(n): wide for few seeds, as it should be.

    Args:
        values: (n,) one score per seed, n >= 2.
        level: the confidence level.

    Returns:
        (mean, low, high).
    """
    from scipy.stats import t

    values = _numbers(values, "values", ndim=1)
    if len(values) < 2:
        raise ValueError(f"One run has no spread: at least two seeds are needed. Received: {len(values)}")
    half = t.ppf((1 + level) / 2, df=len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def _numbers(values, name, ndim=None):
    values = np.asarray(values, dtype="float64")
    if values.size == 0 or (ndim is not None and values.ndim != ndim):
        raise ValueError(f"`{name}` must be a non-empty array of {ndim or 'any'} axes. Received: shape={values.shape}")
    if np.isnan(values).any():
        raise ValueError(f"`{name}` contains NaN. Received: {np.isnan(values).sum()} of {values.size}")
    return values
