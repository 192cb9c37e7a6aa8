"""Seeds that repeat, source that is the library's own, and a package that is light to import."""

import inspect
import json
import os
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmlib import runtime, text
from mmlib.runtime import seed_everything, show_source, source_of


def fresh_interpreter(code, **environment):
    """Run code in a new Python whose environment lacks the two switches, and return what it prints, read as JSON."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    done = subprocess.run([sys.executable, "-c", code], env=clean | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


HEAVY = (
    "import json, os, sys; print(json.dumps([sorted({m.split('.')[0] for m in sys.modules} & {'tensorflow', 'keras'}),"
)
HEAVY += " os.environ['TF_CPP_MIN_LOG_LEVEL'], os.environ['TF_ENABLE_ONEDNN_OPTS']]))"


@pytest.mark.parametrize("module", ["mmlib", "mmlib.runtime", "mmlib.data.scenes"])
def test_import_is_light_and_sets_the_switches(module):
    assert fresh_interpreter(f"import {module}; {HEAVY}") == [[], "3", "0"]


def test_switches_already_set_are_respected():
    environment = {"TF_CPP_MIN_LOG_LEVEL": "1", "TF_ENABLE_ONEDNN_OPTS": "1"}
    assert fresh_interpreter(f"import mmlib; {HEAVY}", **environment) == [[], "1", "1"]


def draw():
    weights = keras.layers.Dense(3)
    weights.build((None, 2))
    return [random.random(), np.random.rand(), float(tf.random.uniform(())), *np.ravel(weights.kernel)]  # noqa: NPY002


def test_seed_repeats_every_generator():
    seed_everything(7)
    first = draw()
    other_state = draw()
    seed_everything(7)
    assert draw() == first
    seed_everything(8)
    third = draw()
    assert all(a != b and a != c for a, b, c in zip(first, other_state, third, strict=True))


def documented(x):
    """A docstring that takes room."""

    def inner(y):
        """Another."""
        return x + y

    return inner("not a docstring")


class OnlyDocumented(Exception):
    """All there is."""


def test_source_without_docstrings_is_the_same_program():
    shown = source_of(documented)
    assert "docstring that" not in shown
    assert "Another" not in shown
    assert shown.split("\n")[:3] == [f"# {__name__}.py", "def documented(x):", "    def inner(y):"]
    namespace = {}
    exec(shown, namespace)
    assert namespace["documented"].__code__.co_code == documented.__code__.co_code
    assert "All there is" in source_of(OnlyDocumented)  # without it nothing would be left of the class


def test_source_is_the_library_s_own():
    shown = source_of(text.make_tokenizer, docstring=True)
    assert shown == "# mmlib/text.py\n" + inspect.getsource(text.make_tokenizer).rstrip()
    compile(source_of(text), "text", "exec")
    assert source_of(runtime).startswith("# mmlib/runtime.py\n")


def test_method_is_shown_from_the_left_margin():
    assert source_of(keras.layers.Dense.build).split("\n")[1].startswith("def build(self")


def test_show_source_displays_markdown_and_the_same_plain_text(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append((data, raw)))
    assert show_source(documented) is None
    ((data, raw),) = shown
    assert raw
    assert data["text/plain"] == source_of(documented)
    assert data["text/markdown"] == f"```python\n{source_of(documented)}\n```"


def test_object_without_source_is_named():
    with pytest.raises(TypeError, match="Received: <built-in function len>"):
        show_source(len)
