"""Image encoders: pictures (B, H, W, C) in [0, 1] to vectors (B, D), or to one vector a place (B, P, D)."""

import keras
from keras import layers


def cnn_encoder(shape=(32, 32, 3), dim=64, filters=(32, 64, 128), pooling="mean", return_sequences=False, name="cnn"):
    """Small filters slid over the picture; each stage halves its sides; the places are then summed up.

    Args:
        shape: (H, W, C) of a picture. With the mean, H and W may be None: the weights do not depend on them.
        dim: D.
        filters: width of each stage.
        pooling: "mean" over all places says what is in the picture and hardly where; "flatten" gives each place
            weights of its own, which keeps the where and ties the model to one picture size.
        return_sequences: True keeps the places: (B, P, D), row by row, P = (H / 2^stages) · (W / 2^stages).

    Returns:
        a functional `keras.Model`: (B, H, W, C) -> (B, D) or (B, P, D).

    Reference: LeCun et al. 1998 (Proc. IEEE); the mean over places: Lin, Chen & Yan 2014 (ICLR). Derived in chapter 03.
    """
    image, x = _input(shape)
    for i, width in enumerate(filters):
        # a stride of 2 computes only the places that are kept: a quarter of the work of convolving, then pooling
        x = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu", name=f"stage_{i}")(x)
    return _finish(image, x, dim, pooling, return_sequences, name)


def resnet_encoder(
    shape=(32, 32, 3),
    dim=64,
    filters=(32, 64, 128),
    num_blocks=1,
    pooling="mean",
    return_sequences=False,
    name="resnet",
):
    """Like `cnn_encoder`, with blocks that *add* to their input, y = relu(x + f(x)), so that depth does no harm.

    Args:
        shape, dim, filters, pooling, return_sequences: as for `cnn_encoder`.
        num_blocks: residual blocks in each stage; the first of a stage halves the sides.

    Returns:
        a functional `keras.Model`: (B, H, W, C) -> (B, D) or (B, P, D).

    Reference: He et al. 2016 (CVPR); the mean in the skip: He et al. 2019 (CVPR). Derived in chapter 03.
    """
    image, x = _input(shape)
    x = layers.ReLU(name="stem_relu")(_convolution(x, filters[0], "stem"))
    for i, width in enumerate(filters):
        for j in range(num_blocks):
            x = _residual(x, width, strides=2 if j == 0 else 1, name=f"stage_{i}_block_{j}")
    return _finish(image, x, dim, pooling, return_sequences, name)


def _residual(x, width, strides, name):
    y = layers.ReLU(name=f"{name}_relu_a")(_convolution(x, width, f"{name}_a", strides=strides))
    y = _convolution(y, width, f"{name}_b")
    if strides > 1:
        # a mean, not a 1 × 1 filter with a stride, which would skip three of four places (and crashes oneDNN)
        x = layers.AveragePooling2D(strides, padding="same", name=f"{name}_skip_pool")(x)
    if x.shape[-1] != width:
        x = _convolution(x, width, f"{name}_skip", size=1)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


def _convolution(x, width, name, size=3, strides=1):
    x = layers.Conv2D(width, size, strides=strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)


def _input(shape):
    image = keras.Input(shape, name="image")
    return image, layers.Rescaling(2.0, offset=-1.0, name="centre")(image)


def _finish(image, x, dim, pooling, return_sequences, name):
    if pooling not in ("mean", "flatten"):
        raise ValueError(f'`pooling` must be "mean" or "flatten". Received: pooling={pooling!r}')
    if return_sequences:
        x = layers.Reshape((-1, x.shape[-1]), name="places")(x)
    elif pooling == "mean":
        x = layers.GlobalAveragePooling2D(name="mean")(x)
    else:
        x = layers.Flatten(name="all_places")(x)
    return keras.Model(image, layers.Dense(dim, name="project")(x), name=name)
