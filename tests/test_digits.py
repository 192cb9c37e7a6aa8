"""Digits, written and spoken, and the way from a waveform to a log-mel spectrogram."""

import cmath
import math

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from mmlib.data import audio, digits, files

RNG = np.random.default_rng(0)
PARTS = ("train", "validation", "test")


# --- mu-law --------------------------------------------------------------------------


def test_mulaw_agrees_with_the_equation_sample_by_sample():
    samples = np.concatenate([RNG.uniform(-1, 1, 50), [0.0, 1.0, -1.0, 1e-4]])
    for sample, code in zip(samples, audio.encode_mulaw(samples), strict=True):
        squeezed = math.copysign(math.log(1 + 255 * abs(sample)) / math.log(256), sample)
        assert code == round(255 * (squeezed + 1) / 2)


def test_mulaw_round_trip_errs_by_less_than_a_step_and_less_for_quiet_samples():
    samples = np.linspace(-1, 1, 2001)
    error = np.abs(audio.decode_mulaw(audio.encode_mulaw(samples)) - samples)
    assert error.max() < 0.025
    assert error[np.abs(samples) < 0.01].max() < 0.001
    codes = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(audio.encode_mulaw(audio.decode_mulaw(codes)), codes)


@pytest.mark.parametrize("bad", [[0.0, 1.5], [-1.01], [np.nan]])
def test_mulaw_refuses_samples_out_of_range(bad):
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        audio.encode_mulaw(bad)


# --- log-mel -------------------------------------------------------------------------


def slow_log_mel(samples, rate, length, hop, bands, low, high, floor):
    """Write the equation down with loops: frames, DFT by its definition, triangles on the mel axis."""

    def mel(hz):
        return 2595 * math.log10(1 + hz / 700)

    edges = [mel(low) + k * (mel(high) - mel(low)) / (bands + 1) for k in range(bands + 2)]
    rows = []
    for start in range(0, len(samples) - length + 1, hop):
        row = [floor] * bands
        for b in range(length // 2 + 1):
            total = 0j
            for n in range(length):
                window = math.sin(math.pi * n / length) ** 2
                total += window * samples[start + n] * cmath.exp(-2j * math.pi * b * n / length)
            where = mel(b * rate / length)
            for k in range(bands):
                left, peak, right = edges[k : k + 3]
                if left < where < right:
                    slope = (where - left) / (peak - left) if where <= peak else (right - where) / (right - peak)
                    row[k] += slope * abs(total) ** 2
        rows.append([math.log(value) for value in row])
    return np.array(rows)


def test_log_mel_agrees_with_a_slow_loop():
    samples = RNG.uniform(-0.5, 0.5, 107)
    fast = audio.log_mel(samples, 8000, frame_length=32, hop=12, num_mels=5, low_hz=100, high_hz=3500, floor=0.01)
    np.testing.assert_allclose(fast, slow_log_mel(samples, 8000, 32, 12, 5, 100, 3500, 0.01), rtol=1e-5)


def test_log_mel_agrees_with_tensorflow():
    import tensorflow as tf

    samples = RNG.uniform(-1, 1, (3, 2000)).astype("float32")
    power = tf.abs(tf.signal.stft(samples, 256, 128)) ** 2
    weights = tf.signal.linear_to_mel_weight_matrix(32, 129, 8000, 60.0, 4000.0)
    theirs = tf.math.log(tf.tensordot(power, weights, 1) + 1e-3)
    # their triangles use m = 1127 ln(1 + f/700), ours 2595 log10(1 + f/700): the same but for 2595 being rounded
    np.testing.assert_allclose(audio.log_mel(samples, 8000), theirs, atol=1e-3)


@pytest.mark.parametrize("hz", [300, 1000, 2500])
def test_a_pure_tone_lights_the_band_that_holds_its_pitch(hz):
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(4000) / 8000)
    edges = audio.mel_to_hz(np.linspace(audio.hz_to_mel(60), audio.hz_to_mel(4000), 34))
    loudest = audio.log_mel(tone, 8000).mean(axis=0).argmax()
    assert edges[loudest] < hz < edges[loudest + 2]


