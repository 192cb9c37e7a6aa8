"""Scenes as a table: what a picture of coloured shapes shows, and the picture.

A scene is a NumPy structured array of ``MOST`` objects, many scenes are an array (N, ``MOST``); ``scenes["colour"]`` is
then the colour of every object, (N, ``MOST``), and ``pandas.DataFrame(scenes[0])`` shows one scene. Places without an
object have ``present`` False and colour, shape and size -1. Lengths are fractions of the picture's side; x grows to
the right, y downwards. Later objects lie over earlier ones, and no centre is ever covered.
"""

import numpy as np

COLOURS = ("red", "yellow", "green", "blue", "purple", "black")
SHAPES = ("circle", "square", "triangle", "cross")
SIZES = ("small", "large")
MOST = 4

# Told apart with normal colour vision and under simulated protanopia, deuteranopia and tritanopia.
RGB = np.array(
    [[214, 45, 30], [245, 196, 20], [40, 170, 115], [35, 70, 235], [165, 88, 195], [40, 30, 32]], dtype="uint8"
)
BACKGROUND = np.array([245, 244, 240], dtype="uint8")

OBJECT = np.dtype(
    [("present", "?"), ("colour", "i1"), ("shape", "i1"), ("size", "i1"), ("x", "f4"), ("y", "f4"), ("radius", "f4")]
)
RADII = np.array([[0.11, 0.13], [0.16, 0.19]])  # of small and large objects: lowest, highest
CLOSEST = 0.9  # distance of two centres, at least, as a part of the sum of their radii: overlaps are slight
MARGIN = 0.02  # of the picture that stays empty, so that no softened edge reaches over the border
LAYOUTS = ("free", "left_right", "above_below")

# Six of the 24 combinations, one of each colour, that a compositional split keeps for the test.
HELD_OUT = np.zeros((len(COLOURS), len(SHAPES)), dtype=bool)
HELD_OUT[np.arange(6), [1, 2, 3, 0, 2, 3]] = True
COMBINATIONS = {"all": HELD_OUT | True, "seen": ~HELD_OUT, "held_out": HELD_OUT}


def sample_scene(rng, **options):
    """Draw one scene: ``sample_scenes(1, rng, **options)[0]``."""
    return sample_scenes(1, rng, **options)[0]


def sample_scenes(num_scenes, rng, num_objects=(1, 4), different=False, layout="free", combinations="all", bias=0.0):
    """Draw scenes.

    The number of objects is uniform, colours and shapes are uniform and independent over the allowed combinations,
    sizes are small or large with equal probability. Scenes that break a rule (``different``, the distance of two
    centres) are drawn again.

    Args:
        num_scenes: int, N.
        rng: np.random.Generator.
        num_objects: int, or (fewest, most), from 1 to 4.
        different: bool, no two objects of a scene share a colour or a shape.
        layout: "free"; or, for two objects, "left_right" (the first in the left half, the second in the right half) or
            "above_below" (upper half, lower half).
        combinations: "all" 24 pairs of colour and shape, "seen" (18 of them), or "held_out" (the other 6 only).
        bias: from -1 to 1. With probability ``|bias|`` an object has the usual colour of its shape (circles red,
            squares yellow, triangles green, crosses blue); with a negative bias, the usual colour of the next shape.

    Returns:
        Structured array (N, ``MOST``) of dtype ``OBJECT``.

    Raises:
        ValueError: for an option outside these.
    """
    fewest, most = _check(num_scenes, num_objects, layout, combinations, bias)
    scenes = np.zeros((num_scenes, MOST), OBJECT)
    count = rng.integers(fewest, most + 1, size=num_scenes)
    scenes["present"] = np.arange(MOST) < count[:, None]
    scenes["size"] = rng.integers(len(SIZES), size=scenes.shape)
    low, high = RADII[scenes["size"]].transpose(2, 0, 1)
    scenes["radius"] = rng.uniform(low, high)
    share = _combination_shares(combinations, bias)
    _draw_until(scenes, lambda part: _draw_attributes(part, rng, share), _alike if different else None)
    _draw_until(scenes, lambda part: _draw_places(part, rng, layout), _too_close)
    for name in OBJECT.names[1:]:
        scenes[name][~scenes["present"]] = -1 if OBJECT[name].kind == "i" else 0
    return scenes


