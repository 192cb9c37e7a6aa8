"""Sequences: where a token stands, patches of a picture as tokens, and tokens that look at one another."""

import keras
import numpy as np
from keras import ops

from mmlib.ops import attention


@keras.saving.register_keras_serializable("mmlib")
class PositionEmbedding(keras.layers.Layer):
    """Adds to each token a code of its place; without it a Transformer is a bag of words.

    Fixed code: p_t = (sin(t ω_0), …, cos(t ω_0), …),   ω_i = 10000^(-2i / D). It knows no longest sequence.

    Args:
        length: the number of places of a *learned* code; None means the fixed code.

    Call arguments:
        x: (B, T, D); T <= length if the code is learned, D even if it is fixed.

    Returns:
        (B, T, D).

    Reference: Vaswani et al. 2017 (NeurIPS); learned codes: Gehring et al. 2017 (ICML). Derived in chapter 03.
    """

    def __init__(self, length=None, **kwargs):
        super().__init__(**kwargs)
        self.length, self.supports_masking = length, True

    def build(self, x_shape):
        dim = x_shape[-1]
        if self.length is not None:
            self.table = self.add_weight(
                name="table", shape=(self.length, dim), initializer=keras.initializers.RandomNormal(stddev=0.02)
            )
        elif dim % 2:
            raise ValueError(f"The fixed code pairs sine and cosine and needs an even width. Received: dim={dim}")

    def call(self, x):
        if self.length is None:
            return x + ops.cast(sinusoidal_code(ops.arange(ops.shape(x)[1], dtype="float32"), x.shape[-1]), x.dtype)
        if x.shape[1] is not None and x.shape[1] > self.length:
            raise ValueError(f"At most {self.length} places were learned. Received: a sequence of length {x.shape[1]}")
        return x + self.table[: ops.shape(x)[1]]


def sinusoidal_code(positions, dim):
    """The fixed code of `PositionEmbedding`: (T,) -> (T, dim), first the sines, then the cosines."""
    frequencies = 10000.0 ** (-np.arange(0, dim, 2, dtype="float32") / dim)
    angles = ops.expand_dims(positions, 1) * frequencies
    return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)


@keras.saving.register_keras_serializable("mmlib")
class PatchEmbedding(keras.layers.Layer):
    """Cuts a picture into squares and maps each to a token: a convolution whose stride is its width.

    Args:
        patch_size: side of a square in pixels; it must divide height and width.
        dim: width of a token.

    Call arguments:
        image: (B, H, W, C).

    Returns:
        (B, P, dim), P = (H / patch_size) · (W / patch_size), row by row.

    Reference: Dosovitskiy et al. 2021 (ICLR). Derived in chapters 03 and 06.
    """

    def __init__(self, patch_size, dim, **kwargs):
        super().__init__(**kwargs)
        self.patch_size, self.dim = patch_size, dim

    def build(self, image_shape):
        if any(side is None or side % self.patch_size for side in image_shape[1:3]):
            raise ValueError(
                f"Height and width must be multiples of `patch_size`. "
                f"Received: {tuple(image_shape[1:3])}, patch_size={self.patch_size}"
            )
        self.project = keras.layers.Conv2D(self.dim, self.patch_size, strides=self.patch_size, name="project")
        self.project.build(image_shape)

    def call(self, image):
        grid = self.project(image)
        return ops.reshape(grid, (-1, grid.shape[1] * grid.shape[2], self.dim))


