"""What a system needs around a trained model: an index of vectors that is searched, saved and loaded."""

import contextlib
import hashlib
import json
import os
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import faiss
import numpy as np

KINDS = ("flat", "ivf", "hnsw")
# what NumPy, zip and JSON say of a file that is not what it should be
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, ValueError, LookupError, EOFError, OSError, AttributeError, TypeError,
    RuntimeError, MemoryError, struct.error,
)  # fmt: skip


class VectorIndex:
    """Finds the vectors of a collection that point most nearly where a query points.

    score(q, v) = q · v / (|q| |v|),   the `k` largest, best first

    "flat" compares the query with all N vectors: exact, N · D multiplications. "ivf" (inverted file) sorts the vectors
    into `num_lists` cells of k-means and compares only those of the `num_probes` cells nearest to the query: about
    (num_lists + N · num_probes / num_lists) · D. "hnsw" walks a graph in which each vector knows about `num_links`
    near ones, keeping the `num_probes` best places seen so far. The last two may miss neighbours; more probes miss
    fewer. What they return has the exact score.

        index = VectorIndex(dim=64)
        index.add(["cat.png", "dog.png"], vectors)
        ids, scores = index.search(queries, k=1)

    Args:
        dim: D.
        kind: "flat", "ivf" or "hnsw".
        num_lists: cells of "ivf". The first call of `add` learns them, and must bring at least as many vectors.
        num_probes: cells looked into ("ivf"), or breadth of the walk ("hnsw"). The attribute may be changed later.
        num_links: links of a vector of "hnsw".

    Raises:
        ValueError: an option outside its range.

    Reference: Jégou, Douze & Schmid 2011 (IEEE TPAMI 33), inverted files; Malkov & Yashunin 2020 (IEEE TPAMI 42),
    graphs; Douze et al. 2024 (arXiv:2401.08281), the library underneath. Derived in chapter 12.
    """

    def __init__(self, dim, kind="flat", num_lists=64, num_probes=8, num_links=16):
        if kind not in KINDS:
            raise ValueError(f"`kind` must be one of {KINDS}. Received: kind={kind!r}")
        numbers = {"dim": dim, "num_lists": num_lists, "num_probes": num_probes, "num_links": num_links}
        for name, value in numbers.items():
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"`{name}` must be a whole number, at least 1. Received: {name}={value!r}")
        self.dim, self.kind, self.num_lists = int(dim), kind, int(num_lists)
        self.num_probes, self.num_links = int(num_probes), int(num_links)
        self._ids, self._known, self._table, self._index = [], set(), None, self._new_index()

    def _new_index(self):
        if self.kind == "hnsw":
            return faiss.IndexHNSWFlat(self.dim, self.num_links, faiss.METRIC_INNER_PRODUCT)
        flat = faiss.IndexFlatIP(self.dim)
        if self.kind == "flat":
            return flat
        index = faiss.IndexIVFFlat(flat, self.dim, self.num_lists, faiss.METRIC_INNER_PRODUCT)
        index.cp.min_points_per_centroid = 1  # few vectors for a cell are no reason to print a warning
        return index

    def __len__(self):
        return len(self._ids)

    def add(self, ids, vectors):
        """Take vectors in. If anything is wrong with any of them, none is taken.

        Args:
            ids: N strings, or N integers: what `search` will return. All of an index are of one type.
            vectors: (N, D), of any length but zero.

        Raises:
            ValueError: a wrong shape, a vector that is not finite or is zero, an id twice or already there or of the
                other type, or too few vectors for the cells of "ivf" to be learned.
        """
        vectors, ids = self._directions(vectors, "vectors"), list(ids)
        if len(ids) != len(vectors):
            raise ValueError(f"Each vector needs one id. Received: {len(ids)} ids, {len(vectors)} vectors")
        if not ids:
            return
        ids, fresh = self._checked_ids(ids)
        if self.kind == "ivf" and not self._index.is_trained:
            if len(vectors) < self.num_lists:
                raise ValueError(
                    "The first vectors decide the cells, so there must be at least `num_lists` of them. "
                    f"Received: {len(vectors)} vectors, num_lists={self.num_lists}"
                )
            self._index.train(vectors)
        self._index.add(vectors)
        self._ids += ids
        self._known |= fresh
        self._table = None

    def search(self, queries, k=10):
        """Find the `k` best for each query.

        Args:
            queries: (Q, D).
            k: at most the number of vectors in the index.

        Returns:
            ids (Q, k), an array of strings or integers, and scores (Q, k), cosines in falling order.

        Raises:
            ValueError: an empty index, a `k` outside 1 … N, a wrong shape, a query that is not finite or is zero.
        """
        queries = self._directions(queries, "queries")
        if not len(self):
            raise ValueError("The index is empty: `add` vectors before you search.")
        if not 1 <= k <= len(self):
            raise ValueError(f"`k` must be from 1 to {len(self)}, the number of vectors. Received: k={k}")
        scores, places = self._nearest(queries, k, self.num_probes)
        probes = self.num_probes
        while (short := (places < 0).any(axis=1)).any():  # the cells looked into hold fewer than k vectors
            if probes >= max(len(self), self.num_lists):  # an unconnected graph: compare with all
                scores[short], places[short] = self._index.storage.search(queries[short], k)
                break
            probes *= 2
            scores[short], places[short] = self._nearest(queries[short], k, probes)
        if self._table is None:
            self._table = np.array(self._ids)
        return self._table[places], np.clip(scores, -1.0, 1.0)

    def _nearest(self, queries, k, probes):
        if self.kind == "flat":
            return self._index.search(queries, k)
        if self.kind == "ivf":
            options = faiss.SearchParametersIVF(nprobe=min(probes, self.num_lists))
        else:
            options = faiss.SearchParametersHNSW(efSearch=max(probes, k))
        return self._index.search(queries, k, params=options)

    def save(self, path):
        """Write the index to one file.

        It is written beside its place and put there in one step, so whatever was there stays whole until then, and an
        interrupted `save` loses nothing. The file holds numbers and text, no code.
        """
        path = Path(path)
        options = {name: getattr(self, name) for name in ("dim", "kind", "num_lists", "num_probes", "num_links")}
        arrays = {
            "header": np.frombuffer(json.dumps({"format": 1, **options, "ids": self._ids}).encode(), "uint8"),
            "index": faiss.serialize_index(self._index),
        }
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays, digest=_digest(arrays))
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.remove(draft)
            raise

    @classmethod
    def load(cls, path):
        """Read an index that `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is damaged, incomplete, or something else.
        """
        names = ("header", "index")
        with open(path, "rb") as file:
            try:
                with np.load(file, allow_pickle=False) as stored:
                    arrays, digest = {name: stored[name] for name in names}, stored["digest"]
                header = json.loads(arrays["header"].tobytes())
                whole = np.array_equal(_digest(arrays), digest) and header.pop("format") == 1
            except _UNREADABLE as error:
                raise _damaged(path) from error
        if not whole:
            raise _damaged(path)
        ids = header.pop("ids")
        index = cls(**header)
        index._index = faiss.deserialize_index(arrays["index"])
        index._ids, index._known = ids, set(ids)
        return index

    def _directions(self, vectors, name):
        """Return unit vectors (N, D) as float32, or say what is wrong with them."""
        vectors = np.array(vectors, "float32", ndmin=1, copy=True, order="C")
        if vectors.ndim != 2 or vectors.shape[1] != self.dim:
            raise ValueError(f"`{name}` must have the shape (N, {self.dim}). Received: shape={vectors.shape}")
        if not np.isfinite(vectors).all():
            bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
            raise ValueError(f"`{name}` must be finite numbers. Received: {len(bad)} rows with others, first {bad[0]}")
        largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
        if (largest == 0).any():
            raise ValueError(f"A zero vector points nowhere. Received: one in row {np.argmin(largest)} of `{name}`")
        vectors /= largest  # so that the squares of very long or short vectors do not overflow or vanish
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def _checked_ids(self, ids):
        """Return the ids as plain str or int, and their set; or say what is wrong with them."""
        ids = [one.item() if isinstance(one, np.generic) else one for one in ids]
        kinds = {type(one) for one in (*ids, *self._ids[:1])}
        if len(kinds) != 1 or not kinds <= {str, int}:
            raise ValueError(f"Ids must be all strings or all integers. Received: {sorted(k.__name__ for k in kinds)}")
        fresh = set(ids)
        if len(fresh) < len(ids):
            raise ValueError(f"Each id may occur once. Received more than once: {Counter(ids).most_common(1)[0][0]!r}")
        if not fresh.isdisjoint(self._known):
            raise ValueError(f"Ids must be new to the index. Received again: {min(fresh & self._known)!r}")
        return ids, fresh


def _digest(arrays):
    """The fingerprint of the arrays' contents and types, as bytes in an array."""
    total = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        total.update(f"{name} {values.dtype.str} {values.shape}".encode())
        total.update(np.ascontiguousarray(values).view("uint8") if values.size else b"")
    return np.frombuffer(total.digest(), "uint8")


def _damaged(path):
    return ValueError(f"The file must be a whole index written by `VectorIndex.save`. Received: {str(path)!r}")