def test_twice_the_amplitude_adds_log_four_and_silence_is_the_floor():
    samples = RNG.uniform(-0.4, 0.4, 1000)
    quiet, loud = (audio.log_mel(scale * samples, 8000, floor=1e-12) for scale in (1, 2))
    np.testing.assert_allclose(loud - quiet, math.log(4), atol=1e-5)
    np.testing.assert_allclose(audio.log_mel(np.zeros(512), 8000, floor=1e-3), math.log(1e-3), rtol=1e-6)


def test_a_batch_is_its_items_and_frames_are_slices():
    samples = RNG.uniform(-1, 1, (2, 3, 700))
    together = audio.log_mel(samples, 8000)
    assert together.shape == (2, 3, 1 + (700 - 256) // 128, 32)
    np.testing.assert_allclose(together[1, 2], audio.log_mel(samples[1, 2], 8000), rtol=1e-5)
    frames = audio.split_frames(samples, 256, 100)
    np.testing.assert_array_equal(frames[1, 0, 3], samples[1, 0, 300:556])


def test_mel_scale_has_its_fixed_point_and_its_inverse():
    assert abs(audio.hz_to_mel(1000) - 1000) < 0.1
    hz = np.linspace(0, 8000, 50)
    np.testing.assert_allclose(audio.mel_to_hz(audio.hz_to_mel(hz)), hz, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: audio.split_frames(np.zeros(10), 11, 1), "at least one frame"),
        (lambda: audio.split_frames(np.zeros(10), 4, 0), "positive"),
        (lambda: audio.mel_filters(8, 64, 8000, high_hz=4001), "sample_rate / 2"),
        (lambda: audio.mel_filters(8, 64, 8000, low_hz=500, high_hz=400), "low < high"),
    ],
)
def test_impossible_settings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- the sets ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spoken():
    return {part: digits.load_spoken_digits(part) for part in (None, *PARTS)}


def test_every_voice_says_every_word_twice(spoken):
    table = spoken[None]
    counts = np.zeros((table["voices"].max() + 1, 10), dtype=int)
    np.add.at(counts, (table["voices"], table["labels"]), 1)
    assert (counts == 2).all()
    assert len(set(table["accents"])) == 7


def test_waveforms_are_trimmed_scaled_and_silent_behind_the_word(spoken):
    for sound, length in zip(spoken[None]["waveforms"], spoken[None]["lengths"], strict=True):
        assert np.abs(sound).max() == 1.0
        assert not sound[length:].any()
        assert np.abs(sound[[0, length - 1]]).min() > 0.005


def test_no_voice_no_family_and_no_sound_is_in_two_parts(spoken):
    assert sum(len(spoken[part]["labels"]) for part in PARTS) == len(spoken[None]["labels"])
    for column in ("voices", "families"):
        seen = [set(spoken[part][column]) for part in PARTS]
        assert not (seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2])
    sounds = {sound.tobytes() for sound in spoken[None]["waveforms"]}
    assert len(sounds) == len(spoken[None]["labels"]), "two utterances are the same"


def test_every_part_hears_every_accent(spoken):
    assert all(set(spoken[part]["accents"]) == set(spoken[None]["accents"]) for part in PARTS)


def test_words_can_be_told_apart_on_unseen_voices_but_not_with_shuffled_labels(spoken):
    rows = {part: digits.digit_spectrograms(spoken[part]["waveforms"]).reshape(-1, 1280) for part in PARTS}
    labels = spoken["train"]["labels"]
    model = KNeighborsClassifier(n_neighbors=1).fit(rows["train"], labels)
    assert model.score(rows["validation"], spoken["validation"]["labels"]) > 0.9
    model.fit(rows["train"], np.random.default_rng(0).permutation(labels))
    assert model.score(rows["validation"], spoken["validation"]["labels"]) < 0.2
    assert abs(rows["train"].std() - 1) < 1e-3


