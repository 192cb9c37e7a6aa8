"""Losses that Keras does not have, ready for ``model.compile(loss=…)``.

The first three take the (B, B) matrix of a dual encoder as prediction, and as target one id per pair. Equal ids mean
the same meaning, so those pairs are not negatives of each other. Keras hands ids over as float32: exact below 2^24.
"""

import keras
from keras import ops

# so that a compiled model can be saved and loaded again
serializable = keras.saving.register_keras_serializable("mmlib")


@serializable
def contrastive_loss(pair_ids, logits):
    """Symmetric InfoNCE: find the right column in each row, and the right row in each column.

    ℓ_i = -½ [ Σ_j P_ij log softmax_j(s_ij) + Σ_j P_ij log softmax_j(s_ji) ]
    P_ij = [id_i = id_j] / #{j : id_j = id_i}

    With all ids different P is the identity; constant logits then cost log B.

    Args:
        pair_ids: (B,) or (B, 1).
        logits: (B, B) similarities divided by the temperature; [i, i] is a pair.

    Returns:
        (B,) losses in nats.

    Reference: van den Oord, Li & Vinyals 2018 (arXiv:1807.03748); Radford et al. 2021 (ICML). Derived in chapter 09.
    """
    targets = _same_meaning(pair_ids, logits.dtype)
    targets = targets / ops.sum(targets, axis=1, keepdims=True)
    rows = ops.sum(targets * ops.log_softmax(logits, axis=1), axis=1)
    columns = ops.sum(targets * ops.log_softmax(logits, axis=0), axis=0)  # targets are symmetric
    return -0.5 * (rows + columns)


@serializable
def sigmoid_contrastive_loss(pair_ids, logits):
    """Every cell of the matrix is its own yes-or-no question.

    ℓ_i = -Σ_j log σ(z_ij s_ij),   z_ij = +1 for a pair, else -1

    There are B times more noes than yeses, so give `SimilarityLogits` a `bias`.

    Args:
        pair_ids: (B,) or (B, 1).
        logits: (B, B).

    Returns:
        (B,) losses in nats.

    Reference: Zhai et al. 2023 (ICCV). Derived in chapter 09.
    """
    signs = 2 * _same_meaning(pair_ids, logits.dtype) - 1
    return ops.sum(ops.softplus(-signs * logits), axis=1)


@serializable
def triplet_loss(pair_ids, logits, margin=0.2):
    """The pair must beat its hardest rival by a margin, in its row and in its column.

    ℓ_i = max(0, margin - s_ii + max_j s_ij) + max(0, margin - s_ii + max_j s_ji),   j with id_j ≠ id_i

    The margin is in units of `logits`: use ``SimilarityLogits(temperature=1.0, trainable=False)``.

    Args:
        pair_ids: (B,) or (B, 1).
        logits: (B, B).
        margin: by how much. Another one: ``functools.partial(triplet_loss, margin=0.1)``.

    Returns:
        (B,) losses; 0 where there is no rival.

    Reference: Faghri et al. 2018 (BMVC, VSE++). Derived in chapter 09.
    """
    rivals = ops.where(_same_meaning(pair_ids, logits.dtype) > 0, -1e9, logits)
    match = ops.diagonal(logits)
    return sum(ops.relu(margin - match + ops.max(rivals, axis=axis)) for axis in (1, 0))


@serializable
def masked_token_loss(labels, logits):
    """Cross-entropy averaged over the labelled tokens only; a label below 0 means "not asked".

    Args:
        labels: (B, T) token ids, -1 where nothing is to be predicted.
        logits: (B, T, V).

    Returns:
        a scalar in nats; 0 if no token is labelled.

    Reference: Devlin et al. 2019 (NAACL). Derived in chapter 17.
    """
    labels = ops.cast(labels, "int32")
    asked = ops.cast(labels >= 0, logits.dtype)
    log_probs = ops.log_softmax(logits, axis=-1)
    of_label = ops.take_along_axis(log_probs, ops.expand_dims(ops.maximum(labels, 0), -1), axis=-1)[..., 0]
    return -ops.sum(asked * of_label) / ops.maximum(ops.sum(asked), 1)


def _same_meaning(pair_ids, dtype):
    ids = ops.reshape(pair_ids, (-1,))
    return ops.cast(ops.expand_dims(ids, 1) == ids, dtype)
