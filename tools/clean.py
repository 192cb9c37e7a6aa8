"""Remove what was built: the HTML, the learner's edition, caches, and the environment. Sources and data stay."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILT = [".venv", "_build", "student", ".pytest_cache", ".ruff_cache", "mmlib.egg-info", "data/_download"]


def main():
    caches = [p for top in ("mmlib", "tests", "tools", "data", "chapters") for p in (ROOT / top).rglob("__pycache__")]
    for path in [ROOT / name for name in BUILT] + caches:
        if path.exists():
            shutil.rmtree(path)
            print("removed", path.relative_to(ROOT))


if __name__ == "__main__":
    main()