def render(scenes, size=32):
    """Draw scenes as anti-aliased pictures.

    The picture is a torus: what leaves it at one edge comes in at the opposite one. (Objects of ``sample_scenes`` lie
    inside; those of a clip may cross an edge.)

    Args:
        scenes: structured array (``MOST``,) or (..., ``MOST``).
        size: int, at least 8, height and width of the pictures in pixels.

    Returns:
        uint8 array (..., H, W, 3).

    Raises:
        ValueError: if ``size`` is below 8.
    """
    if size < 8:
        raise ValueError(f"`size` must be at least 8 pixels. Received: size={size}")
    flat = scenes.reshape(-1, scenes.shape[-1])
    pictures = np.empty((len(flat), size, size, 3), "uint8")
    for start in range(0, len(flat), 128):  # small enough for the processor's cache
        part = flat[start : start + 128]
        canvas = np.full((3, len(part), size, size), BACKGROUND[:, None, None, None], "float32")
        for layer in range(part.shape[1]):
            here = np.flatnonzero(part["present"][:, layer])
            cover = _coverage(part[here, layer], size)
            for channel, values in zip(canvas, RGB.T, strict=True):
                under = channel[here]
                channel[here] = under + cover * (values[part["colour"][here, layer], None, None] - under)
        pictures[start : start + 128] = (canvas + 0.5).transpose(1, 2, 3, 0)
    return pictures.reshape(*scenes.shape[:-1], size, size, 3)


def masks(scenes, size=32):
    """Say which pixels show which object: covered by it by half or more, and not hidden under a later one.

    Args:
        scenes: structured array (``MOST``,) or (..., ``MOST``).
        size: int, height and width in pixels.

    Returns:
        bool array (..., ``MOST``, H, W), all False where no object is.
    """
    flat = scenes.reshape(-1)
    covered = np.zeros((len(flat), size, size), bool)
    here = flat["present"]
    covered[here] = _coverage(flat[here], size) >= 0.5
    covered = covered.reshape(*scenes.shape, size, size)
    for layer in range(scenes.shape[-1] - 1):
        covered[..., layer, :, :] &= ~covered[..., layer + 1 :, :, :].any(axis=-3)
    return covered


def boxes(scenes):
    """Frame each object: its left, top, right and bottom edge as fractions of the side.

    Args:
        scenes: structured array (..., ``MOST``).

    Returns:
        float32 array (..., ``MOST``, 4), zeros where no object is.
    """
    left_top_right_bottom = np.array([_EXTENT[shape] for shape in SHAPES], "float32")[scenes["shape"]]
    centre = np.stack([scenes["x"], scenes["y"]] * 2, axis=-1)
    return centre + scenes["radius"][..., None] * left_top_right_bottom


# Signed distance, in radii, from the edge of a shape centred at 0: negative inside. dx (n, 1, W) and dy (n, H, 1).
_DISTANCE = {
    "circle": lambda dx, dy: np.sqrt(dx**2 + dy**2) - 1,
    "square": lambda dx, dy: np.maximum(np.abs(dx), np.abs(dy)) - 0.83,
    "triangle": lambda dx, dy: np.maximum(0.8893 * np.abs(dx) - 0.4573 * (dy + 1), dy - 0.75),
    "cross": lambda dx, dy: np.minimum(
        np.maximum(np.abs(dx) - 1, np.abs(dy) - 0.36), np.maximum(np.abs(dx) - 0.36, np.abs(dy) - 1)
    ),
}
_EXTENT = {
    "circle": (-1, -1, 1, 1), "square": (-0.83, -0.83, 0.83, 0.83), "triangle": (-0.9, -1, 0.9, 0.75),
    "cross": (-1, -1, 1, 1),
}  # fmt: skip


