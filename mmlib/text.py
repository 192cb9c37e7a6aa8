"""Text: from a sentence to a row of numbers and back."""

from collections import Counter

import keras
import numpy as np
import tensorflow as tf

PAD, UNKNOWN, START, END = "", "[UNK]", "[start]", "[end]"
PAD_ID, UNKNOWN_ID, START_ID, END_ID = range(4)  # their numbers; without `end=True`, 3 is the first word


@keras.saving.register_keras_serializable("mmlib")
def standardize_words(text):
    """Lower-case the text and keep letters, digits, and the hyphens and apostrophes inside words; words stay words."""
    text = tf.strings.lower(text, encoding="utf-8")
    text = tf.strings.regex_replace(text, "[‐‑]", "-")
    text = tf.strings.regex_replace(text, "[’‘]", "'")
    text = tf.strings.regex_replace(text, r"[^\p{L}\p{M}\p{N}'-]", " ")
    return tf.strings.regex_replace(text, r"(^|\s)['-]+|['-]+(\s|$)", " ")


@keras.saving.register_keras_serializable("mmlib")
def standardize_characters(text):
    """As ``standardize_words``, and each Chinese character becomes a word; Latin words stay whole."""
    return tf.strings.regex_replace(standardize_words(text), r"(\p{Han})", r" \1 ")


@keras.saving.register_keras_serializable("mmlib")
def split_with_start(text):
    """Split at spaces and put [start] in front."""
    return tf.strings.split(tf.strings.join([START + " ", text]))


@keras.saving.register_keras_serializable("mmlib")
def split_with_start_and_end(text):
    """Split at spaces, put [start] in front and [end] behind."""
    return tf.strings.split(tf.strings.join([START + " ", text, " " + END]))


def make_tokenizer(texts, length, max_tokens=None, characters=False, end=False):
    """Make the layer that turns sentences into rows of token numbers.

    Number 0 is padding, 1 an unknown word, 2 the start token, then (with ``end``) the end token, then the words of
    ``texts`` by falling frequency, ties in alphabetical order. Every sentence gets the start token, so that no row is
    all padding, not even that of the empty sentence. Make the tokenizer from the training texts only.

    The layer is a ``keras.layers.TextVectorization``: it can stand inside a model and is saved with it. Loading such a
    ``.keras`` file needs ``import mmlib.text`` first; an exported SavedModel needs nothing of ours.

    Args:
        texts: list of str, the training texts.
        length: int, tokens per row, start token included; longer sentences are cut, shorter ones padded.
        max_tokens: int or None, size of the vocabulary, the special tokens included; None keeps every word.
        characters: bool, make each Chinese character a token of its own, which Chinese needs, since it writes no
            spaces; Latin words stay whole.
        end: bool, put an end token behind each sentence, which a decoder needs to know when to stop.

    Returns:
        A layer from strings (B,) to int64 tokens (B, T) with T = ``length``.

    Raises:
        ValueError: if ``texts`` is a string or empty, or ``length`` or ``max_tokens`` leaves no room for a word.

    Derived in chapter 02.
    """
    if isinstance(texts, (str, bytes)) or not len(texts):
        raise ValueError(f"`texts` must be a list of sentences. Received: {texts!r}")
    special = [START, END] if end else [START]
    if length <= len(special):
        raise ValueError(f"`length` must be at least {len(special) + 1}. Received: length={length}")
    if max_tokens is not None and max_tokens <= 2 + len(special):
        raise ValueError(f"`max_tokens` must be at least {3 + len(special)}. Received: max_tokens={max_tokens}")
    standardize = standardize_characters if characters else standardize_words
    split = split_with_start_and_end if end else split_with_start
    words = Counter(word.decode() for word in split(standardize(tf.constant(list(texts)))).flat_values.numpy())
    by_frequency = sorted(words.keys() - set(special), key=lambda word: (-words[word], word))
    room = None if max_tokens is None else max_tokens - 2 - len(special)
    return keras.layers.TextVectorization(
        standardize=standardize, split=split, output_sequence_length=length, vocabulary=special + by_frequency[:room]
    )


def detokenize(ids, tokenizer):
    """Turn token numbers back into text.

    Padding and the start token are left out, and what follows an end token is dropped. Words are joined by spaces,
    Chinese characters without.

    Args:
        ids: int array (T,) for one sentence or (B, T) for several.
        tokenizer: the layer that ``make_tokenizer`` made.

    Returns:
        A str, or a list of B of them.

    Derived in chapter 02.
    """
    ids = np.asarray(ids)
    vocabulary = tokenizer.get_vocabulary()
    rows = [_join([vocabulary[i] for i in row]) for row in np.atleast_2d(ids)]
    return rows[0] if ids.ndim == 1 else rows


def _join(tokens):
    if END in tokens:
        tokens = tokens[: tokens.index(END)]
    text = ""
    for token in tokens:
        if token not in (PAD, START):
            text += token if not text or (_is_han(text[-1]) and _is_han(token[0])) else " " + token
    return text


def _is_han(character):
    return "一" <= character <= "鿿" or "㐀" <= character <= "䶿"
