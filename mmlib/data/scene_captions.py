"""Sentences about scenes: a small grammar in English and Chinese. ``mmlib.data.scene_parser`` reads them.

A meaning is what a sentence says, whatever its words: things together, or one thing left of (above) another. "A right
of B" means the same as "B left of A", and is another wording of it. With 24 things (6 colours, 4 shapes) there are
24·24·2 = 1,152 relations and 20,474 collections of one to four things; with sizes 4,608 and 270,724.
"""

import itertools
from typing import NamedTuple

import numpy as np

from mmlib.data.scene_table import COLOURS, SHAPES, SIZES

STYLES = ("mixed", "relation", "together")
LANGUAGES = ("en", "zh")


class Thing(NamedTuple):
    """What a sentence says of an object; ``size`` is None where it says nothing of it."""

    colour: str
    shape: str
    size: str | None = None


class Meaning(NamedTuple):
    """``relation`` is "left" or "above" (the first of two ``things`` is left of, above, the second) or "together"."""

    relation: str
    things: tuple


class Dice:
    """Choices drawn from a generator, many at a time, since one at a time is slow."""

    def __init__(self, rng, block=512):
        self._stream = itertools.chain.from_iterable(iter(lambda: rng.random(block).tolist(), None))

    @staticmethod
    def of(rng):
        """Dice of a generator; dice stay what they are."""
        return Dice(rng) if isinstance(rng, np.random.Generator) else rng

    def choice(self, options):
        return options[int(next(self._stream) * len(options))]

    def coin(self, probability):
        return next(self._stream) < probability


WORDS = {
    "en": {
        **{colour: (colour,) for colour in COLOURS},
        "circle": ("circle", "disc"), "square": ("square", "box"), "triangle": ("triangle",),
        "cross": ("cross", "plus"), "small": ("small", "little"), "large": ("large", "big"),
    },
    "zh": {
        "red": ("红色",), "yellow": ("黄色",), "green": ("绿色",), "blue": ("蓝色",), "purple": ("紫色",),
        "black": ("黑色",),
        "circle": ("圆形", "圆盘"), "square": ("方形", "方块"), "triangle": ("三角形",), "cross": ("十字形", "十字"),
        "small": ("小",), "large": ("大",),
    },
}  # fmt: skip
PLURALS = {"box": "boxes", "cross": "crosses", "plus": "pluses"}
NUMBERS = {"en": ("another", "a", "two", "three", "four"), "zh": ("另一个", "一个", "两个", "三个", "四个")}
OPENINGS = {
    "en": {"relation": ("", "a picture of ", "the picture shows ", "we see ")},
    "zh": {"relation": ("", "图中", "画面里"), "together": ("", "图中有", "画面里有", "可以看到")},
}
OPENINGS["en"]["together"] = OPENINGS["en"]["relation"]
RELATIONS = {
    "en": {
        "left": (
            "{a} left of {b}", "{a} to the left of {b}", "{a} with {b} on its right",
            "{b} right of {a}", "{b} to the right of {a}", "{b} with {a} on its left",
        ),
        "above": (
            "{a} above {b}", "{a} over {b}", "{a} with {b} below it",
            "{b} below {a}", "{b} under {a}", "{b} with {a} above it",
        ),
    },
    "zh": {
        "left": (
            "{a}在{b}的左边", "{a}在{b}左侧", "{a}的右边有{b}", "{b}在{a}的右边", "{b}在{a}右侧", "{b}的左边有{a}",
        ),
        "above": (
            "{a}在{b}的上面", "{a}在{b}上方", "{a}的下面有{b}", "{b}在{a}的下面", "{b}在{a}下方", "{b}的上面有{a}",
        ),
    },
}  # fmt: skip


def describe(scene, rng, language="en", style="mixed", layout="free", sizes=False):
    """Say one true thing about a scene.

    Args:
        scene: structured array (``MOST``,).
        rng: np.random.Generator, or ``Dice``.
        language: "en" or "zh".
        style: "relation" (of two objects, where there are two), "together" (all objects), or "mixed" (either).
        layout: as in ``sample_scenes``: with "left_right" or "above_below" that is the relation told; with "free" it is
            the one whose axis separates the two objects more.
        sizes: bool, say whether things are small or large.

    Returns:
        A str.
    """
    dice = Dice.of(rng)
    return express(choose_meaning(scene, dice, style, layout, sizes), dice, language)


