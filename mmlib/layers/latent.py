"""Layers that act on embeddings: comparing two of them, and turning a gradient round."""

import math

import keras
from keras import ops

from mmlib.ops import cosine_similarity, reverse_gradient

MAX_LOGIT_SCALE = 100.0


@keras.saving.register_keras_serializable("mmlib")
class SimilarityLogits(keras.layers.Layer):
    """Cosine of every row of `a` with every row of `b`, divided by a learned temperature.

    logits_ij = logit_scale · cos(a_i, b_j) + bias,   logit_scale = 1 / temperature <= 100

    The weight is log(logit_scale), so the temperature stays positive. After each step the scale is clipped at 100,
    as in CLIP, which keeps one batch from being sharpened without end.

    Args:
        temperature: where it starts. A fixed one: ``trainable=False``.
        bias: where a learned bias starts, for `sigmoid_contrastive_loss` (-10 in the paper); None means no bias.

    Call arguments:
        a: (B, D). b: (S, D).

    Returns:
        (B, S) logits.

    Reference: Radford et al. 2021 (ICML); Zhai et al. 2023 (ICCV). Derived in chapters 08 and 09.
    """

    def __init__(self, temperature=0.07, bias=None, **kwargs):
        super().__init__(**kwargs)
        if not temperature >= 1 / MAX_LOGIT_SCALE:
            raise ValueError(f"`temperature` must be at least {1 / MAX_LOGIT_SCALE}. Received: {temperature}")
        self.start, self.bias_start, self.bias = math.log(1 / temperature), bias, None

    def build(self, a_shape, b_shape):
        def at_most(log_scale):
            return ops.minimum(log_scale, math.log(MAX_LOGIT_SCALE))

        constant = keras.initializers.Constant
        self.log_scale = self.add_weight(
            name="log_scale", shape=(), initializer=constant(self.start), constraint=at_most
        )
        if self.bias_start is not None:
            self.bias = self.add_weight(name="bias", shape=(), initializer=constant(self.bias_start))

    @property
    def temperature(self):
        """The present temperature as a float."""
        return math.exp(-float(ops.convert_to_numpy(self.log_scale)))

    def call(self, a, b):
        logits = ops.exp(self.log_scale) * cosine_similarity(a, b)
        return logits if self.bias is None else logits + self.bias


@keras.saving.register_keras_serializable("mmlib")
class GradientReversal(keras.layers.Layer):
    """The identity, whose gradient is multiplied by -`strength`: what follows learns, what precedes unlearns.

    Args:
        strength: λ >= 0; with 0 nothing flows back.

    Reference: Ganin et al. 2016 (JMLR). Derived in chapter 11.
    """

    def __init__(self, strength=1.0, **kwargs):
        super().__init__(**kwargs)
        self.strength = strength
        self.supports_masking = True

    def call(self, x):
        return reverse_gradient(x, self.strength)
