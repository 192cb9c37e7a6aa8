"""Video encoders: clips (B, F, H, W, C) to vectors (B, D), or to one vector a frame (B, F, D)."""

import keras
from keras import layers, ops

from mmlib.layers.sequence import AttachMask, MeanPooling, PerFrame


def frame_encoder(image_encoder, dim=64, temporal="lstm", return_sequences=False, name="frames"):
    """One picture encoder for every frame, then a summary over time.

    A frame that is exactly black counts as padding, and padding changes nothing.

    Args:
        image_encoder: a `keras.Model` from pictures to (B, E).
        dim: D.
        temporal: "lstm" reads the frames in their order; "mean" does not know which came first.
        return_sequences: True gives one vector a frame, (B, F, D), with a mask.

    Returns:
        a functional `keras.Model`: (B, F, H, W, C) -> (B, D) or (B, F, D).

    Reference: Donahue et al. 2015 (CVPR). Derived in chapters 03 and 16.
    """
    if temporal not in ("lstm", "mean"):
        raise ValueError(f'`temporal` must be "lstm" or "mean". Received: temporal={temporal!r}')
    clip = keras.Input((None, *image_encoder.inputs[0].shape[1:]), name="video")
    real = ops.any(clip > 0, axis=(2, 3, 4))
    x = AttachMask(name="mask")([PerFrame(image_encoder, name="per_frame")(clip), real])
    if temporal == "lstm":
        x = layers.LSTM(dim, return_sequences=return_sequences, name="lstm")(x)
    else:
        x = layers.Dense(dim, name="project")(x)
        x = x if return_sequences else MeanPooling(name="mean")(x)
    return keras.Model(clip, x, name=name)
