"""The captioner and its ways to speak, against enumeration of every sentence and against frequencies."""

import keras
import numpy as np
import pytest

from mmlib.encoders.image import cnn_encoder
from mmlib.losses import masked_token_loss
from mmlib.models.captioning import caption_log_likelihood, captioner, teacher_forcing
from mmlib.models.decoding import generate, reshape_distribution

V, LENGTH = 6, 5  # words 1, 3 ([end]), 4 and 5 can be said; at most four of them


@pytest.fixture(scope="module", params=[6, 13])
def model(request):
    """A captioner with large random weights, so that its distributions are uneven."""
    keras.utils.set_random_seed(3)
    encoder = cnn_encoder((8, 8, 3), dim=6, filters=(4, 4), return_sequences=True)
    model = captioner(encoder, V, dim=8, num_heads=2, num_blocks=2)
    rng = np.random.default_rng(request.param)
    model.set_weights([w + 0.8 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def images():
    light = np.linspace(0.15, 3, 6, dtype="float32")[:, None, None, None]
    return light * np.random.default_rng(1).random((6, 8, 8, 3), "float32")


def next_words(model, image, beginnings, prior=0.0, blank=None):
    """log p(w | words, image) over the words that may be said, (R, V), by one plain call: the slow way."""

    def log_probs(picture):
        tokens = np.array([[2, *words] for words in beginnings], "int32")
        logits = model({"image": np.repeat(picture[None], len(tokens), axis=0), "tokens": tokens})
        logits = np.array(logits)[:, -1].astype("float64")
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    scores = log_probs(image) - (prior * log_probs(blank) if prior else 0)
    scores[:, [0, 2]] = -np.inf
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def all_captions(model, image, **options):
    """Every caption of at most LENGTH - 1 words with its log-probability."""
    found, open_ones = {}, {(): 0.0}
    for _ in range(LENGTH - 1):
        grown = {}
        rows = next_words(model, image, list(open_ones), **options)
        for (words, score), log_probs in zip(open_ones.items(), rows, strict=True):
            for word in (1, 3, 4, 5):
                (found if word == 3 else grown)[(*words, word)] = score + log_probs[word]
        open_ones = grown
    return found | open_ones


class Forgetful(keras.Model):
    """The same captioner, wrapped so that its layers cannot be found: it must read all words anew."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


def said(row):
    return tuple(int(word) for word in row[1:] if word)


def test_probabilities_of_all_captions_sum_to_one(model, images):
    assert np.isclose(sum(np.exp(list(all_captions(model, images[0]).values()))), 1)


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_a_full_beam_finds_the_likeliest_caption(model, images, power):
    rows = generate(model, images, LENGTH, "beam", beam_width=200, length_power=power)
    for image, row in zip(images, rows, strict=True):
        scores = {words: score / len(words) ** power for words, score in all_captions(model, image).items()}
        assert said(row) == max(scores, key=scores.get)


def test_these_models_and_pictures_can_tell_the_strategies_apart(model, images):
    def captions(*strategy, **options):
        return [said(row) for row in generate(model, images, LENGTH, *strategy, **options)]

    greedy, beam = captions(), captions("beam", beam_width=200)
    assert len(set(beam)) >= 4  # a caption depends on its picture
    assert greedy != beam
    if any(3 in words for words in beam):  # where captions end, their length can matter
        assert captions("beam", beam_width=200, length_power=1.0) != beam


def test_greedy_takes_the_likeliest_word_each_time(model, images):
    for image, row in zip(images, generate(model, images, LENGTH), strict=True):
        words = ()
        while len(words) < LENGTH - 1 and 3 not in words:
            words = (*words, int(next_words(model, image, [words])[0].argmax()))
        assert said(row) == words


def test_a_beam_of_one_is_greedy(model, images):
    greedy = generate(model, images, LENGTH)
    np.testing.assert_array_equal(generate(model, images, LENGTH, "beam", beam_width=1), greedy)


def test_samples_occur_as_often_as_their_probability_says(model, images):
    truth = all_captions(model, images[0])
    rows = generate(model, np.repeat(images[:1], 6000, axis=0), LENGTH, "sample", seed=0, batch_size=6000)
    seen, counts = np.unique([str(said(row)) for row in rows], return_counts=True)
    counts = dict(zip(seen, counts, strict=True))
    p = np.exp(np.array(list(truth.values())))
    frequency = np.array([counts.get(str(words), 0) for words in truth]) / 6000
    assert np.isclose(frequency.sum(), 1)  # nothing but captions that can be
    assert np.all(np.abs(frequency - p) < 5 * np.sqrt(p * (1 - p) / 6000) + 1e-3)


@pytest.mark.parametrize("options", [{"temperature": 0.5}, {"top_k": 2}, {"top_p": 0.6}])
def test_reshaped_samples_follow_the_reshaped_distribution(model, images, options):
    rows = generate(model, np.repeat(images[:1], 4000, axis=0), 2, "sample", seed=1, **options)
    p = np.exp(next_words(model, images[0], [()])[0])
    if "temperature" in options:
        p = p**2
    elif "top_k" in options:
        p[np.argsort(p)[:-2]] = 0
    else:
        ranked = np.argsort(-p)
        kept = next(n for n in range(1, V) if p[ranked[:n]].sum() >= 0.6)
        p[ranked[kept:]] = 0
    frequency = np.bincount(rows[:, 1], minlength=V) / 4000
    np.testing.assert_allclose(frequency, p / p.sum(), atol=0.04)


def test_the_edges_of_sampling_are_greedy(model, images):
    greedy = generate(model, images, LENGTH)
    for options in ({"temperature": 1e-3}, {"top_k": 1}, {"top_p": 1e-9}, {"top_p": 1e-15}):
        np.testing.assert_array_equal(generate(model, images, LENGTH, "sample", seed=5, **options), greedy)


def test_the_prior_is_divided_out(model, images):
    blank = np.full((8, 8, 3), 0.5, "float32")
    rows = generate(model, images, LENGTH, "beam", beam_width=200, prior_weight=0.7, blank=blank)
    for image, row in zip(images, rows, strict=True):
        scores = all_captions(model, image, prior=0.7, blank=blank)
        assert said(row) == max(scores, key=scores.get)


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sample"])
@pytest.mark.parametrize("prior_weight", [0.0, 0.7])
def test_captions_depend_neither_on_the_batch_nor_on_the_memory(model, images, strategy, prior_weight):
    options = {"seed": 7, "prior_weight": prior_weight, "blank": np.full((8, 8, 3), 0.5, "float32")}
    whole = generate(model, images, LENGTH, strategy, **options)
    np.testing.assert_array_equal(generate(model, images, LENGTH, strategy, batch_size=2, **options), whole)
    np.testing.assert_array_equal(generate(Forgetful(model), images, LENGTH, strategy, **options), whole)


def test_any_causal_model_can_speak(images):
    words, image = keras.Input((None,), dtype="int32", name="tokens"), keras.Input((8, 8, 3), name="image")
    seen = keras.layers.Dense(V)(keras.layers.Flatten()(image))
    added = keras.layers.Add()([keras.layers.Embedding(V, V)(words), keras.layers.Reshape((1, -1))(seen)])
    sum_model = keras.Model({"image": image, "tokens": words}, added)
    for image, row in zip(images, generate(sum_model, images, LENGTH, "beam", beam_width=200), strict=True):
        scores = all_captions(sum_model, image)
        assert said(row) == max(scores, key=scores.get)


def test_likelihood_is_that_of_the_slow_way(model, images):
    captions = [[4, 5, 3], [5, 3], [1, 1, 4], [3], [4, 4, 3], [1, 5, 3]]
    tokens = np.array([[2, *caption] + [0] * (4 - len(caption)) for caption in captions])
    slow = []
    for image, row, caption in zip(images, tokens, captions, strict=True):
        logits = np.array(model({"image": image[None], "tokens": row[None]}))[0].astype("float64")
        slow.append(sum(logits[t, w] - np.log(np.exp(logits[t]).sum()) for t, w in enumerate(caption)))
    np.testing.assert_allclose(caption_log_likelihood(model, images, tokens, batch_size=2), slow, atol=1e-4)
    longer = np.pad(tokens, ((0, 0), (0, 6)))
    np.testing.assert_allclose(caption_log_likelihood(model, images, longer), slow, atol=1e-4)


def test_a_word_knows_nothing_of_later_words_and_something_of_the_picture(model, images):
    tokens = np.array([[2, 4, 5, 3]] * len(images))
    before = np.array(model({"image": images, "tokens": tokens}))
    tokens[:, 3] = 1
    after = np.array(model({"image": images, "tokens": tokens}))
    np.testing.assert_allclose(after[:, :3], before[:, :3], atol=1e-6)
    assert np.abs(after[:, 3] - before[:, 3]).max() > 1e-3
    assert np.abs(np.array(model({"image": images[::-1], "tokens": tokens})) - after)[0].max() > 1e-3
    assert [layer.name for layer in model.layers if layer.name.startswith("look_")] == ["look_0", "look_1"]


def test_teacher_forcing_shifts_by_one_and_asks_for_the_end():
    inputs, labels = teacher_forcing([[2, 7, 8, 3, 0, 0], [2, 3, 0, 0, 0, 0]])
    assert inputs.tolist() == [[2, 7, 8, 3, 0], [2, 3, 0, 0, 0]]
    assert labels.tolist() == [[7, 8, 3, -1, -1], [3, -1, -1, -1, -1]]


def test_it_learns_to_tell_a_dark_picture_from_a_bright_one():
    keras.utils.set_random_seed(0)
    model = captioner(cnn_encoder((8, 8, 3), dim=8, filters=(8, 8), return_sequences=True), 8, dim=16)
    bright = np.arange(64) % 2
    images = np.ones((64, 8, 8, 3), "float32") * bright[:, None, None, None]
    tokens = np.stack([[2, 4, 5 + b, 3] if b else [2, 5 + b, 7, 3] for b in bright])
    inputs, labels = teacher_forcing(tokens)
    model.compile(keras.optimizers.Adam(0.01), masked_token_loss)
    model.fit({"image": images, "tokens": inputs}, labels, epochs=15, batch_size=64, verbose=0)
    np.testing.assert_array_equal(generate(model, images[:4], 6)[:, :4], tokens[:4])


def test_round_trip(model, images, tmp_path):
    model.save(tmp_path / "captioner.keras")
    loaded = keras.models.load_model(tmp_path / "captioner.keras")
    tokens = np.array([[2, 4, 5]] * len(images))
    given = {"image": images, "tokens": tokens}
    np.testing.assert_allclose(np.array(loaded(given)), np.array(model(given)), atol=1e-6)
    np.testing.assert_array_equal(generate(loaded, images, LENGTH), generate(model, images, LENGTH))


def test_reshaping_by_hand():
    p = np.array([0.5, 0.3, 0.15, 0.05])
    assert np.allclose(np.exp(reshape_distribution(np.log(p), temperature=0.5)), p**2 / (p**2).sum())
    assert np.allclose(np.exp(reshape_distribution(np.log(p), top_k=2)), [0.625, 0.375, 0, 0])
    assert np.allclose(np.exp(reshape_distribution(np.log(p), top_p=0.8)), [0.625, 0.375, 0, 0])
    assert np.allclose(np.exp(reshape_distribution(np.log(p), top_p=0.81)), np.array([50, 30, 15, 0]) / 95)
    assert np.allclose(np.exp(reshape_distribution(np.log(p[::-1]), top_k=1)), [0, 0, 0, 1])
    # the nucleus of what top-k leaves: 0.625 of 0.8 is enough
    assert np.allclose(np.exp(reshape_distribution(np.log(p), top_k=2, top_p=0.6)), [1, 0, 0, 0])


def test_errors_name_what_was_received(model, images):
    with pytest.raises(ValueError, match="must return places"):
        captioner(cnn_encoder((8, 8, 3)), V)
    anything = keras.Input((None, 6))
    with pytest.raises(ValueError, match=r"\(None, None, 6\)"):
        captioner(keras.Model(anything, keras.layers.Identity()(anything)), V)
    with pytest.raises(ValueError, match="num_heads"):
        captioner(cnn_encoder((8, 8, 3), filters=(4,), return_sequences=True), V, dim=10, num_heads=3)
    for wrong, word in (
        ({"strategy": "best"}, "best"),
        ({"strategy": "beam", "beam_width": 0}, "beam_width=0"),
        ({"strategy": "sample", "temperature": 0.0}, "temperature=0.0"),
        ({"strategy": "sample", "top_k": 0}, "top_k=0"),
        ({"strategy": "sample", "top_p": 1.5}, "top_p=1.5"),
        ({"prior_weight": 0.5}, "blank"),
    ):
        with pytest.raises(ValueError, match=word):
            generate(model, images, LENGTH, **wrong)
    with pytest.raises(ValueError, match="length=1"):
        generate(model, images, 1)
    assert generate(model, images[:0], LENGTH).shape == (0, LENGTH)
