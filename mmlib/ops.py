"""Mathematics without weights: functions of tensors, written with keras.ops. NumPy arrays are welcome too.

Log-probabilities rather than probabilities: products become sums, and nothing underflows.
"""

from keras import ops


def cosine_similarity(a, b):
    """cos(a_n, b_s) = a_n · b_s / (|a_n| |b_s|), every row of `a` with every row of `b`: (N, D), (S, D) -> (N, S).

    A zero vector has no direction; its similarity is 0. Derived in chapter 01.
    """
    return ops.matmul(ops.normalize(a, axis=-1), ops.transpose(ops.normalize(b, axis=-1)))


def masked_mean(x, mask=None):
    """Mean over the real tokens: (B, T, D), mask (B, T), True = real -> (B, D). Without any real token: zero.

    Derived in chapter 03.
    """
    if mask is None:
        return ops.mean(x, axis=1)
    mask = ops.expand_dims(ops.cast(mask, x.dtype), -1)
    return ops.sum(x * mask, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1)


def attention(query, key, value, mask=None):
    """softmax(Q Kᵀ / sqrt(d)) V over the real keys. A query with no real key at all receives zero.

    Args:
        query: (…, T, d). key: (…, S, d). value: (…, S, e).
        mask: broadcastable to (…, T, S), True = may be looked at.

    Returns:
        (…, T, e) values and (…, T, S) weights, whose rows sum to one.

    Reference: Vaswani et al. 2017 (NeurIPS). Derived in chapters 03 and 06.
    """
    scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) / ops.sqrt(ops.cast(query.shape[-1], query.dtype))
    if mask is not None:
        scores = ops.where(mask, scores, -1e9)
    weights = ops.exp(scores - ops.logsumexp(scores, axis=-1, keepdims=True))
    if mask is not None:
        weights = ops.where(mask, weights, 0.0)  # a row without any real key
    return ops.matmul(weights, value), weights


def gaussian_kl(mean, log_var):
    """KL(N(mean, exp(log_var)) || N(0, 1)) = ½ Σ_d (exp(log_var) + mean² - 1 - log_var), in nats: (B, D) -> (B,).

    Derived in chapter 10.
    """
    return 0.5 * ops.sum(ops.exp(log_var) + ops.square(mean) - 1 - log_var, axis=-1)


def product_of_gaussians(means, log_vars, mask=None):
    """The normalised product of M Gaussians: precisions add, means are averaged by precision.

    1/σ² = Σ_m 1/σ_m²,   μ = σ² Σ_m μ_m / σ_m²

    Args:
        means, log_vars: (M, B, D). A prior is one more expert: stack zeros, zeros for N(0, 1).
        mask: (M, B), True = present; an absent expert is left out.

    Returns:
        (mean, log_var), each (B, D).

    Reference: Wu & Goodman 2018 (NeurIPS). Derived in chapters 10 and 21.
    """
    precisions = ops.exp(-log_vars)
    if mask is not None:
        precisions = precisions * ops.expand_dims(ops.cast(mask, precisions.dtype), -1)
    total = ops.sum(precisions, axis=0)
    return ops.sum(precisions * means, axis=0) / total, -ops.log(total)


def product_of_experts(log_probs, log_prior, mask=None):
    """Bayes' rule for modalities that are independent given the class: the prior is counted once.

    log p(y | x_1 … x_M) = Σ_m log p(y | x_m) - (M - 1) log p(y) + c,   normalised over y

    Args:
        log_probs: (M, B, K) log-posteriors of the single modalities (or a list of M tensors (B, K)).
        log_prior: (K,) log p(y).
        mask: (M, B), True = present; an absent modality drops its factor, and with none left the answer is the prior.

    Returns:
        (B, K) log-probabilities.

    Reference: Hinton 2002 (Neural Computation); Kittler et al. 1998 (IEEE TPAMI). Derived in chapters 05 and 21.
    """
    evidence = _stacked(log_probs) - log_prior
    if mask is not None:
        evidence = ops.where(ops.expand_dims(mask, -1), evidence, 0.0)
    return ops.log_softmax(ops.sum(evidence, axis=0) + log_prior, axis=-1)  # a NumPy prior must stand on the right


def linear_pool(log_probs, weights=None):
    """The mixture p(y) = Σ_m w_m p_m(y), as log-probabilities: (M, B, K) -> (B, K). Equal weights unless given (M,).

    It minimises Σ_m w_m KL(p_m || p). Reference: Genest & Zidek 1986 (Statistical Science). Derived in chapter 05.
    """
    log_probs = _stacked(log_probs)
    return ops.logsumexp(log_probs + ops.log(_pool_weights(weights, log_probs)), axis=0)


def logarithmic_pool(log_probs, weights=None):
    """The geometric mean p(y) ∝ Π_m p_m(y)^w_m, as log-probabilities: (M, B, K) -> (B, K). Equal weights unless given.

    It minimises Σ_m w_m KL(p || p_m). Reference: Genest & Zidek 1986 (Statistical Science). Derived in chapter 05.
    """
    log_probs = _stacked(log_probs)
    return ops.log_softmax(ops.sum(_pool_weights(weights, log_probs) * log_probs, axis=0), axis=-1)


def reverse_gradient(x, strength=1.0):
    """`x` on the way forward; on the way back the gradient is multiplied by -strength.

    Reference: Ganin et al. 2016 (JMLR). Derived in chapter 11.
    """
    return ops.stop_gradient((1 + strength) * x) - strength * x


def _stacked(log_probs):
    return ops.stack(log_probs) if isinstance(log_probs, list | tuple) else ops.convert_to_tensor(log_probs)


def _pool_weights(weights, log_probs):
    count = log_probs.shape[0]
    weights = [1 / count] * count if weights is None else weights
    if len(weights) != count or abs(sum(float(w) for w in weights) - 1) > 1e-5:
        raise ValueError(f"`weights` must be {count} numbers that sum to 1. Received: weights={weights}")
    return ops.reshape(ops.cast(weights, log_probs.dtype), (-1, 1, 1))
