"""mmlib.layers against loops, Keras's own layers, closed forms, invariances and round trips."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from mmlib.layers.attention import PatchEmbedding, PositionEmbedding, TransformerBlock, attention_scores
from mmlib.layers.fusion import FiLM, GatedFusion, ModalityDropout, TensorFusion
from mmlib.layers.latent import GradientReversal, SimilarityLogits
from mmlib.layers.sequence import AttachMask, MeanPooling, PerFrame

RNG = np.random.default_rng(0)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def shake(layer):
    """Give all weights values that differ from one another: zeros and ones hide mistakes."""
    for weight in layer.weights:
        if weight.dtype == "float32":
            weight.assign(weight + 0.3 * normal(*weight.shape))
    return layer


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# --- comparing two embeddings


def test_similarity_logits_equal_a_loop():
    a, b, layer = normal(3, 4), normal(5, 4), SimilarityLogits(temperature=0.2, bias=-1.5)
    expected = [[5 * (x @ y) / np.linalg.norm(x) / np.linalg.norm(y) - 1.5 for y in b] for x in a]
    np.testing.assert_allclose(array(layer(a, b)), expected, rtol=1e-5, atol=1e-5)
    assert layer.temperature == pytest.approx(0.2)


def test_scale_stops_at_100_and_can_come_back():
    layer = SimilarityLogits(temperature=0.0101)
    layer(normal(2, 3), normal(2, 3))
    optimizer = keras.optimizers.SGD(learning_rate=1.0)
    optimizer.build(layer.trainable_variables)
    optimizer.apply([ops.convert_to_tensor(-5.0)])  # a step that wants a scale of exp(5) times as much
    assert layer.temperature == pytest.approx(0.01, rel=1e-5)
    optimizer.apply([ops.convert_to_tensor(0.5)])
    assert layer.temperature == pytest.approx(0.01 * np.exp(0.5), rel=1e-5)
    with pytest.raises(ValueError, match=r"Received: 0\.001"):
        SimilarityLogits(temperature=0.001)


def test_fixed_temperature_is_not_trained():
    layer = SimilarityLogits(temperature=1.0, trainable=False)
    layer(normal(2, 3), normal(2, 3))
    assert layer.trainable_variables == []


def test_gradient_reversal_turns_the_gradient_of_what_precedes():
    x, straight, turned = normal(4, 3), [], []
    for out, reverse in ((straight, False), (turned, True)):
        dense, variable = keras.layers.Dense(2, kernel_initializer="ones"), tf.Variable(x)
        with tf.GradientTape() as tape:
            h = GradientReversal(0.4)(variable + 0) if reverse else variable + 0
            loss = tf.reduce_sum(dense(h) ** 2)
        out.extend(tape.gradient(loss, [variable, dense.kernel.value]))
    np.testing.assert_allclose(turned[0], -0.4 * straight[0], rtol=1e-5)
    np.testing.assert_allclose(turned[1], straight[1], rtol=1e-5)


# --- sequences


def test_mean_pooling_reads_the_mask_of_an_embedding_and_survives_the_empty_sentence():
    embedding = keras.layers.Embedding(9, 4, mask_zero=True)
    pooled = array(MeanPooling()(embedding(np.array([[1, 2, 3, 0], [0, 0, 0, 0]]))))
    table = array(embedding.embeddings)
    np.testing.assert_allclose(pooled, [table[1:4].mean(axis=0), np.zeros(4)], atol=1e-6)


def test_attach_mask_zeroes_and_reaches_the_next_layer():
    x, real = normal(2, 4, 3), np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
    out = AttachMask()([x, real])
    np.testing.assert_array_equal(array(out), x * real[..., None])
    np.testing.assert_allclose(array(MeanPooling()(out))[0], x[0, :2].mean(axis=0), atol=1e-6)
    picture = normal(2, 4, 2, 2, 3)
    np.testing.assert_array_equal(array(AttachMask()([picture, real])), picture * real[..., None, None, None])


def test_per_frame_is_a_loop_over_frames():
    inputs = keras.Input((6, 6, 2))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 2)(inputs))
    clip = normal(2, 5, 6, 6, 2)
    expected = np.stack([array(model(clip[:, f])) for f in range(5)], axis=1)
    np.testing.assert_allclose(array(PerFrame(model)(clip)), expected, atol=1e-5)


def test_fixed_positions_equal_the_formula_and_shift_by_a_rotation():
    code = array(PositionEmbedding()(np.zeros((1, 9, 6), "float32")))[0]
    for t, i in itertools.product(range(9), range(3)):
        angle = t * 10000 ** (-2 * i / 6)
        assert code[t, i] == pytest.approx(np.sin(angle), abs=1e-5)
        assert code[t, 3 + i] == pytest.approx(np.cos(angle), abs=1e-5)
    # moving on by two places is the same rotation wherever one stands: dot products see distances only
    np.testing.assert_allclose((code[:-2] * code[2:]).sum(axis=1), code[0] @ code[2], rtol=1e-5)


def test_learned_positions_add_the_first_rows_of_the_table():
    layer, x = PositionEmbedding(length=6), normal(2, 4, 5)
    np.testing.assert_allclose(array(layer(x)), x + array(layer.table)[:4], atol=1e-6)
    with pytest.raises(ValueError, match="Received: a sequence of length 7"):
        layer(normal(1, 7, 5))
    with pytest.raises(ValueError, match="even width"):
        PositionEmbedding()(normal(1, 2, 5))


def test_patches_are_the_squares_of_the_picture_times_one_matrix():
    image, layer = normal(2, 4, 6, 3), PatchEmbedding(2, dim=5)
    layer.build(image.shape)
    tokens = array(shake(layer)(image))
    kernel, bias = (array(w) for w in layer.weights)
    for p, (row, column) in enumerate(itertools.product(range(2), range(3))):
        square = image[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        np.testing.assert_allclose(tokens[:, p], square.reshape(2, -1) @ kernel.reshape(-1, 5) + bias, atol=1e-5)
    with pytest.raises(ValueError, match="multiples"):
        PatchEmbedding(4, dim=5)(image)


# --- attention


def slow_block(block, x, context, mask):
    """The docstring's equation for one example, one head and one token at a time."""
    weights = {w.path.split("/", 1)[1]: array(w) for w in block.weights}

    def norm(v, name):
        gamma, beta = weights[f"{name}/gamma"], weights[f"{name}/beta"]
        return (v - v.mean(-1, keepdims=True)) / np.sqrt(v.var(-1, keepdims=True) + 1e-3) * gamma + beta

    def dense(v, name):
        return v @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]

    q_in = norm(x, "norm_x")
    s_in = q_in if context is None else norm(context, "norm_context")
    q, k, v = dense(q_in, "query"), dense(s_in, "key"), dense(s_in, "value")
    d, read = q.shape[1] // block.num_heads, np.zeros_like(q)
    for head, t in itertools.product(range(block.num_heads), range(len(q))):
        part = slice(head * d, head * d + d)
        scores = np.array([q[t, part] @ k[s, part] / np.sqrt(d) if mask[s] else -np.inf for s in range(len(k))])
        attention = np.exp(scores - scores.max())
        read[t, part] = (attention / attention.sum()) @ v[:, part]
    h = x + dense(read, "output_projection")
    wide = dense(norm(h, "norm_h"), "widen")
    return h + dense(array(keras.activations.gelu(wide)), "narrow")


