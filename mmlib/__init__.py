"""The small shared library of *Multimodal Models, Step by Step*.

Importing ``mmlib`` alone loads neither TensorFlow nor Keras. It sets two switches that TensorFlow reads when it is
imported later: most start-up messages off, and oneDNN's re-ordered sums off, so that a run repeats bit for bit on one
machine. Values already set in the environment are respected.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
