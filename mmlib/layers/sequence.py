"""Sequences of any kind: which tokens are real, the mean of them, and one encoder for every frame."""

import keras
from keras import ops

from mmlib.ops import masked_mean


@keras.saving.register_keras_serializable("mmlib")
class MeanPooling(keras.layers.Layer):
    """The mean of the real tokens of a sequence. A sequence without any real token gives zero, not NaN.

    Call arguments:
        x: (B, T, D).
        mask: (B, T), True = real; Keras fills it in.

    Returns:
        (B, D), without a mask.

    Derived in chapter 03.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x, mask=None):
        return masked_mean(x, mask)

    def compute_mask(self, inputs, mask=None):
        return None


@keras.saving.register_keras_serializable("mmlib")
class AttachMask(keras.layers.Layer):
    """Says which tokens are real: sets the others to zero and hands the mask on.

    Words carry a mask because 0 is no word. Sound and video have to be told.

    Call arguments:
        inputs: a pair of x (B, T, …) and real (B, T), booleans.

    Returns:
        x with the others set to zero, and the mask attached.

    Derived in chapter 03.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        x, real = inputs
        return ops.where(ops.reshape(real, (*ops.shape(real), *[1] * (len(x.shape) - 2))), x, 0.0)

    def compute_mask(self, inputs, previous_mask=None):
        return inputs[1]


@keras.saving.register_keras_serializable("mmlib")
class PerFrame(keras.layers.Wrapper):
    """Applies one model to every frame: the frames join the batch, and leave it again behind the model.

    Args:
        layer: a layer or model of one picture, (B, …) -> (B, …).

    Call arguments:
        clip: (B, F, …).

    Returns:
        (B, F, …).

    Derived in chapter 03.
    """

    def build(self, clip_shape):
        if not self.layer.built:
            self.layer.build((None, *clip_shape[2:]))

    def call(self, clip, training=None):
        each = self.layer(ops.reshape(clip, (-1, *clip.shape[2:])), training=training)
        return ops.reshape(each, (-1, ops.shape(clip)[1], *each.shape[1:]))