@pytest.mark.parametrize("cross", [False, True])
def test_transformer_block_equals_a_loop(cross):
    block, x = TransformerBlock(num_heads=3, mlp_dim=7), normal(2, 4, 6)
    context = normal(2, 5, 8) if cross else None
    mask = np.array([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]], bool)[:, : 5 if cross else 4]
    masks = {"context_mask" if cross else "mask": tf.constant(mask)}
    block(x, context) if cross else block(x)
    shake(block)
    out = array(block.call(ops.convert_to_tensor(x), context, **masks))
    for b in range(2):
        np.testing.assert_allclose(out[b], slow_block(block, x[b], context[b] if cross else None, mask[b]), atol=2e-5)


def test_attention_branch_agrees_with_keras_multi_head_attention():
    block, x, context = TransformerBlock(num_heads=2), normal(2, 4, 6), normal(2, 5, 6)
    block(x, context)
    shake(block)
    oracle = keras.layers.MultiHeadAttention(num_heads=2, key_dim=3)
    oracle.build(x.shape, context.shape)
    of = {w.path.split("/", 1)[1]: array(w) for w in block.weights}
    for name in ("query", "key", "value"):
        dense = getattr(oracle, f"_{name}_dense")
        dense.kernel.assign(of[f"{name}/kernel"].reshape(6, 2, 3))
        dense.bias.assign(of[f"{name}/bias"].reshape(2, 3))
    oracle._output_dense.kernel.assign(of["output_projection/kernel"].reshape(2, 3, 6))
    oracle._output_dense.bias.assign(of["output_projection/bias"])
    mask = np.array([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]], bool)
    expected, weights = oracle(
        block.norm_x(x), block.norm_context(context), attention_mask=mask[:, None], return_attention_scores=True
    )
    ours = block.attend(ops.convert_to_tensor(x), context, context_mask=tf.constant(mask))
    np.testing.assert_allclose(array(ours[0]), array(expected), atol=1e-5)
    np.testing.assert_allclose(array(ours[1]), array(weights), atol=1e-5)


