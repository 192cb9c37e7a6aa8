"""Draw the same scenes with mmlib and with a plain Pillow loop: processor seconds of each, and how well they agree.

taskset -c 0 python tools/bench_scenes.py          one core; a number of scenes may follow
"""

import sys
import time

import numpy as np
from PIL import Image, ImageDraw

from mmlib.data.scenes import COLOURS, RGB, SHAPES, load_clips, load_scenes, render

ENLARGED = 8  # Pillow draws without anti-aliasing: draw larger, then average


def pillow_render(scenes, size=32):
    """Draw scenes one by one with Pillow's circles, rectangles and polygons. Returns: as ``render``, (N, H, W, 3)."""
    return np.stack([np.asarray(_draw(scene, size)) for scene in scenes])


def _draw(scene, size):
    picture = Image.new("RGB", (size * ENLARGED, size * ENLARGED), (245, 244, 240))
    pen = ImageDraw.Draw(picture)
    for thing in scene[scene["present"]]:
        colour = tuple(RGB[thing["colour"]].tolist())
        x, y, r = (float(thing[name]) * size * ENLARGED for name in ("x", "y", "radius"))
        for kind, outline in _outlines(SHAPES[thing["shape"]]):
            corners = [(x + r * dx - 0.5, y + r * dy - 0.5) for dx, dy in outline]
            getattr(pen, kind)(corners, fill=colour)
    return picture.reduce(ENLARGED)


def _outlines(shape):
    return {
        "circle": [("ellipse", [(-1, -1), (1, 1)])],
        "square": [("rectangle", [(-0.83, -0.83), (0.83, 0.83)])],
        "triangle": [("polygon", [(0, -1), (0.9, 0.75), (-0.9, 0.75)])],
        "cross": [("rectangle", [(-1, -0.36), (1, 0.36)]), ("rectangle", [(-0.36, -1), (0.36, 1)])],
    }[shape]


def seconds(function, *arguments, **options):
    start = time.process_time()
    result = function(*arguments, **options)
    return result, time.process_time() - start


def main(num_scenes=10_000):
    data, whole = seconds(load_scenes, num_scenes, seed=0)
    scenes = data["scenes"]
    ours, fast = seconds(render, scenes)
    theirs, slow = seconds(pillow_render, scenes)
    _, clips = seconds(load_clips, num_scenes // 5, seed=0)
    difference = np.abs(ours.astype(int) - theirs)
    print(f"{num_scenes:,} scenes, {len(COLOURS)} colours, {len(SHAPES)} shapes, 32×32")
    print(f"pictures, captions in two languages, questions   {whole:6.2f} s")
    print(f"pictures alone, mmlib                            {fast:6.2f} s")
    print(f"pictures alone, Pillow, one by one               {slow:6.2f} s   ({slow / fast:.0f} times as long)")
    print(f"{num_scenes // 5:,} clips of 8 frames, with captions           {clips:6.2f} s")
    close = (difference <= 16).mean()
    print(f"mean difference {difference.mean():.3f} of 255; {close:.4f} of the values within 16 of 255")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
