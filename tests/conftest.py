"""Every test draws the same first weights, whichever tests ran before it: a failure can be repeated."""

import keras
import pytest


@pytest.fixture(autouse=True)
def same_start():
    keras.utils.set_random_seed(0)
