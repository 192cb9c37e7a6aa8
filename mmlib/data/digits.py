"""Digits, written and spoken: real handwriting from scikit-learn, synthetic speech from espeak-ng."""

from functools import cache

import numpy as np
from sklearn.datasets import load_digits

from mmlib.data.audio import decode_mulaw, log_mel
from mmlib.data.files import data_path

PARTS = ("train", "validation", "test")
SAMPLE_RATE = 8000  # Hz
FLOOR = 1e-3  # the band energy that counts as silence
NUM_SAMPLES = 5248  # 0.656 s: room for the longest utterance, and for exactly 40 frames
# Handwriting comes in sheets: the same sequence of about 130 digits starts anew at each of these rows. Thirteen people
# filled fourteen sheets, so a sheet stands in for its writer.
SHEET_STARTS = (0, 130, 256, 386, 516, 646, 776, 915, 1029, 1157, 1287, 1415, 1545, 1667)
SHEET_PARTS = ("train",) * 8 + ("validation",) * 3 + ("test",) * 3


def _check_part(part, all_allowed):
    allowed = (*PARTS, None) if all_allowed else PARTS
    if part not in allowed:
        raise ValueError(f"`part` must be one of {allowed}. Received: part={part!r}")


def load_handwritten_digits(part=None):
    """Return scikit-learn's 1,797 real handwritten digits, 8 × 8 pixels, or one part of them.

    Parts are made of whole sheets, so that a writer of the test part is, as far as the file tells, new.

    Args:
        part: "train" (1,029 pictures), "validation" (386), "test" (382) or None for all.

    Returns:
        A dict of arrays: ``images`` float32 (N, 8, 8, 1) in [0, 1], ``labels`` int32 (N,), ``sheets`` int32 (N,).

    Raises:
        ValueError: unknown part.

    Reference: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning Repository,
    1998, CC BY 4.0.
    Derived in chapter 02.
    """
    _check_part(part, all_allowed=True)
    digits = load_digits()
    sheets = np.searchsorted(SHEET_STARTS, np.arange(len(digits.target)), side="right") - 1
    keep = np.array([part in (None, SHEET_PARTS[sheet]) for sheet in sheets])
    return {
        "images": (digits.images[keep, :, :, None] / 16).astype(np.float32),
        "labels": digits.target[keep].astype(np.int32),
        "sheets": sheets[keep].astype(np.int32),
    }


def load_spoken_digits(part=None):
    """Return the spoken digit words, or one part of them. The speech is synthetic: see the data card.

    Parts are made of whole families of voices: neither a voice nor a voice that sounds nearly the same is in two parts.

    Args:
        part: "train", "validation", "test" or None for all.

    Returns:
        A dict of arrays, one entry per utterance: ``waveforms`` float32 (N, 5248) in [-1, 1] at 8,000 Hz, silence
        behind the word; ``lengths`` int32, samples of the word; ``labels`` int32, 0 to 9; ``voices`` int32, 0 to 93,
        the number of the voice in the whole set; strings ``names`` (of the voice), ``accents`` and ``sexes`` ("F",
        "M"); int32 ``families``, ``speeds`` (words a minute) and ``pitches`` (0 to 99).

    Raises:
        ValueError: unknown part.
        FileNotFoundError, OSError: the file is missing or damaged; the message says how to mend it.

    Derived in chapter 02.
    """
    _check_part(part, all_allowed=True)
    with np.load(data_path("digits/spoken.npz"), allow_pickle=False) as stored:
        table = {name: stored[name] for name in stored.files}
    inside = np.arange(NUM_SAMPLES) < table["length"][:, None]
    waveforms = np.zeros(inside.shape, dtype=np.float32)
    waveforms[inside] = decode_mulaw(table["codes"])
    voices = table["voice"]
    keep = slice(None) if part is None else table["voice_part"][voices] == part
    columns = {
        "waveforms": waveforms,
        "lengths": table["length"],
        "labels": table["label"],
        "voices": voices,
        "names": table["voice_name"][voices],
        "accents": table["voice_accent"][voices],
        "sexes": table["voice_sex"][voices],
        "families": table["voice_family"][voices],
        "speeds": table["speed"],
        "pitches": table["pitch"],
    }
    return {name: column[keep] for name, column in columns.items()}


