"""Games between networks: who learns from whom, what the value at the optimum is, and what comes back from disk."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from scipy.spatial.distance import jensenshannon

from mmlib.models.generation import ConditionalGAN
from mmlib.models.representation import adversarial_alignment

RNG = np.random.default_rng(0)
JUDGED = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def encoder(inputs=5, dim=3):
    return keras.Sequential([keras.Input((inputs,)), layers.Dense(4, "tanh"), layers.Dense(dim)])


def judge(dim=3, modalities=2):
    return keras.Sequential([keras.Input((dim,)), layers.Dense(6, "tanh"), layers.Dense(modalities)], name="judge")


def aligned(strength=0.7):
    keras.utils.set_random_seed(3)
    return adversarial_alignment({"text": encoder(6), "image": encoder(5)}, judge(), strength)


INPUTS = {"image": RNG.normal(size=(7, 5)).astype("float32"), "text": RNG.normal(size=(7, 6)).astype("float32")}
TARGETS = np.tile([0, 1], (7, 1))


def domain_loss(model):
    """The mean -log probability of the true modality, in NumPy: image comes before text."""
    logits = keras.ops.convert_to_numpy(model(INPUTS)["modality"]).astype("float64")
    log_probs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return -(log_probs[:, 0, 0] + log_probs[:, 1, 1]).mean() / 2


def gradients(model):
    with tf.GradientTape() as tape:
        loss = JUDGED(TARGETS, model(INPUTS)["modality"])
    weights = model.trainable_variables
    return float(loss), dict(
        zip([w.path for w in weights], tape.gradient(loss, [w.value for w in weights]), strict=True)
    )


def slope(model, weight, step=1e-2):
    """A finite difference of the loss in the first entry of a weight."""
    values, start = [], weight.numpy()
    for sign in (1, -1):
        moved = start.copy()
        moved.flat[0] += sign * step
        weight.assign(moved)
        values.append(domain_loss(model))
    weight.assign(start)
    return (values[0] - values[1]) / (2 * step)


@pytest.mark.parametrize("strength", [0.0, 0.7, 2.0])
def test_the_judge_descends_and_the_encoders_climb_what_finite_differences_find(strength):
    model = aligned(strength)
    loss, found = gradients(model)
    assert loss == pytest.approx(domain_loss(model), rel=1e-5)
    for weight in model.trainable_variables:
        sign = 1 if "judge" in weight.path else -strength
        assert found[weight.path].numpy().flat[0] == pytest.approx(sign * slope(model, weight), abs=2e-4), weight.path


def test_strength_zero_trains_the_judge_and_leaves_the_encoders_alone():
    model = aligned(0.0)
    before = {weight.path: weight.numpy() for weight in model.trainable_variables}
    model.compile(keras.optimizers.SGD(0.5), loss={"modality": JUDGED})
    model.fit(INPUTS, {"modality": TARGETS}, epochs=3, verbose=0)
    for weight in model.trainable_variables:
        assert np.array_equal(weight.numpy(), before[weight.path]) == ("judge" not in weight.path), weight.path


def test_a_judge_that_sees_no_difference_pays_log_m():
    keras.utils.set_random_seed(1)
    shared, points = encoder(5), INPUTS["image"]
    model = adversarial_alignment(dict.fromkeys("abc", shared), judge(modalities=3))
    model.compile(keras.optimizers.Adam(0.05), loss={"modality": JUDGED})
    points, targets = np.tile(points, (150, 1)), np.tile([0, 1, 2], (1050, 1))
    model.fit(dict.fromkeys("abc", points), {"modality": targets}, batch_size=7, shuffle=False, verbose=0)
    logits = model(dict.fromkeys("abc", points[:7]))["modality"]
    assert float(JUDGED(targets[:7], logits)) == pytest.approx(np.log(3), abs=5e-3)
    assert len({id(w) for w in model.trainable_variables}) == 8  # one encoder, one judge


def test_alignment_comes_back_from_disk_and_names_its_parts(tmp_path):
    model = aligned()
    out = {key: value.numpy() for key, value in model(INPUTS).items()}
    assert {key: value.shape for key, value in out.items()} == {
        "image": (7, 3), "text": (7, 3), "modality": (7, 2, 2)
    }  # fmt: skip
    np.testing.assert_allclose(model.get_layer("text_encoder")(INPUTS["text"]), out["text"], atol=1e-6)
    np.testing.assert_allclose(model.get_layer("judge")(out["text"]), out["modality"][:, 1], atol=1e-6)
    model.save(tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras")
    for key, value in back(INPUTS).items():
        np.testing.assert_array_equal(value, out[key])
    assert back.get_layer("reversal").strength == 0.7


def test_alignment_refuses_what_cannot_be_aligned():
    with pytest.raises(ValueError, match="two or more"):
        adversarial_alignment({"image": encoder()}, judge())
    with pytest.raises(ValueError, match="two or more"):
        adversarial_alignment({"image": encoder(), "modality": encoder()}, judge())
    with pytest.raises(ValueError, match="one and the same D"):
        adversarial_alignment({"image": encoder(dim=3), "text": encoder(dim=4)}, judge())
    with pytest.raises(ValueError, match="a logit for each modality"):
        adversarial_alignment({"image": encoder(), "text": encoder()}, judge(modalities=1))


def constant(values):
    return keras.initializers.Constant(np.asarray(values, "float32")[:, None])


def spelling_gan(letters, **options):
    """Label i asks for letters[i], a number from 0 to 3; the discriminator has a free score for each letter."""
    label, noise = keras.Input((), name="label", dtype="int32"), keras.Input((2,), name="noise")
    asked = layers.Embedding(len(letters), 1, embeddings_initializer=constant(letters))(label)
    drawn = layers.Add()([asked, layers.Dense(1, kernel_initializer="zeros", use_bias=False)(noise)])
    image = keras.Input((1,), name="image")
    score = layers.Flatten()(layers.Embedding(4, 1, embeddings_initializer="zeros", name="scores")(image))
    nothing = layers.Embedding(len(letters), 1, embeddings_initializer="zeros", trainable=False)(label)
    discriminator = keras.Model({"image": image, "label": label}, layers.Add()([score, nothing]))
    return ConditionalGAN(keras.Model({"label": label, "noise": noise}, drawn), discriminator, **options)


def test_the_trained_discriminator_is_log_p_over_q_and_its_loss_is_the_jensen_shannon_divergence():
    p, q = np.array([0.5, 0.25, 0.125, 0.125]), np.array([0.125, 0.25, 0.5, 0.125])
    real, drawn = (np.repeat(np.arange(4), (64 * weights).astype(int)) for weights in (p, q))
    gan = spelling_gan(drawn)
    gan.compile(discriminator_optimizer=keras.optimizers.Adam(0.1))
    step = tf.function(gan.discriminator_step)
    for _ in range(300):
        gan.reset_metrics()
        loss = step(real[:, None].astype("float32"), np.arange(64))
    np.testing.assert_allclose(gan.discriminator.get_layer("scores").get_weights()[0][:, 0], np.log(p / q), atol=1e-3)
    assert 2 * float(loss) == pytest.approx(np.log(4) - 2 * jensenshannon(p, q) ** 2, abs=1e-4)


def test_where_real_and_drawn_are_alike_the_two_terms_of_the_discriminator_cost_log_4():
    gan = spelling_gan(np.arange(4))
    gan.compile(discriminator_optimizer=keras.optimizers.Adam(0.1))
    gan.discriminator.get_layer("scores").set_weights([RNG.normal(size=(4, 1))])
    step = tf.function(gan.discriminator_step)
    for _ in range(200):
        gan.reset_metrics()
        loss = step(np.arange(4.0, dtype="float32")[:, None], np.arange(4))
    assert 2 * float(loss) == pytest.approx(np.log(4), abs=1e-4)


def small_gan(seed=5):
    keras.utils.set_random_seed(2)
    label, noise = keras.Input((), name="label", dtype="int32"), keras.Input((3,), name="noise")
    both = layers.Concatenate()([noise, layers.Embedding(4, 2)(label)])
    drawn = layers.Reshape((2, 2, 1))(layers.Dense(4, "sigmoid")(layers.Dense(5, "tanh")(both)))
    image = keras.Input((2, 2, 1), name="image")
    both = layers.Concatenate()([layers.Flatten()(image), layers.Embedding(4, 2)(label)])
    verdict = layers.Dense(1)(layers.Dense(5, "tanh")(both))
    return ConditionalGAN(
        keras.Model({"label": label, "noise": noise}, drawn),
        keras.Model({"image": image, "label": label}, verdict),
        seed=seed,
    )


IMAGES, LABELS = RNG.random((6, 2, 2, 1)).astype("float32"), np.array([0, 1, 2, 3, 0, 1])


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_step_of_one_player_touches_only_that_player(player):
    gan = small_gan()
    gan.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5))
    before = {name: getattr(gan, name).get_weights() for name in ("generator", "discriminator")}
    gan.discriminator_step(IMAGES, LABELS) if player == "discriminator" else gan.generator_step(LABELS)
    for name, weights in before.items():
        moved = [not np.array_equal(a, b) for a, b in zip(weights, getattr(gan, name).get_weights(), strict=True)]
        assert all(moved) if name == player else not any(moved), name


def test_losses_and_gradients_of_the_players_equal_the_equations():
    gan = small_gan()
    gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))

    def losses():
        gan.seeds.state.assign([5, 0])  # the same noise again
        drawn = gan._draw(tf.constant(LABELS), training=True).numpy()
        real, fake = (
            1 / (1 + np.exp(-gan.discriminator({"image": x, "label": LABELS}).numpy())) for x in (IMAGES, drawn)
        )
        return {"discriminator": -(np.log(real) + np.log(1 - fake)).mean() / 2, "generator": -np.log(fake).mean()}

    for player, step in (
        ("discriminator", lambda: gan.discriminator_step(IMAGES, LABELS)),
        ("generator", lambda: gan.generator_step(LABELS)),
    ):
        weight = getattr(gan, player).trainable_variables[-1]
        start, values = weight.numpy(), []
        for sign in (1, -1):
            weight.assign(start + sign * 1e-2 * np.eye(1, start.size)[0])
            values.append(losses()[player])
        weight.assign(start)
        expected = losses()[player]
        gan.seeds.state.assign([5, 0])
        assert float(step()) == pytest.approx(expected, rel=1e-5)
        # with a learning rate of 1 the step is minus the gradient
        assert start[0] - weight.numpy()[0] == pytest.approx((values[0] - values[1]) / 2e-2, rel=1e-3)


def test_fit_plays_both_and_samples_repeat():
    gan = small_gan()
    gan.compile("adam", "adam")
    history = gan.fit(IMAGES, LABELS, batch_size=3, epochs=2, verbose=0).history
    assert set(history) == {"discriminator_loss", "generator_loss"}
    assert int(gan.generator_optimizer.iterations) == int(gan.discriminator_optimizer.iterations) == 4
    some = gan.sample([3, 0, 3], seed=1)
    np.testing.assert_array_equal(some, gan.sample([3, 0, 3], seed=1))
    np.testing.assert_allclose(some, gan.sample([3, 0, 3], seed=1, batch_size=2), atol=1e-6)
    assert np.abs(some[0] - some[2]).max() > 1e-4  # the same label, other noise
    assert np.abs(some - gan.sample([3, 0, 3], seed=2)).max() > 1e-4
    noise = np.random.default_rng(1).normal(size=(3, 3)).astype("float32")
    np.testing.assert_allclose(gan({"label": np.array([3, 0, 3]), "noise": noise}), some, atol=1e-6)


def test_a_gan_comes_back_from_disk_and_goes_on_as_if_never_saved(tmp_path):
    gan = small_gan(seed=9)
    gan.compile(keras.optimizers.Adam(0.02, beta_1=0.5), keras.optimizers.RMSprop(0.03))
    gan.fit(IMAGES, LABELS, batch_size=6, epochs=3, verbose=0)
    gan.save(tmp_path / "gan.keras")
    back = keras.saving.load_model(tmp_path / "gan.keras")
    assert back.seed == 9 and isinstance(back.discriminator_optimizer, keras.optimizers.RMSprop)
    np.testing.assert_array_equal(back.sample([0, 1, 2], seed=4), gan.sample([0, 1, 2], seed=4))
    for each in (gan, back):
        each.seeds.state.assign([1, 2])  # Keras does not store where a generator of random numbers stands
        each.fit(IMAGES, LABELS, batch_size=6, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(back.sample([0, 1, 2], seed=4), gan.sample([0, 1, 2], seed=4), atol=1e-6)


def test_a_gan_refuses_parts_that_do_not_fit():
    gan = small_gan()
    with pytest.raises(ValueError, match="must take"):
        ConditionalGAN(gan.discriminator, gan.generator)
    image, label = keras.Input((3,), name="image"), keras.Input((), name="label", dtype="int32")
    wide = layers.Concatenate()([image, layers.Embedding(4, 2)(label)])
    for verdict, shape in ((layers.Dense(1)(wide), "Received: images"), (layers.Dense(2)(wide), "returns")):
        with pytest.raises(ValueError, match=shape):
            ConditionalGAN(gan.generator, keras.Model({"image": image, "label": label}, verdict))
