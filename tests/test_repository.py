"""The repository's promises: the lock, the commands, the shipped data, the library's docstrings."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools.notebooks import ROOT

NOT_OURS = {".git", ".venv", "_build", "student", "extra", "__pycache__", ".ipynb_checkpoints", "_download"}


def shipped_files():
    """Return the names of the files that belong to the repository: git's list, or without git all but what is built."""
    if (ROOT / ".git").exists():
        listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
        return listing.stdout.splitlines()
    names = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return [str(name.as_posix()) for name in names if not NOT_OURS & set(name.parts)]


TRACKED = shipped_files()


def direct():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(text) for line in lines if (text := line.split("#")[0].strip())]


def locked():
    lines = (ROOT / "requirements.lock.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line.removesuffix("\\").strip()) for line in lines if re.match(r"^[A-Za-z0-9]", line)]


def test_lock_pins_every_direct_dependency_within_its_range():
    for wanted in direct():
        pins = [p for p in locked() if p.name.lower() == wanted.name.lower()]
        assert pins, f"{wanted.name} is not in requirements.lock.txt: make lock"
        for pin in pins:
            version = str(pin.specifier).removeprefix("==")
            assert wanted.specifier.contains(version, prereleases=True), f"{pin} is outside {wanted}"


def test_lock_is_exact_hashed_and_names_no_host():
    text = (ROOT / "requirements.lock.txt").read_text(encoding="utf-8")
    assert all(str(pin.specifier).startswith("==") for pin in locked())
    assert len(re.findall(r"^[A-Za-z0-9].*\\$", text, re.MULTILINE)) == len(locked()), "a pin without hashes"
    assert not re.search(r"https?://|--index|--find-links|file:", text)


def test_installed_versions_are_the_locked_ones():
    from importlib.metadata import version

    for pin in locked():
        if pin.marker is None or pin.marker.evaluate():
            assert version(pin.name) == str(pin.specifier).removeprefix("=="), f"{pin.name}: run make setup"


def test_readme_and_makefile_agree():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"`make ([a-z]+)", (ROOT / page).read_text(encoding="utf-8")))
        assert named <= targets, f"{page} names {named - targets}"
    assert {"book", "test", "lab", "run", "check", "bench", "clean", "student"} <= targets


def test_relative_links_of_the_markdown_pages_exist():
    for page in [ROOT / name for name in TRACKED if name.endswith(".md") and "vendor" not in name]:
        text = re.sub(r"`[^`]*`", "", page.read_text(encoding="utf-8"))  # code is no link
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_data_stay_small():
    sizes = {name: (ROOT / name).stat().st_size for name in TRACKED if name.startswith("data/")}
    assert sum(sizes.values()) < 25e6, f"{sum(sizes.values()) / 1e6:.1f} MB"


def test_nothing_of_a_workplace_is_stored():
    words = re.compile(r"(?<![\w/.~])/(?:home|root|work|Users)/\w|\bfile:///(?!\W)")
    for name in TRACKED:
        if name.endswith((".py", ".md", ".ipynb", ".yml", ".toml", ".txt", ".csv")) and not name.startswith("tests/"):
            found = words.search((ROOT / name).read_text(encoding="utf-8"))
            assert not found, f"{name}: {found.group()}"


def test_import_mmlib_alone_loads_no_framework():
    heavy = {"tensorflow", "keras", "matplotlib"}
    code = f"import sys, mmlib; sys.exit(any(name.split('.')[0] in {heavy} for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def public_things():
    for path in sorted((ROOT / "mmlib").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield pytest.param(path, node, id=f"{path.relative_to(ROOT)}::{node.name}")


@pytest.mark.parametrize(("path", "node"), public_things())
def test_public_things_are_documented(path, node):
    documentation = ast.get_docstring(node) or ""
    assert documentation, "no docstring"
    if not isinstance(node, ast.FunctionDef) or not re.search(r"^\s*Args:\s*$", documentation, re.MULTILINE):
        return  # one sentence that says it all, or "Args: as in …"
    arguments = {a.arg for a in node.args.args + node.args.kwonlyargs} - {
        "name"
    }  # of the Keras model: the same everywhere
    for argument in arguments:
        assert re.search(rf"\b{argument}\b", documentation), f"the docstring does not speak of `{argument}`"


def test_modules_stay_readable():
    for path in sorted(Path(ROOT / "mmlib").rglob("*.py")):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 260, f"{path.name} is longer than 260 lines"
