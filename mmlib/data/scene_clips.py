"""Clips: scenes in which something moves, and sentences that need the order of the frames.

Each clip begins with its objects anywhere on the torus, uniformly and independently, whatever moves and wherever to. So
in *every* single frame they are anywhere too: one frame says nothing of the direction, of the speed or of who moves
first. Objects may cross an edge of the picture and may pass over each other.
"""

import re
from typing import NamedTuple

import numpy as np

from mmlib.data.scene_captions import Dice, Thing, name_things, thing_of
from mmlib.data.scene_parser import find_things
from mmlib.data.scene_table import COLOURS, sample_scenes

DIRECTIONS = ("left", "right", "up", "down")
STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
BACKWARDS = {"left": "right", "right": "left", "up": "down", "down": "up"}
SPEEDS = {"slowly": 0.25, "quickly": 0.5}  # the way made, as a part of the picture's side
CLIPS = {"move": 1, "return": 1, "story": 2}  # kinds, and how many objects move


class Event(NamedTuple):
    """A thing moves in a direction; ``speed`` is None where the sentence says nothing of it."""

    thing: Thing
    direction: str
    speed: str | None = None


VERBS = {"en": ("moves", "goes", "slides"), "zh": ("移动", "滑动")}
WAYS = {
    "en": {"left": ("left", "to the left"), "right": ("right", "to the right"), "up": ("up", "upwards"),
           "down": ("down", "downwards")},
    "zh": {"left": ("向左", "往左"), "right": ("向右", "往右"), "up": ("向上", "往上"), "down": ("向下", "往下")},
}  # fmt: skip
PACE = {"en": {"slowly": "slowly", "quickly": "quickly"}, "zh": {"slowly": "慢慢", "quickly": "快速"}}
FRAMES_OF_STORY = {
    "en": ("{a}, then {b}", "first {a}, then {b}", "{b} after {a}", "{a} before {b}"),
    "zh": ("{a}，然后{b}", "先是{a}，再是{b}", "{a}之后，{b}", "{b}之前，{a}"),
}
AND_BACK = {"en": ("{a} and comes back", "{a} and returns"), "zh": ("{a}，再回来", "{a}，然后返回")}


def animate(scene, motion, num_frames=8):
    """Let objects of a scene move, one step after the other, each step taking the same time.

    Args:
        scene: structured array (``MOST``,).
        motion: list of (object, direction, distance): its place in the table, one of ``DIRECTIONS``, and the way as a
            part of the picture's side. ``[(0, "left", 0.5), (0, "right", 0.5)]`` goes and comes back.
        num_frames: int, F, at least 2.

    Returns:
        Structured array (F, ``MOST``), which ``render`` draws; ``animate(…)[::-1]`` is the film run backwards.

    Raises:
        ValueError: for a direction that is none, or an object that is not in the scene.
    """
    for mover, direction, _ in motion:
        if direction not in DIRECTIONS:
            raise ValueError(f"`motion` must use the directions {DIRECTIONS}. Received: {direction!r}")
        if not 0 <= mover < len(scene) or not scene["present"][mover]:
            raise ValueError(f"`motion` must move objects of the scene. Received: object {mover}")
    movers = np.array([[mover for mover, _, _ in motion]])
    steps = np.array([[np.multiply(STEPS[direction], distance) for _, direction, distance in motion]])
    return move(scene[None], movers, steps, num_frames)[0]


def move(scenes, movers, steps, num_frames):
    """As ``animate`` for N scenes at once: movers int (N, K), steps float (N, K, 2), returns (N, F, ``MOST``)."""
    if num_frames < 2:
        raise ValueError(f"`num_frames` must be at least 2. Received: num_frames={num_frames}")
    num_steps = movers.shape[1]
    done = np.clip(np.linspace(0, num_steps, num_frames) - np.arange(num_steps)[:, None], 0, 1)  # (K, F)
    clips = np.repeat(scenes[:, None], num_frames, axis=1)
    clip, frame = np.ogrid[: len(scenes), :num_frames]
    for axis, name in enumerate(("x", "y")):
        way = np.zeros(clips.shape)
        for k in range(num_steps):
            way[clip, frame, movers[:, k, None]] += done[k] * steps[:, k, axis, None]
        clips[name] = np.where(clips["present"], (clips[name] + way) % 1, 0)
    return clips


