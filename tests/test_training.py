"""Runs trained side by side are runs trained one by one."""

import keras
import numpy as np
import pytest

from mmlib import training

RUNS, ITEMS, WIDTH, CLASSES = 3, 32, 4, 3


def model(rate=0.0):
    x = keras.Input((WIDTH,), name="x")
    hidden = keras.layers.Dense(5, activation="tanh")(x)
    return keras.Model({"x": x}, keras.layers.Dense(CLASSES)(keras.layers.Dropout(rate, seed=4)(hidden)))


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return {"x": rng.normal(size=(RUNS, ITEMS, WIDTH)).astype("float32")}, rng.integers(CLASSES, size=(RUNS, ITEMS))


def seeded(count=RUNS):
    made = []
    for seed in range(count):
        keras.utils.set_random_seed(seed)
        made.append(model())
    return made


def test_full_batches_train_as_keras_does(data):
    """Three epochs of one whole batch each, where the order cannot matter, against `train_on_batch` for every run."""
    x, y = data
    models = seeded()
    side = training.ParallelSeeds(model(), training.stacked_weights(models), learning_rate=0.05)
    side.fit(x, y, epochs=3, batch_size=ITEMS)
    for run, plain in enumerate(models):
        plain.compile(keras.optimizers.Adam(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        for _ in range(3):
            plain.train_on_batch({"x": x["x"][run]}, y[run])
        np.testing.assert_allclose(side.predict(x)[run], plain({"x": x["x"][run]}), atol=1e-4)


def test_no_run_sees_another(data):
    x, y = data
    first = training.stacked_weights(seeded())
    answers = []
    for change in (0, 1):
        changed = {"x": x["x"].copy()}
        changed["x"][0] += 5 * change
        side = training.ParallelSeeds(model(), first).fit(changed, y, epochs=2, batch_size=8)
        answers.append(side.predict(x))
    np.testing.assert_allclose(answers[0][1:], answers[1][1:], atol=1e-6)
    assert np.abs(answers[0][0] - answers[1][0]).max() > 1e-3


def test_every_run_drops_other_units():
    """Equal weights and equal inputs in every run: what differs in training is chance alone."""
    first = [np.stack([v.numpy()] * RUNS) for v in model().trainable_variables]
    side = training.ParallelSeeds(model(0.5), first)
    same = {"x": np.ones((RUNS, 16, WIDTH), "float32")}
    dropped = np.array(side.forward(same, training=True))
    assert np.abs(dropped[0] - dropped[1]).max() > 1e-3
    assert np.abs(dropped - np.array(side.forward(same, training=True))).max() > 1e-3  # and the next step draws anew
    np.testing.assert_allclose(side.predict(same)[0], side.predict(same)[1], atol=1e-6)


def test_the_same_seed_repeats_and_another_does_not(data):
    x, y = data
    first = training.stacked_weights(seeded())

    def fit(seed):
        return training.ParallelSeeds(model(), first).fit(x, y, batch_size=8, seed=seed).predict(x)

    np.testing.assert_allclose(fit(1), fit(1), atol=1e-6)
    assert np.abs(fit(1) - fit(2)).max() > 1e-5


def test_it_learns_and_counts_the_seconds(data):
    x, _ = data
    y = (x["x"][..., 0] > 0).astype(int)
    side = training.ParallelSeeds(model(), training.stacked_weights(seeded()), learning_rate=0.05)
    assert side.seconds == 0
    side.fit(x, y, epochs=40, batch_size=8)
    assert (side.predict(x).argmax(axis=-1) == y).mean() > 0.95
    assert side.seconds > 0


def test_cross_entropy_against_numpy():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(2, 5, 3)), rng.integers(3, size=(2, 5))
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = -np.log([[p[r, b, labels[r, b]] for b in range(5)] for r in range(2)])
    np.testing.assert_allclose(training.cross_entropy(logits, labels), expected, rtol=1e-6)


def test_errors_name_what_was_expected(data):
    x, y = data
    first = training.stacked_weights(seeded())
    with pytest.raises(ValueError, match=r"first_weights.*Received"):
        training.ParallelSeeds(model(), first[:-1])
    side = training.ParallelSeeds(model(), first)
    with pytest.raises(ValueError, match=r"`x` must have 3 runs.*Received: shape"):
        side.predict({"x": x["x"][0]})
    with pytest.raises(ValueError, match="`labels` must have 3 runs"):
        side.fit(x, y[0])
