"""mmlib.metrics against loops, closed forms, scikit-learn and SciPy."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.metrics import label_ranking_loss

from mmlib import metrics


def slow_ranks(similarity, relevant):
    ranks = []
    for scores, right in zip(similarity, relevant, strict=True):
        best = max(s for s, r in zip(scores, right, strict=True) if r)
        ranks.append(1 + sum(s >= best for s, r in zip(scores, right, strict=True) if not r))
    return ranks


def test_ranks_equal_a_loop_with_ties_and_several_relevant_items():
    rng = np.random.default_rng(0)
    similarity = rng.integers(0, 6, size=(40, 12)).astype(float)  # few values: many ties
    relevant = rng.random((40, 12)) < 0.2
    relevant[np.arange(40), rng.integers(12, size=40)] = True
    np.testing.assert_array_equal(metrics.retrieval_ranks(similarity, relevant), slow_ranks(similarity, relevant))


def test_ranks_agree_with_sklearn_without_ties():
    rng = np.random.default_rng(1)
    similarity, match = rng.normal(size=(30, 9)), rng.integers(9, size=30)
    one_hot = match[:, None] == np.arange(9)
    ranks = metrics.retrieval_ranks(similarity, match)
    np.testing.assert_array_equal(ranks, metrics.retrieval_ranks(similarity, one_hot))
    # the ranking loss of one relevant item is the fraction of the others above it
    assert np.mean(ranks - 1) / 8 == pytest.approx(label_ranking_loss(one_hot, similarity))


def test_collapsed_encoder_has_no_recall_and_nan_raises():
    ranks = metrics.retrieval_ranks(np.ones((50, 50)))
    assert metrics.recall_at_k(ranks, 49) == 0.0
    assert metrics.median_rank(ranks) == 50
    broken = np.eye(4)
    broken[2, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        metrics.retrieval_ranks(broken)


def test_random_similarity_has_recall_k_over_n():
    ranks = metrics.retrieval_ranks(np.random.default_rng(2).normal(size=(2000, 2000)))
    for k in (1, 10, 500):
        assert metrics.recall_at_k(ranks, k) == pytest.approx(k / 2000, abs=4 * np.sqrt(k / 2000 / 2000))


def test_matching_by_meaning_accepts_any_item_of_the_same_meaning():
    similarity = np.array([[0.1, 0.9, 0.0], [0.9, 0.1, 0.0], [0.0, 0.5, 0.1]])
    ids = np.array([7, 7, 8])
    assert metrics.retrieval_ranks(similarity).tolist() == [2, 2, 2]
    assert metrics.retrieval_ranks(similarity, ids[:, None] == ids).tolist() == [1, 1, 2]


@pytest.mark.parametrize(
    "relevant", [None, np.array([0, 9]), np.zeros((2, 3), bool), np.zeros((3, 2), bool), np.eye(3)]
)
def test_ranks_refuse_what_they_cannot_mean(relevant):
    with pytest.raises(ValueError, match="Received"):
        metrics.retrieval_ranks(np.zeros((2, 3)), relevant)


def test_recall_and_median_by_hand():
    ranks = [1, 3, 2, 10]
    assert [metrics.recall_at_k(ranks, k) for k in (1, 2, 5, 10)] == [0.25, 0.5, 0.75, 1.0]
    assert metrics.median_rank(ranks) == 2.5
    with pytest.raises(ValueError, match="start at 1"):
        metrics.recall_at_k([0, 1])


def test_accuracy_by_group_averages_back_to_the_accuracy():
    rng = np.random.default_rng(3)
    labels, predictions, groups = rng.integers(3, size=(3, 200))
    table = metrics.accuracy_by_group(labels, predictions, groups)
    assert sorted(table) == [0, 1, 2]
    total = sum(row["accuracy"] * row["count"] for row in table.values()) / 200
    assert total == pytest.approx(np.mean(labels == predictions))
    row, chosen = table[1], groups == 1
    assert row["accuracy"] == pytest.approx(np.mean(labels[chosen] == predictions[chosen]))
    assert row["low"] < row["accuracy"] < row["high"]


def slow_ece(labels, probabilities, num_bins):
    total = 0.0
    for b in range(num_bins):
        inside = [i for i, p in enumerate(probabilities) if b / num_bins < p.max() <= (b + 1) / num_bins]
        if inside:
            accuracy = np.mean([probabilities[i].argmax() == labels[i] for i in inside])
            total += len(inside) / len(labels) * abs(accuracy - np.mean([probabilities[i].max() for i in inside]))
    return total


def test_ece_equals_a_loop_and_closed_forms():
    rng = np.random.default_rng(4)
    probabilities, labels = rng.dirichlet(np.ones(4) / 2, size=300), rng.integers(4, size=300)
    for bins in (1, 7, 15):
        assert metrics.expected_calibration_error(labels, probabilities, bins) == pytest.approx(
            slow_ece(labels, probabilities, bins)
        )
    always_sure = np.tile([1.0, 0.0], (10, 1))  # right 7 times of 10, says 100 %
    assert metrics.expected_calibration_error([0] * 7 + [1] * 3, always_sure) == pytest.approx(0.3)
    with pytest.raises(ValueError, match="softmax"):
        metrics.expected_calibration_error(labels, probabilities - 1)


def test_labels_drawn_from_the_probabilities_are_calibrated():
    rng = np.random.default_rng(5)
    probabilities = rng.dirichlet(np.ones(3), size=50_000)
    labels = (rng.random((50_000, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    assert metrics.expected_calibration_error(labels, probabilities) < 0.01
    assert metrics.expected_calibration_error(rng.permutation(labels), probabilities) > 0.1


def test_temperature_undoes_a_known_scaling_and_agrees_with_scipy():
    rng = np.random.default_rng(6)
    logits = rng.normal(size=(20_000, 5)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((20_000, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    assert metrics.fit_temperature(labels, 3 * logits) == pytest.approx(3, rel=0.03)

    def loss(log_t):
        scaled = 3 * logits / np.exp(log_t)
        return np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(labels)), labels])

    oracle = np.exp(optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-8}).x)
    assert metrics.fit_temperature(labels, 3 * logits) == pytest.approx(oracle, rel=1e-4)


def test_wilson_agrees_with_scipy():
    for successes, total, level in [(82, 100, 0.95), (0, 10, 0.95), (10, 10, 0.9), (3, 7, 0.99)]:
        oracle = stats.binomtest(successes, total).proportion_ci(level, method="wilson")
        assert metrics.wilson_interval(successes, total, level) == pytest.approx(tuple(oracle), abs=1e-12)
    with pytest.raises(ValueError, match="Received: 11 of 10"):
        metrics.wilson_interval(11, 10)


def test_bootstrap_agrees_with_the_normal_interval_and_widens_for_groups():
    values = np.random.default_rng(7).normal(size=400)
    low, high = metrics.bootstrap_interval(values)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
    # 20 voices, 20 identical clips each: 20 independent items, not 400
    repeated, voices = np.repeat(values[:20], 20), np.repeat(np.arange(20), 20)
    alone = np.subtract(*metrics.bootstrap_interval(repeated)[::-1])
    grouped = np.subtract(*metrics.bootstrap_interval(repeated, groups=voices)[::-1])
    assert grouped / alone == pytest.approx(np.sqrt(20), rel=0.15)
    assert metrics.bootstrap_interval(values, np.median, seed=3) == metrics.bootstrap_interval(
        values, np.median, seed=3
    )


def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(8)
    hits = 0
    for _ in range(200):
        low, high = metrics.bootstrap_interval(rng.normal(size=60), num_resamples=200, level=0.9)
        hits += low < 0 < high
    assert 0.82 < hits / 200 < 0.96


def test_seed_interval_closed_form_for_two_runs():
    mean, low, high = metrics.seed_interval([0.5, 0.7], level=0.9)
    t = np.tan(np.pi * (0.95 - 0.5))  # Student with one degree of freedom is Cauchy
    assert (mean, high - mean, mean - low) == pytest.approx((0.6, t * 0.1, t * 0.1))
    with pytest.raises(ValueError, match="two seeds"):
        metrics.seed_interval([0.5])


def test_metrics_do_not_load_tensorflow():
    code = "import sys, mmlib.metrics; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
