"""mmlib.losses against loops written from the equations, closed forms, Keras's own losses and finite differences."""

import functools

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import log_softmax

from mmlib import losses

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(7, 7)).astype("float32") * 3
IDS = np.array([4, 0, 4, 2, 1, 2, 2])
DIFFERENT = np.arange(7)


def slow_contrastive(ids, s):
    out = []
    for i in range(len(s)):
        same = [j for j in range(len(s)) if ids[j] == ids[i]]
        row = sum(log_softmax(s[i, :])[j] for j in same) / len(same)
        column = sum(log_softmax(s[:, i])[j] for j in same) / len(same)
        out.append(-(row + column) / 2)
    return out


def slow_sigmoid(ids, s):
    sign = [[1 if a == b else -1 for b in ids] for a in ids]
    return [-sum(np.log(1 / (1 + np.exp(-sign[i][j] * s[i, j]))) for j in range(len(s))) for i in range(len(s))]


def slow_triplet(ids, s, margin):
    out = []
    for i in range(len(s)):
        rivals = [j for j in range(len(s)) if ids[j] != ids[i]]
        out.append(
            max(max(0, margin - s[i, i] + s[i, j]) for j in rivals)
            + max(max(0, margin - s[i, i] + s[j, i]) for j in rivals)
        )
    return out


@pytest.mark.parametrize("ids", [IDS, DIFFERENT, IDS[:, None].astype("float32")])
def test_losses_of_a_matrix_equal_loops(ids):
    flat = np.ravel(ids)
    np.testing.assert_allclose(losses.contrastive_loss(ids, LOGITS), slow_contrastive(flat, LOGITS), rtol=1e-5)
    np.testing.assert_allclose(losses.sigmoid_contrastive_loss(ids, LOGITS), slow_sigmoid(flat, LOGITS), rtol=1e-5)
    np.testing.assert_allclose(
        losses.triplet_loss(ids, LOGITS, margin=0.7), slow_triplet(flat, LOGITS, 0.7), rtol=1e-5, atol=1e-6
    )


def test_contrastive_loss_is_two_cross_entropies_when_all_ids_differ():
    rows = keras.losses.sparse_categorical_crossentropy(DIFFERENT, LOGITS, from_logits=True)
    columns = keras.losses.sparse_categorical_crossentropy(DIFFERENT, LOGITS.T, from_logits=True)
    np.testing.assert_allclose(losses.contrastive_loss(DIFFERENT, LOGITS), (rows + columns) / 2, rtol=1e-5)


def test_constant_logits_cost_log_n_and_a_perfect_matrix_nothing():
    constant = np.full((9, 9), 2.5, "float32")
    np.testing.assert_allclose(losses.contrastive_loss(np.arange(9), constant), np.log(9), rtol=1e-6)
    np.testing.assert_allclose(losses.sigmoid_contrastive_loss(np.arange(9), 0 * constant), 9 * np.log(2), rtol=1e-6)
    np.testing.assert_allclose(losses.triplet_loss(np.arange(9), constant, margin=0.3), 0.6, rtol=1e-5)
    perfect = 60 * np.eye(9, dtype="float32") - 30
    for loss in (losses.contrastive_loss, losses.sigmoid_contrastive_loss, losses.triplet_loss):
        np.testing.assert_allclose(loss(np.arange(9), perfect), 0, atol=1e-6)


def test_shared_ids_are_shared_targets_not_negatives():
    ids, equal_columns = np.zeros(4), np.zeros((4, 4), "float32")
    # every pair means the same: a model that says so cannot do better than the entropy of the target, log 4
    np.testing.assert_allclose(losses.contrastive_loss(ids, equal_columns), np.log(4), rtol=1e-6)
    gradient = grad(lambda s: ops.sum(losses.contrastive_loss(ids, s)), equal_columns)
    np.testing.assert_allclose(gradient, 0, atol=1e-7)
    assert np.all(losses.triplet_loss(ids, LOGITS[:4, :4]) == 0)


def grad(function, at):
    import tensorflow as tf

    variable = tf.Variable(at)
    with tf.GradientTape() as tape:
        value = function(tf.convert_to_tensor(variable))
    return tape.gradient(value, variable).numpy()


@pytest.mark.parametrize("loss", [losses.contrastive_loss, losses.sigmoid_contrastive_loss, losses.triplet_loss])
def test_gradients_equal_finite_differences(loss):
    slow = {"contrastive_loss": slow_contrastive, "sigmoid_contrastive_loss": slow_sigmoid}.get(
        loss.__name__, functools.partial(slow_triplet, margin=0.2)
    )
    s, step, expected = LOGITS.astype("float64"), 1e-5, np.zeros((7, 7))
    for i, j in np.ndindex(7, 7):
        bump = np.zeros((7, 7))
        bump[i, j] = step
        expected[i, j] = (np.sum(slow(IDS, s + bump)) - np.sum(slow(IDS, s - bump))) / (2 * step)
    np.testing.assert_allclose(grad(lambda v: ops.sum(loss(IDS, v)), LOGITS), expected, atol=2e-4)


def test_gradient_of_infonce_is_probability_minus_target():
    p_row, p_column = np.exp(log_softmax(LOGITS, axis=1)), np.exp(log_softmax(LOGITS, axis=0))
    expected = (p_row + p_column) / 2 - np.eye(7)
    np.testing.assert_allclose(
        grad(lambda v: ops.sum(losses.contrastive_loss(DIFFERENT, v)), LOGITS), expected, atol=1e-5
    )


def test_masked_token_loss_averages_over_labelled_tokens_only():
    labels, logits = np.array([[3, -1, 0], [-1, -1, 2]]), RNG.normal(size=(2, 3, 5)).astype("float32")
    cells = [(0, 0, 3), (0, 2, 0), (1, 2, 2)]
    expected = -np.mean([log_softmax(logits[b, t])[v] for b, t, v in cells])
    assert float(losses.masked_token_loss(labels, logits)) == pytest.approx(expected, rel=1e-5)
    assert float(losses.masked_token_loss(labels.astype("float32"), logits)) == pytest.approx(expected, rel=1e-5)
    assert float(losses.masked_token_loss(np.full((2, 3), -1), logits)) == 0
    assert float(losses.masked_token_loss(labels, 0 * logits)) == pytest.approx(np.log(5), rel=1e-6)
    oracle = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    assert float(oracle(labels, logits)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_masked_token_loss_is_the_same_number_through_compile(masked):
    tokens = np.array([[5, 6, 7, 0], [8, 0, 0, 0]])  # a Keras mask on the prediction must not rescale the loss
    labels = np.array([[2, -1, 1, -1], [0, -1, -1, -1]])
    inputs = keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, keras.layers.Embedding(9, 5, mask_zero=masked)(inputs))
    model.compile("sgd", losses.masked_token_loss)
    logits = model.predict(tokens, verbose=0)
    expected = -np.mean([log_softmax(logits[b, t])[labels[b, t]] for b, t in [(0, 0), (0, 2), (1, 0)]])
    assert model.evaluate(tokens, labels, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_ids_survive_the_way_through_compile():
    inputs = keras.Input((7,))
    model = keras.Model(inputs, keras.layers.Identity()(inputs))
    model.compile("sgd", losses.contrastive_loss)
    large = IDS + 16_000_000  # float32 still tells them apart
    assert model.evaluate(LOGITS, large, verbose=0) == pytest.approx(np.mean(slow_contrastive(IDS, LOGITS)), rel=1e-5)
