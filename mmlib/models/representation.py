"""Models that put several modalities into one space. They are handed their encoders."""

import keras

from mmlib.layers.latent import SimilarityLogits
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
