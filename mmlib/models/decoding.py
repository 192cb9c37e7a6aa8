"""Ways to let a captioner speak: greedy, beam, sampling, and the language prior taken out."""

import weakref

import numpy as np
import tensorflow as tf  # to compile one step of decoding
from keras import ops

from mmlib.text import END, END_ID, PAD_ID, START, START_ID

STRATEGIES = ("greedy", "beam", "sample")


def generate(
    model, images, length, strategy="greedy", beam_width=4, length_power=0.0, temperature=1.0, top_k=None, top_p=None,
    prior_weight=0.0, blank=None, seed=None, batch_size=256,
):  # fmt: skip
    """Let a captioner speak: one caption for each picture.

    "greedy"  w_t = argmax log p(w | w_<t, v)
    "beam"    keeps the `beam_width` likeliest beginnings; of the captions it ends with it returns the one with the
              largest Σ_t log p(w_t | w_<t, v) / T^length_power, T words with [end]; 0 compares whole likelihoods
    "sample"  draws w_t from the distribution that `reshape_distribution` makes of p

    Padding and [start] are never said; p is normalised over the other words. With a `prior_weight` λ > 0 all
    strategies work with log p(w | w_<t, v) - λ log p(w | w_<t, blank), normalised again: what the words alone would
    suggest counts for less, and the picture for more.

    Args:
        model: a `captioner`, which keeps its state from word to word; or any other causal `keras.Model`
            {"image", "tokens"} -> logits (B, T, V), which reads all words anew for each.
        images: (N, H, W, C), as the model takes them.
        length: the longest row, [start] and [end] included; what is not finished by then is cut.
        strategy: "greedy", "beam" or "sample".
        beam_width, length_power: for "beam".
        temperature, top_k, top_p, seed: for "sample"; the seed is an int or an `np.random.Generator`.
        prior_weight: λ.
        blank: (H, W, C), the picture that stands for "no picture"; needed for λ > 0.
        batch_size: pictures at once; the captions do not depend on it, up to rounding.

    Returns:
        int32 (N, length): [start], words, [end], zeros. `mmlib.text.detokenize` turns them into text.

    Raises:
        ValueError: an unknown strategy, or a number out of its range.

    Reference: Holtzman et al. 2020 (ICLR); `length_power`: Wu et al. 2016 (arXiv:1609.08144); `prior_weight`: Li et al.
    2016 (NAACL). Derived in chapter 15.
    """
    images = np.asarray(images, "float32")
    _check(strategy, length, beam_width, prior_weight, blank)
    chance = np.random.default_rng(seed).random((len(images), length)) if strategy == "sample" else None
    width, out = beam_width if strategy == "beam" else 1, []
    for start in range(0, len(images), batch_size):
        rows = slice(start, start + batch_size)
        readers = [_reader(model)(model, np.repeat(images[rows], width, axis=0))]
        if prior_weight:
            readers.append(_reader(model)(model, np.broadcast_to(blank, readers[0].shape).astype("float32")))
        say = _Words(readers, prior_weight)
        if strategy == "beam":
            out.append(_beam(say, len(images[rows]), width, length, length_power))
        else:
            shape = (temperature, top_k, top_p)
            out.append(_one_by_one(say, len(images[rows]), length, None if chance is None else chance[rows], shape))
    return np.concatenate(out) if out else np.zeros((0, length), "int32")


