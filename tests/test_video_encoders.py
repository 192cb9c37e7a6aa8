"""Clips to vectors: who knows the order of the frames, what padding may do, and a convolution in three dimensions."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import stats

from mmlib import plots
from mmlib.data.scene_clips import beep, sample_turns
from mmlib.encoders.image import cnn_encoder
from mmlib.encoders.video import Convolution3D, conv3d_encoder, frame_encoder

RNG = np.random.default_rng(0)
REAL = (np.arange(5) < [[3], [5]]).astype("float32")[..., None, None, None]
CLIP = RNG.uniform(0.1, 1, (2, 5, 8, 8, 3)).astype("float32") * REAL
ENCODERS = {
    "mean": lambda **o: frame_encoder(eye(), 6, "mean", **o),
    "lstm": lambda **o: frame_encoder(eye(), 6, "lstm", **o),
    "convolution": lambda **o: frame_encoder(eye(), 6, "convolution", **o),
    "attention": lambda **o: frame_encoder(eye(), 6, "attention", num_heads=3, **o),
    "attention, no codes": lambda **o: frame_encoder(eye(), 6, "attention", num_heads=2, time_codes=False, **o),
    "conv3d": lambda **o: conv3d_encoder((8, 8, 3), 6, (4, 5), **o),
    "conv3d, flat": lambda **o: conv3d_encoder((8, 8, 3), 6, (4, 5), time_strides=1, pooling="flatten", **o),
}
BLIND = ("mean", "attention, no codes")
every_encoder = pytest.mark.parametrize("name", ENCODERS)


def eye():
    return cnn_encoder((8, 8, 3), dim=6, filters=(4, 5))


def build(name, **options):
    """An encoder whose weights have left their starting values."""
    encoder = ENCODERS[name](**options)
    for weight in encoder.weights:
        weight.assign(weight + 0.3 * RNG.normal(size=weight.shape).astype("float32"))
    return encoder


def run(encoder, x):
    return keras.ops.convert_to_numpy(encoder(x))


def padded(x, extra):
    return np.pad(x, [(0, 0), (0, extra)] + [(0, 0)] * (x.ndim - 2))


@every_encoder
def test_black_frames_behind_a_clip_change_nothing(name):
    encoder = build(name)
    out = run(encoder, CLIP)
    for extra in (1, 2, 6):
        np.testing.assert_allclose(run(encoder, padded(CLIP, extra)), out, atol=2e-6)
    np.testing.assert_allclose(run(encoder, CLIP[:1, :3]), out[:1], atol=2e-6)
    assert np.abs(out[0] - out[1]).max() > 1e-2


@every_encoder
def test_moments_carry_a_mask_and_their_summary_is_the_vector(name):
    sequence, vector = build(name, return_sequences=True), ENCODERS[name]()
    vector.set_weights(sequence.get_weights())
    for x in (CLIP, padded(CLIP, 4)):
        moments = sequence(x)
        mask = np.array(moments._keras_mask)
        assert mask.shape == moments.shape[:2]
        pick = {"lstm": lambda row: row[-1], "convolution": lambda row: row.max(axis=0)}
        pick = pick.get(name, lambda row: row.mean(axis=0))
        expected = [pick(row[real]) for row, real in zip(np.array(moments), mask, strict=True)]
        np.testing.assert_allclose(run(vector, x), expected, atol=1e-5)


@every_encoder
def test_only_those_without_a_sense_of_time_are_blind_to_it(name):
    encoder, clip = build(name), CLIP[1:]
    out = run(encoder, clip)
    for order in ([4, 3, 2, 1, 0], [2, 0, 4, 1, 3]):
        difference = np.abs(run(encoder, clip[:, order]) - out).max()
        assert difference < 1e-5 if name in BLIND else difference > 1e-2
    assert np.abs(run(encoder, np.roll(clip, 3, axis=3)) - out).max() > 1e-3  # but not to what the frames show


@every_encoder
def test_each_weight_gets_a_gradient_and_an_empty_clip_none_that_is_nan(name):
    encoder = build(name)
    for x, empty in ((CLIP, False), (np.zeros_like(CLIP), True)):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(encoder(x) * RNG.normal(size=(2, 6)))
        gradients = tape.gradient(loss, [v.value for v in encoder.trainable_variables])
        for variable, gradient in zip(encoder.trainable_variables, gradients, strict=True):
            if variable.path.endswith("key/bias") or (empty and gradient is None):
                continue  # the keys' bias shifts all scores of a query alike
            size = np.abs(tf.convert_to_tensor(gradient)).max()
            assert np.isfinite(size) and (empty or size > 1e-7), variable.path


@every_encoder
def test_encoders_come_back_from_disk(name, tmp_path):
    encoder = build(name)
    encoder.save(tmp_path / "encoder.keras")
    back = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(run(back, CLIP), run(encoder, CLIP))
    np.testing.assert_allclose(run(back, padded(CLIP, 3)), run(encoder, CLIP), atol=2e-6)


def test_frames_may_be_features_instead_of_pictures():
    project = keras.Sequential([keras.Input((7,)), keras.layers.Dense(6)])
    encoder = frame_encoder(project, 6, "lstm")
    features = -RNG.random((2, 5, 7)).astype("float32")  # negative numbers are no padding
    out = run(encoder, features)
    np.testing.assert_allclose(run(encoder, padded(features, 2)), out, atol=1e-6)
    assert np.abs(run(encoder, features[:, ::-1]) - out).max() > 1e-3


@pytest.mark.parametrize(("time_strides", "strides", "frames"), [(1, 1, 4), (1, 2, 5), (2, 2, 5), (2, 2, 6), (3, 1, 7)])
def test_convolution3d_is_the_convolution_of_keras(time_strides, strides, frames):
    x = RNG.normal(size=(2, frames, 8, 6, 3)).astype("float32")
    ours = Convolution3D(4, time_strides, strides)
    y = run(ours, x)
    theirs = keras.layers.Conv3D(4, 3, (time_strides, strides, strides), padding="valid")
    edge = (1, 1) if strides == 1 else (0, 1)  # "same", for an even number of pixels
    wide = np.pad(x, [(0, 0), (1, 1), edge, edge, (0, 0)])
    theirs.build(wide.shape)
    theirs.set_weights([np.array(ours.kernel.value), RNG.normal(size=4)])
    ours.bias.assign(theirs.bias)
    y = run(ours, x)
    np.testing.assert_allclose(y, theirs(wide), atol=1e-4)
    assert y.shape[1:] == (-(-frames // time_strides), 8 // strides, 6 // strides, 4)


def test_convolution3d_of_one_moment_by_a_loop():
    x = RNG.normal(size=(1, 3, 3, 3, 2)).astype("float32")
    layer = Convolution3D(1, strides=1)
    middle = run(layer, x)[0, 1, 1, 1, 0]
    kernel = np.array(layer.kernel)
    slow = sum(
        x[0, f, h, w, c] * kernel[f, h, w, c, 0] for f in range(3) for h in range(3) for w in range(3) for c in range(2)
    )
    np.testing.assert_allclose(middle, slow, atol=1e-5)


def test_a_filter_that_subtracts_frames_sees_motion_and_its_reverse_with_the_other_sign():
    clip = np.zeros((1, 4, 4, 8, 1), "float32")
    for t in range(4):
        clip[0, t, :, 2 * t : 2 * t + 2] = 1
    layer = Convolution3D(1, strides=1)
    layer(clip)
    kernel = np.zeros((3, 3, 3, 1, 1), "float32")
    kernel[0, 1, 1], kernel[2, 1, 1] = -1, 1  # the frame behind minus the frame before
    layer.kernel.assign(kernel)
    forwards, backwards = run(layer, clip)[0, 1:3], run(layer, clip[:, ::-1])[0, 1:3]
    np.testing.assert_allclose(backwards, -forwards[::-1], atol=1e-6)
    assert np.abs(forwards).max() == 1
    still = np.repeat(clip[:, :1], 4, axis=1)
    assert np.abs(run(layer, still)[0, 1:3]).max() == 0


def test_unknown_choices_are_named():
    with pytest.raises(ValueError, match=r"`temporal` must be one of .*attention.* Received: temporal='transformer'"):
        frame_encoder(eye(), temporal="transformer")
    with pytest.raises(ValueError, match=r'`pooling` must be "mean" or "flatten"\. Received: pooling=.max.'):
        conv3d_encoder(pooling="max")


def test_a_film_plays_from_its_own_bytes():
    frames = np.stack([np.full((4, 6, 3), 40 * t, "uint8") for t in range(5)])
    shown = plots.play_video(frames, frames_per_second=4, width=12)
    film = Image.open(io.BytesIO(shown.data))
    assert (film.n_frames, film.size, film.info["loop"]) == (5, (12, 8), 0)
    for t in range(5):
        film.seek(t)
        assert film.info["duration"] == 250
        assert set(np.unique(np.asarray(film.convert("RGB")))) == {40 * t}


def test_things_that_turn_do_so_once_and_films_and_their_reverses_are_alike():
    scenes, way, colours, when = sample_turns(4000, np.random.default_rng(0), changing=0.7)
    shown = scenes["colour"][:, :, 0]
    assert np.array_equal(shown[:, 0], colours[:, 0]) and np.array_equal(shown[:, -1], colours[:, 1])
    turns = (np.diff(shown, axis=1) != 0).sum(axis=1)
    np.testing.assert_array_equal(turns, colours[:, 0] != colours[:, 1])
    one = np.flatnonzero(turns)
    np.testing.assert_array_equal(np.diff(shown, axis=1).astype(bool).argmax(axis=1)[one] + 1, when[one])
    assert stats.binomtest(int(turns.sum()), 4000, 0.7).pvalue > 1e-3
    assert stats.chisquare(np.bincount(when, minlength=8)[1:]).pvalue > 1e-3  # 1 … F - 1: reversal maps w to F - w
    pairs = np.bincount(colours[one] @ [6, 1], minlength=36).reshape(6, 6)
    assert (np.diag(pairs) == 0).all() and stats.chisquare(pairs[~np.eye(6, dtype=bool)]).pvalue > 1e-3
    for axis, directions in (("x", (0, 1)), ("y", (2, 3))):
        step = (scenes[axis][:, 1, 0] - scenes[axis][:, 0, 0] + 0.5) % 1 - 0.5
        np.testing.assert_array_equal(np.abs(step) > 0.01, np.isin(way, directions))
        assert (np.sign(step[way == directions[0]]) == -1).all() and (np.sign(step[way == directions[1]]) == 1).all()


def test_a_beep_is_loud_in_its_frame_and_nowhere_else():
    when = np.arange(8).repeat(5)
    waves = beep(when, np.random.default_rng(0))
    assert waves.shape == (40, 8000) and np.abs(waves).max() <= 1
    energy = np.square(waves.reshape(40, 8, 1000)).mean(axis=2)
    np.testing.assert_array_equal(energy.argmax(axis=1), when)
    others = np.where(np.arange(8) == when[:, None], 0, energy)
    assert others.max() < 0.05 * energy.max(axis=1).min()
    assert len(set(np.abs(np.fft.rfft(waves)).argmax(axis=1))) > 20  # each has a pitch of its own


def test_turns_and_beeps_name_what_is_wrong():
    with pytest.raises(ValueError, match=r"`changing` must be a probability\. Received: changing=2"):
        sample_turns(3, np.random.default_rng(0), changing=2)
    with pytest.raises(ValueError, match=r"`when` must lie in 0 … 7\. Received: 1 … 8"):
        beep([1, 8], np.random.default_rng(0))
