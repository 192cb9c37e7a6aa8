"""The small shared library of *Multimodal Models, Step by Step*.

Importing ``mmlib`` alone loads neither TensorFlow nor Keras. It sets two switches that TensorFlow reads when it is
imported later: most start-up messages off, and oneDNN's re-ordered sums off, so that a run repeats bit for bit on one
machine. Values already set in the environment are respected. It also keeps TensorFlow from warning that many small
models were prepared one after another, which is what a chapter does.
"""

import logging
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
logging.getLogger("tensorflow").addFilter(lambda record: "retracing" not in str(record.msg))
