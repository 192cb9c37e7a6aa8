"""Text to image: shifts against Fourier, codes against renderings, flows with known ends, guidance, saving, errors."""

import keras
import numpy as np
import pytest
from keras import ops

from mmlib import text
from mmlib.data import scenes as world
from mmlib.encoders.text import bag_of_words_encoder
from mmlib.models.picture_code import PictureCode, shift_matrix
from mmlib.models.text_to_image import TextToImage, TimeCode, integrate, velocity_network

WORDS = ["red", "blue"]


def pictures(number=300, seed=0, size=16):
    scenes = world.sample_scenes(number, np.random.default_rng(seed), 1)
    return world.render(scenes, size).astype("float32") / 255


def model(dim=2, painter=None, **options):
    keras.utils.set_random_seed(0)
    tokenizer = text.make_tokenizer(WORDS, 3)
    return TextToImage(tokenizer, bag_of_words_encoder(5, 8), velocity_network(dim, 8, 32, 1), painter, **options)


@pytest.mark.parametrize("shift", [0.0, 3.0, -2.25, 0.5, 31.9, 1e-7])
def test_a_shift_is_a_phase_in_the_fourier_domain(shift):
    row, frequency = np.random.default_rng(0).normal(size=32), np.fft.fftfreq(32)
    phase = np.exp(-2j * np.pi * frequency * shift) * (np.abs(frequency) < 0.5)
    wanted = np.fft.ifft(np.fft.fft(row) * phase).real
    got = np.array(shift_matrix(np.array([shift], "float32"), 32))[0] @ row
    np.testing.assert_allclose(got, wanted, atol=2e-4)


def test_a_code_paints_unseen_pictures_and_its_first_numbers_say_where():
    painter = PictureCode(12, size=16)
    painter.adapt(pictures())
    codes = painter.encode(pictures())
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(codes[:, :6].std(axis=0), 1, atol=1e-3)
    raw = (codes * np.array(painter.scale))[:, 5:].std(axis=0)
    np.testing.assert_allclose(codes[:, 5:].std(axis=0), np.sqrt(raw / raw[0]), rtol=1e-2)  # the root of their share
    assert raw[-1] < 0.5 * raw[0]
    scenes = world.sample_scenes(50, np.random.default_rng(9), 1)
    scenes["shape"][:, 0] = 0  # circles: the centre of mass is the centre
    real = world.render(scenes, 16).astype("float32") / 255
    code = painter.encode(real)
    assert np.abs(np.array(painter(code)) - real).mean() < 0.01
    where = code[:, :2] * np.array(painter.scale)[:2] + np.array(painter.offset)[:2]
    np.testing.assert_allclose(where[:, 0] + 0.5, scenes["x"][:, 0], atol=0.005)
    np.testing.assert_allclose(where[:, 1] + 0.5, scenes["y"][:, 0], atol=0.005)


def test_what_leaves_the_picture_at_one_edge_does_not_come_in_at_the_other():
    painter = PictureCode(12, size=16)
    painter.adapt(pictures())
    code = painter.encode(pictures(20, seed=5))
    centre = (code[:, 0] * 0 + 0.5 - np.array(painter.offset)[0]) / np.array(painter.scale)[0]
    code[:, 0] = centre  # half a width to the right of the middle: on the edge
    drawn = np.abs(np.array(painter(code)) - np.array(painter.paper)).max(axis=-1)
    assert drawn[:, :, -2:].max(axis=(1, 2)).min() > 0.3  # half of each object is seen
    assert drawn[:, :, :5].max() < 0.1


def test_an_odd_size_paints_too():
    painter = PictureCode(8, size=15)
    painter.adapt(pictures(size=15))
    real = pictures(30, seed=4, size=15)
    assert np.abs(np.array(painter(painter.encode(real))) - real).mean() < 0.02


def test_time_code_is_sines_then_cosines():
    got = np.array(TimeCode(3)(ops.convert_to_tensor([[0.25]])))
    angles = np.pi * 0.25 * np.array([1, 2, 3])
    np.testing.assert_allclose(got[0], [*np.sin(angles), *np.cos(angles)], atol=1e-6)


def test_integrate_is_compound_interest():
    np.testing.assert_allclose(integrate(lambda x, t: x, np.ones(1), 10), 1.1**10)
    np.testing.assert_allclose(integrate(lambda x, t: t, np.zeros(1), 4), (0 + 0.25 + 0.5 + 0.75) / 4)