@cache
def _scale():
    """Return the standard deviation of the training part's log-mel values."""
    return log_mel(load_spoken_digits("train")["waveforms"], SAMPLE_RATE, floor=FLOOR).astype(np.float64).std()


def digit_spectrograms(waveforms):
    """Turn waveforms of the digits into the log-mel spectrograms that the models of the book see.

    The values are shifted so that silence is exactly 0, and scaled so that the *training* utterances have standard
    deviation 1: noise of strength 1 is then as large as the sounds themselves.

    Args:
        waveforms: samples in [-1, 1] at 8,000 Hz, shape (…, 5248).

    Returns:
        float32 of shape (…, 40, 32), not negative: 40 frames of 32 ms every 16 ms, 32 mel bands from 60 to 4,000 Hz.

    Raises:
        ValueError: the waveforms have another length.

    Derived in chapter 02.
    """
    if np.shape(waveforms)[-1:] != (NUM_SAMPLES,):
        raise ValueError(f"`waveforms` must have the shape (…, {NUM_SAMPLES}). Received: shape={np.shape(waveforms)}")
    raised = log_mel(waveforms, SAMPLE_RATE, floor=FLOOR) - np.float32(np.log(FLOOR))
    return (raised / _scale()).astype(np.float32)


def pair_by_label(labels, other_labels, seed, pairs_per_item=1):
    """Draw, for each item, partners with the same label from another set.

    Args:
        labels: int (N,), the items that are to get partners.
        other_labels: int (S,), the set to draw from; an entry may be drawn several times.
        seed: int or ``np.random.Generator``.
        pairs_per_item: how often each item appears.

    Returns:
        Two int arrays of length N · pairs_per_item: positions in ``labels`` and in ``other_labels``, in random order.

    Raises:
        ValueError: a label has no partner.

    Derived in chapter 02.
    """
    labels, other_labels = np.asarray(labels), np.asarray(other_labels)
    rng = np.random.default_rng(seed)
    items = rng.permutation(np.repeat(np.arange(len(labels)), pairs_per_item))
    partners = np.empty_like(items)
    for label in np.unique(labels):
        candidates = np.flatnonzero(other_labels == label)
        if not len(candidates):
            raise ValueError(f"`other_labels` must hold every label of `labels`. Received: none with label {label}")
        wanted = labels[items] == label
        partners[wanted] = rng.choice(candidates, size=wanted.sum())
    return items, partners


def load_audiovisual_digits(part="train", seed=0, pairs_per_image=1):
    """Return pairs of a handwritten digit and a spoken one.

    Which pictures and voices belong to a part is fixed; ``seed`` only decides who is paired with whom. No picture and
    no voice is in two parts. Ten pairs of one picture are still one picture: do not count them as ten.

    Args:
        part: "train", "validation" or "test".
        seed: int or ``np.random.Generator``, for the pairing.
        pairs_per_image: how many utterances each picture is paired with.

    Returns:
        ``(inputs, labels)`` with ``inputs["image"]`` float32 (B, 8, 8, 1) in [0, 1], ``inputs["audio"]`` float32
        (B, 40, 32), see `digit_spectrograms`, and ``labels`` int32 (B,), 0 to 9.

    Raises:
        ValueError: unknown part.
        FileNotFoundError, OSError: the speech file is missing or damaged.

    Derived in chapter 02.
    """
    _check_part(part, all_allowed=False)
    written, spoken = load_handwritten_digits(part), load_spoken_digits(part)
    images, utterances = pair_by_label(written["labels"], spoken["labels"], seed, pairs_per_image)
    spectrograms = digit_spectrograms(spoken["waveforms"])
    inputs = {"image": written["images"][images], "audio": spectrograms[utterances]}
    return inputs, written["labels"][images]