def choose_meaning(scene, rng, style="mixed", layout="free", sizes=False):
    """Choose what to say about a scene. Args: as ``describe``. Returns: a ``Meaning``."""
    dice = Dice.of(rng)
    if style not in STYLES:
        raise ValueError(f"`style` must be one of {STYLES}. Received: style={style!r}")
    objects = [row for row in scene.tolist() if row[0]]
    if len(objects) > 1 and (style == "relation" or (style == "mixed" and dice.coin(0.5))):
        first = dice.choice(objects)
        second = dice.choice([row for row in objects if row is not first])
        relation, first, second = relate(first, second, layout)
        return Meaning(relation, (thing_of(first, sizes), thing_of(second, sizes)))
    return Meaning("together", in_order([thing_of(row, sizes) for row in objects]))


def in_order(things):
    """Put things that are told together in the one order that their ``Meaning`` has. Returns: a tuple."""
    return tuple(sorted(things, key=str))


def relate(first, second, layout="free"):
    """Order two rows of the table: ("left", left row, right row) or ("above", upper row, lower row)."""
    (*_, x1, y1, _), (*_, x2, y2, _) = first, second
    sideways = layout == "left_right" or (layout == "free" and abs(x1 - x2) > abs(y1 - y2))
    straight = x1 < x2 if sideways else y1 < y2
    return ("left" if sideways else "above", *((first, second) if straight else (second, first)))


def express(meaning, rng, language="en"):
    """Put a ``Meaning`` into words, one of its ``wordings`` at random. Args: as ``describe``. Returns: a str."""
    dice = Dice.of(rng)
    if language not in LANGUAGES:
        raise ValueError(f"`language` must be one of {LANGUAGES}. Received: language={language!r}")
    if meaning.relation == "together":
        kinds = sorted(set(meaning.things))
        order = []
        while kinds:
            order.append(dice.choice(kinds))
            kinds.remove(order[-1])
        parts = [name_things(thing, meaning.things.count(thing), dice, language) for thing in order]
        comma, last = (", ", " and ") if language == "en" else ("、", "和")
        return dice.choice(OPENINGS[language]["together"]) + last.join(
            [comma.join(parts[:-1]), parts[-1]][-len(parts) :]
        )
    pattern = dice.choice(RELATIONS[language][meaning.relation])
    a, b = meaning.things
    another = 0 if a == b else 1
    a_first = pattern.index("{a}") < pattern.index("{b}")
    names = {
        "a": name_things(a, 1 if a_first else another, dice, language),
        "b": name_things(b, another if a_first else 1, dice, language),
    }
    return dice.choice(OPENINGS[language]["relation"]) + pattern.format(**names)


def wordings(meaning, language="en"):
    """List all sentences of the grammar that have this meaning, in a fixed order. Returns: a list of str."""
    sentences, pending = [], [()]
    while pending:
        dice = _Script(pending.pop())
        sentences.append(express(meaning, dice, language))
        pending += dice.untried
    return list(dict.fromkeys(sentences))


def thing_of(row, sizes=False):
    """Name what a row of the table shows. Returns: a ``Thing``."""
    return Thing(COLOURS[row[1]], SHAPES[row[2]], SIZES[row[3]] if sizes else None)


def name_things(thing, number, dice, language):
    """Put a number of like things into words; number 0 is "another". Returns: a str."""
    words = WORDS[language]
    count, colour, noun = NUMBERS[language][number], dice.choice(words[thing.colour]), dice.choice(words[thing.shape])
    size = dice.choice(words[thing.size]) if thing.size else ""
    if language == "zh":
        return count + colour + dice.choice(("的", "")) + size + noun
    noun = noun if number < 2 else PLURALS.get(noun, noun + "s")
    return " ".join(word for word in (count, size, colour, noun) if word)


class _Script:
    """Dice that fall as written, then always on the first side, and note what else could have fallen."""

    def __init__(self, written):
        self._written, self._fallen, self.untried = written, (), []

    def choice(self, options):
        place = len(self._fallen)
        side = self._written[place] if place < len(self._written) else 0
        if place >= len(self._written):
            self.untried += [(*self._fallen, other) for other in range(len(options) - 1, 0, -1)]
        self._fallen += (side,)
        return options[side]
