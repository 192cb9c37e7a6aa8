"""Decoders: from a code (B, D) back to a picture or a sound. The mirror of the encoders."""

import keras
from keras import layers


def image_decoder(dim=64, shape=(32, 32, 3), filters=(64, 32), activation="sigmoid", name="image_decoder"):
    """A code is laid out as a small picture, whose sides each stage doubles.

    Dense -> (H / 2^n, W / 2^n, filters[0]) -> n transposed convolutions of stride 2 -> a convolution to C channels

    The filters are 4 × 4: a size that the stride divides paints every pixel equally often, and leaves no checkerboard.

    Args:
        dim: D, the width of the code.
        shape: (H, W, C) of the picture; H and W must be multiples of 2^n.
        filters: width of each of the n stages.
        activation: of the last layer; "sigmoid" keeps pixels in [0, 1].

    Returns:
        a functional `keras.Model`: (B, D) -> (B, H, W, C).

    Raises:
        ValueError: H or W is no multiple of 2^n.

    Reference: Radford, Metz & Chintala 2016 (ICLR); on checkerboards: Odena, Dumoulin & Olah 2016 (Distill).
    Derived in chapter 10.
    """
    height, width, channels = shape
    factor = 2 ** len(filters)
    if height % factor or width % factor:
        raise ValueError(f"`shape` must have sides that are multiples of {factor}. Received: {shape=}, {filters=}")
    small = (height // factor, width // factor, filters[0])
    code = keras.Input((dim,), name="code")
    x = layers.Dense(small[0] * small[1] * small[2], activation="relu", name="lay_out")(code)
    x = layers.Reshape(small, name="places")(x)
    for i, depth in enumerate(filters):
        x = layers.Conv2DTranspose(depth, 4, strides=2, padding="same", activation="relu", name=f"stage_{i}")(x)
    picture = layers.Conv2D(channels, 3, padding="same", activation=activation, name="pixels")(x)
    return keras.Model(code, picture, name=name)


def spectrogram_decoder(dim=64, shape=(40, 32), filters=(64, 32), activation="softplus", name="spectrogram_decoder"):
    """`image_decoder` for a spectrogram: one channel, which is left out, and energies above silence, so none below 0.

    Args:
        dim, filters, activation, name: as for `image_decoder`.
        shape: (F, bands) of the spectrogram.

    Returns:
        a functional `keras.Model`: (B, D) -> (B, F, bands).

    Raises:
        ValueError: as `image_decoder`.

    Derived in chapter 10.
    """
    picture = image_decoder(dim, (*shape, 1), filters, activation)
    return keras.Model(picture.input, layers.Reshape(shape, name="spectrogram")(picture.output), name=name)