def reshape_distribution(log_probs, temperature=1.0, top_k=None, top_p=None):
    """Sharpen or cut a distribution before drawing from it: first the temperature, then top-k, then the nucleus.

    p_τ(w) ∝ p(w)^(1/τ);   top-k keeps the k likeliest words, the nucleus the fewest likeliest words whose
    probabilities reach `top_p`; what is kept is normalised again.

    Args:
        log_probs: (…, V), normalised or not.
        temperature: τ > 0; 1 changes nothing, towards 0 only the likeliest word is left.
        top_k: int >= 1, or None for all words.
        top_p: in (0, 1], or None for all words.

    Returns:
        (…, V) log-probabilities, -inf for what is cut.

    Raises:
        ValueError: a number out of its range.

    Reference: top-k: Fan, Lewis & Dauphin 2018 (ACL); nucleus: Holtzman et al. 2020 (ICLR). Derived in chapter 15.
    """
    if not temperature > 0:
        raise ValueError(f"`temperature` must be positive. Received: temperature={temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"`top_k` must be at least 1. Received: top_k={top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"`top_p` must be in (0, 1]. Received: top_p={top_p}")
    log_probs = _normalised(np.asarray(log_probs, "float64") / temperature)
    order = np.argsort(-log_probs, axis=-1, kind="stable")
    ranked = np.take_along_axis(log_probs, order, axis=-1)
    if top_k is not None:
        ranked[..., top_k:] = -np.inf
        ranked = _normalised(ranked)
    if top_p is not None:
        before = np.cumsum(np.exp(ranked), axis=-1) - np.exp(ranked)  # what likelier words have already
        ranked[(before >= top_p - 1e-12) & (np.arange(ranked.shape[-1]) > 0)] = -np.inf
    kept = np.empty_like(ranked)
    np.put_along_axis(kept, order, ranked, axis=-1)
    return _normalised(kept)


def _one_by_one(say, count, length, chance, shape):
    rows = _begin(count, length)
    for t in range(1, length):
        log_probs = say(rows[:, :t])
        if chance is None:
            word = log_probs.argmax(axis=-1)
        else:
            total = np.cumsum(np.exp(reshape_distribution(log_probs, *shape)), axis=-1)
            word = (total <= chance[:, t, None] * total[:, -1:]).sum(axis=-1)  # inverse of the distribution function
        rows[:, t] = np.where(_finished(rows, t), PAD_ID, word)
        if _finished(rows, t + 1).all():
            break
    return rows


def _beam(say, count, width, length, power):
    rows, first = _begin(count * width, length), np.arange(count)[:, None] * width
    scores = np.where(np.arange(width) == 0, 0.0, -np.inf) + np.zeros((count, 1))  # one beginning, not W alike
    for t in range(1, length):
        log_probs, done = say(rows[:, :t]), _finished(rows, t)
        log_probs[done] = -np.inf
        log_probs[done, PAD_ID] = 0.0  # a finished caption stays as it is
        total = (scores[..., None] + log_probs.reshape(count, width, -1)).reshape(count, -1)
        best = np.argsort(-total, axis=-1, kind="stable")[:, :width]
        scores, beam, word = np.take_along_axis(total, best, axis=-1), *np.divmod(best, log_probs.shape[-1])
        chosen = (first + beam).ravel()
        rows = rows[chosen]
        rows[:, t] = word.ravel()
        say.follow(chosen)
        if _finished(rows, t + 1).all():
            break
    words = np.maximum((rows[:, 1:] != PAD_ID).sum(axis=1), 1).reshape(count, width)
    return rows[first[:, 0] + np.argmax(scores / words**power, axis=-1)]


def _begin(count, length):
    rows = np.full((count, length), PAD_ID, "int32")
    rows[:, 0] = START_ID
    return rows


def _finished(rows, t):
    return (rows[:, t - 1] == END_ID) | (rows[:, t - 1] == PAD_ID)


def _normalised(log_probs):
    top = log_probs.max(axis=-1, keepdims=True)
    return log_probs - top - np.log(np.sum(np.exp(log_probs - top), axis=-1, keepdims=True))


class _Words:
    """log p of the next word, (R, V): that of the picture, less λ times that of the blank one."""

    def __init__(self, readers, prior_weight):
        self.readers, self.prior_weight = readers, prior_weight

    def __call__(self, rows):
        log_probs = self.readers[0].read(rows)
        if len(self.readers) > 1:
            log_probs = log_probs - self.prior_weight * self.readers[1].read(rows)
        log_probs[:, [PAD_ID, START_ID]] = -np.inf
        return _normalised(log_probs)

    def follow(self, chosen):
        for reader in self.readers:
            reader.follow(chosen)


class _Rereader:
    """Reads all words anew for the next one."""

    def __init__(self, model, images):
        self.model, self.images, self.shape = model, tf.constant(images), images.shape

    def read(self, rows):
        logits = self.model({"image": self.images, "tokens": tf.constant(rows)})[:, -1]
        return _normalised(ops.convert_to_numpy(logits).astype("float64"))

    def follow(self, chosen):
        pass  # the picture of a row is that of the row it grew from


class _Rememberer:
    """Looks at the picture once, and reads only the newest word: the recurrent state holds the others."""

    def __init__(self, model, images):
        self.step, self.shape = _step_of(model), images.shape
        self.context = model.get_layer("eyes")(images)
        self.state = np.zeros((len(images), model.get_layer("said").units), "float32")

    def read(self, rows):
        logits, state = self.step(tf.constant(rows[:, -1:]), tf.constant(self.state), self.context)
        self.state = state.numpy()
        return _normalised(logits.numpy().astype("float64"))

    def follow(self, chosen):
        self.state = self.state[chosen]


_STEPS = weakref.WeakKeyDictionary()


def _reader(model):
    names = {layer.name for layer in model.layers}
    return _Rememberer if {"eyes", "embedding", "said", "norm", "next_word"} <= names else _Rereader


def _step_of(model):
    """The captioner for one word: token (B, 1), state (B, D), context (B, P, D) -> logits (B, V), state (B, D)."""
    if model not in _STEPS:
        look = [layer for layer in model.layers if layer.name.startswith("look_")]
        embedding, said, norm, next_word = map(model.get_layer, ("embedding", "said", "norm", "next_word"))

        def step(token, state, context):
            x, state = said(embedding(token), initial_state=state)
            for block in look:
                x = block(x, context=context)
            return next_word(norm(x))[:, 0], state

        shapes = ((None, 1), "int32"), ((None, said.units), "float32"), model.get_layer("eyes").output.shape
        specs = [tf.TensorSpec(*shape) for shape in shapes[:2]] + [tf.TensorSpec(shapes[2], "float32")]
        _STEPS[model] = tf.function(step, input_signature=specs)
    return _STEPS[model]


def _check(strategy, length, beam_width, prior_weight, blank):
    if strategy not in STRATEGIES:
        raise ValueError(f"`strategy` must be one of {STRATEGIES}. Received: strategy={strategy!r}")
    if length < 2:
        raise ValueError(f"`length` must leave room for {START} and {END}. Received: length={length}")
    if beam_width < 1:
        raise ValueError(f"`beam_width` must be at least 1. Received: beam_width={beam_width}")
    if prior_weight < 0 or (prior_weight and blank is None):
        raise ValueError(
            f"`prior_weight` must not be negative, and needs `blank`. Received: {prior_weight=}, blank={blank}"
        )