def test_loss_of_a_velocity_of_zero_is_the_mean_square_of_the_line():
    # the last layer starts at zero; E |x_1 - x_0|² / D = 1 + mean of x_1²
    flow, codes = model(seed=0), np.full((20000, 2), 3.0, "float32")
    sentences = ops.zeros((20000, 8))
    assert abs(float(flow.compute_loss(None, ops.convert_to_tensor(codes), sentences)) - 10) < 0.2


def test_training_stands_at_the_noise_when_time_is_zero_and_at_the_code_when_it_is_one():
    # with v(x, t) = t x and codes far larger than the noise: E (t · t y - y)² = y² ∫ (t² - 1)² dt = 8/15 y²;
    # were the two ends exchanged, it would be y² ∫ (t - t² - 1)² dt = 7/10 y²
    flow, codes = model(seed=0), np.full((20000, 2), 1000.0, "float32")
    inputs = {key: keras.Input((size,), name=key) for key, size in {"code": 2, "time": 1, "text": 8}.items()}
    flow.velocity = keras.Model(inputs, inputs["code"] * inputs["time"])
    loss = float(flow.compute_loss(None, ops.convert_to_tensor(codes), ops.zeros((20000, 8))))
    assert abs(loss / 1000**2 - 8 / 15) < 0.01


def test_training_drops_a_quarter_of_the_sentences_and_drawing_none():
    flow = model(drop=0.25, seed=0)
    tokens = ops.repeat(flow.tokenizer(["red"]), 8000, axis=0)
    nothing = np.array(flow(flow.tokenizer([""])))
    assert np.abs(np.array(flow(tokens)) - nothing).max(axis=1).min() > 0
    dropped = np.abs(np.array(flow(tokens, training=True)) - nothing).max(axis=1) == 0
    assert abs(dropped.mean() - 0.25) < 0.02  # four standard errors


def test_velocity_network_is_its_equation_and_starts_at_rest():
    rng, network = np.random.default_rng(0), velocity_network(3, 4, width=6, depth=2)
    x, t, c = (rng.normal(size=(5, size)).astype("float32") for size in (3, 1, 4))
    inputs = {"code": x, "time": t, "text": c}
    assert np.all(np.array(network(inputs)) == 0)
    network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])

    def affine(name, value):
        kernel, bias = network.get_layer(name).get_weights()
        return value @ kernel + bias

    def silu(value):
        return value / (1 + np.exp(-value))

    angles = np.pi * t * np.arange(1, 5)
    told = affine("sentence", c) + affine("clock", np.hstack([np.sin(angles), np.cos(angles)]))
    h, told = affine("read", x) + told, silu(told)
    for i in range(2):
        gain, bias = network.get_layer(f"norm_{i}").get_weights()
        deviation = np.sqrt(h.var(axis=1, keepdims=True) + network.get_layer(f"norm_{i}").epsilon)
        normed = gain * (h - h.mean(axis=1, keepdims=True)) / deviation + bias
        kernel, bias = network.get_layer(f"film_{i}").get_weights()
        stretch, shift = np.split(told @ kernel + bias, 2, axis=1)
        h = h + affine(f"narrow_{i}", silu(affine(f"wide_{i}", (1 + stretch) * normed + shift)))
    np.testing.assert_allclose(np.array(network(inputs)), affine("move", silu(h)), rtol=1e-3, atol=1e-3)


def test_learns_which_word_means_what_and_nothing_from_shuffled_pairs():
    rng = np.random.default_rng(0)
    which = rng.integers(2, size=4096)
    codes = (np.array([[2.0, 0.0], [-2.0, 1.0]])[which] + 0.3 * rng.normal(size=(4096, 2))).astype("float32")
    share = {}
    for name, order in (("pairs", np.arange(4096)), ("shuffled", rng.permutation(4096))):
        flow = model(drop=0.2, seed=1)
        flow.compile(keras.optimizers.Adam(5e-3))
        flow.fit(flow.tokenizer([WORDS[i] for i in which[order]]), codes, epochs=8, batch_size=128, verbose=0)
        drawn = flow.sample(["red"] * 200, seed=2)
        share[name] = (drawn[:, 0] > 0).mean()
        if name == "pairs":
            assert np.abs(drawn.mean(axis=0) - [2, 0]).max() < 0.4
            free = (flow.sample(["red"] * 200, seed=2, guidance=0.0)[:, 0] > 0).mean()
            assert 0.25 < free < 0.75  # without listening, both
    assert share["pairs"] > 0.97 and 0.25 < share["shuffled"] < 0.75


