"""Models as wiring: masks, names and weights arrive, retrieval learns what it can and nothing from shuffled pairs."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from sklearn.linear_model import LogisticRegression

from mmlib.encoders.image import cnn_encoder
from mmlib.encoders.text import bag_of_words_encoder, lstm_encoder, transformer_encoder
from mmlib.layers.fusion import GatedFusion, ModalityDropout, TensorFusion
from mmlib.losses import contrastive_loss
from mmlib.metrics import recall_at_k, retrieval_ranks
from mmlib.models.fusion import attention_fusion, early_fusion, late_fusion
from mmlib.models.representation import dual_encoder

RNG = np.random.default_rng(0)
INPUTS = {
    "image": RNG.random((4, 8, 8, 3)).astype("float32"),
    "text": np.array([[2, 3, 4, 0], [2, 5, 0, 0], [2, 6, 7, 8], [2, 0, 0, 0]]),
}


def pictures(dim=6, **options):
    return cnn_encoder((8, 8, 3), dim=dim, filters=(4, 5), **options)


def dropout_then_gate(features):
    return GatedFusion(5)(ModalityDropout(0.5, seed=1)(features))


BUILDERS = {
    "dual, lstm": lambda: dual_encoder({"image": pictures(), "text": lstm_encoder(9, 6)}, temperature=0.3),
    "dual, words": lambda: dual_encoder({"text": bag_of_words_encoder(9, 6), "image": pictures()}, 0.3, bias=-2.0),
    "late, concatenated": lambda: late_fusion(
        {"image": pictures(), "text": lstm_encoder(9, 4)}, layers.Concatenate(), layers.Dense(3)
    ),
    "late, averaged scores": lambda: late_fusion(
        {"image": pictures(3), "text": bag_of_words_encoder(9, 3)}, layers.Average(), None
    ),
    "late, gated": lambda: late_fusion(
        {"text": transformer_encoder(9, 4, num_layers=1, num_heads=2), "image": pictures()},
        dropout_then_gate,
        layers.Dense(3),
    ),
    "late, products": lambda: late_fusion(
        {"text": bag_of_words_encoder(9, 4), "image": pictures()}, TensorFusion(5, rank=2), layers.Dense(3)
    ),
    "attention": lambda: attention_fusion(
        {"text": lstm_encoder(9, 4, return_sequences=True), "image": pictures(return_sequences=True)},
        "text",
        2,
        layers.Dense(3),
    ),
    "attention, picture asks": lambda: attention_fusion(
        {
            "text": transformer_encoder(9, 4, num_layers=1, num_heads=2, return_sequences=True),
            "image": pictures(return_sequences=True),
        },
        "image",
        3,
        layers.Dense(3),
    ),
}


def build(name):
    model = BUILDERS[name]()
    for weight in model.weights:
        if weight.dtype == "float32":
            noise = RNG.normal(size=weight.shape).astype("float32")
            weight.assign(0.5 + np.abs(noise) if "variance" in weight.path else weight + 0.3 * noise)
    return model


def run(model, inputs):
    return keras.ops.convert_to_numpy(model(inputs))


@pytest.mark.parametrize("name", BUILDERS)
def test_padding_a_sentence_changes_nothing_and_the_words_do(name):
    model = build(name)
    longer = INPUTS | {"text": np.pad(INPUTS["text"], ((0, 0), (0, 5)))}
    out = run(model, INPUTS)
    np.testing.assert_allclose(run(model, longer), out, atol=2e-6)
    for key in INPUTS:  # and every modality matters
        assert np.abs(run(model, INPUTS | {key: INPUTS[key][::-1]}) - out).max() > 1e-3


@pytest.mark.parametrize("name", BUILDERS)
def test_neither_batch_nor_order_of_the_dict_changes_an_item(name):
    model = build(name)
    out, backwards = run(model, INPUTS), run(model, dict(reversed(INPUTS.items())))
    np.testing.assert_array_equal(backwards, out)
    some = run(model, {key: x[[2, 0]] for key, x in INPUTS.items()})
    np.testing.assert_allclose(some, out[np.ix_([2, 0], [2, 0])] if "dual" in name else out[[2, 0]], atol=1e-5)


@pytest.mark.parametrize("name", BUILDERS)
def test_models_come_back_from_disk(name, tmp_path):
    model = build(name)
    model.save(tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(run(back, INPUTS), run(model, INPUTS))
    assert [layer.name for layer in back.layers] == [layer.name for layer in model.layers]


def test_a_compiled_dual_encoder_comes_back_ready_to_go_on(tmp_path):
    model = build("dual, words")
    model.compile("sgd", contrastive_loss)
    model.train_on_batch(INPUTS, np.arange(4))
    model.save(tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras")
    assert back.train_on_batch(INPUTS, np.arange(4)) == pytest.approx(
        model.train_on_batch(INPUTS, np.arange(4)), rel=1e-5
    )


@pytest.mark.parametrize("name", BUILDERS)
def test_gradients_reach_every_weight(name):
    model = build(name)
    with tf.GradientTape() as tape:
        out = model(INPUTS, training=False)
        loss = tf.reduce_sum(out * RNG.normal(size=out.shape))
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        if not variable.path.endswith("key/bias"):  # shifts all scores of a query alike
            assert gradient is not None and np.abs(tf.convert_to_tensor(gradient)).max() > 1e-8, variable.path


def test_dual_encoder_is_the_cosine_of_its_parts():
    model = build("dual, words")
    images, texts = (run(model.get_layer(f"{key}_encoder"), INPUTS[key]) for key in ("image", "text"))
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, rtol=1e-5)
    similarity = model.get_layer("similarity")
    expected = images @ texts.T / similarity.temperature + float(similarity.bias)
    np.testing.assert_allclose(run(model, INPUTS), expected, atol=1e-4)  # rows: image comes before text
    with pytest.raises(ValueError, match="one and the same D"):
        dual_encoder({"image": pictures(5), "text": bag_of_words_encoder(9, 6)})
    with pytest.raises(ValueError, match="two modalities"):
        dual_encoder({"image": pictures(5)})


def paired_world(count):
    """Twelve concepts; a picture is the noisy vector of its concept, a sentence one of two synonyms for it."""
    concepts, centres = np.arange(count) % 12, np.random.default_rng(5).normal(size=(12, 8))
    words = 3 + 2 * concepts + RNG.integers(2, size=count)
    images = centres[concepts] + 0.1 * RNG.normal(size=(count, 8))
    return {"image": images.astype("float32"), "text": np.stack([np.full(count, 2), words], axis=1)}, concepts


@pytest.mark.parametrize("shuffled", [False, True])
def test_dual_encoder_learns_pairs_and_learns_nothing_from_shuffled_ones(shuffled):
    keras.utils.set_random_seed(1)
    pictures_as_vectors = keras.Sequential([keras.Input((8,)), layers.Dense(16)])
    model = dual_encoder({"image": pictures_as_vectors, "text": bag_of_words_encoder(27, 16)}, temperature=0.2)
    model.compile(keras.optimizers.Adam(0.03), contrastive_loss)
    inputs, _ = paired_world(192)
    order = RNG.permutation(192) if shuffled else np.arange(192)
    model.fit(inputs | {"text": inputs["text"][order]}, np.arange(192), batch_size=48, epochs=20, verbose=0)
    fresh, truth = paired_world(96)
    recall = recall_at_k(retrieval_ranks(run(model, fresh), truth[:, None] == truth), 1)
    assert recall < 0.35 if shuffled else recall > 0.9  # by meaning, chance is 1/12


@pytest.mark.parametrize(
    ("fusion", "additive"), [(layers.Add(), True), (TensorFusion(2), False), (GatedFusion(2), False)]
)
def test_the_rectangle_identity_holds_for_sums_of_scores_whatever_the_encoders(fusion, additive):
    """The spine of the book: L(a, b) + L(a', b') = L(a, b') + L(a', b) for late fusion by adding scores."""
    encoders = {}
    for key in "ab":
        x = keras.Input((3,))
        deep = layers.Dense(2)(layers.Dense(16, activation="tanh")(layers.Dense(16, activation="relu")(x)))
        encoders[key] = keras.Model(x, deep)
    model = late_fusion(encoders, fusion, None)
    (a, a2), (b, b2) = RNG.normal(size=(2, 2, 1, 3)).astype("float32") * 2
    sides = [run(model, {"a": x, "b": y}) for x, y in [(a, b), (a2, b2), (a, b2), (a2, b)]]
    gap = np.abs(sides[0] + sides[1] - sides[2] - sides[3]).max()
    assert gap < 1e-5 if additive else gap > 1e-3


def test_early_fusion_with_a_linear_trunk_is_logistic_regression_on_the_joined_inputs():
    a, b = RNG.normal(size=(300, 3)).astype("float32"), RNG.normal(size=(300, 2)).astype("float32")
    labels = (a[:, 0] - b[:, 1] + RNG.normal(size=300) > 0).astype(int)
    trunk, head = layers.Identity(), layers.Dense(1)
    model = early_fusion({"b": (2,), "a": keras.Input((3,), name="a")}, layers.Concatenate(), trunk, head)
    oracle = LogisticRegression(C=np.inf).fit(np.hstack([a, b]), labels)
    head.kernel.assign(oracle.coef_.T)
    head.bias.assign(oracle.intercept_)
    np.testing.assert_allclose(
        run(model, {"a": a, "b": b})[:, 0], oracle.decision_function(np.hstack([a, b])), rtol=1e-4, atol=1e-4
    )


def test_one_context_token_leaves_the_query_nothing_to_choose():
    """With a single pooled key the attention weight is 1, whatever is asked."""
    single = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(6), layers.Reshape((1, 6))])
    model = attention_fusion(
        {"text": lstm_encoder(9, 4, return_sequences=True), "image": single}, "text", 2, layers.Dense(3)
    )
    block = model.get_layer("cross_attention")
    x, other = (RNG.normal(size=(2, 3, 4)).astype("float32") for _ in range(2))
    context = keras.ops.convert_to_tensor(RNG.normal(size=(2, 1, 6)).astype("float32"))
    read = [block.attend(keras.ops.convert_to_tensor(q), context)[0] for q in (x, other)]
    np.testing.assert_allclose(read[0], read[1], atol=1e-6)


def test_attention_fusion_says_what_it_needs():
    with pytest.raises(ValueError, match="return_sequences"):
        attention_fusion({"text": lstm_encoder(9, 4), "image": pictures()}, "text", 2, layers.Dense(3))
    with pytest.raises(ValueError, match="query='audio'"):
        attention_fusion({"text": lstm_encoder(9, 4), "image": pictures()}, "audio", 2, layers.Dense(3))


def test_two_encoders_of_one_kind_do_not_quarrel_about_names():
    model = dual_encoder({"english": lstm_encoder(9, 4), "chinese": lstm_encoder(7, 4)})
    assert model.get_layer("english_encoder") is not model.get_layer("chinese_encoder")
    assert run(model, {"english": np.array([[1, 2]]), "chinese": np.array([[3]])}).shape == (1, 1)
