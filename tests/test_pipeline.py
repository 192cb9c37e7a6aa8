"""Splits that keep groups whole, batches that keep pairs together, and modalities spoiled on purpose."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from mmlib.data import pipeline

RNG = np.random.default_rng(0)


# --- split ---------------------------------------------------------------------------


def test_split_without_groups_is_a_partition_of_exact_sizes():
    parts = pipeline.split(1000, (0.6, 0.25, 0.15), seed=1)
    assert [len(part) for part in parts] == [600, 250, 150]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(1000))
    assert not np.array_equal(parts[0], np.arange(600)), "not shuffled"


@pytest.mark.parametrize("seed", range(5))
def test_split_keeps_groups_whole_and_parts_near_their_size(seed):
    groups = np.random.default_rng(seed).integers(0, 40, size=1000)
    parts = pipeline.split(1000, (0.6, 0.2, 0.2), seed, groups)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(1000))
    for group in range(40):
        assert sum(group in groups[part] for part in parts) == 1
    largest = np.bincount(groups).max()
    assert all(abs(len(part) - 1000 * share) <= largest for part, share in zip(parts, (0.6, 0.2, 0.2), strict=True))


def test_a_border_misses_its_place_by_at_most_half_a_group():
    uneven = np.repeat(np.arange(5), [60, 10, 10, 10, 10])
    sizes = {len(pipeline.split(100, (0.5, 0.5), seed, uneven)[0]) for seed in range(50)}
    assert all(abs(size - 50) <= 30 for size in sizes), sizes


def test_split_repeats_with_its_seed_and_takes_a_generator_and_names_as_groups():
    names = np.repeat(["ann", "bob", "eve", "joe"], 5)
    first, again = (pipeline.split(20, (0.5, 0.5), seed, names)[0] for seed in (3, np.random.default_rng(3)))
    np.testing.assert_array_equal(first, again)
    starts = {pipeline.split(20, (0.5, 0.5), seed, names)[0][0] for seed in range(20)}
    assert len(starts) > 1


def test_each_item_lands_in_each_part_as_often_as_the_fractions_say():
    counts = np.zeros(10)
    for seed in range(400):
        counts[pipeline.split(10, (0.7, 0.3), seed)[1]] += 1
    assert np.abs(counts / 400 - 0.3).max() < 0.1


def test_random_labels_are_learned_across_rows_and_not_across_groups():
    centres = RNG.normal(size=(60, 5))
    groups = np.repeat(np.arange(60), 10)
    points = centres[groups] + 0.1 * RNG.normal(size=(600, 5))
    labels = RNG.integers(0, 2, size=60)[groups]
    scores = {}
    for name, by in (("rows", None), ("groups", groups)):
        train, test = pipeline.split(600, (0.5, 0.5), 0, by)
        model = KNeighborsClassifier(1).fit(points[train], labels[train])
        scores[name] = model.score(points[test], labels[test])
    assert scores["rows"] > 0.95
    assert 0.2 < scores["groups"] < 0.8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((10, (0.5, 0.6), 0), "add up to 1"),
        ((10, (1.2, -0.2), 0), "positive"),
        ((10, (0.5, 0.5), 0, [1, 2]), "one entry per item"),
        ((10, (0.5, 0.5), 0, [7] * 10), "at least one group"),
        ((3, (0.9, 0.1), 0), "at least one group"),
    ],
)
def test_split_refuses_what_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        pipeline.split(*arguments)


# --- make_dataset --------------------------------------------------------------------


def numbered(num_items):
    """Return a pair of modalities and targets that all carry the row's number."""
    rows = np.arange(num_items)
    inputs = {
        "image": np.tile(rows[:, None, None], (1, 2, 2)).astype("float32"),
        "text": np.array([f"n{i}" for i in rows]),
    }
    return inputs, rows


def read(dataset):
    return [{k: v.numpy() for k, v in inputs.items()} | {"target": targets.numpy()} for inputs, targets in dataset]