def test_guidance_is_the_line_through_two_velocities():
    flow = model(seed=0)
    flow.velocity.set_weights([np.random.default_rng(1).normal(size=w.shape) for w in flow.velocity.get_weights()])
    x, told, free = ops.ones((3, 2)), ops.ones((3, 8)), ops.zeros((3, 8))

    def at(w):
        return np.array(flow.guided_velocity(x, 0.3, told, free, w))

    np.testing.assert_allclose(at(0), np.array(flow.velocity({"code": x, "time": ops.full((3, 1), 0.3), "text": free})))
    np.testing.assert_allclose(at(1), np.array(flow.velocity({"code": x, "time": ops.full((3, 1), 0.3), "text": told})))
    np.testing.assert_allclose(at(3), 3 * at(1) - 2 * at(0), rtol=1e-4)
    assert np.abs(at(1) - at(0)).max() > 1e-3


@pytest.mark.parametrize(("number", "guidance", "steps"), [(3, 2.0, 5), (2, 0.5, 7), (4, 1.0, 4), (4, 0.0, 4)])
def test_drawing_takes_the_steps_of_the_equation(number, guidance, steps):
    flow, texts = model(seed=0), (WORDS * 4)[:number]
    for seed in (1, 2):  # what was compiled for the first weights must follow the second
        rng = np.random.default_rng(seed)
        for part in (flow.velocity, flow.text_encoder):
            part.set_weights([0.3 * rng.normal(size=w.shape) for w in part.get_weights()])
        told, free = (np.array(flow.text_encoder(flow.tokenizer(each))) for each in (texts, [""] * number))
        x = np.random.default_rng(6).normal(size=(number, 2)).astype("float32")
        for i in range(steps):
            time = np.full((number, 1), i / steps, "float32")
            led, alone = (np.array(flow.velocity({"code": x, "time": time, "text": text})) for text in (told, free))
            x = x + (alone + guidance * (led - alone)) / steps
        np.testing.assert_allclose(flow.sample_codes(texts, 6, guidance, steps), x, rtol=1e-4, atol=1e-4)


def test_same_seed_same_picture_and_a_model_comes_back_from_its_file(tmp_path):
    painter = PictureCode(3, size=16)
    painter.adapt(pictures())
    flow = model(8, painter, drop=0.3, seed=4)
    flow.velocity.set_weights(
        [0.1 * np.random.default_rng(1).normal(size=w.shape) for w in flow.velocity.get_weights()]
    )
    drawn = flow.sample(["red", "blue"], seed=3, guidance=2.0, steps=7)
    assert drawn.shape == (2, 16, 16, 3) and drawn.min() >= 0 and drawn.max() <= 1
    np.testing.assert_array_equal(drawn, flow.sample(["red", "blue"], seed=3, guidance=2.0, steps=7))
    assert np.abs(drawn - flow.sample(["red", "blue"], seed=5, guidance=2.0, steps=7)).max() > 0.01
    flow.save(tmp_path / "flow.keras")
    again = keras.models.load_model(tmp_path / "flow.keras")
    np.testing.assert_allclose(again.sample(["red", "blue"], seed=3, guidance=2.0, steps=7), drawn, atol=1e-5)
    assert (again.drop, again.seed, again.painter.num_components) == (0.3, 4, 3)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda: model().sample("red", seed=0), "Received: 'red'"),
        (lambda: model().sample([], seed=0), r"Received: \[\]"),
        (lambda: model().sample(["red"], seed=0, steps=0), "Received: steps=0"),
        (lambda: model(drop=1.0), "Received: drop=1.0"),
        (
            lambda: TextToImage(
                text.make_tokenizer(WORDS, 3), bag_of_words_encoder(5, 9), velocity_network(2, 8, 16, 1)
            ),
            r"sentences of \(9,\)",
        ),
        (lambda: shift_matrix(np.zeros(1, "float32"), 15), "even. Received: size=15"),
        (lambda: PictureCode(3, size=16).adapt(np.zeros((4, 8, 8, 3))), r"Received: shape \(4, 8, 8, 3\)"),
        (lambda: PictureCode(3, size=16).adapt(np.ones((4, 16, 16, 3))), "an empty picture, number 0"),
    ],
)
def test_errors_say_what_was_received(action, words):
    with pytest.raises(ValueError, match=words):
        action()
