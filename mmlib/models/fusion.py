"""Where modalities meet: before, between or after their encoders. Wiring only: the parts are handed in."""

import keras

from mmlib.layers.attention import TransformerBlock
from mmlib.layers.sequence import MeanPooling
from mmlib.models.wiring import apply_encoders

LIST_LAYERS = (
    keras.layers.Concatenate, keras.layers.Add, keras.layers.Average, keras.layers.Multiply, keras.layers.Maximum,
)  # fmt: skip


def early_fusion(inputs, join, trunk, head, name="early_fusion"):
    """Modalities meet before anything is learned: head(trunk(join(x_1 … x_M))).

    Args:
        inputs: dict, modality name to shape (…) of one item, or to a `keras.Input` of that name.
        join: makes one tensor of the dict: a layer, or a function such as ``lambda x: ops.concatenate([…])``.
        trunk: a layer or model on the joined tensor.
        head: a layer or model on what the trunk returns.

    Returns:
        a functional `keras.Model`: dict of inputs -> what the head returns.

    Reference: Baltrušaitis, Ahuja & Morency 2019 (IEEE TPAMI 41). Derived in chapter 04.
    """
    tensors = {
        key: keras.Input(given, name=key) if isinstance(given, list | tuple) else given
        for key, given in sorted(inputs.items())
    }
    return keras.Model(tensors, head(trunk(_merge(join, tensors))), name=name)


def late_fusion(encoders, fusion, head, name="late_fusion"):
    """Modalities meet behind their encoders: head(fusion(e_1(x_1) … e_M(x_M))).

    With encoders that return features this is intermediate fusion, with encoders that return class scores it is late
    fusion proper; the wiring is the same.

    Args:
        encoders: dict, modality name to a `keras.Model` with one input and one output.
        fusion: makes one tensor of the dict of outputs: a layer of `mmlib.layers.fusion`, a merging layer of Keras
            (which gets the outputs as a list, in alphabetical order of the names), or a function of the dict.
        head: a layer or model on the fused tensor; None returns the fused tensor itself.

    Returns:
        a functional `keras.Model`: dict of inputs -> what the head returns. Sub-models are called "<modality>_encoder".

    Reference: Baltrušaitis, Ahuja & Morency 2019 (IEEE TPAMI 41). Derived in chapters 04 and 05.
    """
    inputs, features = apply_encoders(encoders)
    fused = _merge(fusion, features)
    return keras.Model(inputs, fused if head is None else head(fused), name=name)


def attention_fusion(encoders, query, num_heads, head, name="attention_fusion"):
    """The tokens of one modality look at the tokens of another; the mean of what they then hold goes to the head.

    The layer "cross_attention" gives its weights to `mmlib.layers.attention.attention_scores`.

    Args:
        encoders: dict of two, modality name to a `keras.Model` that returns a sequence (B, T, D).
        query: the name of the modality that asks, for instance "question".
        num_heads: of the attention; it must divide the width of the asking encoder.
        head: a layer or model on (B, D).

    Returns:
        a functional `keras.Model`: dict of inputs -> what the head returns.

    Reference: Lu et al. 2019 (NeurIPS, ViLBERT). Derived in chapter 06.
    """
    if len(encoders) != 2 or query not in encoders:
        raise ValueError(f"Two encoders are needed, one of them `query`. Received: {sorted(encoders)}, query={query!r}")
    inputs, sequences = apply_encoders(encoders)
    (context,) = set(encoders) - {query}
    if any(len(sequence.shape) != 3 for sequence in sequences.values()):
        shapes = {key: sequence.shape for key, sequence in sequences.items()}
        raise ValueError(f"Attention needs sequences (B, T, D): use `return_sequences=True`. Received: {shapes}")
    read = TransformerBlock(num_heads, name="cross_attention")(sequences[query], sequences[context])
    return keras.Model(inputs, head(MeanPooling(name="mean")(read)), name=name)


def _merge(layer, tensors):
    """Keras's own merging layers take a list; everything else takes the dict."""
    return layer([tensors[key] for key in sorted(tensors)] if isinstance(layer, LIST_LAYERS) else tensors)
