"""Text to image: a flow that carries noise to the code of a picture, led by a sentence."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from mmlib.layers.fusion import FiLM


@keras.saving.register_keras_serializable("mmlib")
class TimeCode(keras.layers.Layer):
    """A time in [0, 1] as sines and cosines, (B, 1) -> (B, 2 · waves):  sin(π k t), cos(π k t),  k = 1 … waves."""

    def __init__(self, waves=4, **kwargs):
        super().__init__(**kwargs)
        self.waves = waves

    def call(self, time):
        angles = np.pi * time * ops.arange(1, self.waves + 1, dtype="float32")
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)


def velocity_network(code_dim, text_dim, width=192, depth=2, name="velocity"):
    """Says in which direction a half-made code should move, given the time and the sentence.

    Residual blocks h + W₂ silu(W₁ FiLM(norm(h), silu(W_c c + W_t t))); the last layer starts at zero.

    Args:
        code_dim: D. text_dim: E.
        width: of the blocks. depth: their number.

    Returns:
        a functional `keras.Model`: {"code": (B, D), "time": (B, 1), "text": (B, E)} -> (B, D).

    Reference: FiLM: Perez et al. 2018 (AAAI). Derived in chapter 14.
    """
    dense, add = keras.layers.Dense, keras.layers.Add
    sizes = {"code": code_dim, "time": 1, "text": text_dim}
    inputs = {key: keras.Input((size,), name=key) for key, size in sizes.items()}
    clock = dense(width, name="clock")(TimeCode(name="time_code")(inputs["time"]))
    told = add(name="told")([dense(width, name="sentence")(inputs["text"]), clock])
    h = add(name="start")([dense(width, name="read")(inputs["code"]), told])
    told = keras.layers.Activation("silu", name="told_active")(told)
    for i in range(depth):
        x = FiLM(name=f"film_{i}")(keras.layers.LayerNormalization(name=f"norm_{i}")(h), told)
        x = dense(2 * width, activation="silu", name=f"wide_{i}")(x)
        h = add(name=f"add_{i}")([h, dense(width, name=f"narrow_{i}")(x)])
    h = keras.layers.Activation("silu", name="last_active")(h)
    return keras.Model(inputs, dense(code_dim, kernel_initializer="zeros", name="move")(h), name=name)


def integrate(velocity, start, steps=25):
    """Follow dx/dt = velocity(x, t) from t = 0 to 1 by Euler's method: x ← x + velocity(x, t) / steps.

    Args:
        velocity: function of x and the time, a float, to the shape of x.
        start: the state at time 0.
        steps: their number.

    Derived in chapter 14.
    """
    x = start
    for i in range(steps):
        x = x + velocity(x, i / steps) / steps
    return x


@keras.saving.register_keras_serializable("mmlib")
class TextToImage(keras.Model):
    """Draws what a sentence says: a flow from noise to the code of a picture, with classifier-free guidance.

    x_t = (1 - t) x_0 + t x_1,   x_0 ~ N(0, I), x_1 a code          L = E |v(x_t, t, c) - (x_1 - x_0)|² / D
    drawing:  dx/dt = v(x, t, ∅) + w (v(x, t, c) - v(x, t, ∅))      from noise at t = 0 to a code at t = 1

    In training each sentence is replaced by the empty one, ∅, with probability ``drop``, so that one network knows
    both. w = 1 draws from what was learned, w = 0 does not listen, w > 1 exaggerates what the sentence changes.

        model = TextToImage(tokenizer, text_encoder, velocity_network(21, 128), painter, seed=0)
        model.compile("adam")
        model.fit(tokenizer(captions), painter.encode(pictures))
        drawn = model.sample(["a small red circle"] * 8, seed=1, guidance=2.0)

    Args:
        tokenizer: from `mmlib.text.make_tokenizer`, strings (B,) -> tokens (B, T).
        text_encoder: a built `keras.Model`, (B, T) -> (B, E).
        velocity: a built `keras.Model`, {"code": (B, D), "time": (B, 1), "text": (B, E)} -> (B, D).
        painter: a layer or model, codes (B, D) -> pictures; None leaves `sample` with codes.
        drop: probability of the empty sentence in training.
        seed: of all draws in training.

    Call arguments:
        tokens: (B, T).

    Returns:
        (B, E), the encoded sentences.

    Raises:
        ValueError: widths that do not fit, texts that are no list of strings, fewer than one step.

    Reference: Lipman et al. 2023 (ICLR); guidance: Ho & Salimans 2022 (arXiv:2207.12598); codes: Rombach et al.
    2022 (CVPR). Derived in chapter 14.
    """

    def __init__(self, tokenizer, text_encoder, velocity, painter=None, drop=0.1, seed=None, **kwargs):
        super().__init__(**kwargs)
        taken = {tensor.name: tensor.shape[1:] for tensor in velocity.inputs}
        told, moved = text_encoder.outputs[0].shape[1:], velocity.outputs[0].shape[1:]
        if set(taken) != {"code", "time", "text"} or taken["text"] != told or taken["code"] != moved:
            raise ValueError(
                '`velocity` must take {"code": (B, D), "time": (B, 1), "text": (B, E)} and return (B, D), E that of '
                f"`text_encoder`. Received: {taken} -> {moved}, sentences of {told}"
            )
        if not 0 <= drop < 1:
            raise ValueError(f"`drop` must be in [0, 1). Received: drop={drop}")
        self.tokenizer, self.text_encoder, self.velocity, self.painter = tokenizer, text_encoder, velocity, painter
        self.drop, self.seed, self.dim = drop, seed, moved[0]
        self.seeds = keras.random.SeedGenerator(seed)
        self.nothing = np.array(tokenizer([""]))  # the tokens of the empty sentence, (1, T)
        self.built = True  # the parts are
        self._compiled = tf.function(self.guided_velocity, reduce_retracing=True)

    def call(self, tokens, training=False):
        if training:
            drawn = keras.random.uniform((ops.shape(tokens)[0], 1), seed=self.seeds)
            tokens = ops.where(drawn < self.drop, ops.cast(self.nothing, tokens.dtype), tokens)
        return self.text_encoder(tokens)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        time = keras.random.uniform((ops.shape(y)[0], 1), seed=self.seeds)
        noise = keras.random.normal(ops.shape(y), seed=self.seeds)
        half_made = (1 - time) * noise + time * y
        moved = self.velocity({"code": half_made, "time": time, "text": y_pred})
        return ops.mean(ops.square(moved - (y - noise)))

    def guided_velocity(self, codes, time, sentences, nothing, guidance=1.0):
        """v(x, t, ∅) + w (v(x, t, c) - v(x, t, ∅)) for codes (B, D), a time, and two encoded texts (B, E)."""
        time = ops.full((ops.shape(codes)[0], 1), time)

        def at(text):
            return self.velocity({"code": codes, "time": time, "text": text})

        if guidance == 1:
            return at(sentences)
        free = at(nothing)
        return free if guidance == 0 else free + guidance * (at(sentences) - free)

    def sample_codes(self, texts, seed, guidance=1.0, steps=25):
        """Draw one code for each text. Args: as `sample`. Returns: a NumPy array (N, D)."""
        if isinstance(texts, str) or not len(texts) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"`texts` must be a list of strings. Received: {texts!r}")
        if steps < 1:
            raise ValueError(f"`steps` must be at least 1. Received: steps={steps}")
        tokens = self.tokenizer(list(texts))
        sentences, nothing = self(tokens), self(ops.repeat(self.nothing, len(tokens), axis=0))
        noise = np.random.default_rng(seed).normal(size=(len(tokens), self.dim))
        start = ops.convert_to_tensor(noise, "float32")

        def velocity(x, time):  # compiled once for each guidance; the time is a tensor, so that it is no constant
            return self._compiled(x, ops.convert_to_tensor(time, "float32"), sentences, nothing, guidance)

        return ops.convert_to_numpy(integrate(velocity, start, steps))

    def sample(self, texts, seed, guidance=1.0, steps=25):
        """Draw one picture for each text.

        Args:
            texts: list of str.
            seed: int or ``np.random.Generator``, of the noise that is carried to the codes.
            guidance: w.
            steps: of Euler's method.

        Returns:
            a NumPy array of N pictures (codes, without a painter).
        """
        codes = self.sample_codes(texts, seed, guidance, steps)
        return codes if self.painter is None else ops.convert_to_numpy(self.painter(codes))

    def get_config(self):
        names = ("tokenizer", "text_encoder", "velocity", "painter")
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}
        return {**super().get_config(), **parts, "drop": self.drop, "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        names = ("tokenizer", "text_encoder", "velocity", "painter")
        return cls(**{**config, **{name: keras.saving.deserialize_keras_object(config[name]) for name in names}})