def test_without_positions_a_block_is_permutation_equivariant():
    block, x, order = TransformerBlock(num_heads=2), normal(1, 5, 4), RNG.permutation(5)
    block(x)
    shake(block)
    np.testing.assert_allclose(array(block(x[:, order])), array(block(x))[:, order], atol=1e-5)
    placed = PositionEmbedding()
    assert np.abs(array(block(placed(x[:, order]))) - array(block(placed(x)))[:, order]).max() > 0.01


def test_where_all_context_is_padding_nothing_is_read():
    block, x, context = TransformerBlock(num_heads=2), normal(2, 3, 4), normal(2, 5, 4)
    block(x, context)
    shake(block)
    mask = tf.constant([[False] * 5, [True] * 5])
    added, weights = block.attend(ops.convert_to_tensor(x), context, context_mask=mask)
    assert np.all(array(added)[0] == 0) and np.all(array(weights)[0] == 0)
    assert np.all(np.abs(array(added)[1]).sum(axis=-1) > 0)


def test_block_refuses_what_it_was_not_built_for():
    with pytest.raises(ValueError, match="Received: dim=6, num_heads=4"):
        TransformerBlock(num_heads=4)(normal(1, 2, 6))
    block = TransformerBlock(num_heads=2)
    block(normal(1, 2, 6))
    with pytest.raises(ValueError, match="context"):
        block(normal(1, 2, 6), normal(1, 2, 6))


def two_sequences(**options):
    """Words that look at one another and then at pictures' places: masks come from the embedding."""
    words, places = keras.Input((None,), dtype="int32", name="text"), keras.Input((None, 6), name="places")
    x = keras.layers.Embedding(9, 4, mask_zero=True, embeddings_initializer="normal")(words)
    x = TransformerBlock(2, name="among_words")(x)
    out = TransformerBlock(2, name="words_to_places", **options)(x, places)
    back = TransformerBlock(2, name="places_to_words")(places, x)
    return keras.Model({"text": words, "places": places}, [MeanPooling()(out), back])


def test_padding_is_never_read_through_keras_masks():
    model = shake(two_sequences())
    tokens, places = np.array([[1, 2, 3], [4, 5, 0]]), normal(2, 5, 6)
    longer = np.pad(tokens, ((0, 0), (0, 4)))
    for short, long in zip(
        model({"text": tokens, "places": places}), model({"text": longer, "places": places}), strict=True
    ):
        np.testing.assert_allclose(array(short), array(long), atol=2e-6)


def test_attention_scores_are_distributions_over_real_tokens():
    model = shake(two_sequences())
    inputs = {"text": np.array([[1, 2, 3, 0], [4, 5, 0, 0]]), "places": normal(2, 5, 6)}
    real = inputs["text"] > 0
    for name, size, of_words in [
        ("among_words", (4, 4), True), ("words_to_places", (4, 5), False), ("places_to_words", (5, 4), True),
    ]:  # fmt: skip
        scores = attention_scores(model, name, inputs)
        assert scores.shape == (2, 2, *size)
        np.testing.assert_allclose(scores.sum(axis=-1), 1, atol=1e-5)
        if of_words:
            assert np.all(scores[~np.broadcast_to(real[:, None, None], scores.shape)] == 0)
    block, x = (
        model.get_layer("among_words"),
        keras.Model(model.inputs, model.get_layer("among_words").input[0])(inputs),
    )
    np.testing.assert_allclose(
        attention_scores(model, "among_words", inputs)[0, 1, 0],
        array(block.attend(x, mask=tf.constant(real))[1])[0, 1, 0],
        atol=1e-6,
    )


# --- fusion


