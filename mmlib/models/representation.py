"""Models that put several modalities into one space. They are handed their encoders."""

import keras
from keras import ops

from mmlib.layers.fusion import ModalityDropout
from mmlib.layers.latent import GradientReversal, SimilarityLogits
from mmlib.models.wiring import apply_encoders


def dual_encoder(encoders, temperature=0.07, bias=None, name="dual_encoder"):
    """Two encoders and the matrix of similarities between everything in the one modality and everything in the other.

    Train it with ``contrastive_loss`` and one id per pair as target. To search, use the parts: they map a modality to
    unit vectors, whose dot products are cosines.

        model = dual_encoder({"image": cnn_encoder(…), "text": bag_of_words_encoder(…)})
        model.compile("adam", contrastive_loss)
        model.fit({"image": images, "text": tokens}, np.arange(len(images)))
        pictures = model.get_layer("image_encoder").predict(images)

    Args:
        encoders: dict of two, modality name to a `keras.Model` with one input and one output (B, D), equal D.
        temperature: where the learned temperature starts.
        bias: where a learned bias starts, for `sigmoid_contrastive_loss`; None means no bias.

    Returns:
        a functional `keras.Model`: dict of inputs -> (B, B) logits. Rows are the modality whose name comes first in the
        alphabet, columns the other. Its sub-models are called "<modality>_encoder".

    Reference: Radford et al. 2021 (ICML). Derived in chapter 08.
    """
    if len(encoders) != 2:
        raise ValueError(f"`encoders` must hold two modalities. Received: {sorted(encoders)}")
    widths = {key: encoder.outputs[0].shape[1:] for key, encoder in sorted(encoders.items())}
    if any(len(width) != 1 for width in widths.values()) or len(set(widths.values())) != 1:
        raise ValueError(f"Both encoders must return (B, D) with one and the same D. Received: {widths}")

    def unit(embedding, key):
        return keras.layers.UnitNormalization(name=f"{key}_direction")(embedding)

    inputs, directions = apply_encoders(encoders, finish=unit)
    similarity = SimilarityLogits(temperature, bias, name="similarity")
    return keras.Model(inputs, similarity(*(directions[key] for key in sorted(directions))), name=name)


def cross_modal_autoencoder(encoders, decoders, dropout=0.5, seed=None, name="cross_modal_autoencoder"):
    """One code for all modalities, from which each of them is decoded, whichever of them were shown.

    z = Σ_{m in S} e_m(x_m) / |S|,   x̂_m = d_m(z) for *every* m

    While training, S is a random non-empty set of modalities, drawn for each row; at inference it is all. Train it with
    the inputs as targets. To translate, use the parts:

        model = cross_modal_autoencoder({"audio": …, "image": …}, {"audio": …, "image": …})
        model.compile("adam", "mse")
        model.fit(inputs, inputs)
        drawn = model.get_layer("image_decoder")(model.get_layer("audio_encoder")(sounds))

    Args:
        encoders: dict, modality name to a `keras.Model` with one input and one output (B, D), equal D.
        decoders: dict, modality name to a `keras.Model` (B, D) -> (B, …).
        dropout: how often a modality is left out, see `mmlib.layers.fusion.ModalityDropout`; 0 shows always all.
        seed: of the draws.

    Returns:
        a functional `keras.Model`: dict of inputs -> dict of reconstructions. Its sub-models are called
        "<modality>_encoder" and "<modality>_decoder".

    Raises:
        ValueError: the widths of the codes differ.

    Reference: Ngiam et al. 2011 (ICML). Derived in chapter 10.
    """
    widths = {f"{key}_encoder": encoder.outputs[0].shape[1:] for key, encoder in sorted(encoders.items())}
    widths |= {f"{key}_decoder": decoder.inputs[0].shape[1:] for key, decoder in sorted(decoders.items())}
    if len(set(widths.values())) != 1:
        raise ValueError(f"All encoders and decoders must share one width D of the code. Received: {widths}")
    inputs, codes = apply_encoders(encoders)
    counted = {key: ops.concatenate([z, ops.ones_like(z[:, :1])], axis=1) for key, z in codes.items()}
    shown = ModalityDropout(dropout, seed=seed, name="views")(counted)  # a hidden code is 0, and counts 0
    total = sum(shown[key] for key in sorted(shown))
    code = total[:, :-1] / total[:, -1:]
    outputs = {}
    for key, decoder in sorted(decoders.items()):
        own = keras.Input(decoder.inputs[0].shape[1:], name="code")
        outputs[key] = keras.Model(own, decoder(own), name=f"{key}_decoder")(code)
    return keras.Model(inputs, outputs, name=name)


def adversarial_alignment(encoders, discriminator, strength=1.0, name="adversarial_alignment"):
    """Encoders against a discriminator that has to name the modality a feature comes from. No pairs are needed.

    L = (1/M) Σ_m E_x -log softmax(D(R(e_m(x))))_m,   R(z) = z forward, -strength backward

    One loss and one optimiser play the whole game: D descends on L, and behind the reversal R the encoders climb it.
    The rows of different modalities are unrelated. "Modality" may be any domain, such as an art style or a language;
    two domains may share one encoder.

        model = adversarial_alignment({"image": cnn_encoder(…), "text": bag_of_words_encoder(…)}, discriminator)
        model.compile("adam", loss={"modality": keras.losses.SparseCategoricalCrossentropy(from_logits=True)})
        model.fit({"image": images, "text": tokens}, {"modality": np.tile([0, 1], (len(images), 1))})

    Losses on the features join in under the name of their modality, for instance the distance to an anchor. With M
    modalities, log M means that this discriminator is fooled. It does not mean that the features agree.

    Args:
        encoders: dict of two or more, modality name to a `keras.Model` with one input and one output (B, D), equal D.
        discriminator: a `keras.Model` or layer (B, D) -> (B, M), logits in the alphabetical order of the names.
        strength: λ >= 0 of the reversal; with 0 the discriminator looks on and the encoders do not notice.

    Returns:
        a functional `keras.Model`: dict of inputs -> dict of each modality's features (B, D) and "modality"
        (B, M, M), whose row m holds the logits for the features of modality m. Sub-models are "<modality>_encoder".

    Raises:
        ValueError: fewer than two modalities, one called "modality", unequal widths, or a discriminator of another M.

    Reference: Ganin et al. 2016 (JMLR). Derived in chapter 11.
    """
    if len(encoders) < 2 or "modality" in encoders:
        raise ValueError(f'`encoders` must hold two or more, none called "modality". Received: {sorted(encoders)}')
    widths = {key: encoder.outputs[0].shape[1:] for key, encoder in sorted(encoders.items())}
    if any(len(width) != 1 for width in widths.values()) or len(set(widths.values())) != 1:
        raise ValueError(f"All encoders must return (B, D) with one and the same D. Received: {widths}")
    inputs, features = apply_encoders(encoders)
    reverse = GradientReversal(strength, name="reversal")
    logits = [discriminator(reverse(features[key])) for key in sorted(features)]
    if logits[0].shape[1:] != (len(encoders),):
        raise ValueError(
            f"`discriminator` must return (B, {len(encoders)}), a logit for each modality. "
            f"Received: shape={logits[0].shape}"
        )
    rows = [keras.layers.Reshape((1, len(encoders)))(row) for row in logits]
    return keras.Model(inputs, {**features, "modality": keras.layers.Concatenate(axis=1)(rows)}, name=name)