def test_silence_is_exactly_zero_and_nothing_is_below_it(spoken):
    assert not digits.digit_spectrograms(np.zeros(5248)).any()
    rows = digits.digit_spectrograms(spoken["train"]["waveforms"])
    assert rows.min() == 0
    first_silent_frame = -(-spoken["train"]["lengths"] // 128)
    for row, frame in zip(rows, first_silent_frame, strict=True):
        assert not row[frame:].any()
        assert row[frame - 2].any()


def test_handwriting_is_scikit_learns_and_each_sheet_begins_anew():
    ours, theirs = digits.load_handwritten_digits(), load_digits()
    np.testing.assert_array_equal(ours["images"][..., 0] * 16, theirs.images)
    np.testing.assert_array_equal(ours["labels"], theirs.target)
    for sheet in range(14):  # the writers filled in the same form, which begins 0, 1, 2, …
        np.testing.assert_array_equal(ours["labels"][ours["sheets"] == sheet][:6], range(6))


def test_no_sheet_is_in_two_parts_and_none_is_lost():
    sheets = [set(digits.load_handwritten_digits(part)["sheets"]) for part in PARTS]
    assert set.union(*sheets) == set(range(14))
    assert sum(map(len, sheets)) == 14


@pytest.mark.parametrize("part", PARTS)
def test_pairs_mean_the_same_and_stay_in_their_part(part, spoken):
    inputs, labels = digits.load_audiovisual_digits(part, seed=3, pairs_per_image=2)
    written = digits.load_handwritten_digits(part)
    truth = {}
    for image, label in zip(written["images"], written["labels"], strict=True):
        truth.setdefault(image.tobytes(), set()).add(label)
    for image, label in zip(inputs["image"], labels, strict=True):
        assert label in truth[image.tobytes()]
    of_sound = {
        row.tobytes(): label
        for row, label in zip(digits.digit_spectrograms(spoken[part]["waveforms"]), spoken[part]["labels"], strict=True)
    }
    assert [of_sound[sound.tobytes()] for sound in inputs["audio"]] == list(labels)
    assert len(labels) == 2 * len(written["labels"])


def test_the_seed_decides_the_pairs_and_nothing_else():
    (first, labels), (again, _), (other, other_labels) = (
        digits.load_audiovisual_digits("validation", seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first["audio"], again["audio"])
    assert not np.array_equal(first["audio"], other["audio"])
    assert sorted(image.tobytes() for image in first["image"]) == sorted(image.tobytes() for image in other["image"])
    np.testing.assert_array_equal(np.bincount(labels), np.bincount(other_labels))


def test_a_label_without_partner_and_an_unknown_part_are_named():
    with pytest.raises(ValueError, match="none with label 7"):
        digits.pair_by_label([1, 7], [1, 2], seed=0)
    with pytest.raises(ValueError, match="part='dev'"):
        digits.load_audiovisual_digits("dev")
    with pytest.raises(ValueError, match="5248"):
        digits.digit_spectrograms(np.zeros(5000))


def test_a_missing_or_damaged_file_is_named_with_its_remedy(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    (tmp_path / "checksums.json").write_bytes((files.DATA / "checksums.json").read_bytes())
    whole = (files.DATA / "digits" / "spoken.npz").read_bytes()
    monkeypatch.setattr(files, "DATA", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"digits/spoken\.npz.*git checkout"):
        digits.load_spoken_digits()
    (tmp_path / "digits" / "spoken.npz").write_bytes(whole[:-100])
    with pytest.raises(OSError, match=r"Damaged.*digits/spoken\.npz.*git checkout"):
        digits.load_spoken_digits()
