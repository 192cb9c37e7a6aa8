"""Write data/checksums.json: the SHA-256 of every data file that the book ships.

    python data/write_checksums.py            # after a build script has made or changed a file
    python data/write_checksums.py --check    # say what differs, write nothing

A data file is any file in a set's folder (data/emoji, data/digits, …) that is no script, page or licence.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent


def is_data_file(path):
    parts = path.relative_to(DATA).parts
    hidden = any(part.startswith((".", "_")) for part in parts)
    return (
        path.is_file()
        and len(parts) > 1
        and not hidden
        and path.suffix not in {".py", ".md"}
        and "LICENSE" not in path.name
    )


def checksums():
    """Return {path relative to data/: SHA-256 of the bytes} of every data file, in order of the path."""
    files = sorted(path for path in DATA.rglob("*") if is_data_file(path))
    return {path.relative_to(DATA).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="say what differs, write nothing")
    target, now = DATA / "checksums.json", checksums()
    if parser.parse_args().check:
        stored = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
        differ = sorted(name for name in now.keys() | stored.keys() if now.get(name) != stored.get(name))
        sys.exit("Differs from checksums.json: " + ", ".join(differ) if differ else 0)
    target.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8", newline="\n")
    print(f"Wrote {len(now)} checksums.")


if __name__ == "__main__":
    main()