def _coverage(objects, size):
    """The part of each pixel that each object covers, (n, H, W): half a pixel on either side of the edge is a ramp."""
    pixels = ((np.arange(size) + 0.5) / size).astype("float32")
    radius = objects["radius"][:, None, None]
    dx = _wrap(pixels[None, None, :] - objects["x"][:, None, None]) / radius
    dy = _wrap(pixels[None, :, None] - objects["y"][:, None, None]) / radius
    cover = np.empty((len(objects), size, size), "float32")
    for number, shape in enumerate(SHAPES):
        mine = objects["shape"] == number
        distance = _DISTANCE[shape](dx[mine], dy[mine])
        cover[mine] = np.clip(0.5 - distance * (radius[mine] * size), 0, 1)
    return cover


def _wrap(difference):
    return (difference + 0.5) % 1 - 0.5


def _check(num_scenes, num_objects, layout, combinations, bias):
    fewest, most = (num_objects, num_objects) if isinstance(num_objects, (int, np.integer)) else num_objects
    if num_scenes < 1:
        raise ValueError(f"`num_scenes` must be at least 1. Received: num_scenes={num_scenes}")
    if not 1 <= fewest <= most <= MOST:
        raise ValueError(f"`num_objects` must be from 1 to {MOST}. Received: num_objects={num_objects}")
    if layout not in LAYOUTS:
        raise ValueError(f"`layout` must be one of {LAYOUTS}. Received: layout={layout!r}")
    if layout != "free" and (fewest, most) != (2, 2):
        raise ValueError(f"`layout={layout!r}` needs `num_objects=2`. Received: num_objects={num_objects}")
    if combinations not in COMBINATIONS:
        raise ValueError(f"`combinations` must be one of {tuple(COMBINATIONS)}. Received: {combinations!r}")
    if not -1 <= bias <= 1:
        raise ValueError(f"`bias` must be from -1 to 1. Received: bias={bias}")
    return fewest, most


def _combination_shares(combinations, bias):
    """The probability of each pair of colour and shape, (24,)."""
    shape = np.arange(len(SHAPES))
    usual = np.zeros((len(COLOURS), len(SHAPES)))
    usual[(shape + (bias < 0)) % len(SHAPES), shape] = 1
    share = COMBINATIONS[combinations] * ((1 - abs(bias)) / len(COLOURS) + abs(bias) * usual)
    return (share / share.sum()).ravel()


def _draw_until(scenes, draw, broken):
    """Draw all scenes, then again those that break the rule, until none does."""
    todo = np.arange(len(scenes))
    while len(todo):
        part = scenes[todo]
        draw(part)
        scenes[todo] = part
        todo = todo[broken(part)] if broken else []


def _draw_attributes(scenes, rng, share):
    pair = rng.choice(len(share), size=scenes.shape, p=share)
    scenes["colour"], scenes["shape"] = np.divmod(pair, len(SHAPES))


def _draw_places(scenes, rng, layout):
    radius = scenes["radius"].astype("float64")
    low = np.stack([radius + MARGIN] * 2)
    high = 1 - low
    if layout != "free":
        axis = 0 if layout == "left_right" else 1
        high[axis, :, 0] = 0.5 - CLOSEST * radius[:, 0]
        low[axis, :, 1] = 0.5 + CLOSEST * radius[:, 1]
    scenes["x"], scenes["y"] = rng.uniform(low, high)


def _alike(scenes):
    return _any_pair(scenes, lambda a, b: (a["colour"] == b["colour"]) | (a["shape"] == b["shape"]))


def _too_close(scenes):
    def close(a, b):
        distance = np.hypot(a["x"] - b["x"], a["y"] - b["y"])
        return distance < CLOSEST * (a["radius"] + b["radius"])

    return _any_pair(scenes, close)


def _any_pair(scenes, test):
    pairs = [(i, j) for j in range(scenes.shape[1]) for i in range(j)]
    return np.any([scenes["present"][:, j] & test(scenes[:, i], scenes[:, j]) for i, j in pairs], axis=0)
