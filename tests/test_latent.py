"""Latent codes: sampling, products and mixtures of experts, decoders, multimodal VAE, cross-modal autoencoder."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from scipy import stats

from mmlib.decoders import image_decoder, spectrogram_decoder
from mmlib.layers.latent import GaussianSampling, MixtureOfExperts, ProductOfExperts
from mmlib.models.latent import MultimodalVAE
from mmlib.models.representation import cross_modal_autoencoder

RNG = np.random.default_rng(0)


def array(tensor):
    return ops.convert_to_numpy(tensor)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def opinions(rows=4, width=3, names="abc"):
    return {n: normal(rows, width) for n in names}, {n: 0.5 * normal(rows, width) for n in names}


def dense(inputs, outputs, hidden=None):
    stack = [layers.Dense(hidden, activation="tanh")] if hidden else []
    return keras.Sequential([keras.Input((inputs,)), *stack, layers.Dense(outputs)])


# --- layers


def test_draws_have_the_mean_and_variance_that_were_asked_for():
    mean, log_var = np.array([[1.0, -2.0]], "float32"), np.log(np.array([[0.25, 9.0]], "float32"))
    draws = array(GaussianSampling(seed=3)(np.repeat(mean, 40_000, 0), np.repeat(log_var, 40_000, 0)))
    np.testing.assert_allclose(draws.mean(0), mean[0], atol=0.06)
    np.testing.assert_allclose(draws.var(0), [0.25, 9.0], rtol=0.03)
    assert abs(np.corrcoef(draws.T)[0, 1]) < 0.03


def test_gradients_pass_through_a_draw_as_the_formula_says():
    mean, log_var = tf.Variable(normal(5, 2)), tf.Variable(normal(5, 2))
    with tf.GradientTape() as tape:
        z = GaussianSampling(seed=1)(mean + 0, log_var + 0)
        total = tf.reduce_sum(z)
    to_mean, to_log_var = tape.gradient(total, [mean, log_var])
    np.testing.assert_allclose(to_mean, np.ones((5, 2)))
    np.testing.assert_allclose(to_log_var, (z - mean) / 2, atol=1e-5)  # dz/dlog_var = ½ exp(log_var / 2) ε


def test_a_seed_repeats_and_two_calls_differ():
    zeros = np.zeros((3, 2), "float32")
    layer, again = GaussianSampling(seed=5), GaussianSampling(seed=5)
    first, second = array(layer(zeros, zeros)), array(layer(zeros, zeros))
    np.testing.assert_array_equal(array(again(zeros, zeros)), first)
    assert np.abs(first - second).max() > 0.1


def test_product_of_experts_equals_the_product_of_densities_on_a_grid():
    means, log_vars = opinions(rows=1, width=1, names="ab")
    grid = np.linspace(-12, 12, 200_001)
    log_density = stats.norm.logpdf(grid)
    for name in "ab":
        log_density += stats.norm.logpdf(grid, means[name].item(), np.exp(log_vars[name].item() / 2))
    weights = np.exp(log_density - log_density.max())
    weights /= weights.sum()
    center = weights @ grid
    mean, log_var = ProductOfExperts()(means, log_vars)
    assert array(mean).item() == pytest.approx(center, abs=1e-4)
    assert np.exp(array(log_var).item()) == pytest.approx(weights @ (grid - center) ** 2, rel=1e-4)


def test_absent_experts_change_nothing_and_without_any_the_answer_is_the_prior():
    means, log_vars = opinions()
    present = {"a": np.array([1, 1, 0, 0], bool), "b": np.array([1, 0, 1, 0], bool), "c": np.zeros(4, bool)}
    for layer in (ProductOfExperts(), MixtureOfExperts(seed=1)):
        mean, log_var = (array(x) for x in layer(means, log_vars, present))
        spoilt = [
            {k: np.where(present[k][:, None], x, 99).astype("float32") for k, x in t.items()} for t in (means, log_vars)
        ]
        if isinstance(layer, ProductOfExperts):
            np.testing.assert_array_equal(array(layer(*spoilt, present)[0]), mean)
        np.testing.assert_array_equal([mean[3], log_var[3]], np.zeros((2, 3)))
    one = array(ProductOfExperts()({"b": means["b"]}, {"b": log_vars["b"]})[0])
    np.testing.assert_allclose(array(ProductOfExperts()(means, log_vars, present)[0])[2], one[2], rtol=1e-6)


def test_one_expert_is_itself_with_the_prior_and_the_more_experts_the_surer():
    means, log_vars = opinions(names="a")
    mean, log_var = (array(x) for x in ProductOfExperts()(means, log_vars))
    variance = np.exp(log_vars["a"])
    np.testing.assert_allclose(mean, means["a"] / (1 + variance), rtol=1e-5)
    np.testing.assert_allclose(np.exp(log_var), variance / (1 + variance), rtol=1e-5)
    more = array(ProductOfExperts()(means | {"b": means["a"]}, log_vars | {"b": log_vars["a"]})[1])
    assert (more < log_var).all()
    alone = MixtureOfExperts(seed=0)(means, log_vars)
    np.testing.assert_array_equal(array(alone), [means["a"], log_vars["a"]])  # a mixture of one: no prior in it


def test_the_mixture_takes_whole_experts_each_as_often_as_the_others():
    rows = 6000
    means = {n: np.full((rows, 2), value, "float32") for n, value in zip("abc", (-1, 0.5, 4), strict=True)}
    log_vars = {n: -means[n] for n in means}
    present = {"a": np.ones(rows, bool), "b": np.ones(rows, bool), "c": np.arange(rows) % 2 == 0}
    mean, log_var = (array(x) for x in MixtureOfExperts(seed=2)(means, log_vars, present))
    np.testing.assert_array_equal(log_var, -mean)
    np.testing.assert_array_equal(mean[:, 0], mean[:, 1])
    shares = [[np.mean(mean[i::2, 0] == v) for v in (-1, 0.5, 4)] for i in (0, 1)]
    np.testing.assert_allclose(shares, [[1 / 3] * 3, [0.5, 0.5, 0]], atol=0.03)


def test_a_draw_from_the_chosen_expert_is_a_draw_from_the_mixture():
    rows, rng = 20_000, np.random.default_rng(4)
    means = {"a": np.full((rows, 1), -2.0, "float32"), "b": np.full((rows, 1), 1.0, "float32")}
    log_vars = {"a": np.full((rows, 1), -1.0, "float32"), "b": np.full((rows, 1), 0.5, "float32")}
    draws = array(GaussianSampling(seed=1)(*MixtureOfExperts(seed=2)(means, log_vars)))[:, 0]
    first = rng.random(rows) < 0.5
    expected = np.where(first, rng.normal(-2, np.exp(-0.5), rows), rng.normal(1, np.exp(0.25), rows))
    assert stats.ks_2samp(draws, expected).pvalue > 0.001


def test_experts_that_do_not_match_are_named():
    means, log_vars = opinions()
    for layer in (ProductOfExperts(), MixtureOfExperts()):
        with pytest.raises(ValueError, match="same modalities"):
            layer(means, {"a": log_vars["a"]})
        with pytest.raises(ValueError, match="same modalities"):
            layer(means, log_vars, {"a": np.ones(4, bool)})


# --- decoders


def transposed_convolution(x, kernel, bias):
    """Each place of (h, w, in) paints its 4 × 4 patch of (2h, 2w, out); "same" cuts one pixel off each side."""
    height, width, _ = x.shape
    out = np.zeros((2 * height + 2, 2 * width + 2, kernel.shape[2]))
    for i in range(height):
        for j in range(width):
            out[2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += np.einsum("c,hwoc->hwo", x[i, j], kernel)
    return out[1:-1, 1:-1] + bias


def test_image_decoder_equals_a_loop_over_places():
    model = image_decoder(5, (4, 6, 2), filters=(3,))
    for weight in model.weights:
        weight.assign(0.4 * normal(*weight.shape))
    w = {weight.path.removeprefix("image_decoder/"): array(weight) for weight in model.weights}
    code = normal(1, 5)
    grid = np.maximum(code @ w["lay_out/kernel"] + w["lay_out/bias"], 0).reshape(2, 3, 3)
    grid = np.maximum(transposed_convolution(grid, w["stage_0/kernel"], w["stage_0/bias"]), 0)
    padded = np.pad(grid, ((1, 1), (1, 1), (0, 0)))
    pixels = sum(
        padded[i : i + 4, j : j + 6] @ w["pixels/kernel"][i, j] for i in range(3) for j in range(3)
    ) + w["pixels/bias"]  # fmt: skip
    np.testing.assert_allclose(array(model(code))[0], 1 / (1 + np.exp(-pixels)), atol=1e-5)


def test_decoders_have_the_shape_and_range_they_promise():
    code = 30 * normal(3, 4)
    pictures = array(image_decoder(4, (32, 16, 3), filters=(8, 4))(code))
    assert pictures.shape == (3, 32, 16, 3)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    sounds = array(spectrogram_decoder(4, (10, 16), filters=(6,))(code))
    assert sounds.shape == (3, 10, 16)
    assert sounds.min() >= 0
    with pytest.raises(ValueError, match="multiples of 4"):
        image_decoder(4, (8, 6, 1), filters=(8, 4))


# --- the multimodal VAE


def vae(experts="product", beta=1.0, noise=None, width=2, **options):
    encoders = {"a": dense(3, 2 * width, 8), "b": dense(5, 2 * width, 8)}
    decoders = {"a": dense(width, 3, 8), "b": dense(width, 5, 8)}
    return MultimodalVAE(encoders, decoders, experts, beta, noise or {"a": 0.5, "b": 2.0}, seed=7, **options)


def pair(rows=6):
    return {"a": normal(rows, 3), "b": normal(rows, 5)}


def test_elbo_terms_equal_scipys_densities():
    model, x = vae(noise={"a": 0.5, "b": 2.0}), pair()
    mean, log_var = (array(t) for t in model.posterior(x))
    sampled = GaussianSampling(seed=8)  # the model's own generator, from the start
    z = array(sampled(mean, log_var))
    terms = {key: array(value) for key, value in model.elbo_terms(x).items()}
    for key, noise in (("a", 0.5), ("b", 2.0)):
        center = array(model.decoders[key](z))
        np.testing.assert_allclose(terms[key], stats.norm.logpdf(x[key], center, noise).sum(1), rtol=1e-4)
    draws = mean + np.exp(log_var / 2) * RNG.normal(size=(100_000, *mean.shape))
    ratio = stats.norm.logpdf(draws, mean, np.exp(log_var / 2)) - stats.norm.logpdf(draws)
    np.testing.assert_allclose(terms["kl"], ratio.sum(-1).mean(0), rtol=0.03, atol=0.01)


def linear_world(seed=3):
    """z ~ N(0, 1), x_m ~ N(w_m z, s²): the posterior and the evidence are known in closed form."""
    rng = np.random.default_rng(seed)
    weights, noise = {"a": rng.normal(size=(1, 3)), "b": rng.normal(size=(1, 2))}, 0.7
    encoders, decoders = {}, {}
    for key, w in weights.items():
        precision = (w**2).sum() / noise**2
        kernel = np.hstack([w.T / noise**2 / precision, np.zeros((w.size, 1))])
        encoders[key], decoders[key] = dense(w.size, 2), dense(1, w.size)
        encoders[key].set_weights([kernel, np.array([0, -np.log(precision)])])
        decoders[key].set_weights([w, np.zeros(w.size)])
    return MultimodalVAE(encoders, decoders, noise=noise, seed=0), weights, noise


def test_with_the_true_encoders_the_elbo_is_the_evidence_for_every_set_of_modalities():
    model, weights, noise = linear_world()
    z = RNG.normal(size=(4, 1))
    x = {key: (z @ w + noise * RNG.normal(size=(4, w.size))).astype("float32") for key, w in weights.items()}
    for names in ("a", "b", "ab"):
        some = {key: x[key] for key in names}
        w = np.hstack([weights[key] for key in names])
        joined = np.hstack([x[key] for key in names])
        evidence = stats.multivariate_normal(np.zeros(w.size), w.T @ w + noise**2 * np.eye(w.size)).logpdf(joined)
        mean, log_var = (array(t)[:, 0] for t in model.posterior(some))
        precision = 1 + (w**2).sum() / noise**2
        np.testing.assert_allclose(mean, joined @ w[0] / noise**2 / precision, rtol=1e-4)
        np.testing.assert_allclose(np.exp(-log_var), precision, rtol=1e-4)
        many = {key: np.repeat(value, 20_000, 0) for key, value in some.items()}
        terms = model.elbo_terms(many)
        elbo = sum(array(terms[key]) for key in names) - array(terms["kl"])
        np.testing.assert_allclose(elbo.reshape(4, -1).mean(1), evidence, atol=0.03)


def test_an_absent_modality_is_neither_read_nor_reconstructed():
    model, x = vae(), pair()
    present = {"a": np.ones(6, bool), "b": np.zeros(6, bool)}
    for other in (x["b"], x["b"] + 50):
        both = {"a": x["a"], "b": other}
        alone = [array(t) for t in model.posterior({"a": x["a"]})]
        np.testing.assert_allclose([array(t) for t in model.posterior(both, present)], alone, rtol=1e-5)
        terms = model.elbo_terms(both, present)
        np.testing.assert_array_equal(array(terms["b"]), np.zeros(6))
        assert np.abs(array(terms["a"])).min() > 0
    assert sorted(model({"b": x["b"]})) == ["a", "b"]  # and from any one modality come all


def test_random_sets_are_never_empty_and_never_hold_what_is_absent():
    model, rows = vae(), 4000
    present = {"a": np.ones(rows, bool), "b": np.arange(rows) % 2 == 0}
    sets = {key: array(value) for key, value in model._random_sets(pair(rows), present).items()}
    assert sets["a"][1::2].all()
    assert not sets["b"][1::2].any()
    shares = [np.mean((sets["a"] == a)[::2] & (sets["b"] == b)[::2]) for a, b in [(1, 1), (1, 0), (0, 1), (0, 0)]]
    np.testing.assert_allclose(shares, [0.25, 0.375, 0.375, 0], atol=0.04)


def test_beta_weighs_the_divergence_and_the_loss_is_minus_the_elbo():
    losses = []
    for beta in (0.0, 1.0, 3.0):
        keras.utils.set_random_seed(2)
        model, x = vae(beta=beta, subsample=False), {"a": np.ones((6, 3), "float32"), "b": np.ones((6, 5), "float32")}
        losses.append(float(model.compute_loss(x)))
        kl = float(model.trackers["kl"].result())
    assert losses[1] - losses[0] == pytest.approx(kl, rel=1e-4)
    assert losses[2] - losses[0] == pytest.approx(3 * kl, rel=1e-4)


def correlated(rows, rng, shuffled=False):
    """b is a rotated copy of a, with a little noise."""
    z = rng.normal(size=(rows, 2))
    turn = np.random.default_rng(9).normal(size=(2, 8)).astype("float32")
    x = {"a": z @ turn[:, :3], "b": (rng.permutation(z) if shuffled else z) @ turn[:, 3:]}
    return {key: (value + 0.05 * rng.normal(size=value.shape)).astype("float32") for key, value in x.items()}


@pytest.mark.parametrize(
    ("experts", "subsample", "shuffled", "learns"),
    [("product", True, False, True), ("mixture", True, False, True), ("product", True, True, False)],
)
def test_it_translates_what_belongs_together_and_nothing_else(experts, subsample, shuffled, learns):
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    model = vae(experts, noise=0.3, subsample=subsample)
    model.compile(keras.optimizers.Adam(0.02))
    history = model.fit(correlated(512, rng, shuffled), epochs=25, batch_size=64, verbose=0).history
    assert {"loss", "kl", "a", "b"} <= set(history)
    fresh = correlated(400, rng)
    drawn = array(model.decode(model.posterior({"a": fresh["a"]})[0])["b"])
    unexplained = np.mean((drawn - fresh["b"]) ** 2) / fresh["b"].var()
    assert unexplained < 0.25 if learns else unexplained > 0.8


def test_training_rows_may_lack_a_modality():
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    x = correlated(512, rng)
    present = {"a": rng.random(512) < 0.7, "b": np.ones(512, bool)}
    x["a"][~present["a"]] = 1e3  # must never be read
    model = vae(noise=0.3)
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(x, present, epochs=25, batch_size=64, verbose=0)
    fresh = correlated(400, rng)
    drawn = array(model.decode(model.posterior({"b": fresh["b"]})[0])["a"])
    assert np.mean((drawn - fresh["a"]) ** 2) / fresh["a"].var() < 0.3


@pytest.mark.parametrize("experts", ["product", "mixture"])
def test_a_vae_comes_back_from_disk_with_its_settings(experts, tmp_path):
    model, x = vae(experts, beta=0.3, noise={"a": 0.4, "b": 1.5}, subsample=False), pair()
    model.compile("sgd")
    model.fit(x, verbose=0)
    model.save(tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras")
    settings = ("experts", "beta", "noise", "subsample", "seed")
    assert [getattr(back, name) for name in settings] == [getattr(model, name) for name in settings]
    for names in ("a", "b"):
        some = {key: x[key] for key in names}
        for mine, theirs in zip(model.posterior(some), back.posterior(some), strict=True):
            np.testing.assert_array_equal(array(theirs), array(mine))
    z = normal(3, 2)
    np.testing.assert_array_equal(array(back.decode(z)["b"]), array(model.decode(z)["b"]))
    assert type(back.join) is type(model.join)
    assert np.isfinite(back.evaluate(x, verbose=0, return_dict=True)["loss"])


def test_settings_that_make_no_sense_are_refused():
    encoders, decoders = {"a": dense(3, 4)}, {"a": dense(2, 3)}
    for options, message in [
        ({"experts": "vote"}, "'vote'"),
        ({"noise": 0.0}, "noise=0.0"),
        ({"noise": {"b": 1.0}}, "one for each modality"),
    ]:
        with pytest.raises(ValueError, match=message):
            MultimodalVAE(encoders, decoders, **options)
    with pytest.raises(ValueError, match="same names and one D"):
        MultimodalVAE(encoders, {"a": dense(3, 3)})
    with pytest.raises(ValueError, match="same names and one D"):
        MultimodalVAE(encoders, {"b": dense(2, 3)})


# --- the cross-modal autoencoder


def autoencoder(**options):
    encoders = {"a": dense(3, 4, 8), "b": dense(5, 4, 8)}
    return cross_modal_autoencoder(encoders, {"a": dense(4, 3, 8), "b": dense(4, 5, 8)}, **options)


def test_the_code_is_the_mean_of_the_codes_that_are_shown():
    model, x = autoencoder(dropout=0.5, seed=1), pair(500)
    parts = {key: array(model.get_layer(f"{key}_encoder")(x[key])) for key in x}
    decoders = {key: model.get_layer(f"{key}_decoder") for key in x}
    whole = model(x)
    for key in x:
        np.testing.assert_allclose(
            array(whole[key]), array(decoders[key]((parts["a"] + parts["b"]) / 2)), atol=1e-5
        )  # fmt: skip
    out = array(model(x, training=True)["b"])
    views = [array(decoders["b"](code)) for code in (parts["a"], parts["b"], (parts["a"] + parts["b"]) / 2)]
    seen = np.argmin([np.abs(out - view).max(1) for view in views], axis=0)
    np.testing.assert_allclose(out, np.choose(seen[:, None], views), atol=1e-5)  # always one of the three
    np.testing.assert_allclose(np.bincount(seen, minlength=3) / 500, [0.375, 0.375, 0.25], atol=0.07)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_only_incomplete_views_teach_it_to_translate(dropout):
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    model, x = autoencoder(dropout=dropout, seed=2), correlated(512, rng)
    model.compile(keras.optimizers.Adam(0.02), "mse")
    model.fit(x, x, epochs=25, batch_size=64, verbose=0)
    fresh = correlated(400, rng)
    both = array(model(fresh)["b"])
    assert np.mean((both - fresh["b"]) ** 2) / fresh["b"].var() < 0.2
    drawn = array(model.get_layer("b_decoder")(model.get_layer("a_encoder")(fresh["a"])))
    unexplained = np.mean((drawn - fresh["b"]) ** 2) / fresh["b"].var()
    assert unexplained < 0.12 if dropout else unexplained > 0.2


def test_an_autoencoder_comes_back_from_disk(tmp_path):
    model, x = autoencoder(dropout=0.3, seed=5), pair()
    model.save(tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras")
    for key in x:
        np.testing.assert_array_equal(array(back(x)[key]), array(model(x)[key]))
    assert back.get_layer("views").rate == 0.3
    with pytest.raises(ValueError, match="one width D"):
        cross_modal_autoencoder({"a": dense(3, 4)}, {"a": dense(5, 3)})