def test_gated_fusion_equals_a_loop_and_is_a_sigmoid_gate_for_two():
    inputs = {"text": normal(3, 2), "image": normal(3, 4)}
    layer = GatedFusion(5)
    layer(inputs)
    shake(layer)
    w = {weight.path.split("/", 1)[1]: array(weight) for weight in layer.weights}
    joined = np.concatenate([inputs["image"], inputs["text"]], axis=1)  # alphabetical
    logits = joined @ w["gate/kernel"] + w["gate/bias"]
    h = {n: np.tanh(x @ w[f"value_{n}/kernel"] + w[f"value_{n}/bias"]) for n, x in inputs.items()}
    z = sigmoid(logits[:, :5] - logits[:, 5:])
    np.testing.assert_allclose(array(layer(inputs)), z * h["image"] + (1 - z) * h["text"], atol=1e-5)
    np.testing.assert_allclose(array(layer.gates(inputs)).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("layer", [GatedFusion(3), TensorFusion(3), TensorFusion(3, rank=2)])
def test_fusion_does_not_depend_on_the_order_of_the_dict_or_on_the_batch(layer):
    inputs = {"b": normal(4, 2), "a": normal(4, 3), "c": normal(4, 1)}
    out = array(layer(inputs))
    np.testing.assert_array_equal(array(layer(dict(sorted(inputs.items())))), out)
    alone = {name: x[1:2] for name, x in inputs.items()}
    np.testing.assert_allclose(array(layer(alone)), out[1:2], atol=1e-6)
    with pytest.raises(ValueError, match="dict"):
        layer.call(list(inputs.values()))


def test_full_tensor_fusion_equals_a_loop_over_all_products():
    x, y, z = (normal(2, width) for width in (2, 3, 1))
    layer = TensorFusion(4)
    layer({"x": x, "y": y, "z": z})
    shake(layer)
    kernel, expected = array(layer.kernel).reshape(3, 4, 2, 4), np.tile(array(layer.bias), (2, 1))
    for b, i, j, k in itertools.product(range(2), range(3), range(4), range(2)):
        expected[b] += np.append(x[b], 1)[i] * np.append(y[b], 1)[j] * np.append(z[b], 1)[k] * kernel[i, j, k]
    np.testing.assert_allclose(array(layer({"z": z, "x": x, "y": y})), expected, atol=1e-5)


def test_low_rank_fusion_is_full_fusion_with_a_kernel_of_that_rank():
    inputs = {"x": normal(5, 2), "y": normal(5, 3)}
    low, full = TensorFusion(4, rank=2), TensorFusion(4)
    low(inputs), full(inputs)
    shake(low)
    f, w = {name: array(factor) for name, factor in low.factors.items()}, array(low.rank_weights)
    kernel = np.einsum("rio,rjo,r->ijo", f["x"], f["y"], w)
    full.kernel.assign(kernel.reshape(-1, 4))
    full.bias.assign(low.bias)
    np.testing.assert_allclose(array(low(inputs)), array(full(inputs)), atol=1e-5)
    assert all(np.linalg.matrix_rank(kernel[..., o]) == 2 for o in range(4))


@pytest.mark.parametrize(("rank", "count"), [(None, 5 * 4 * 2 * 3 + 3), (2, 2 * (5 + 4 + 2) * 3 + 2 + 3)])
def test_every_factor_of_tensor_fusion_is_a_weight_and_gets_a_gradient(rank, count):
    inputs = {"x": normal(6, 4), "y": normal(6, 3), "z": normal(6, 1)}
    layer = TensorFusion(3, rank=rank)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs) ** 2)
    gradients = tape.gradient(loss, [v.value for v in layer.trainable_variables])
    assert layer.count_params() == count  # the numbers of the papers, worked out by hand
    assert all(g is not None and np.all(np.abs(g).sum(axis=-1) > 0) for g in gradients)


def test_tensor_fusion_sees_a_product_of_modalities_and_addition_does_not():
    x = np.array([[-1.0], [-1.0], [1.0], [1.0]], "float32")
    y = np.array([[-1.0], [1.0], [-1.0], [1.0]], "float32")
    layer = TensorFusion(1)
    layer({"x": x, "y": y})
    layer.kernel.assign([[1.0], [0.0], [0.0], [0.0]])
    np.testing.assert_allclose(array(layer({"x": x, "y": y})), x * y)
    best_sum, *_ = np.linalg.lstsq(np.hstack([x, y, np.ones_like(x)]), x * y, rcond=None)
    np.testing.assert_allclose(best_sum, 0, atol=1e-6)


def test_film_starts_as_identity_and_equals_the_formula_at_every_place():
    x, condition, layer = normal(2, 3, 4, 5), normal(2, 6), FiLM()
    np.testing.assert_allclose(array(layer(x, condition)), x, atol=1e-6)
    shake(layer)
    out, kernel, bias = array(layer(x, condition)), *(array(w) for w in layer.weights)
    for b, i, j in itertools.product(range(2), range(3), range(4)):
        gamma, beta = np.split(condition[b] @ kernel + bias, 2)
        np.testing.assert_allclose(out[b, i, j], (1 + gamma) * x[b, i, j] + beta, atol=1e-5)


