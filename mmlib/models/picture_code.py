"""Short codes of pictures that show one object, and the way back: what a generator works on."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("mmlib")
class PictureCode(keras.layers.Layer):
    """Codes of pictures that show one object on plain paper: where it is, its colour, and its form.

    picture = paper + a ⊙ (colour - paper),   a = shift(mean + Σ_k c_k v_k, where)

    The coverage a is moved so that its centre of mass lies in the middle, by sinc interpolation on a sheet of twice the
    size, so that what leaves the picture at one edge does not come in at the other; v_k are the leading principal
    components of the moved coverages. Every number of the code has mean 0 over the pictures that ``adapt`` saw, and
    deviation 1, except that later components are weaker, by the root of their share.

        painter = PictureCode(16)
        painter.adapt(pictures)
        codes = painter.encode(pictures)     # NumPy, (N, 5 + 16): x, y, red, green, blue, components
        drawn = painter(codes)               # (N, H, W, 3)

    Args:
        num_components: K.
        size: H = W of the pictures.

    Call arguments:
        codes: (B, 5 + K).

    Returns:
        (B, H, W, 3) pictures in [0, 1].

    Raises:
        ValueError: pictures of another shape, or one that shows nothing.

    Reference: principal components as the best linear code: Eckart & Young 1936 (Psychometrika). Derived in chapter 14.
    """

    def __init__(self, num_components=16, size=32, **kwargs):
        super().__init__(**kwargs)
        self.num_components, self.size, self.dim = num_components, size, 5 + num_components
        shapes = {
            "paper": (3,), "form": (size * size,), "components": (num_components, size * size),
            "offset": (self.dim,), "scale": (self.dim,),
        }  # fmt: skip
        for name, shape in shapes.items():
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer="ones", trainable=False))
        self.built = True

    def adapt(self, pictures):
        """Take the paper, the mean form, its components and the scale of the code from pictures (N, H, W, 3)."""
        pictures = self._checked(pictures)
        self.paper.assign(np.median(pictures, axis=(0, 1, 2)))
        where_and_colour, forms = self._analyse(pictures)
        self.form.assign(forms.mean(axis=0))
        directions = np.linalg.eigh(np.cov(forms.T))[1]
        self.components.assign(directions[:, ::-1][:, : self.num_components].T)
        raw = self._raw(where_and_colour, forms)
        scale = raw.std(axis=0) + 1e-6
        scale[5:] = np.sqrt(scale[5:] * scale[5])
        self.offset.assign(raw.mean(axis=0))
        self.scale.assign(scale)

    def encode(self, pictures):
        """The codes (N, 5 + K) of pictures (N, H, W, 3), a NumPy array."""
        raw = self._raw(*self._analyse(self._checked(pictures)))
        return ((raw - np.array(self.offset)) / np.array(self.scale)).astype("float32")

    def call(self, codes):
        codes = codes * self.scale + self.offset
        cover = ops.reshape(self.form + ops.matmul(codes[:, 5:], self.components), (-1, self.size, self.size))
        down, right = (self._move(codes[:, i] * self.size) for i in (1, 0))
        cover = ops.clip(ops.matmul(ops.matmul(down, cover), ops.swapaxes(right, 1, 2)), 0.0, 1.0)
        ink = ops.expand_dims(ops.expand_dims(codes[:, 2:5] - self.paper, 1), 1)
        return ops.clip(self.paper + ops.expand_dims(cover, -1) * ink, 0.0, 1.0)

    def compute_output_shape(self, codes_shape):
        return (codes_shape[0], self.size, self.size, 3)

    def _analyse(self, pictures):
        """Where and in what colour, (N, 5), and the coverage moved to the middle, (N, H·W)."""
        ink = pictures - np.array(self.paper)
        strongest = np.abs(ink).sum(axis=-1).reshape(len(ink), -1).argmax(axis=1)
        colour = ink.reshape(len(ink), -1, 3)[np.arange(len(ink)), strongest]
        if np.abs(colour).sum(axis=1).min() < 0.05:
            blank = np.abs(colour).sum(axis=1).argmin()
            raise ValueError(
                f"Each picture must show something on the paper. Received: an empty picture, number {blank}"
            )
        cover = np.einsum("nhwc,nc->nhw", ink, colour) / (colour**2).sum(axis=1)[:, None, None]
        steps = np.arange(self.size) - (self.size - 1) / 2
        mass = cover.sum(axis=(1, 2))
        x, y = (cover.sum(axis=axis) @ steps / mass for axis in (1, 2))
        down, right = (np.array(self._move(-each.astype("float32"))) for each in (y, x))
        forms = (down @ cover @ right.transpose(0, 2, 1)).reshape(len(cover), -1)
        return np.concatenate([np.stack([x, y], 1) / self.size, colour + np.array(self.paper)], axis=1), forms

    def _raw(self, where_and_colour, forms):
        components = (forms - np.array(self.form)) @ np.array(self.components).T
        return np.concatenate([where_and_colour, components], axis=1)

    def _move(self, shifts):
        return shift_matrix(shifts, 2 * self.size)[:, : self.size, : self.size]

    def _checked(self, pictures):
        pictures = np.asarray(pictures, "float32")
        if pictures.ndim != 4 or pictures.shape[1:] != (self.size, self.size, 3) or not len(pictures):
            wanted = ("N", self.size, self.size, 3)
            raise ValueError(f"`pictures` must have the shape {wanted}. Received: shape {pictures.shape}")
        return pictures


def shift_matrix(shifts, size):
    """Matrices that move a row of pixels by a fraction of a pixel, on a ring: (B,) in pixels -> (B, size, size).

    S_ij = D(i - j - shift),   D(u) = sin(π u (n - 1) / n) / (n sin(π u / n)),   D(0) = (n - 1) / n,   n even

    It is the inverse Fourier transform of a phase, the highest frequency left out. S(s) S(t) = S(s + t).
    Derived in chapter 14.

    Raises:
        ValueError: an odd size.
    """
    if size % 2:
        raise ValueError(f"`size` must be even. Received: size={size}")
    steps = ops.arange(size, dtype="float32")
    angle = np.pi * (ops.expand_dims(steps, 1) - steps - ops.reshape(shifts, (-1, 1, 1))) / size
    sine = ops.sin(angle)
    near = ops.abs(sine) < 1e-5
    ratio = ops.sin((size - 1) * angle) / ops.where(near, 1.0, sine)
    return ops.where(near, size - 1.0, ratio) / size
