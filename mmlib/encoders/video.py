"""Video encoders: clips (B, F, H, W, C) to vectors (B, D), or to one vector a moment (B, F, D)."""

import keras
from keras import layers, ops

from mmlib.layers.attention import PositionEmbedding, TransformerBlock
from mmlib.layers.sequence import AttachMask, MeanPooling, PerFrame

TEMPORAL = ("lstm", "mean", "convolution", "attention")


def frame_encoder(
    image_encoder, dim=64, temporal="lstm", num_heads=4, time_codes=True, return_sequences=False, name="frames"
):
    """One picture encoder for every frame, then a summary over time.

    A frame that is exactly zero (black) counts as padding, and padding changes nothing.

    Args:
        image_encoder: a `keras.Model` from pictures to (B, E); or from features of pictures that were computed before.
        dim: D.
        temporal: "lstm" reads the frames in their order; "convolution" slides two layers of filters, three frames
            wide, over time and keeps what each filter found at most; "attention" lets each frame look at all others,
            see `mmlib.layers.attention.TransformerBlock`, and takes the mean; "mean" does not know which came first.
        num_heads: of the attention; it must divide D.
        time_codes: False leaves the codes of the places in time away, and attention is as blind to order as the mean.
        return_sequences: True gives one vector a frame, (B, F, D), with a mask.

    Returns:
        a functional `keras.Model`: (B, F, H, W, C) -> (B, D) or (B, F, D).

    Raises:
        ValueError: `temporal` is none of these.

    Reference: Donahue et al. 2015 (CVPR). Derived in chapters 03 and 16.
    """
    if temporal not in TEMPORAL:
        raise ValueError(f"`temporal` must be one of {TEMPORAL}. Received: temporal={temporal!r}")
    clip = keras.Input((None, *image_encoder.inputs[0].shape[1:]), name="video")
    real = _real(clip)
    x = AttachMask(name="mask")([PerFrame(image_encoder, name="per_frame")(clip), real])
    if temporal == "lstm":
        x = layers.LSTM(dim, return_sequences=return_sequences, name="lstm")(x)
        return keras.Model(clip, x, name=name)
    if temporal == "convolution":
        for i in range(2):
            x = ops.pad(x, [[0, 0], [1, 1], [0, 0]])
            x = layers.Conv1D(dim, 3, activation="relu", name=f"time_{i}")(x)
            x = AttachMask(name=f"time_{i}_mask")([x, real])  # as below: what padding became must not leak
    else:
        x = layers.Dense(dim, name="project")(x)
    if temporal == "attention":
        x = PositionEmbedding(name="time")(x) if time_codes else x
        x = TransformerBlock(num_heads, name="block")(x)
        x = layers.LayerNormalization(name="norm")(x)
    if temporal == "convolution" and not return_sequences:
        return keras.Model(clip, ops.max(x, axis=1), name=name)  # padding is 0, and no filter gives less
    return keras.Model(clip, x if return_sequences else MeanPooling(name="mean")(x), name=name)


def conv3d_encoder(
    shape=(32, 32, 3),
    dim=64,
    filters=(16, 32, 64),
    time_strides=2,
    pooling="mean",
    return_sequences=False,
    name="conv3d",
):
    """Filters slid over time as over the picture: motion is a pattern in space *and* time; then the mean over time.

    Each stage halves height and width, and shortens time by `time_strides`. A frame that is exactly zero (black) counts
    as padding, and padding changes nothing.

    Args:
        shape: (H, W, C) of a frame, or of the map that a picture encoder makes of it.
        dim: D.
        filters: width of each stage.
        time_strides: frames from one place of a filter to the next, in every stage.
        pooling: "mean" over the places of a moment, or "flatten", as for `mmlib.encoders.image.cnn_encoder`.
        return_sequences: True gives one vector a moment, (B, T, D), T = F / time_strides^stages, rounded up.

    Returns:
        a functional `keras.Model`: (B, F, H, W, C) -> (B, D) or (B, T, D).

    Raises:
        ValueError: another `pooling`.

    Reference: Ji et al. 2010 (ICML); Tran et al. 2015 (ICCV). Derived in chapter 16.
    """
    if pooling not in ("mean", "flatten"):
        raise ValueError(f'`pooling` must be "mean" or "flatten". Received: pooling={pooling!r}')
    clip = keras.Input((None, *shape), name="video")
    real = _real(clip)
    x = clip
    for i, width in enumerate(filters):
        x = ops.relu(Convolution3D(width, time_strides, name=f"stage_{i}")(x))
        real = real[:, ::time_strides]
        x = ops.where(ops.expand_dims(real, (2, 3, 4)), x, 0.0)  # what padding became must not leak into the clip
    if pooling == "mean":
        x = ops.mean(x, axis=(2, 3))
    else:
        x = layers.Reshape((-1, x.shape[2] * x.shape[3] * x.shape[4]), name="all_places")(x)
    x = AttachMask(name="moments")([layers.Dense(dim, name="project")(x), real])
    return keras.Model(clip, x if return_sequences else MeanPooling(name="over_time")(x), name=name)


def _real(clip):
    """Which frames are not all zero: (B, F, …) -> (B, F)."""
    return ops.any(ops.not_equal(clip, 0), axis=tuple(range(2, len(clip.shape))))


@keras.saving.register_keras_serializable("mmlib")
class Convolution3D(layers.Layer):
    """A 3 × 3 × 3 convolution over time, height and width, computed as *one* convolution of pictures.

    y_f = b + Σ_k W_k * x_{s f + k - 1},   k = 0, 1, 2: the frame before, the frame itself, the frame behind

    * is the 2-D convolution, s the stride in time; outside the clip x is 0. The three frames are laid over one another,
    as channels of one picture with 3 C channels. On a CPU this is many times faster than `keras.layers.Conv3D`.

    Args:
        filters: channels of the result.
        time_strides: s.
        strides: from one place in the picture to the next.

    Call arguments:
        x: (B, F, H, W, C).

    Returns:
        (B, F / time_strides, H / strides, W / strides, filters), rounded up.

    Reference: Ji et al. 2010 (ICML). Derived in chapter 16.
    """

    def __init__(self, filters, time_strides=1, strides=2, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.time_strides, self.strides = filters, time_strides, strides

    def build(self, x_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(3, 3, 3, x_shape[-1], self.filters), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, x):
        height, width, channels = x.shape[2:]
        frames = ops.shape(x)[1]
        x = ops.pad(x, [[0, 0], [1, 1], [0, 0], [0, 0], [0, 0]])
        x = ops.concatenate([x[:, k : k + frames : self.time_strides] for k in range(3)], axis=-1)
        moments = ops.shape(x)[1]
        kernel = ops.transpose(self.kernel, (1, 2, 0, 3, 4))  # (height, width, time, C, filters)
        kernel = ops.reshape(kernel, (3, 3, 3 * channels, self.filters))
        pictures = ops.reshape(x, (-1, height, width, 3 * channels))
        y = ops.conv(pictures, kernel, strides=self.strides, padding="same") + self.bias
        return ops.reshape(y, (-1, moments, *y.shape[1:]))
