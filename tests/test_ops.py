"""mmlib.ops against loops, enumeration, grids, scikit-learn and SciPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, optimize, stats
from scipy.special import logsumexp
from sklearn.metrics.pairwise import cosine_similarity as sklearn_cosine

from mmlib import ops

RNG = np.random.default_rng(0)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def random_log_probs(*shape):
    return np.log(RNG.dirichlet(np.ones(shape[-1]), size=shape[:-1])).astype("float32")


def test_cosine_similarity_agrees_with_sklearn_and_zero_has_no_direction():
    a, b = RNG.normal(size=(5, 3)).astype("float32"), RNG.normal(size=(4, 3)).astype("float32")
    a[2] = 0
    np.testing.assert_allclose(array(ops.cosine_similarity(a, b)), sklearn_cosine(a, b), atol=1e-6)
    np.testing.assert_allclose(array(ops.cosine_similarity(1e3 * a, b)), sklearn_cosine(a, b), atol=1e-6)


def test_masked_mean_equals_the_mean_of_the_real_tokens():
    x, mask = RNG.normal(size=(3, 5, 2)).astype("float32"), np.arange(5) < np.array([[5], [2], [0]])
    expected = np.array([x[0].mean(0), x[1, :2].mean(0), [0, 0]])
    np.testing.assert_allclose(array(ops.masked_mean(x, mask)), expected, atol=1e-6)
    np.testing.assert_allclose(array(ops.masked_mean(x)), x.mean(axis=1), atol=1e-6)
    x[1, 2:] = 1e6
    np.testing.assert_allclose(array(ops.masked_mean(x, mask))[1], expected[1], atol=1e-6)


def slow_attention(q, k, v, mask):
    out, weights = np.zeros((len(q), v.shape[1])), np.zeros((len(q), len(k)))
    for t in range(len(q)):
        real = [s for s in range(len(k)) if mask[t, s]]
        scores = {s: sum(q[t, i] * k[s, i] for i in range(q.shape[1])) / np.sqrt(q.shape[1]) for s in real}
        for s in real:
            weights[t, s] = np.exp(scores[s]) / sum(np.exp(scores[r]) for r in real)
            out[t] += weights[t, s] * v[s]
    return out, weights


def test_attention_equals_a_loop_also_where_nothing_may_be_looked_at():
    q, k, v = (RNG.normal(size=shape).astype("float32") for shape in [(4, 3), (6, 3), (6, 2)])
    mask = RNG.random((4, 6)) < 0.6
    mask[1], mask[2] = False, True
    for ours, expected in zip(ops.attention(q, k, v, mask), slow_attention(q, k, v, mask), strict=True):
        np.testing.assert_allclose(array(ours), expected, atol=1e-6)
    values, weights = ops.attention(q, k, v)
    np.testing.assert_allclose(array(values), slow_attention(q, k, v, np.ones((4, 6), bool))[0], atol=1e-6)
    np.testing.assert_allclose(array(weights).sum(axis=1), 1, rtol=1e-6)


def test_attention_with_one_key_ignores_the_query():
    q, k, v = (RNG.normal(size=shape).astype("float32") for shape in [(4, 3), (1, 3), (1, 2)])
    np.testing.assert_allclose(array(ops.attention(q, k, v)[0]), np.repeat(v, 4, axis=0), rtol=1e-6)


def test_gaussian_kl_agrees_with_quadrature_and_is_zero_at_the_prior():
    mean, log_var = np.array([[0.7, -1.2]]), np.array([[0.3, -0.9]])

    def one(m, s):
        q, p = stats.norm(m, s), stats.norm()
        return integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), -12, 12)[0]

    expected = sum(one(m, np.exp(lv / 2)) for m, lv in zip(mean[0], log_var[0], strict=True))
    assert float(ops.gaussian_kl(mean, log_var)[0]) == pytest.approx(expected, rel=1e-5)
    assert float(ops.gaussian_kl(np.zeros((1, 4)), np.zeros((1, 4)))[0]) == 0


def test_product_of_gaussians_agrees_with_a_grid():
    means, log_vars = np.array([[[0.5]], [[-1.0]], [[2.0]]]), np.array([[[0.2]], [[-0.7]], [[1.0]]])
    grid = np.linspace(-12, 12, 200_001)
    for present in ([1, 1, 1], [1, 0, 1], [0, 1, 0]):
        log_density = sum(
            on * stats.norm.logpdf(grid, m, np.exp(lv / 2))
            for on, m, lv in zip(present, means.ravel(), log_vars.ravel(), strict=True)
        )
        density = np.exp(log_density - log_density.max())
        density /= density.sum()
        mean, log_var = ops.product_of_gaussians(means, log_vars, mask=np.array(present, bool)[:, None])
        assert float(mean[0, 0]) == pytest.approx((density * grid).sum(), abs=1e-5)
        assert float(np.exp(log_var[0, 0])) == pytest.approx(
            (density * grid**2).sum() - (density * grid).sum() ** 2, rel=1e-5
        )


def test_product_of_experts_equals_enumeration_of_a_joint_table():
    prior = np.array([0.7, 0.2, 0.1])
    likelihoods = RNG.dirichlet(np.ones(4), size=(3, 3))  # modality, class, value
    for values in np.ndindex(4, 4, 4):
        joint = prior.copy()
        for m, x in enumerate(values):
            joint *= likelihoods[m, :, x]
        singles = [prior * likelihoods[m, :, x] for m, x in enumerate(values)]
        log_probs = [np.log(p / p.sum())[None].astype("float32") for p in singles]
        fused = array(ops.product_of_experts(log_probs, np.log(prior).astype("float32")))
        np.testing.assert_allclose(np.exp(fused[0]), joint / joint.sum(), rtol=2e-5)


def test_product_of_experts_takes_a_numpy_prior_inside_a_functional_model():
    log_prior = np.log([0.2, 0.3, 0.5]).astype("float32")
    opinions = np.log(np.random.default_rng(3).dirichlet(np.ones(3), size=(2, 7))).astype("float32")
    inputs = [keras.Input((3,)), keras.Input((3,))]
    model = keras.Model(inputs, ops.product_of_experts(inputs, log_prior))
    expected = opinions.sum(axis=0) - log_prior
    expected -= logsumexp(expected, axis=-1, keepdims=True)
    np.testing.assert_allclose(model([opinions[0], opinions[1]]), expected, atol=1e-5)


def test_product_of_experts_limits():
    log_probs, log_prior = random_log_probs(3, 5, 4), random_log_probs(1, 4)[0]
    alone = array(ops.product_of_experts(log_probs[:1], log_prior))
    np.testing.assert_allclose(alone, log_probs[0], atol=1e-5)
    mask = np.array([[1, 1, 0, 0, 1], [1, 0, 1, 0, 1], [1, 0, 0, 0, 0]], bool)
    fused = array(ops.product_of_experts(log_probs, log_prior, mask))
    np.testing.assert_allclose(fused[1], log_probs[0, 1], atol=1e-5)
    np.testing.assert_allclose(fused[3], log_prior, atol=1e-5)
    np.testing.assert_allclose(fused[4:], array(ops.product_of_experts(log_probs[:2, 4:], log_prior)), atol=1e-5)
    # experts that say no more than the prior add nothing
    uninformative = np.tile(log_prior, (3, 2, 1))
    np.testing.assert_allclose(array(ops.product_of_experts(uninformative, log_prior)), uninformative[0], atol=1e-5)


def test_linear_pool_is_the_weighted_mean():
    log_probs, weights = random_log_probs(3, 5, 4), [0.5, 0.2, 0.3]
    expected = sum(w * np.exp(p) for w, p in zip(weights, log_probs, strict=True))
    np.testing.assert_allclose(np.exp(array(ops.linear_pool(log_probs, weights))), expected, rtol=1e-5)
    np.testing.assert_allclose(np.exp(array(ops.linear_pool(list(log_probs)))), np.exp(log_probs).mean(0), rtol=1e-5)
    with pytest.raises(ValueError, match="sum to 1"):
        ops.linear_pool(log_probs, [1, 1, 1])


@pytest.mark.parametrize(("pool", "forward"), [(ops.linear_pool, True), (ops.logarithmic_pool, False)])
def test_pools_are_the_kl_barycentres_that_a_numerical_optimiser_finds(pool, forward):
    log_probs, weights = random_log_probs(3, 1, 4), np.array([0.5, 0.2, 0.3])

    def cost(free):
        log_p = free - logsumexp(free)
        pairs = [(q, log_p) if forward else (log_p, q) for q in log_probs[:, 0].astype("float64")]
        return sum(w * np.sum(np.exp(a) * (a - b)) for w, (a, b) in zip(weights, pairs, strict=True))

    best = optimize.minimize(cost, np.zeros(4), options={"gtol": 1e-9}).x
    np.testing.assert_allclose(
        np.exp(array(pool(log_probs, list(weights)))[0]), np.exp(best - logsumexp(best)), atol=1e-4
    )


def test_two_equal_experts_pool_to_themselves_but_multiply_to_more_certainty():
    p = random_log_probs(1, 6, 3)
    twice = np.concatenate([p, p])
    np.testing.assert_allclose(array(ops.logarithmic_pool(twice)), p[0], atol=1e-5)
    np.testing.assert_allclose(array(ops.linear_pool(twice)), p[0], atol=1e-5)
    flat = np.log(np.full(3, 1 / 3, "float32"))
    assert np.all(array(ops.product_of_experts(twice, flat)).max(axis=1) > p[0].max(axis=1))


@pytest.mark.parametrize("strength", [0.0, 0.3, 2.0])
def test_reversed_gradient_is_minus_strength_times_a_finite_difference(strength):
    x = tf.Variable([0.5, -2.0, 1.0])

    def smooth(v):
        return np.sum(np.sin(v) * v**2)

    with tf.GradientTape() as tape:
        out = ops.reverse_gradient(x, strength)
        value = tf.reduce_sum(tf.sin(out) * out**2)
    np.testing.assert_allclose(out, x, rtol=1e-6)
    step = 1e-6
    slope = [(smooth(x.numpy() + e) - smooth(x.numpy() - e)) / (2 * step) for e in step * np.eye(3)]
    np.testing.assert_allclose(tape.gradient(value, x), -strength * np.array(slope), atol=1e-4)
