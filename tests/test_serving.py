"""The index against a brute-force search in NumPy, and against everything that can be wrong with what it is given."""

import os

import numpy as np
import pytest

from mmlib.serving import KINDS, VectorIndex

every_kind = pytest.mark.parametrize("kind", KINDS)


def collection(count=400, dim=8, seed=0):
    """Vectors of very different lengths: a search by inner product would find the long ones."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dim)) * rng.uniform(0.1, 10, size=(count, 1))


def oracle(vectors, queries, k):
    """Return places and cosines of the k best, one query and one vector at a time, in double precision."""
    places, scores = [], []
    for q in queries:
        cosines = [np.dot(q, v) / np.sqrt(np.dot(q, q) * np.dot(v, v)) for v in vectors]
        order = np.argsort(cosines)[::-1][:k]
        places.append(order)
        scores.append(np.array(cosines)[order])
    return np.array(places), np.array(scores)


def filled(kind="flat", count=400, **options):
    index = VectorIndex(dim=8, kind=kind, num_lists=16, **options)
    index.add([f"picture {i}" for i in range(count)], collection(count))
    return index


def test_flat_is_brute_force():
    queries = collection(20, seed=1)
    ids, scores = filled().search(queries, k=7)
    places, cosines = oracle(collection(), queries, 7)
    assert ids.tolist() == [[f"picture {i}" for i in row] for row in places]
    np.testing.assert_allclose(scores, cosines, atol=1e-5)


@pytest.mark.parametrize(("kind", "everything"), [("ivf", 16), ("hnsw", 400)])
def test_probing_everything_is_exact_and_little_is_not(kind, everything):
    queries = collection(60, seed=1)
    places, cosines = oracle(collection(), queries, 5)
    index = filled(kind, num_probes=everything, num_links=32)
    _, scores = index.search(queries, k=5)
    np.testing.assert_allclose(scores, cosines, atol=1e-5)
    index.num_probes = 1
    ids, scores = index.search(queries, k=5)
    found = np.mean([len(set(a) & {f"picture {i}" for i in b}) / 5 for a, b in zip(ids, places, strict=True)])
    assert 0.2 < found < 1
    named = np.array([[int(name.split()[1]) for name in row] for row in ids])
    for query, row, score in zip(queries, collection()[named], scores, strict=True):
        np.testing.assert_allclose(score, oracle(row, [query], 5)[1][0], atol=1e-5)  # exact scores, in falling order


@every_kind
def test_always_k_different_answers(kind):
    index = filled(kind, num_probes=1)
    ids, _ = index.search(collection(3, seed=2), k=400)
    assert all(len(set(row)) == 400 for row in ids)


@every_kind
def test_length_of_vectors_does_not_matter(kind):
    queries, index = collection(9, seed=3), filled(kind)
    ids, scores = index.search(queries, k=4)
    for factor in (1e-30, 1e-3, 1e30):
        same, close = index.search(queries * factor, k=4)
        assert (same == ids).all()
        np.testing.assert_allclose(close, scores, atol=1e-6)


@every_kind
def test_adding_in_parts_is_adding_at_once(kind):
    vectors, parts = collection(), VectorIndex(8, kind, num_lists=16, num_probes=400)
    for start, stop in ((0, 100), (100, 101), (101, 400)):
        parts.add(range(start, stop), vectors[start:stop])
    ids, _ = parts.search(collection(10, seed=1), k=5)
    assert len(parts) == 400
    assert ids.dtype.kind == "i"
    assert ids.tolist() == oracle(vectors, collection(10, seed=1), 5)[0].tolist()


def test_caller_keeps_its_arrays():
    vectors = collection().astype("float32")
    before, index = vectors.copy(), VectorIndex(8)
    index.add(range(400), vectors)
    np.testing.assert_array_equal(vectors, before)
    vectors[:] = 1
    assert index.search(before[:5], k=1)[0].ravel().tolist() == [0, 1, 2, 3, 4]


GOOD = collection(2, seed=4)
WRONG = {
    "duplicate in the call": (["a", "a"], GOOD, "more than once: 'a'"),
    "duplicate of the index": (["a", "picture 3"], GOOD, "'picture 3'"),
    "other type of id": ([1, 2], GOOD, r"\['int', 'str'\]"),
    "no id at all": ([None, "b"], GOOD, "NoneType"),
    "too few ids": (["a"], GOOD, "1 ids, 2 vectors"),
    "wrong width": (["a", "b"], GOOD[:, :5], r"\(2, 5\)"),
    "one vector": (["a"], GOOD[0], r"\(8,\)"),
    "NaN": (["a", "b"], np.where(np.arange(16).reshape(2, 8) == 11, np.nan, GOOD), "first 1"),
    "infinite": (["a", "b"], GOOD * np.array([[1], [np.inf]]), "first 1"),
    "zero vector": (["a", "b"], GOOD * [[1], [0]], "row 1"),
}


@every_kind
@pytest.mark.parametrize("name", WRONG)
def test_a_refused_add_changes_nothing(kind, name):
    index, queries = filled(kind), collection(5, seed=1)
    before = index.search(queries, k=3)
    ids, vectors, said = WRONG[name]
    with pytest.raises(ValueError, match=said):
        index.add(ids, vectors)
    assert len(index) == 400
    after = index.search(queries, k=3)
    assert (after[0] == before[0]).all()
    index.add(["a", "b"], GOOD)  # nothing of the refused call was kept
    assert len(index) == 402
    assert index.search(GOOD, k=1)[0].ravel().tolist() == ["a", "b"]


@every_kind
def test_search_says_what_is_wrong(kind):
    empty, index = VectorIndex(8, kind), filled(kind)
    with pytest.raises(ValueError, match="empty"):
        empty.search(GOOD, k=1)
    for k in (0, 401):
        with pytest.raises(ValueError, match=f"from 1 to 400.*k={k}"):
            index.search(GOOD, k=k)
    for _, queries, said in (WRONG[name] for name in ("wrong width", "NaN", "zero vector", "one vector")):
        with pytest.raises(ValueError, match=said):
            index.search(queries, k=1)


def test_ivf_needs_enough_vectors_for_its_cells():
    index = VectorIndex(8, "ivf", num_lists=16)
    with pytest.raises(ValueError, match="15 vectors, num_lists=16"):
        index.add(range(15), collection(15))
    assert len(index) == 0
    index.add(range(16), collection(16))
    assert len(index) == 16


@pytest.mark.parametrize("option", [{"kind": "exact"}, {"dim": 0}, {"num_probes": 0}, {"num_lists": 2.5}])
def test_options_out_of_range(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))}="):
        VectorIndex(**({"dim": 8} | option))


@every_kind
@pytest.mark.parametrize("count", [0, 400])
def test_saved_and_loaded_is_the_same(kind, count, tmp_path):
    index = VectorIndex(8, kind, num_lists=12, num_probes=3, num_links=5)
    index.add([f"图 {i}\0" for i in range(count)], collection(400)[:count])
    index.save(tmp_path / "index")
    loaded = VectorIndex.load(tmp_path / "index")
    assert len(loaded) == count
    assert [loaded.kind, loaded.num_lists, loaded.num_probes, loaded.num_links] == [kind, 12, 3, 5]
    if count:
        (ids, scores), (same, close) = (i.search(collection(9, seed=1), k=6) for i in (index, loaded))
        assert (ids == same).all()
        np.testing.assert_array_equal(scores, close)
        with pytest.raises(ValueError, match="again"):
            loaded.add(["图 7\0"], GOOD[:1])
    loaded.add([f"new {i}" for i in range(20)], collection(20, seed=5))
    assert len(loaded) == count + 20


def test_numbers_stay_numbers_when_saved(tmp_path):
    index = VectorIndex(8)
    index.add([2**60, -7], GOOD)
    index.save(tmp_path / "index")
    assert VectorIndex.load(tmp_path / "index").search(GOOD, k=1)[0].ravel().tolist() == [2**60, -7]


def test_every_truncation_and_every_flipped_byte_is_noticed(tmp_path):
    index = VectorIndex(8)
    index.add(range(30), collection(30))
    index.save(tmp_path / "whole")
    whole, damaged = (tmp_path / "whole").read_bytes(), tmp_path / "damaged"
    expected = index.search(GOOD, k=5)
    for length in range(0, len(whole), 41):
        damaged.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="damaged"):
            VectorIndex.load(damaged)
    refused = 0
    for place in range(0, len(whole), 7):
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            loaded = VectorIndex.load(damaged)
        except ValueError as error:
            assert "damaged" in str(error)  # the path is named
            refused += 1
        else:  # a date in the archive, or the like: then nothing of the content may have changed
            np.testing.assert_array_equal(loaded.search(GOOD, k=5), expected)
    assert refused > 0.7 * len(range(0, len(whole), 7))


@pytest.mark.parametrize("name", ["header", "index"])
def test_a_part_that_does_not_belong_is_noticed(name, tmp_path):
    """A well-formed archive, every checksum of the zip right, but one array is not the one that was saved."""
    index = VectorIndex(8)
    index.add(range(30), collection(30))
    index.save(tmp_path / "whole.npz")
    with np.load(tmp_path / "whole.npz") as stored:
        parts = {key: stored[key].copy() for key in stored}
    place = np.flatnonzero(parts[name] == ord("2"))[-1] if name == "header" else -1  # the last id, 29, becomes 39
    parts[name][place] ^= 1
    np.savez(tmp_path / "mixed.npz", **parts)
    with pytest.raises(ValueError, match="mixed"):
        VectorIndex.load(tmp_path / "mixed.npz")


def test_something_else_is_not_loaded(tmp_path):
    with pytest.raises(FileNotFoundError):
        VectorIndex.load(tmp_path / "nothing")
    np.savez(tmp_path / "other.npz", header=np.zeros(3))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    for name in ("other.npz", "objects.npy"):
        with pytest.raises(ValueError, match=name):
            VectorIndex.load(tmp_path / name)


@pytest.mark.parametrize("stage", ["fsync", "replace"])
def test_an_interrupted_save_loses_nothing(stage, tmp_path, monkeypatch):
    path, index = tmp_path / "index", filled()
    index.save(path)
    index.add(["a", "b"], GOOD)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, stage, interrupted)
        with pytest.raises(KeyboardInterrupt):
            index.save(path)
    assert len(VectorIndex.load(path)) == 400
    assert [file.name for file in tmp_path.iterdir()] == ["index"]
    index.save(path)
    assert len(VectorIndex.load(path)) == 402
