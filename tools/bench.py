"""Measure what a reader waits for: imports, data, drawing scenes on one core, encoders, and the chapters.

Speed is reported here and never asserted in a test.
"""

import os
import platform
import subprocess
import sys
import time

from tools import bench_scenes, notebooks

BATCH = 256


def seconds(function, *arguments, **options):
    started = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - started


def section(title):
    print(f"\n{title}\n{'-' * len(title)}")


def imports():
    for module in ("mmlib", "tensorflow", "keras", "mmlib.plots"):
        code = [sys.executable, "-c", f"import mmlib, {module}"]
        print(f"import {module:12s} {seconds(subprocess.run, code, stderr=subprocess.DEVNULL, check=True):6.2f} s")


def loaders():
    from mmlib.data.digits import load_audiovisual_digits
    from mmlib.data.emoji import load_emoji

    print(f"emoji, one style, 32 × 32        {seconds(load_emoji, 'noto'):6.2f} s")
    print(f"digits, written and spoken       {seconds(load_audiovisual_digits, 'train'):6.2f} s")


def scenes_on_one_core():
    if not hasattr(os, "sched_setaffinity"):
        print("(this system cannot bind a process to one core: the figures are processor seconds all the same)")
        return bench_scenes.main()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        return bench_scenes.main()
    finally:
        os.sched_setaffinity(0, cores)


def encoders():
    """Print what one training step of each encoder costs at a batch of 256."""
    import keras
    import numpy as np

    from mmlib.encoders.image import cnn_encoder, resnet_encoder
    from mmlib.encoders.text import bag_of_words_encoder, lstm_encoder, transformer_encoder

    rng = np.random.default_rng(0)
    words = rng.integers(1, 1000, (BATCH, 16)).astype("int32")
    pictures = rng.random((BATCH, 32, 32, 3), dtype="float32")
    for build, inputs, arguments in (
        (bag_of_words_encoder, words, (1000,)),
        (lstm_encoder, words, (1000,)),
        (transformer_encoder, words, (1000,)),
        (cnn_encoder, pictures, ()),
        (resnet_encoder, pictures, ()),
    ):
        model = build(*arguments)
        model.compile("adam", "mse")
        targets = np.zeros((BATCH, *model.output_shape[1:]), "float32")
        model.train_on_batch(inputs, targets)  # traces the step
        step = seconds(lambda m=model, x=inputs, y=targets: [m.train_on_batch(x, y) for _ in range(5)]) / 5
        print(f"{build.__name__:22s} {model.count_params():8,} weights  {1000 * step:7.1f} ms a step of {BATCH}")
    keras.utils.clear_session()


def chapters():
    for row in notebooks.read_costs().values():
        print(f"{row['seconds_to_run']:>4s} s  {float(row['peak_memory_mb']) / 1000:.1f} GB  {row['chapter']}")
    print("(as `make run` measured them last)")


def main():
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    for title, measure in {
        "Imports, each in a fresh process": imports,
        "Data": loaders,
        "Scenes, one core": scenes_on_one_core,
        "Encoders, one training step": encoders,
        "Chapters": chapters,
    }.items():
        section(title)
        measure()


if __name__ == "__main__":
    main()