def sample_clips(num_clips, rng, num_frames=8, kind="move", num_objects=None):
    """Draw clips. Args: as ``load_clips``, with rng: np.random.Generator.

    Returns:
        Tuple of the table (N, F, ``MOST``), and of K events each: movers int (N, K), directions int (N, K); and speeds
        int (N,).
    """
    if kind not in CLIPS:
        raise ValueError(f"`kind` must be one of {tuple(CLIPS)}. Received: kind={kind!r}")
    num_objects = CLIPS[kind] if num_objects is None else num_objects
    still = sample_scenes(num_clips, rng, num_objects, different=True)
    count = still["present"].sum(axis=1)
    if count.min() < CLIPS[kind]:
        raise ValueError(f"`kind={kind!r}` needs `num_objects` of {CLIPS[kind]} or more. Received: {num_objects}")
    still["x"], still["y"] = rng.random((2, *still.shape))
    first = rng.integers(count)
    second = (first + rng.integers(1, np.maximum(count, 2))) % count
    directions = rng.integers(len(DIRECTIONS), size=(num_clips, 2))
    if kind == "return":
        second = first
        directions[:, 1] = np.array([DIRECTIONS.index(BACKWARDS[name]) for name in DIRECTIONS])[directions[:, 0]]
    num_events = 1 if kind == "move" else 2
    movers, directions = np.stack([first, second], axis=1)[:, :num_events], directions[:, :num_events]
    speeds = rng.integers(len(SPEEDS), size=num_clips)
    steps = np.array(list(STEPS.values()))[directions] * np.array(list(SPEEDS.values()))[speeds][:, None, None]
    return move(still, movers, steps, num_frames), movers, directions, speeds


def sample_turns(num_clips, rng, num_frames=8, changing=1.0):
    """Draw clips in which one thing moves steadily and, at some frame, turns from one colour into another.

    The clip run backwards is as likely as the clip: it moves the other way and has the two colours in the other order.

    Args:
        num_clips: int, N.
        rng: np.random.Generator.
        num_frames: int, F, at least 2.
        changing: the probability that a thing turns; the others keep their colour.

    Returns:
        Tuple of the table (N, F, ``MOST``), the directions int (N,) into ``DIRECTIONS``, the two colours int (N, 2),
        which are equal where nothing turns, and the frame int (N,), 1 to F - 1, that is the first in the second colour.

    Raises:
        ValueError: for a probability outside [0, 1], or fewer than two frames.
    """
    if not 0 <= changing <= 1:
        raise ValueError(f"`changing` must be a probability. Received: changing={changing}")
    scenes, _, directions, _ = sample_clips(num_clips, rng, num_frames, "move")
    first = scenes["colour"][:, 0, 0].astype(int)
    turns = rng.random(num_clips) < changing
    second = np.where(turns, (first + rng.integers(1, len(COLOURS), num_clips)) % len(COLOURS), first)
    when = rng.integers(1, num_frames, num_clips)
    later = np.arange(num_frames) >= when[:, None]
    scenes["colour"][:, :, 0] = np.where(later, second[:, None], first[:, None])
    return scenes, directions[:, 0], np.stack([first, second], axis=1), when


def beep(when, rng, num_frames=8, sample_rate=8000):
    """Make one second of quiet noise for each clip, with a beep that sounds while one of its frames is shown.

    Args:
        when: int (N,), the frame that each beep belongs to, 0 to F - 1.
        rng: np.random.Generator; it also chooses the pitch, 400 to 1,600 Hz.
        num_frames: int, F.
        sample_rate: in Hz.

    Returns:
        float32 (N, sample_rate) in [-1, 1].

    Raises:
        ValueError: for a frame that the clip does not have.
    """
    when = np.asarray(when)
    if when.min() < 0 or when.max() >= num_frames:
        raise ValueError(f"`when` must lie in 0 … {num_frames - 1}. Received: {when.min()} … {when.max()}")
    seconds = np.arange(sample_rate) / sample_rate
    middle = (when[:, None] + 0.5) / num_frames
    loud = np.exp(-0.5 * ((seconds - middle) * num_frames / 0.15) ** 2)  # over long before the frame is
    tone = np.sin(2 * np.pi * rng.uniform(400, 1600, (len(when), 1)) * seconds)
    noise = 0.02 * rng.standard_normal((len(when), sample_rate), dtype="float32")
    return np.clip(0.4 * loud * tone + noise, -1, 1).astype("float32")


