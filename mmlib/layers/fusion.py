"""Layers that make one vector of several modalities. They take the modalities as a dict, name to tensor (B, D_m)."""

import math

import keras
from keras import ops


def _in_order(modalities):
    """The tensors (or shapes) sorted by the names of their modalities, so that the order of a dict cannot matter."""
    if not isinstance(modalities, dict):
        raise ValueError(f"Modalities travel as a dict by name. Received: {type(modalities).__name__}")
    return [modalities[name] for name in sorted(modalities)]


@keras.saving.register_keras_serializable("mmlib")
class GatedFusion(keras.layers.Layer):
    """Lets each unit choose how much to take from each modality.

    h = Σ_m g_m ⊙ tanh(W_m x_m + b_m),   (g_1 … g_M) = softmax over m of (V_m [x_1; …; x_M] + c_m)

    With two modalities the softmax is the sigmoid gate of the paper.

    Args:
        dim: D, the width of h.

    Call arguments:
        inputs: dict of tensors (B, D_m).

    Returns:
        (B, D).

    Reference: Arevalo et al. 2017 (ICLR workshop, arXiv:1702.01992). Derived in chapter 07.
    """

    def __init__(self, dim, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim

    def build(self, inputs_shape):
        shapes = _in_order(inputs_shape)
        names = sorted(inputs_shape)
        self.values = [keras.layers.Dense(self.dim, activation="tanh", name=f"value_{name}") for name in names]
        for value, shape in zip(self.values, shapes, strict=True):
            value.build(shape)
        self.gate = keras.layers.Dense(len(names) * self.dim, name="gate")
        self.gate.build((None, sum(shape[-1] for shape in shapes)))

    def gates(self, inputs):
        """What each unit takes of each modality: (B, M, D), summing to one over M, modalities in alphabetical order."""
        logits = self.gate(ops.concatenate(_in_order(inputs), axis=-1))
        return ops.softmax(ops.reshape(logits, (-1, len(self.values), self.dim)), axis=1)

    def call(self, inputs):
        values = [value(x) for value, x in zip(self.values, _in_order(inputs), strict=True)]
        return ops.sum(self.gates(inputs) * ops.stack(values, axis=1), axis=1)


@keras.saving.register_keras_serializable("mmlib")
class TensorFusion(keras.layers.Layer):
    """Multiplies every feature of one modality with every feature of the others; the appended 1 keeps single features.

    full:      h = W vec([x_1; 1] ⊗ … ⊗ [x_M; 1]) + b
    low rank:  h = Σ_r w_r ⊙_m (F_m,r [x_m; 1]) + b        the same map with a W of tensor rank at most `rank`

    Args:
        dim: D, the width of h.
        rank: None for the full product with D Π_m (D_m + 1) + D weights; else the low-rank form with
            rank · Σ_m (D_m + 1) · D + rank + D weights.

    Call arguments:
        inputs: dict of tensors (B, D_m).

    Returns:
        (B, D).

    Reference: Zadeh et al. 2017 (EMNLP); low rank: Liu et al. 2018 (ACL). Derived in chapter 04.
    """

    def __init__(self, dim, rank=None, **kwargs):
        super().__init__(**kwargs)
        self.dim, self.rank = dim, rank

    def build(self, inputs_shape):
        widths = {name: inputs_shape[name][-1] + 1 for name in sorted(inputs_shape)}
        if self.rank is None:
            shape = (math.prod(widths.values()), self.dim)
            self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")
        else:
            # the product of M factors should have variance about 1, so each has a fan-in of its own width
            self.factors = {
                name: self.add_weight(
                    name=f"factor_{name}",
                    shape=(self.rank, width, self.dim),
                    initializer=keras.initializers.RandomNormal(stddev=1 / math.sqrt(width)),
                )
                for name, width in widths.items()
            }
            self.rank_weights = self.add_weight(
                name="rank_weights",
                shape=(self.rank,),
                initializer=keras.initializers.Constant(1 / math.sqrt(self.rank)),
            )
        self.bias = self.add_weight(name="bias", shape=(self.dim,), initializer="zeros")

    def call(self, inputs):
        extended = [ops.concatenate([x, ops.ones_like(x[:, :1])], axis=-1) for x in _in_order(inputs)]
        if self.rank is not None:
            factors = [self.factors[name] for name in sorted(self.factors)]
            # (B, D_m + 1) x (rank, D_m + 1, D) -> (B, rank, D)
            parts = [ops.einsum("bi,rio->bro", x, factor) for x, factor in zip(extended, factors, strict=True)]
            return ops.einsum("bro,r->bo", math.prod(parts), self.rank_weights) + self.bias
        product = extended[0]
        for x in extended[1:]:
            outer = ops.expand_dims(product, 2) * ops.expand_dims(x, 1)  # (B, so far, D_m + 1)
            product = ops.reshape(outer, (-1, outer.shape[1] * outer.shape[2]))
        return ops.matmul(product, self.kernel) + self.bias


@keras.saving.register_keras_serializable("mmlib")
class FiLM(keras.layers.Layer):
    """Lets one modality stretch and shift the features of another.

    y = (1 + γ(c)) ⊙ x + β(c),   [γ; β] = W c + b,   the same at every place

    It starts as the identity: W and b are zero at first.

    Call arguments:
        x: (B, …, D), a vector, a sequence or a grid of places.
        condition: (B, E).

    Returns:
        the shape and the mask of x.

    Reference: Perez et al. 2018 (AAAI). Derived in chapter 04.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, x_shape, condition_shape):
        self.project = keras.layers.Dense(2 * x_shape[-1], kernel_initializer="zeros", name="project")
        self.project.build(condition_shape)

    def call(self, x, condition):
        stretch, shift = ops.split(self.project(condition), 2, axis=-1)
        places = tuple(range(1, len(x.shape) - 1))
        return (1 + ops.expand_dims(stretch, places)) * x + ops.expand_dims(shift, places)


@keras.saving.register_keras_serializable("mmlib")
class ModalityDropout(keras.layers.Layer):
    """While training, sets whole modalities of single examples to zero, but never all of an example.

    Each modality is dropped with probability `rate`; the one with the luckiest draw stays in any case. So one of M is
    dropped with probability rate - rate^M / M.

    Args:
        rate: in [0, 1].
        seed: of the draws.

    Call arguments:
        inputs: dict of tensors (B, …).

    Returns:
        a dict of the same shapes; at inference the inputs themselves.

    Reference: Neverova et al. 2016 (IEEE TPAMI 38, ModDrop). Derived in chapter 07.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(f"`rate` must be in [0, 1]. Received: rate={rate}")
        self.rate, self.seed, self.supports_masking = rate, seed, True
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=None):
        if not training:
            return inputs
        names = sorted(inputs)
        draws = keras.random.uniform((ops.shape(inputs[names[0]])[0], len(names)), seed=self.generator)
        keep = ops.logical_or(draws >= self.rate, draws == ops.max(draws, axis=1, keepdims=True))
        kept = {}
        for i, name in enumerate(names):
            flags = ops.expand_dims(keep[:, i], tuple(range(1, len(inputs[name].shape))))
            kept[name] = ops.where(flags, inputs[name], 0.0)
        return kept
