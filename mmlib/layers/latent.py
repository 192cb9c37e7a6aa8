"""Layers that act on embeddings and latent codes: comparing, drawing, combining, turning a gradient round."""

import math

import keras
from keras import ops

from mmlib.ops import cosine_similarity, product_of_gaussians, reverse_gradient

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


@keras.saving.register_keras_serializable("mmlib")
class GaussianSampling(keras.layers.Layer):
    """One draw from a Gaussian, written so that gradients reach its mean and its variance.

    z = mean + exp(log_var / 2) ⊙ ε,   ε ~ N(0, I)

    It draws at inference too: a code of a variational autoencoder is a distribution. For its centre, use the mean.

    Args:
        seed: of the draws.

    Call arguments:
        mean, log_var: (B, D).

    Returns:
        (B, D).

    Reference: Kingma & Welling 2014 (ICLR). Derived in chapter 10.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed, self.generator = seed, keras.random.SeedGenerator(seed)

    def call(self, mean, log_var):
        noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.generator)
        return mean + ops.exp(log_var / 2) * noise


@keras.saving.register_keras_serializable("mmlib")
class ProductOfExperts(keras.layers.Layer):
    """Multiplies what Gaussian experts say about one code, and the prior N(0, I), and normalises.

    1/σ² = 1 + Σ_m 1/σ_m²,   μ = σ² Σ_m μ_m / σ_m²,   the sums over the experts that are present

    An absent expert drops its factor; with none left the answer is the prior. Nothing here is learned.

    Call arguments:
        means, log_vars: dicts of (B, D), modality name to what its expert says; any subset of the modalities.
        present: dict of (B,) Boolean, True = present; None means all are.

    Returns:
        (mean, log_var), each (B, D).

    Raises:
        ValueError: the dicts name different modalities, or none.

    Reference: Hinton 2002 (Neural Computation 14); Wu & Goodman 2018 (NeurIPS). Derived in chapter 10.
    """

    def call(self, means, log_vars, present=None):
        names, flags = _present_experts(means, log_vars, present)
        prior = ops.zeros_like(means[names[0]])
        stacked = [ops.stack([prior, *(table[name] for name in names)]) for table in (means, log_vars)]  # (M + 1, B, D)
        mask = ops.concatenate([ops.ones_like(flags[:, :1]), flags], axis=1)
        return product_of_gaussians(*stacked, ops.transpose(mask))


@keras.saving.register_keras_serializable("mmlib")
class MixtureOfExperts(keras.layers.Layer):
    """Chooses, for each row, one of the Gaussian experts that are present, all with the same chance.

    q(z) = (1/|S|) Σ_{m in S} N(z; μ_m, σ_m²)

    A mixture of Gaussians is no Gaussian, so the layer returns the expert it chose: a draw from that one is a draw from
    the mixture. With no expert present the answer is the prior N(0, I).

    Args:
        seed: of the choices.

    Call arguments:
        means, log_vars, present: as for `ProductOfExperts`.

    Returns:
        (mean, log_var), each (B, D).

    Raises:
        ValueError: the dicts name different modalities, or none.

    Reference: Jacobs et al. 1991 (Neural Computation 3); Shi et al. 2019 (NeurIPS). Derived in chapter 10.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed, self.generator = seed, keras.random.SeedGenerator(seed)

    def call(self, means, log_vars, present=None):
        names, flags = _present_experts(means, log_vars, present)
        draws = ops.where(flags > 0, keras.random.uniform(ops.shape(flags), seed=self.generator), -1.0)  # (B, M)
        chosen = ops.logical_and(flags > 0, draws == ops.max(draws, axis=1, keepdims=True))
        return tuple(
            sum(ops.where(chosen[:, i : i + 1], table[name], 0.0) for i, name in enumerate(names))
            for table in (means, log_vars)
        )


def _present_experts(means, log_vars, present):
    """Return the names in order, and who is present: (B, M), 1 or 0."""
    names = sorted(means)
    if not names or names != sorted(log_vars) or (present is not None and not set(names) <= set(present)):
        raise ValueError(
            "`means`, `log_vars` and `present` must name the same modalities, at least one. "
            f"Received: {names}, {sorted(log_vars)}, {None if present is None else sorted(present)}"
        )
    if present is None:
        return names, ops.ones((ops.shape(means[names[0]])[0], len(names)))
    return names, ops.stack([ops.cast(present[name], "float32") for name in names], axis=1)