@keras.saving.register_keras_serializable("mmlib")
class TransformerBlock(keras.layers.Layer):
    """Multi-head attention, then a small network on each token; each is added to what it read (pre-norm).

    h = x + Σ_heads softmax(Q Kᵀ / sqrt(d)) V W_O,   Q = LN(x) W_Q,   K, V = LN(context) W_K, W_V
    y = h + W_2 gelu(W_1 LN(h))

    Without `context` the tokens look at one another (self-attention), with it at the tokens of another modality
    (cross-attention). Padded tokens are never looked at; where all of the context is padding, nothing is added.

    Args:
        num_heads: must divide D; each head works in d = D / num_heads dimensions.
        mlp_dim: hidden width of the small network; None means 2 D.
        dropout: on both branches, while training.

    Call arguments:
        x: (B, T, D). context: (B, S, E) or None.
        mask: (B, T), of `x`. context_mask: (B, S). True = real; Keras fills them in, under exactly these names.

    Returns:
        (B, T, D), with the mask of `x`.

    Reference: Vaswani et al. 2017 (NeurIPS); pre-norm: Xiong et al. 2020 (ICML). Derived in chapters 03 and 06.
    """

    def __init__(self, num_heads, mlp_dim=None, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.mlp_dim, self.dropout, self.supports_masking = num_heads, mlp_dim, dropout, True

    def build(self, x_shape, context_shape=None):
        dim, hidden = x_shape[-1], self.mlp_dim or 2 * x_shape[-1]
        if dim % self.num_heads:
            raise ValueError(f"`num_heads` must divide the width. Received: dim={dim}, num_heads={self.num_heads}")
        context_shape = context_shape or x_shape

        def part(layer, shape):
            layer.build(shape)
            return layer

        norm, dense = keras.layers.LayerNormalization, keras.layers.Dense
        self.norm_x, self.norm_h = part(norm(name="norm_x"), x_shape), part(norm(name="norm_h"), x_shape)
        self.norm_context = part(norm(name="norm_context"), context_shape) if context_shape is not x_shape else None
        self.query = part(dense(dim, name="query"), x_shape)
        self.key = part(dense(dim, name="key"), context_shape)
        self.value = part(dense(dim, name="value"), context_shape)
        self.output_projection = part(dense(dim, name="output_projection"), x_shape)
        self.widen = part(dense(hidden, activation="gelu", name="widen"), x_shape)
        self.narrow = part(dense(dim, name="narrow"), (*x_shape[:-1], hidden))
        self.drop = keras.layers.Dropout(self.dropout)

    def heads(self, x):
        """(B, T, D) -> (B, num_heads, T, D / num_heads)."""
        split = ops.reshape(x, (-1, ops.shape(x)[1], self.num_heads, x.shape[-1] // self.num_heads))
        return ops.transpose(split, (0, 2, 1, 3))

    def attend(self, x, context=None, mask=None, context_mask=None):
        """The attention branch: what it adds to `x`, (B, T, D), and its weights, (B, num_heads, T, S)."""
        if (context is None) != (self.norm_context is None):
            raise ValueError(
                "The block was built for the other kind of attention: `context` is either always given or never."
            )
        query = self.norm_x(x)
        source, mask = (query, mask) if context is None else (self.norm_context(context), context_mask)
        mask = None if mask is None else ops.expand_dims(mask, (1, 2))  # (B, 1, 1, S): for all heads and all queries
        values, weights = attention(
            self.heads(self.query(query)), self.heads(self.key(source)), self.heads(self.value(source)), mask
        )
        merged = ops.reshape(ops.transpose(values, (0, 2, 1, 3)), ops.shape(x))
        added = self.output_projection(merged)
        if mask is not None:
            added = ops.where(ops.any(mask, axis=-1), added, 0.0)  # nothing to look at: not even the bias
        return added, weights

    def call(self, x, context=None, mask=None, context_mask=None, training=None):
        added, _ = self.attend(x, context, mask, context_mask)
        h = x + self.drop(added, training=training)
        return h + self.drop(self.narrow(self.widen(self.norm_h(h))), training=training)

    def compute_mask(self, x, previous_mask=None):
        return previous_mask


def attention_scores(model, layer_name, inputs):
    """Who looks at whom: the attention weights inside a built functional model.

    Args:
        model: a functional `keras.Model`.
        layer_name: the name of one of its `TransformerBlock` layers.
        inputs: what the model takes.

    Returns:
        array (B, num_heads, T, S), rows summing to one over the real tokens of S.

    Derived in chapter 06.
    """
    block = model.get_layer(layer_name)
    # Keras may list the mask among the inputs of the block; in any case it hangs on the tensor that is read
    given = [tensor for tensor in keras.tree.flatten(block.input) if tensor.dtype != "bool"]
    tensors = keras.tree.flatten(keras.Model(model.inputs, given)(inputs))
    mask = getattr(tensors[-1], "_keras_mask", None)
    x, context = tensors if len(tensors) == 2 else (tensors[0], None)
    return ops.convert_to_numpy(block.attend(x, context, mask, mask)[1])
