"""Where the book's shipped data lie, and whether they are whole."""

import hashlib
import json
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"


def data_path(name):
    """Return the path of a shipped data file after checking that it is there and undamaged.

    The check compares the SHA-256 of the file's bytes with the one in ``data/checksums.json``.

    Args:
        name: the file's path relative to ``data/``, with forward slashes, e.g. ``"emoji/noto.png"``.

    Returns:
        The absolute ``pathlib.Path``.

    Raises:
        ValueError: the book ships no file of that name.
        FileNotFoundError: the file, or the list of checksums, is missing.
        OSError: the file is damaged, that is, its checksum differs.

    Derived in chapter 02.
    """
    listing = DATA / "checksums.json"
    if not listing.is_file():
        raise FileNotFoundError(
            f"Missing file: {listing}. Work in a clone of the book's repository; `git checkout -- data` mends it."
        )
    stored = json.loads(listing.read_text(encoding="utf-8"))
    if name not in stored:
        raise ValueError(f"`name` must be one of the shipped data files, {sorted(stored)}. Received: name={name!r}")
    path = DATA / name
    remedy = f"`git checkout -- data/{name}` fetches it again; data/README.md says how it was made."
    if not path.is_file():
        raise FileNotFoundError(f"Missing data file: data/{name}. {remedy}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != stored[name]:
        raise OSError(
            f"Damaged data file: data/{name}. Expected SHA-256 {stored[name][:12]}…. Received: {found[:12]}…. {remedy}"
        )
    return path
