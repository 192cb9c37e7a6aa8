"""A module of mmlib imports only from lower levels, and never a sibling folder."""

import ast
from pathlib import Path

import pytest

MMLIB = Path(__file__).resolve().parent.parent / "mmlib"
LEVELS = {
    "mmlib.text": 0, "mmlib.runtime": 0, "mmlib.style": 0,
    "mmlib.data": 1,
    "mmlib.ops": 2,
    "mmlib.layers": 3, "mmlib.losses": 3, "mmlib.metrics": 3,
    "mmlib.models": 4, "mmlib.encoders": 4, "mmlib.decoders": 4, "mmlib.charts": 4,
    "mmlib.training": 5, "mmlib.serving": 5, "mmlib.plots": 5,
}  # fmt: skip


def room(module):
    """Return the entry of LEVELS a dotted module name belongs to: mmlib.layers.fusion lives in mmlib.layers."""
    return ".".join(module.split(".")[:2])


def modules():
    for path in sorted(MMLIB.rglob("*.py")):
        name = ".".join(path.relative_to(MMLIB.parent).with_suffix("").parts)
        if name.removesuffix(".__init__") != "mmlib":
            yield name.removesuffix(".__init__"), path


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import; name the module in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(("name", "path"), modules())
def test_imports_go_downwards(name, path):
    assert room(name) in LEVELS, f"{name} has no level; give it one here and in CONTRIBUTING.md"
    for imported in imports(path):
        if imported.split(".")[0] != "mmlib":
            continue
        mine, theirs = room(name), room(imported)
        lower = LEVELS[theirs] < LEVELS[mine]
        assert lower or mine == theirs, f"{name} (level {LEVELS[mine]}) imports {imported} (level {LEVELS[theirs]})"


def test_package_files_hand_on_nothing():
    for name, path in modules():
        if path.name == "__init__.py":
            assert not list(imports(path)), f"{name}/__init__.py re-exports; import from the module itself"
