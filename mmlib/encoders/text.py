"""Text encoders: rows of token numbers (B, T), 0 = padding, to vectors (B, D) or to one vector a token (B, T, D)."""

import keras
from keras import layers

from mmlib.layers.attention import PositionEmbedding, TransformerBlock
from mmlib.layers.sequence import MeanPooling


def bag_of_words_encoder(vocab_size, dim=64, name="bag_of_words"):
    """The mean of the word vectors: fast, hard to beat on names, and blind to the order of the words.

    Args:
        vocab_size: V, the largest token number plus one.
        dim: D.

    Returns:
        a functional `keras.Model`: (B, T) -> (B, D).

    Derived in chapter 03.
    """
    tokens, x = _embedded(vocab_size, dim)
    return keras.Model(tokens, MeanPooling(name="mean")(x), name=name)


def lstm_encoder(vocab_size, dim=64, return_sequences=False, name="lstm"):
    """Reads word by word and keeps a state; the last state is the sentence.

    i, f, o = σ(W x_t + U h_{t-1} + b) each,   g = tanh(…),   c_t = f ⊙ c_{t-1} + i ⊙ g,   h_t = o ⊙ tanh(c_t)

    Args:
        vocab_size: V. dim: D.
        return_sequences: True gives every state, (B, T, D), with the mask of the tokens.

    Returns:
        a functional `keras.Model`: (B, T) -> (B, D) or (B, T, D).

    Reference: Hochreiter & Schmidhuber 1997 (Neural Computation). Derived in chapter 03.
    """
    tokens, x = _embedded(vocab_size, dim)
    return keras.Model(tokens, layers.LSTM(dim, return_sequences=return_sequences, name="lstm")(x), name=name)


def transformer_encoder(
    vocab_size, dim=64, num_layers=2, num_heads=4, dropout=0.0, return_sequences=False, name="transformer"
):
    """Every word looks at every other; a code of the place tells them apart; the mean of the result is the sentence.

    Args:
        vocab_size: V. dim: D, even and a multiple of `num_heads`.
        num_layers: the number of `TransformerBlock`s.
        dropout: inside the blocks, while training.
        return_sequences: True gives one vector a token, (B, T, D), with the mask of the tokens.

    Returns:
        a functional `keras.Model`: (B, T) -> (B, D) or (B, T, D). T may differ from call to call.

    Reference: Vaswani et al. 2017 (NeurIPS). Derived in chapter 03.
    """
    tokens, x = _embedded(vocab_size, dim)
    x = PositionEmbedding(name="position")(x)
    for i in range(num_layers):
        x = TransformerBlock(num_heads, dropout=dropout, name=f"block_{i}")(x)
    x = layers.LayerNormalization(name="norm")(x)
    return keras.Model(tokens, x if return_sequences else MeanPooling(name="mean")(x), name=name)


def _embedded(vocab_size, dim):
    tokens = keras.Input((None,), dtype="int32", name="text")
    # as large as the position code (standard deviation 0.7), which must not drown the word
    spread = keras.initializers.RandomUniform(-1.0, 1.0)
    return tokens, layers.Embedding(vocab_size, dim, mask_zero=True, embeddings_initializer=spread, name="word")(tokens)
