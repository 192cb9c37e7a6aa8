"""Every encoder: the invariances it promises, the ones it must not have, and the way to disk and back."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmlib.data.audio import log_mel
from mmlib.encoders.audio import LogMelSpectrogram, spectrogram_encoder
from mmlib.encoders.image import cnn_encoder, resnet_encoder
from mmlib.encoders.text import bag_of_words_encoder, lstm_encoder, transformer_encoder
from mmlib.encoders.video import frame_encoder

RNG = np.random.default_rng(0)
TOKENS = np.array([[2, 3, 4, 0, 0], [2, 5, 6, 7, 8]])
IMAGES = RNG.random((3, 16, 16, 3)).astype("float32")
SOUND = np.abs(RNG.normal(size=(2, 13, 8))).astype("float32") * (np.arange(13) < [[9], [13]])[..., None]
CLIP = (
    RNG.random((2, 5, 8, 8, 3)).astype("float32") * (np.arange(5) < [[3], [5]]).astype("float32")[..., None, None, None]
)
SOUND, CLIP = SOUND.astype("float32"), CLIP.astype("float32")


def small_cnn(**options):
    return cnn_encoder((8, 8, 3), dim=6, filters=(4, 5), **options)


# name -> (builder that takes return_sequences, input)
ENCODERS = {
    "bag of words": (lambda: bag_of_words_encoder(9, dim=6), TOKENS),
    "lstm": (lambda **o: lstm_encoder(9, dim=6, **o), TOKENS),
    "transformer": (lambda **o: transformer_encoder(9, dim=6, num_layers=1, num_heads=3, dropout=0.2, **o), TOKENS),
    "cnn": (lambda **o: cnn_encoder((16, 16, 3), dim=6, filters=(4, 5, 6), **o), IMAGES),
    "cnn, flat": (lambda: cnn_encoder((16, 16, 3), dim=6, filters=(4, 5, 6), pooling="flatten"), IMAGES),
    "resnet": (lambda **o: resnet_encoder((16, 16, 3), dim=6, filters=(4, 5), num_blocks=2, **o), IMAGES),
    "spectrogram": (lambda **o: spectrogram_encoder(8, dim=6, filters=(4, 5), **o), SOUND),
    "frames, lstm": (lambda **o: frame_encoder(small_cnn(), dim=6, **o), CLIP),
    "frames, mean": (lambda **o: frame_encoder(small_cnn(), dim=6, temporal="mean", **o), CLIP),
}
TEXT, PADDED = ("bag of words", "lstm", "transformer"), [n for n in ENCODERS if ENCODERS[n][1] is not IMAGES]
SEQUENCES = [n for n in ENCODERS if n not in ("bag of words", "cnn, flat")]


def build(name, **options):
    """An encoder whose weights, also those of its normalisation, have left their starting values."""
    encoder = ENCODERS[name][0](**options)
    for weight in encoder.weights:
        if weight.dtype == "float32":
            noise = RNG.normal(size=weight.shape).astype("float32")
            weight.assign(0.5 + np.abs(noise) if "variance" in weight.path else weight + 0.3 * noise)
    return encoder


def run(encoder, x):
    return keras.ops.convert_to_numpy(encoder(x))


def padded(x, extra=3):
    return np.pad(x, [(0, 0), (0, extra)] + [(0, 0)] * (x.ndim - 2))


@pytest.mark.parametrize("name", PADDED)
def test_padding_changes_nothing(name):
    encoder, x = build(name), ENCODERS[name][1]
    out = run(encoder, x)
    for extra in (1, 2, 7):
        np.testing.assert_allclose(run(encoder, padded(x, extra)), out, atol=2e-6)
    short = x[:1, : 3 if x is TOKENS or x is CLIP else 9]  # and taking the padding away changes nothing
    np.testing.assert_allclose(run(encoder, short), out[:1], atol=2e-6)
    assert np.abs(out[0] - out[1]).max() > 1e-2


@pytest.mark.parametrize("name", [n for n in PADDED if n != "bag of words"])
def test_sequences_carry_a_mask_and_real_positions_ignore_padding(name):
    encoder, x = build(name, return_sequences=True), ENCODERS[name][1]
    short, long = encoder(x), encoder(padded(x, 4))
    real = np.array(long._keras_mask)
    np.testing.assert_array_equal(real[:, : short.shape[1]], np.array(short._keras_mask))
    assert not real[:, short.shape[1] :].any() and not real.all() and real[1, : short.shape[1]].all()
    kept = real[:, : short.shape[1]]
    np.testing.assert_allclose(np.array(long)[:, : short.shape[1]][kept], np.array(short)[kept], atol=2e-6)


def test_padding_does_change_an_encoder_that_reads_it():
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(9, 6, embeddings_initializer="normal")(tokens)  # no mask_zero
    careless = keras.Model(tokens, keras.layers.LSTM(6)(x))
    assert np.abs(run(careless, padded(TOKENS)) - run(careless, TOKENS)).max() > 1e-3


@pytest.mark.parametrize("name", PADDED)
def test_all_padding_is_finite_and_so_are_its_gradients(name):
    encoder, x = build(name), np.zeros_like(ENCODERS[name][1])
    with tf.GradientTape() as tape:
        out = encoder(x)
        loss = tf.reduce_sum(out**2)
    gradients = [g for g in tape.gradient(loss, [v.value for v in encoder.trainable_variables]) if g is not None]
    assert np.all(np.isfinite(out))
    assert all(np.all(np.isfinite(tf.convert_to_tensor(g))) for g in gradients)


@pytest.mark.parametrize("name", ENCODERS)
def test_an_item_does_not_depend_on_its_batch(name):
    encoder, x = build(name), ENCODERS[name][1]
    out = run(encoder, x)
    np.testing.assert_allclose(run(encoder, x[::-1])[::-1], out, atol=1e-5)
    np.testing.assert_allclose(run(encoder, x[1:2]), out[1:2], atol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_weight_gets_a_gradient(name):
    encoder, x = build(name), ENCODERS[name][1]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(encoder(x, training=True) * RNG.normal(size=(len(x), 6)))
    for variable, gradient in zip(
        encoder.trainable_variables, tape.gradient(loss, [v.value for v in encoder.trainable_variables]), strict=True
    ):
        # the keys' bias shifts all scores of a query alike, and the softmax forgets it
        if not variable.path.endswith("key/bias"):
            assert gradient is not None and np.abs(tf.convert_to_tensor(gradient)).max() > 1e-7, variable.path


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_come_back_from_disk(name, tmp_path):
    encoder, x = build(name), ENCODERS[name][1]
    encoder.save(tmp_path / "encoder.keras")
    back = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(run(back, x), run(encoder, x))
    np.testing.assert_allclose(run(back, padded(x)) if name in PADDED else run(back, x), run(encoder, x), atol=2e-6)


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_mean_of_a_sequence_is_the_vector_where_that_is_the_definition(name):
    sequence, vector = build(name, return_sequences=True), ENCODERS[name][0]()
    vector.set_weights(sequence.get_weights())
    x = ENCODERS[name][1]
    tokens, mask = np.array(sequence(x)), getattr(sequence(x), "_keras_mask", None)
    mask = np.ones(tokens.shape[:2], bool) if mask is None else np.array(mask)
    if "lstm" in name:  # the last real state instead
        expected = [row[m][-1] for row, m in zip(tokens, mask, strict=True)]
    else:
        expected = [row[m].mean(axis=0) for row, m in zip(tokens, mask, strict=True)]
    np.testing.assert_allclose(run(vector, x), expected, atol=1e-5)


@pytest.mark.parametrize(("name", "blind"), [("bag of words", True), ("lstm", False), ("transformer", False)])
def test_who_sees_the_order_of_words(name, blind):
    encoder, sentence = build(name), np.array([[2, 3, 4, 5, 6]])
    difference = np.abs(run(encoder, sentence[:, [0, 3, 2, 1, 4]]) - run(encoder, sentence)).max()
    assert difference < 1e-6 if blind else difference > 1e-2


@pytest.mark.parametrize(("name", "blind"), [("frames, mean", True), ("frames, lstm", False)])
def test_who_sees_the_order_of_frames(name, blind):
    encoder, clip = build(name), CLIP[1:]
    difference = np.abs(run(encoder, clip[:, ::-1]) - run(encoder, clip)).max()
    assert difference < 1e-6 if blind else difference > 1e-2


def slow_lstm(x, kernel, recurrent, bias):
    """One sentence, one step at a time; Keras orders its gates input, forget, candidate, output."""
    width = recurrent.shape[0]
    h = c = np.zeros(width)
    for step in x:
        i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    return h


def test_lstm_encoder_equals_the_equations_of_its_docstring():
    encoder = build("lstm")
    table, *weights = (keras.ops.convert_to_numpy(w) for w in encoder.weights)
    for row, out in zip(TOKENS, run(encoder, TOKENS), strict=True):
        np.testing.assert_allclose(out, slow_lstm(table[row[row > 0]], *weights), atol=1e-5)


def test_a_picture_moved_by_whole_strides_has_moved_features_and_the_same_mean():
    grid, mean = (
        cnn_encoder((None, None, 3), 6, (4, 5, 6), return_sequences=True),
        cnn_encoder((None, None, 3), 6, (4, 5, 6)),
    )
    mean.set_weights(build("cnn").get_weights())
    for weight in mean.weights:
        if weight.path.endswith("bias") and "stage" in weight.path:
            weight.assign(0 * weight)  # so that grey, 0 inside the model like its zero padding, stays 0
    grid.set_weights(mean.get_weights())
    picture = np.full((1, 32, 32, 3), 0.5, "float32")
    picture[:, 12:16, 12:16] = RNG.random((4, 4, 3))  # far enough from the edges, where the filters see the border
    moved = np.roll(picture, (8, 8), axis=(1, 2))  # the stride of three stages
    before, after = (run(grid, x).reshape(4, 4, 6) for x in (picture, moved))
    np.testing.assert_allclose(after, np.roll(before, (1, 1), axis=(0, 1)), atol=1e-5)
    np.testing.assert_allclose(run(mean, moved), run(mean, picture), atol=1e-5)
    assert np.abs(after - before).max() > 0.1


def test_a_flat_encoder_gives_each_place_its_own_weights():
    grid, flat = build("cnn", return_sequences=True), build("cnn, flat")
    features = keras.Model(flat.input, flat.get_layer("stage_2").output)(IMAGES)  # (B, 2, 2, 6)
    kernel, bias = (keras.ops.convert_to_numpy(w) for w in flat.get_layer("project").weights)
    expected = np.einsum("bhwc,hwco->bo", features, kernel.reshape(2, 2, 6, 6)) + bias
    np.testing.assert_allclose(run(flat, IMAGES), expected, rtol=1e-4, atol=1e-4)
    assert grid.count_params() == flat.count_params() - 3 * 6 * 6  # four places instead of one matrix for all
    with pytest.raises(ValueError, match="Received: pooling='max'"):
        cnn_encoder((8, 8, 3), pooling="max")


def test_places_are_listed_row_by_row():
    keras.utils.set_random_seed(0)
    encoder = cnn_encoder((16, 16, 3), dim=6, filters=(4, 5, 6), return_sequences=True)
    picture = np.full((1, 16, 16, 3), 0.5, "float32")
    corner = picture.copy()
    corner[:, 0, 15] = 1.0  # the top right pixel: only place 1 of 2 × 2 reaches so far
    change = np.abs(run(encoder, corner) - run(encoder, picture))[0].max(axis=1)
    assert change[1] > 1e-4 and change[[0, 2, 3]].max() < 1e-6


def test_pictures_of_another_size_fit_the_same_weights():
    for encoder in (cnn_encoder((None, None, 3), dim=4, filters=(3, 3)), resnet_encoder((None, None, 3), 4, (3, 3))):
        assert (
            run(encoder, RNG.random((1, 16, 16, 3))).shape == run(encoder, RNG.random((1, 24, 20, 3))).shape == (1, 4)
        )


def test_a_residual_block_whose_branch_is_zero_passes_its_input_on():
    encoder = resnet_encoder((8, 8, 3), dim=4, filters=(5,), num_blocks=2)
    for weight in encoder.weights:
        if weight.path.startswith(("stage_0_block_1_b_norm/gamma",)):
            weight.assign(0 * weight)
    before, after = (encoder.get_layer(f"stage_0_block_{j}_relu").output for j in (0, 1))
    a, b = keras.Model(encoder.input, [before, after])(IMAGES[:, :8, :8])
    assert np.abs(a).max() > 0
    np.testing.assert_array_equal(a, b)


def test_log_mel_layer_agrees_with_numpy_and_silence_is_zero():
    wave = RNG.normal(size=(2, 2000)).astype("float32") * 0.1
    wave[1, 900:] = 0
    layer = LogMelSpectrogram(8000, num_mels=20, floor=1e-2)
    ours, numpy = np.array(layer(wave)), log_mel(wave, 8000, num_mels=20, floor=1e-2)
    np.testing.assert_allclose(ours[:, : numpy.shape[1]], numpy - np.log(1e-2), atol=1e-4)
    assert np.all(ours[1, 900 // 128 + 1 :] == 0)
    assert ours.shape[1] == 2000 // 128 + 1


def test_silence_behind_a_waveform_changes_nothing_and_louder_is_not_the_same():
    wave = RNG.normal(size=(1, 1500)).astype("float32") * 0.1
    encoder = keras.Sequential([LogMelSpectrogram(8000, num_mels=8), build("spectrogram")])
    out = run(encoder, wave)
    for extra in (1, 100, 777, 3000):
        np.testing.assert_allclose(run(encoder, np.pad(wave, ((0, 0), (0, extra)))), out, atol=1e-5)
    assert np.abs(run(encoder, 3 * wave) - out).max() > 1e-2


def test_silence_may_have_another_value_than_zero():
    encoder, shifted = build("spectrogram"), spectrogram_encoder(8, dim=6, filters=(4, 5), silence=-1.7)
    shifted.set_weights(encoder.get_weights())
    np.testing.assert_allclose(run(shifted, SOUND - 1.7), run(encoder, SOUND), atol=1e-5)
    np.testing.assert_allclose(
        run(shifted, np.pad(SOUND - 1.7, ((0, 0), (0, 3), (0, 0)), constant_values=-1.7)),
        run(encoder, SOUND),
        atol=1e-5,
    )


def test_frame_encoder_refuses_an_unknown_summary():
    with pytest.raises(ValueError, match="Received: temporal='transformer'"):
        frame_encoder(small_cnn(), temporal="transformer")
