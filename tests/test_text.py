"""Tokens: round trips, padding, the empty sentence, Chinese, and the layer inside a saved model."""

import keras
import numpy as np
import pytest

from mmlib.text import detokenize, make_tokenizer

ENGLISH = ["A red circle left of a blue square.", "a blue square", "Two T-shirts, and one fox's den - no more!"]
CHINESE = ["红色的圆在蓝色的方块左边。", "蓝色的方块", "两个emoji图标"]


def test_numbers_mean_what_the_table_says():
    tokenizer = make_tokenizer(["b b a", "b a c"], length=5)
    assert tokenizer.get_vocabulary() == ["", "[UNK]", "[start]", "b", "a", "c"]
    rows = np.asarray(tokenizer(["c b", "zebra a b c a b a", ""]))
    np.testing.assert_array_equal(rows, [[2, 5, 3, 0, 0], [2, 1, 4, 3, 5], [2, 0, 0, 0, 0]])


def test_equal_counts_are_in_alphabetical_order_whatever_the_order_of_the_texts():
    first = make_tokenizer(["delta alpha", "charlie bravo"], length=4).get_vocabulary()
    assert first == make_tokenizer(["bravo charlie", "alpha delta"], length=4).get_vocabulary()
    assert first[3:] == ["alpha", "bravo", "charlie", "delta"]


def test_start_is_number_two_even_where_a_word_is_more_frequent():
    assert make_tokenizer(["the the the", "the"], length=4).get_vocabulary()[2:4] == ["[start]", "the"]


@pytest.mark.parametrize("characters", [False, True])
@pytest.mark.parametrize("end", [False, True])
def test_no_row_is_all_padding(characters, end):
    tokenizer = make_tokenizer(ENGLISH + CHINESE, length=6, characters=characters, end=end)
    for nothing in ("", "   ", "!?。", "-", "\n"):
        row = np.asarray(tokenizer([nothing]))[0]
        assert row[0] == 2
        np.testing.assert_array_equal(row[1:], [3 if end else 0, 0, 0, 0, 0])


def test_hyphens_and_apostrophes_stay_inside_words_only():
    tokenizer = make_tokenizer(ENGLISH, length=12)
    row = np.asarray(tokenizer(ENGLISH[2:]))[0]
    assert detokenize(row, tokenizer) == "two t-shirts and one fox's den no more"
    curly = np.asarray(tokenizer(["Two T‑shirts and one ‘fox’s’ den"]))[0]
    assert detokenize(curly, tokenizer) == "two t-shirts and one fox's den"


def test_capitals_of_every_alphabet_become_small():
    tokenizer = make_tokenizer(["été ångström"], length=4)
    assert detokenize(np.asarray(tokenizer(["ÉTÉ Ångström"]))[0], tokenizer) == "été ångström"


def test_chinese_needs_characters():
    words = make_tokenizer(CHINESE, length=12)
    assert np.count_nonzero(np.asarray(words(["红色的方块"]))[0] == 1) == 1  # a sentence never seen is one unknown word
    tokenizer = make_tokenizer(CHINESE, length=12, characters=True)
    row = np.asarray(tokenizer(["红色的方块"]))[0]
    assert np.count_nonzero(row) == 1 + 5
    assert detokenize(row, tokenizer) == "红色的方块"
    assert detokenize(np.asarray(tokenizer(["两个 EMOJI 图标"]))[0], tokenizer) == "两个 emoji 图标"


def test_round_trip_of_every_training_text():
    tokenizer = make_tokenizer(ENGLISH, length=12, end=True)
    expected = ["a red circle left of a blue square", "a blue square", "two t-shirts and one fox's den no more"]
    assert detokenize(tokenizer(ENGLISH), tokenizer) == expected
    after_the_end = np.array(tokenizer(["a red circle"]))[0]
    after_the_end[-1] = 5
    assert detokenize(after_the_end, tokenizer) == "a red circle"


def test_max_tokens_keeps_the_most_frequent():
    tokenizer = make_tokenizer(["a a a b b c", "a b d"], length=4, max_tokens=5)
    assert tokenizer.get_vocabulary() == ["", "[UNK]", "[start]", "a", "b"]


def test_layer_inside_a_saved_model(tmp_path):
    tokenizer = make_tokenizer(ENGLISH + CHINESE, length=9, max_tokens=20, characters=True, end=True)
    text = keras.Input((), dtype="string", name="text")
    hidden = keras.layers.Embedding(20, 4, mask_zero=True)(tokenizer(text))
    model = keras.Model({"text": text}, keras.layers.GlobalAveragePooling1D()(hidden))
    batch = {"text": keras.ops.convert_to_tensor([*ENGLISH, *CHINESE, ""])}
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.all(np.isfinite(model(batch)))
    np.testing.assert_array_equal(loaded(batch), model(batch))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"`texts` must be a list of sentences. Received: 'one'"):
        make_tokenizer("one", length=4)
    with pytest.raises(ValueError, match=r"`length` must be at least 3. Received: length=2"):
        make_tokenizer(ENGLISH, length=2, end=True)
    with pytest.raises(ValueError, match=r"`max_tokens` must be at least 4. Received: max_tokens=3"):
        make_tokenizer(ENGLISH, length=4, max_tokens=3)