def test_pairs_stay_together_and_every_row_comes_once_an_epoch():
    batches = read(pipeline.make_dataset(*numbered(23), batch_size=5, shuffle_seed=0))
    assert [len(batch["target"]) for batch in batches] == [5, 5, 5, 5, 3]
    for batch in batches:
        np.testing.assert_array_equal(batch["image"][:, 1, 0], batch["target"])
        assert [text.decode() for text in batch["text"]] == [f"n{i}" for i in batch["target"]]
    order = np.concatenate([batch["target"] for batch in batches])
    assert sorted(order) == list(range(23))
    assert list(order) != list(range(23))


def test_order_is_kept_without_a_seed_repeats_with_one_and_changes_with_the_epoch():
    def orders(seed, epochs=2):
        dataset = pipeline.make_dataset(*numbered(40), batch_size=8, shuffle_seed=seed)
        return [np.concatenate([batch["target"] for batch in read(dataset)]).tolist() for _ in range(epochs)]

    assert orders(None) == [list(range(40))] * 2
    assert orders(5) == orders(5)
    assert orders(5)[0] != orders(5)[1]
    assert orders(5)[0] != orders(6)[0]
    moved = np.abs(np.array(orders(5)[0]) - np.arange(40))
    assert moved.mean() > 8, "hardly shuffled: a random order moves a row by a third of the length"


def test_inputs_alone_and_no_remainder():
    inputs, _ = numbered(10)
    dataset = pipeline.make_dataset(inputs, batch_size=4, drop_remainder=True)
    assert [batch["image"].shape for batch in dataset] == [(4, 2, 2)] * 2
    assert dataset.element_spec["image"].shape == (4, 2, 2)


def test_unequal_lengths_are_named():
    inputs, targets = numbered(10)
    with pytest.raises(ValueError, match=r"inputs\['image'\] 9, .*targets 10"):
        pipeline.make_dataset({**inputs, "image": inputs["image"][:9]}, targets)
    with pytest.raises(ValueError, match="at least one"):
        pipeline.make_dataset(np.zeros((0, 3)))


# --- spoiling ------------------------------------------------------------------------


@pytest.fixture
def inputs():
    rng = np.random.default_rng(1)
    return {
        "image": rng.uniform(0.2, 0.4, (50, 8, 12, 3)).astype("float32"),
        "video": rng.uniform(0.2, 0.4, (6, 4, 8, 8, 3)).astype("float32"),
        "audio": rng.uniform(1, 2, (50, 40, 32)).astype("float32"),
        "waveform": rng.uniform(0.1, 0.2, (50, 1000)).astype("float32"),
        "text": rng.integers(2, 9, (50, 6)),
        "caption": np.array(["a dog"] * 50),
    }


@pytest.fixture(autouse=True)
def inputs_are_left_alone(inputs):
    before = {name: values.copy() for name, values in inputs.items()}
    yield
    for name, values in inputs.items():
        np.testing.assert_array_equal(values, before[name])


def test_hiding_takes_everything_that_could_tell_items_apart(inputs):
    for name in ("image", "audio", "waveform"):
        hidden = pipeline.hide_modality(inputs, name)
        assert not hidden[name].any()
        assert all(hidden[other] is inputs[other] for other in inputs if other != name)
    tokens = pipeline.hide_modality(inputs, "text")["text"]
    np.testing.assert_array_equal(tokens[:, 0], inputs["text"][:, 0])
    assert not tokens[:, 1:].any()
    assert set(pipeline.hide_modality(inputs, "caption")["caption"]) == {""}


def test_hiding_some_rows_leaves_the_others(inputs):
    rows = np.arange(50) % 3 == 0
    hidden = pipeline.hide_modality(inputs, "image", rows)["image"]
    assert not hidden[rows].any()
    np.testing.assert_array_equal(hidden[~rows], inputs["image"][~rows])


