"""Training loops that several chapters share."""

import time

import keras
import numpy as np
import tensorflow as tf


def cross_entropy(outputs, labels):
    """−log softmax(outputs)[label], in nats: logits (R, B, K), labels (R, B) -> (R, B). Derived in chapter 07."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, outputs)


def stacked_weights(models):
    """The trainable variables of R models of one architecture, as a list of arrays (R, …) with the run in front."""
    columns = zip(*[model.trainable_variables for model in models], strict=True)
    return [np.stack([variable.numpy() for variable in column]) for column in columns]


class ParallelSeeds:
    """Several copies of one Keras model, each with its own first weights and data, trained side by side.

    Every weight gets a leading axis R for the run, and so do inputs and labels:

    h_rbj = Σ_i x_rbi W_rij + c_rj

    No run sees another, since the index r stands on both sides and is never summed over; the gradient of the sum of
    R losses with respect to the weights of run r is the gradient of loss r. For models so small that starting a matrix
    product takes longer than the product itself, R runs cost little more than one.

    Args:
        model: a functional `keras.Model` whose inputs have names; what it computes is used, its own weights are not.
        first_weights: list of arrays (R, …), one for each of `model.trainable_variables`; see `stacked_weights`.
        loss: function (outputs, labels) -> losses (R, B).
        learning_rate: of Adam.

    `weights` holds the trained variables in the same order; `seconds` counts the time spent in `fit`.

    Raises:
        ValueError: `first_weights` do not fit the model, or an array has not R runs on its first axis.

    Derived in chapter 07.
    """

    def __init__(self, model, first_weights, loss=cross_entropy, learning_rate=4e-3):
        self.model, self.first_weights, self.loss, self.seconds = model, first_weights, loss, 0.0
        self.runs = len(first_weights[0])
        wanted = [(self.runs, *v.shape) for v in model.trainable_variables]
        if wanted != (given := [np.shape(w) for w in first_weights]):
            raise ValueError(f"`first_weights` must have the shapes {wanted}. Received: shapes {given}")
        self.weights = [keras.Variable(w) for w in first_weights]
        chance = model.non_trainable_variables  # the states of dropout; each run draws for itself
        self.states = [keras.Variable(np.stack([v + r for r in range(self.runs)]), dtype=v.dtype) for v in chance]
        self.optimizer = keras.optimizers.Adam(learning_rate)
        self.optimizer.build(self.weights)
        self._call = tf.function(self.forward, reduce_retracing=True)  # data of any length is traced but once more
        self._epoch = tf.function(self._one_epoch)

    def forward(self, x, training=False):
        """The outputs (R, B, …) of all runs for inputs (R, B, …) by name."""
        used = {i.name: x[i.name] for i in self.model.inputs}
        values = [w.value for w in self.weights], [s.value for s in self.states], used
        outputs, states = tf.vectorized_map(
            lambda given: self.model.stateless_call(*given, training=training), values, warn=False
        )
        if training:
            for old, new in zip(self.states, states, strict=True):
                old.assign(new)
        return outputs

    def _one_epoch(self, x, y, batch_size, seed):
        order = tf.argsort(tf.random.stateless_uniform(tf.shape(y), seed))  # every run shuffles for itself
        for i in tf.range(tf.shape(y)[1] // batch_size):
            rows = order[:, i * batch_size : (i + 1) * batch_size]
            x_rows = {name: tf.gather(values, rows, batch_dims=1) for name, values in x.items()}
            with tf.GradientTape() as tape:
                losses = self.loss(self.forward(x_rows, training=True), tf.gather(y, rows, batch_dims=1))
                total = tf.reduce_sum(tf.reduce_mean(losses, axis=1))  # mean over the batch, sum over the runs
            gradients = tape.gradient(total, [w.value for w in self.weights], unconnected_gradients="zero")
            self.optimizer.apply(gradients, self.weights)

    def fit(self, x, y, epochs=4, batch_size=256, seed=0):
        """Train all runs on inputs (R, N, …) by name and labels (R, N); a last incomplete batch is left out."""
        self._check({**x, "labels": y})
        start, x = time.perf_counter(), {name: tf.constant(values) for name, values in x.items()}
        for epoch in range(epochs):
            self._epoch(x, tf.constant(y), batch_size, tf.constant([seed, epoch]))
        self.seconds += time.perf_counter() - start
        return self

    def predict(self, x):
        """The model's outputs for inputs (R, N, …) by name, as NumPy arrays (R, N, …)."""
        self._check(x)
        return keras.tree.map_structure(np.array, self._call({name: tf.constant(v) for name, v in x.items()}))

    def _check(self, arrays):
        for name, values in arrays.items():
            if len(np.shape(values)) < 2 or np.shape(values)[0] != self.runs:
                raise ValueError(
                    f"`{name}` must have {self.runs} runs on its first axis. Received: shape {np.shape(values)}"
                )
