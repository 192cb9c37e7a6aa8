"""From a picture to a sentence: a captioner, what it is trained on, and the price of a caption."""

import keras
import numpy as np
from keras import layers, ops

from mmlib.layers.attention import PositionEmbedding, TransformerBlock
from mmlib.text import PAD_ID


def captioner(image_encoder, vocab_size, dim=64, num_heads=4, num_blocks=1, name="captioner"):
    """The next word, from the words so far and a picture: log p(w_t | w_<t, v) up to a constant.

    s_t = GRU(s_t-1, embedding(w_t)),   y_t = look(s_t, places of v),   logits_t = W LN(y_t) + b

    The recurrent state s_t has read words 1 … t and no picture; `look` is cross-attention, in which each state reads
    the places of the picture (the layers "look_0", …). So position t knows nothing of later words, and padding *behind*
    a sentence changes nothing before it; no mask is needed.

    Args:
        image_encoder: a `keras.Model` from pictures (B, H, W, C) to places (B, P, E), such as
            ``cnn_encoder(return_sequences=True)``.
        vocab_size: V, special tokens included.
        dim: D, the width of words and states; `num_heads` must divide it.
        num_heads, num_blocks: of the cross-attention.

    Returns:
        a functional `keras.Model`: {"image": (B, H, W, C), "tokens": int (B, T)} -> logits (B, T, V), those of the
        word that follows each token.

    Raises:
        ValueError: `image_encoder` does not return places, or `num_heads` does not divide `dim`.

    Reference: Vinyals et al. 2015 (CVPR); looking at places: Xu et al. 2015 (ICML). Derived in chapter 15.
    """
    image = keras.Input(image_encoder.inputs[0].shape[1:], name="image")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    places = image_encoder(image)
    if len(places.shape) != 3 or places.shape[1] is None:
        raise ValueError(
            "`image_encoder` must return places (B, P, E), e.g. with `return_sequences=True`. "
            f"Received: an encoder that returns {tuple(places.shape)}"
        )
    places = PositionEmbedding(places.shape[1], name="where")(places)
    context = keras.Model(image, places, name="eyes")(image)
    x = layers.Embedding(vocab_size, dim, name="embedding")(tokens)
    x = layers.GRU(dim, return_sequences=True, return_state=True, name="said")(x)[0]
    for i in range(num_blocks):
        x = TransformerBlock(num_heads, name=f"look_{i}")(x, context=context)
    logits = layers.Dense(vocab_size, name="next_word")(layers.LayerNormalization(name="norm")(x))
    return keras.Model({"image": image, "tokens": tokens}, logits, name=name)


def teacher_forcing(tokens):
    """What a captioner is given and what it must say: the same sentence, one word apart.

    inputs_t = w_t,   labels_t = w_t+1, or -1 where w_t+1 is padding (for `mmlib.losses.masked_token_loss`)

    Args:
        tokens: int (B, T), [start] first, [end] behind the last word, then zeros.

    Returns:
        inputs and labels, each int32 (B, T - 1).

    Reference: Williams & Zipser 1989 (Neural Computation 1). Derived in chapter 15.
    """
    tokens = np.asarray(tokens, "int32")
    return tokens[:, :-1], np.where(tokens[:, 1:] == PAD_ID, -1, tokens[:, 1:])


def caption_log_likelihood(model, images, tokens, batch_size=256):
    """log p(caption | picture) = Σ_t log p(w_t+1 | w_≤t, v), in nats, [end] included and padding left out.

    Args:
        model: {"image", "tokens"} -> logits (B, T, V), as `captioner`.
        images: (N, H, W, C).
        tokens: int (N, T), as `teacher_forcing` takes them.
        batch_size: how many pictures at once.

    Returns:
        (N,) array.

    Derived in chapter 15.
    """
    given, labels = teacher_forcing(tokens)
    said, parts = labels >= 0, []
    for start in range(0, len(given), batch_size):
        rows = slice(start, start + batch_size)
        inputs = {"image": ops.convert_to_tensor(images[rows]), "tokens": ops.convert_to_tensor(given[rows])}
        log_probs = ops.log_softmax(model(inputs), axis=-1)
        of_label = ops.take_along_axis(log_probs, np.maximum(labels[rows], 0)[..., None], axis=-1)[..., 0]
        parts.append(np.sum(said[rows] * ops.convert_to_numpy(of_label), axis=1))
    return np.concatenate(parts)