@pytest.mark.parametrize("name", ["audio", "waveform"])
def test_noise_has_the_spread_that_was_asked_for(inputs, name):
    for level in (0.1, 0.25):
        noise = pipeline.corrupt(inputs, name, "noise", level, seed=0)[name] - inputs[name]
        assert abs(noise.std() - level) < 0.02 * level + 0.003
        assert abs(noise.mean()) < 0.01


def test_noisy_pictures_and_waveforms_stay_in_their_range(inputs):
    for name, low in (("image", 0), ("video", 0), ("waveform", -1)):
        noisy = pipeline.corrupt(inputs, name, "noise", 3.0, seed=0)[name]
        assert noisy.min() == low
        assert noisy.max() == 1
        assert noisy.dtype == np.float32
    assert pipeline.corrupt(inputs, "audio", "noise", 3.0, seed=0)["audio"].min() < -1


def test_occlusion_covers_one_square_of_the_asked_size_at_varied_places(inputs):
    many = {"image": np.tile(inputs["image"], (10, 1, 1, 1))}
    covered = (pipeline.corrupt(many, "image", "occlusion", 0.25, seed=0)["image"] == 0.5).all(axis=-1)
    assert (covered.sum(axis=(1, 2)) == 4 * 6).all()
    for mask in covered:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert covered.any(axis=0).all(), "no corner may be safe"


def test_occlusion_of_a_film_stays_in_place_and_of_a_sound_is_a_span_of_time(inputs):
    covered = pipeline.corrupt(inputs, "video", "occlusion", 0.25, seed=0)["video"] == 0.5
    assert (covered == covered[:, :1]).all()
    assert (covered[:, 0, :, :, 0].sum(axis=(1, 2)) == 16).all()
    silent = pipeline.corrupt(inputs, "audio", "occlusion", 0.3, seed=0)["audio"] == 0
    assert (silent == silent[:, :, :1]).all()
    assert (silent[:, :, 0].sum(axis=1) == 12).all()
    assert (np.diff(silent[:, :, 0].astype(int), axis=1) == 1).sum(axis=1).max() <= 1, "one span, not several"


def test_missing_hides_rows_as_often_as_asked(inputs):
    many = {"audio": np.ones((4000, 3, 2), dtype="float32")}
    hidden = pipeline.corrupt(many, "audio", "missing", 0.3, seed=0)["audio"]
    rows = hidden.any(axis=(1, 2))
    assert abs(1 - rows.mean() - 0.3) < 0.03
    assert (hidden[rows] == 1).all()


@pytest.mark.parametrize("kind", ["noise", "occlusion", "missing"])
def test_level_zero_changes_nothing_and_seeds_repeat(inputs, kind):
    np.testing.assert_array_equal(pipeline.corrupt(inputs, "image", kind, 0, seed=0)["image"], inputs["image"])
    one, again, other = (pipeline.corrupt(inputs, "image", kind, 0.5, seed)["image"] for seed in (4, 4, 5))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("smell", "noise", 0.1), "smell"),
        (("image", "rust", 0.1), "rust"),
        (("image", "noise", -0.1), "-0.1"),
        (("image", "occlusion", 1.1), "1.1"),
        (("image", "noise", float("nan")), "nan"),
        (("text", "noise", 0.1), "suits pictures and sounds"),
    ],
)
def test_corrupt_refuses_what_it_cannot_do(inputs, arguments, message):
    with pytest.raises(ValueError, match=message):
        pipeline.corrupt(inputs, *arguments, seed=0)


def test_photographs_are_scikit_learns():
    from sklearn.datasets import load_sample_image

    photographs = pipeline.load_photographs()
    assert set(photographs) == {"china", "flower"}
    for name, photograph in photographs.items():
        assert photograph.shape == (427, 640, 3)
        np.testing.assert_array_equal(np.round(photograph * 255), load_sample_image(f"{name}.jpg"))
