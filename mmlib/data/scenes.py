"""The scene world: pictures and clips of coloured shapes made by a generator, so that the truth about each is known.

``load_scenes``, ``load_pairs`` and ``load_clips`` make data sets in a second or two, the same from the same seed. The
parts they are made of can be used from here too: see ``__all__``.
"""

import numpy as np

from mmlib.data.scene_captions import Dice, Meaning, Thing, choose_meaning, describe, express, wordings
from mmlib.data.scene_clips import (
    DIRECTIONS,
    SPEEDS,
    animate,
    backwards,
    events_of,
    parse_events,
    sample_clips,
    tell,
)
from mmlib.data.scene_parser import is_true, parse_caption
from mmlib.data.scene_questions import ANSWERS, as_arrays, questions
from mmlib.data.scene_table import COLOURS, RGB, SHAPES, SIZES, boxes, masks, render, sample_scene, sample_scenes

__all__ = [
    "ANSWERS", "COLOURS", "DIRECTIONS", "RGB", "SHAPES", "SIZES", "SPEEDS", "Meaning", "Thing", "animate", "backwards",
    "boxes", "describe", "express", "is_true", "load_clips", "load_pairs", "load_scenes", "masks", "parse_caption",
    "parse_events", "questions", "render", "sample_scene", "sample_scenes", "tell", "wordings",
]  # fmt: skip


def load_scenes(
    num_scenes, seed, size=32, num_objects=(1, 4), different=False, layout="free", combinations="all", bias=0.0,
    style="mixed", sizes=False, captions_per_scene=1,
):  # fmt: skip
    """Make scenes with their pictures, captions in two languages, and questions with answers.

    Captions of one scene say true things that may differ; the Chinese caption says what the English one says. The same
    seed gives the same scenes and sentences at every picture size.

    Args:
        num_scenes: int, N.
        seed: int.
        size: int, H and W of the pictures, at least 8.
        num_objects, different, layout, combinations, bias: as in ``sample_scenes``. A compositional split trains on
            ``combinations="seen"`` and tests on "held_out". A bias makes answers guessable from the question.
        style, sizes: as in ``describe``.
        captions_per_scene: int, k, captions of each scene.

    Returns:
        dict of

        - ``images`` float32 (N, H, W, 3) in [0, 1], and ``scenes``, the table (N, ``MOST``) of what they show;
        - ``captions`` and ``captions_zh``, str (N·k,), their ``meanings`` (a list), and ``scene_ids`` int (N·k,), the
          scene that each is about;
        - ``questions`` and ``answers``, str (Q,), ``question_kinds``, ``question_scene_ids``, and ``question_objects``,
          bool (Q, ``MOST``), the objects that each is about. A scene has up to five questions.

    Raises:
        ValueError: for an option outside its range.
    """
    if captions_per_scene < 1:
        raise ValueError(f"`captions_per_scene` must be at least 1. Received: captions_per_scene={captions_per_scene}")
    world = {"layout": layout, "combinations": combinations, "bias": bias}
    of_scenes, of_captions, of_questions = np.random.default_rng(seed).spawn(3)
    scenes = sample_scenes(num_scenes, of_scenes, num_objects, different, **world)
    dice = Dice(of_captions, block=1 << 14)
    scene_ids = np.repeat(np.arange(num_scenes), captions_per_scene)
    meanings = [choose_meaning(scenes[i], dice, style, layout, sizes) for i in scene_ids]
    dice_for_questions = Dice(of_questions, block=1 << 14)
    asked = [questions(scene, dice_for_questions, 1 if different else 2, **world) for scene in scenes]
    return {
        "images": _in_unit_range(render(scenes, size)),
        "scenes": scenes,
        "captions": np.array([express(meaning, dice, "en") for meaning in meanings]),
        "captions_zh": np.array([express(meaning, dice, "zh") for meaning in meanings]),
        "meanings": meanings,
        "scene_ids": scene_ids,
        **as_arrays(asked),
    }


def load_pairs(num_scenes, seed, size=32, **options):
    """Make the world of pairs: one object left, one right, of different colour and shape, and a caption of both.

    It has exactly 6·5 · 4·3 = 360 meanings, all equally likely. Picture and caption each determine the meaning and have
    nothing else in common, so their mutual information is known: ln 360 = 5.886 nats.

    Args, Returns, Raises: as ``load_scenes``, which is called with ``num_objects=2``, ``different=True``,
        ``layout="left_right"`` and ``style="relation"``. With ``layout="above_below"`` there are 360
        others; with ``layout="free"`` there are all 720.
    """
    pairs = {"num_objects": 2, "different": True, "layout": "left_right", "style": "relation"}
    return load_scenes(num_scenes, seed, size, **(pairs | options))


def load_clips(num_clips, seed, size=32, num_frames=8, kind="move", num_objects=None):
    """Make clips with captions that need the order of the frames.

    Args:
        num_clips: int, N.
        seed: int.
        size: int, H and W of the frames, at least 8.
        num_frames: int, F, at least 2.
        kind: "move" (one object moves slowly or quickly), "return" (it goes and comes back: the clip run backwards is
            the same clip), or "story" (one moves, then another).
        num_objects: int or (fewest, most); by default as many as move. Others stay where they are. No two objects of a
            clip share a colour or a shape.

    Returns:
        dict of

        - ``frames`` float32 (N, F, H, W, 3) in [0, 1], and ``scenes``, the table (N, F, ``MOST``);
        - ``captions``, ``captions_zh`` str (N,), and what they say, ``events`` (a list);
        - ``directions`` int (N, K) into ``DIRECTIONS``, ``movers`` int (N, K) into the table, of each of K events;
        - ``speeds`` int (N,): 0 slowly, 1 quickly;
        - ``labels`` int (N,): the direction of the (first) event; for a story the colour of what moves first. One frame
          alone leaves all four directions, or both colours, equally likely.

    Raises:
        ValueError: for an option outside its range.
    """
    of_clips, of_captions = np.random.default_rng(seed).spawn(2)
    scenes, movers, directions, speeds = sample_clips(num_clips, of_clips, num_frames, kind, num_objects)
    said = [list(SPEEDS)[speed] if kind == "move" else None for speed in speeds]
    events = [events_of(*clip) for clip in zip(scenes[:, 0], movers, directions, said, strict=True)]
    dice = Dice(of_captions, block=1 << 14)
    who = scenes["colour"][np.arange(num_clips), 0, movers[:, 0]]
    return {
        "frames": _in_unit_range(render(scenes, size)),
        "scenes": scenes,
        "captions": np.array([tell(story, dice, "en") for story in events]),
        "captions_zh": np.array([tell(story, dice, "zh") for story in events]),
        "events": events,
        "directions": directions,
        "movers": movers,
        "speeds": speeds,
        "labels": who.astype(int) if kind == "story" else directions[:, 0],
    }


def _in_unit_range(pictures):
    return np.divide(pictures, np.float32(255))