def tell(events, rng, language="en"):
    """Put the events of a clip into words.

    Args:
        events: tuple of one ``Event``; of two by the same thing, there and back; or of two by two things, in order.
        rng: np.random.Generator, or ``Dice``.
        language: "en" or "zh".

    Returns:
        A str.
    """
    dice = Dice.of(rng)
    names = [_tell_one(event, dice, language) for event in events]
    if len(events) == 1:
        return names[0]
    patterns = AND_BACK if events[0].thing == events[1].thing else FRAMES_OF_STORY
    return dice.choice(patterns[language]).format(a=names[0], b=names[1])


def _tell_one(event, dice, language):
    thing, verb = name_things(event.thing, 1, dice, language), dice.choice(VERBS[language])
    way = dice.choice(WAYS[language][event.direction])
    pace = PACE[language][event.speed] if event.speed else ""
    if language == "zh":
        return thing + pace + way + verb
    words = dice.choice([(thing, pace, verb, way), (thing, verb, way, pace)]) if pace else (thing, verb, way)
    return " ".join(words)


def backwards(events):
    """The events of the same clip run backwards: the other order, the opposite directions. Returns: a tuple."""
    return tuple(event._replace(direction=BACKWARDS[event.direction]) for event in reversed(events))


def parse_events(text):
    """Read a sentence about a clip, in either language, with or without its punctuation.

    Returns:
        tuple of ``Event``, as ``tell`` takes them, or None where it is no sentence of the grammar.
    """
    things, skeleton, language = find_things(text)
    told = []

    def note(match):
        told.append([match.group("way"), match.group("before") or match.groupdict().get("after")])
        return "#"

    skeleton = _EVENT[language].sub(note, skeleton)
    if len(told) != len(things):
        return None
    direction = {way: name for name, ways in WAYS[language].items() for way in ways}
    speed = {word: name for name, word in PACE[language].items()}
    events = [Event(thing, direction[way], speed.get(pace)) for thing, (way, pace) in zip(things, told, strict=True)]
    if skeleton == "#":
        return tuple(events)
    if skeleton in _skeletons(AND_BACK, language):
        return (events[0], events[0]._replace(direction=BACKWARDS[events[0].direction]))
    for pattern, plain in zip(FRAMES_OF_STORY[language], _skeletons(FRAMES_OF_STORY, language), strict=True):
        if skeleton == plain:
            return tuple(events if pattern.index("{a}") < pattern.index("{b}") else events[::-1])
    return None


def events_of(scene, movers, directions, speed=None):
    """Name what the movers of a scene do. Returns: a tuple of ``Event``."""
    rows = scene.tolist()
    pairs = zip(movers, directions, strict=True)
    return tuple(Event(thing_of(rows[mover]), DIRECTIONS[direction], speed) for mover, direction in pairs)


def _skeletons(patterns, language):
    return [re.sub("[,，]", "", pattern.format(a="#", b="#")) for pattern in patterns[language]]


def _event_pattern(language):
    ways = "|".join(sorted((way for ways in WAYS[language].values() for way in ways), key=len, reverse=True))
    verbs, paces = "|".join(VERBS[language]), "|".join(PACE[language].values())
    if language == "zh":
        return re.compile(rf"@(?P<before>{paces})?(?P<way>{ways})(?:{verbs})")
    return re.compile(rf"@ (?:(?P<before>{paces}) )?(?:{verbs}) (?P<way>{ways})(?: (?P<after>{paces}))?\b")


_EVENT = {language: _event_pattern(language) for language in WAYS}
