"""Models that make something new."""

import keras
import numpy as np
import tensorflow as tf  # for its gradient tape
from keras import ops


@keras.saving.register_keras_serializable("mmlib")
class ConditionalGAN(keras.Model):
    """A generator draws what a label asks for, and a discriminator tells its drawings from real ones.

    L_D = ½ E_(x,c) softplus(-D(x, c)) + ½ E_(z,c) softplus(D(G(z, c), c))   softplus(-D) = -log σ(D): "real"
    L_G = E_(z,c) softplus(-D(G(z, c), c))                                    the non-saturating loss

    Each step makes one update of D, then one of G against the new D. At the equilibrium D says 0 everywhere, and both
    losses are log 2. Neither falls steadily on the way, so neither is a measure of quality.

        model = ConditionalGAN(generator, discriminator, seed=0)
        model.compile(keras.optimizers.Adam(2e-4, 0.5), keras.optimizers.Adam(2e-4, 0.5))
        model.fit(images, labels)
        drawn = model.sample(np.arange(10), seed=1)

    Args:
        generator: a built `keras.Model`, {"label": (B, …), "noise": (B, Z)} -> images (B, …). A label may be an
            integer (B,) for an embedding, or a vector such as that of a sentence.
        discriminator: a built `keras.Model`, {"image": (B, …), "label": (B, …)} -> (B, 1) logits, positive for real.
        seed: of the noise in training.

    Call arguments:
        inputs: {"label", "noise"}.

    Returns:
        the generator's images.

    Raises:
        ValueError: inputs with other names, an image that does not fit the discriminator, or not one logit.

    Reference: Goodfellow et al. 2014 (NIPS); Mirza & Osindero 2014 (arXiv:1411.1784). Derived in chapter 11.
    """

    def __init__(self, generator, discriminator, seed=None, **kwargs):
        super().__init__(**kwargs)
        made, judged = _input_shapes(generator), _input_shapes(discriminator)
        if set(made) != {"label", "noise"} or set(judged) != {"image", "label"}:
            raise ValueError(
                '`generator` must take {"label", "noise"} and `discriminator` {"image", "label"}. '
                f"Received: {sorted(made)} and {sorted(judged)}"
            )
        drawn, verdict = generator.outputs[0].shape[1:], discriminator.outputs[0].shape[1:]
        if drawn != judged["image"] or verdict != (1,):
            raise ValueError(
                "`discriminator` must take what `generator` returns, and return (B, 1). "
                f"Received: images {drawn} for a discriminator of {judged['image']}, which returns {verdict}"
            )
        self.generator, self.discriminator, self.seed = generator, discriminator, seed
        self.noise_shape = made["noise"]
        self.seeds = keras.random.SeedGenerator(seed)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("discriminator_loss", "generator_loss")}
        self.built = True  # the parts are

    def call(self, inputs):
        return self.generator(inputs)

    def compile(self, generator_optimizer="adam", discriminator_optimizer="adam", **kwargs):
        """Set an optimiser for each player; the other arguments are those of `keras.Model.compile`."""
        super().compile(**kwargs)
        self.generator_optimizer = keras.optimizers.get(generator_optimizer)
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    @property
    def metrics(self):
        return list(self.trackers.values())

    def train_step(self, data):
        images, labels = data
        return {
            "discriminator_loss": self.discriminator_step(images, labels),
            "generator_loss": self.generator_step(labels),
        }

    def discriminator_step(self, images, labels):
        """One update of the discriminator only; returns the running mean of its loss."""
        images, labels = ops.convert_to_tensor(images), ops.convert_to_tensor(labels)
        drawn = self._draw(labels, training=True)
        with tf.GradientTape() as tape:
            real = self.discriminator({"image": images, "label": labels}, training=True)
            fake = self.discriminator({"image": drawn, "label": labels}, training=True)
            loss = 0.5 * (ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake)))
        return self._update("discriminator", tape, loss)

    def generator_step(self, labels):
        """One update of the generator only; returns the running mean of its loss."""
        labels = ops.convert_to_tensor(labels)
        with tf.GradientTape() as tape:
            drawn = self._draw(labels, training=True)
            verdict = self.discriminator({"image": drawn, "label": labels}, training=True)
            loss = ops.mean(ops.softplus(-verdict))
        return self._update("generator", tape, loss)

    def sample(self, labels, seed, batch_size=512):
        """Draw one image for each label.

        Args:
            labels: (N, …) as the generator takes them.
            seed: int or ``np.random.Generator``, of the noise.
            batch_size: how many are drawn at once.

        Returns:
            a NumPy array of N images.
        """
        labels = np.asarray(labels)
        noise = np.random.default_rng(seed).normal(size=(len(labels), *self.noise_shape)).astype("float32")
        starts = range(0, len(labels), batch_size)
        parts = [{"label": labels[i : i + batch_size], "noise": noise[i : i + batch_size]} for i in starts]
        return np.concatenate([ops.convert_to_numpy(self.generator(part, training=False)) for part in parts])

    def _draw(self, labels, training):
        noise = keras.random.normal((ops.shape(labels)[0], *self.noise_shape), seed=self.seeds)
        return self.generator({"label": labels, "noise": noise}, training=training)

    def _update(self, player, tape, loss):
        weights = getattr(self, player).trainable_variables
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        getattr(self, f"{player}_optimizer").apply_gradients(zip(gradients, weights, strict=True))
        tracker = self.trackers[f"{player}_loss"]
        tracker.update_state(loss)
        return tracker.result()

    def get_config(self):
        parts = {"generator": self.generator, "discriminator": self.discriminator}
        saved = {name: keras.saving.serialize_keras_object(model) for name, model in parts.items()}
        return {**super().get_config(), **saved, "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("generator", "discriminator")}
        return cls(**{**config, **parts})

    def get_compile_config(self):
        players = ("generator_optimizer", "discriminator_optimizer")
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in players}

    def compile_from_config(self, config):
        self.compile(**{name: keras.saving.deserialize_keras_object(each) for name, each in config.items()})


def _input_shapes(model):
    return {tensor.name: tensor.shape[1:] for tensor in model.inputs}