@pytest.mark.parametrize("rate", [0.0, 0.4, 1.0])
def test_modality_dropout_drops_at_the_promised_rate_and_never_everything(rate):
    inputs = {"a": np.ones((20_000, 2), "float32"), "b": np.ones((20_000, 3, 1), "float32")}
    layer = ModalityDropout(rate, seed=1)
    out = layer(inputs, training=True)
    gone = {name: np.all(array(x).reshape(20_000, -1) == 0, axis=1) for name, x in out.items()}
    kept = {name: np.all(array(x).reshape(20_000, -1) == 1, axis=1) for name, x in out.items()}
    assert all(np.all(gone[name] ^ kept[name]) for name in inputs)  # whole modalities, unscaled
    assert not np.any(gone["a"] & gone["b"])
    for name in inputs:
        assert gone[name].mean() == pytest.approx(rate - rate**2 / 2, abs=0.015)
    assert layer(inputs, training=False)["a"] is not None
    np.testing.assert_array_equal(array(layer(inputs)["b"]), inputs["b"])
    again = ModalityDropout(rate, seed=1)(inputs, training=True)
    np.testing.assert_array_equal(array(again["a"]), array(out["a"]))


# --- round trips

VECTORS = {"a": (3,), "b": (4,)}


def functional(layer, shapes, call):
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    return keras.Model(inputs, call(layer, inputs))


ROUND_TRIPS = {
    "similarity": (SimilarityLogits(0.3, bias=-2.0), {"a": (4,), "b": (4,)}, lambda f, x: f(x["a"], x["b"])),
    "reversal": (GradientReversal(0.3), {"a": (4,)}, lambda f, x: f(x["a"])),
    "learned positions": (PositionEmbedding(length=7), {"a": (5, 4)}, lambda f, x: f(x["a"])),
    "patches": (PatchEmbedding(2, dim=3), {"a": (4, 4, 2)}, lambda f, x: f(x["a"])),
    "self": (TransformerBlock(2, mlp_dim=5, dropout=0.3), {"a": (5, 4)}, lambda f, x: f(x["a"])),
    "cross": (
        TransformerBlock(2, mlp_dim=5), {"a": (5, 4), "b": (3, 6)}, lambda f, x: f(x["a"], x["b"])
    ),
    "pooling": (MeanPooling(), {"a": (5, 4)}, lambda f, x: f(x["a"])),
    "attach": (AttachMask(), {"a": (5, 4), "b": (5,)}, lambda f, x: f([x["a"], x["b"] > 0])),
    "per frame": (PerFrame(keras.layers.Dense(3)), {"a": (5, 4)}, lambda f, x: f(x["a"])),
    "gated": (GatedFusion(5), VECTORS, lambda f, x: f(x)),
    "tensor": (TensorFusion(5), VECTORS, lambda f, x: f(x)),
    "low rank": (TensorFusion(5, rank=3), VECTORS, lambda f, x: f(x)),
    "film": (FiLM(), VECTORS, lambda f, x: f(x["a"], x["b"])),
    "dropout": (ModalityDropout(0.3, seed=4), VECTORS, lambda f, x: f(x)),
}  # fmt: skip


def plain(config):
    """Without what Keras notes about building, which saving completes."""
    return {k: plain(v) if isinstance(v, dict) else v for k, v in config.items() if k != "build_config"}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_layers_come_back_from_disk_with_their_arguments(name, tmp_path):
    layer, shapes, call = ROUND_TRIPS[name]
    model = shake(functional(layer, shapes, call))
    model.save(tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras")
    inputs = {key: normal(3, *shape) for key, shape in shapes.items()}
    keras.tree.map_structure(
        lambda a, b: np.testing.assert_array_equal(array(a), array(b)), model(inputs), back(inputs)
    )
    assert plain(back.get_layer(layer.name).get_config()) == plain(layer.get_config())


def test_round_trip_keeps_what_the_values_do_not_show(tmp_path):
    model = functional(*ROUND_TRIPS["dropout"])
    model.save(tmp_path / "model.keras")
    layer = next(x for x in keras.saving.load_model(tmp_path / "model.keras").layers if "dropout" in x.name)
    assert (layer.rate, layer.seed) == (0.3, 4)
    layer, shapes, call = GradientReversal(0.3, name="turn"), {"a": (4,)}, lambda f, x: f(x["a"])
    functional(layer, shapes, call).save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").get_layer("turn").strength == 0.3
