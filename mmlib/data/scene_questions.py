"""Questions about scenes, each with one right answer, that cannot be answered without the picture.

Where colours and shapes are exchangeable (all combinations, no bias), each answer to a question is equally likely given
its words, by symmetry: whoever sees the question only is right with probability 1/6 (colour), 1/4 (shape), 1/3 (count;
1/2 where ``most_counted`` is 1), 1/2 (existence, relation).
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from mmlib.data.scene_captions import Dice, relate
from mmlib.data.scene_table import COLOURS, COMBINATIONS, MOST, SHAPES

KINDS = ("colour", "shape", "count", "existence", "relation")
ANSWERS = ("yes", "no", "0", "1", "2", *COLOURS, *SHAPES)
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
WORDINGS = {
    "colour": ("what colour is the {}?", "what is the colour of the {}?"),
    "shape": ("what shape is the {} object?", "what is the shape of the {} object?"),
    "count": ("how many {} are there?", "how many {} do you see?"),
    "existence": ("is there a {}?", "do you see a {}?"),
    "relation": ("is the {} {} the {}?",),
}


class Question(NamedTuple):
    """``kind`` is one of ``KINDS``; ``objects`` says which places of the scene's table the question is about."""

    kind: str
    text: str
    answer: str
    objects: tuple


def questions(scene, rng, most_counted=2, combinations="all", layout="free", bias=0.0):
    """Ask one question of each kind that the scene allows.

    "The circle" is only said where there is one circle. "How many" is asked where each answer from 0 to
    ``most_counted`` would be right for some colour (or for some shape). "Is there" names something that is there, or
    something absent that shares its colour or shape with something there; relations ask for the true one or its
    opposite.

    Args:
        scene: structured array (``MOST``,).
        rng: np.random.Generator, or ``Dice``.
        most_counted: 1 or 2. 1 suits scenes without like objects.
        combinations, layout: as in ``sample_scenes``, whose scenes these are.
        bias: from -1 to 1. The answer is "yes" with probability (1 + bias)/2, and a count 1 (with a negative bias 0)
            with probability ``|bias|`` and else drawn at random. The bias of colours is in the scenes.

    Returns:
        list of ``Question``.
    """
    dice = Dice.of(rng)
    rows = [(place, row) for place, row in enumerate(scene.tolist()) if row[0]]
    asked = [
        _ask_attribute("colour", rows, dice),
        _ask_attribute("shape", rows, dice),
        _ask_count(rows, dice, most_counted, bias),
        _ask_existence(rows, dice, _ALLOWED[combinations], bias),
        _ask_relation(rows, dice, layout, bias),
    ]
    return [question for question in asked if question]


def _ask(kind, dice, words, answer, places):
    return Question(kind, dice.choice(WORDINGS[kind]).format(*words), answer, tuple(places))


def _ask_attribute(kind, rows, dice):
    """Colour by shape, or shape by colour."""
    column, by = (1, 2) if kind == "colour" else (2, 1)
    times = Counter(row[by] for _, row in rows)
    unique = [(place, row) for place, row in rows if times[row[by]] == 1]
    if not unique:
        return None
    place, row = dice.choice(unique)
    names = {1: COLOURS, 2: SHAPES}
    return _ask(kind, dice, [names[by][row[by]]], names[column][row[column]], [place])


def _ask_count(rows, dice, most_counted, bias):
    tables = []
    for column, names in ((1, COLOURS), (2, SHAPES)):
        times = Counter(row[column] for _, row in rows)
        by_count = {n: [v for v in range(len(names)) if times[v] == n] for n in range(most_counted + 1)}
        if all(by_count.values()):
            tables.append((column, names, by_count))
    if not tables:
        return None
    column, names, by_count = dice.choice(tables)
    number = int(bias > 0) if dice.coin(abs(bias)) else dice.choice(range(most_counted + 1))
    value = dice.choice(by_count[number])
    words = names[value] + " objects" if column == 1 else names[value] + ("es" if names[value] == "cross" else "s")
    return _ask("count", dice, [words], str(number), [place for place, row in rows if row[column] == value])


def _ask_existence(rows, dice, allowed, bias):
    there = {row[1:3] for _, row in rows}
    colours, shapes = {c for c, _ in there}, {s for _, s in there}
    absent = [pair for pair in allowed if pair not in there and (pair[0] in colours or pair[1] in shapes)]
    if not absent:
        return None
    pair = dice.choice(rows)[1][1:3] if dice.coin((1 + bias) / 2) else dice.choice(absent)
    places = [place for place, row in rows if row[1:3] == pair]
    return _ask("existence", dice, [_both(pair)], "yes" if places else "no", places)


def _ask_relation(rows, dice, layout, bias):
    times = Counter(row[1:3] for _, row in rows)
    unique = [(place, row) for place, row in rows if times[row[1:3]] == 1]
    if len(unique) < 2:
        return None
    first = dice.choice(unique)
    second = dice.choice([other for other in unique if other is not first])
    relation, before, _ = relate(first[1], second[1], layout)
    true = {"left": "left of", "above": "above"}[relation]
    true = true if before is first[1] else OPPOSITE[true]
    yes = dice.coin((1 + bias) / 2)
    words = [_both(first[1][1:3]), true if yes else OPPOSITE[true], _both(second[1][1:3])]
    return _ask("relation", dice, words, "yes" if yes else "no", [first[0], second[0]])


def _both(pair):
    return f"{COLOURS[pair[0]]} {SHAPES[pair[1]]}"


_ALLOWED = {name: [tuple(pair) for pair in np.argwhere(table).tolist()] for name, table in COMBINATIONS.items()}


def as_arrays(asked):
    """Turn one list of questions a scene into columns.

    Args:
        asked: list (N) of lists of ``Question``.

    Returns:
        dict of arrays of length Q: ``questions``, ``answers``, ``question_kinds``, ``question_scene_ids`` (the scene of
        each), and ``question_objects``, bool (Q, ``MOST``).
    """
    flat = [(scene_id, question) for scene_id, some in enumerate(asked) for question in some]
    about = np.zeros((len(flat), MOST), bool)
    for line, (_, question) in zip(about, flat, strict=True):
        line[list(question.objects)] = True
    return {
        "questions": np.array([question.text for _, question in flat]),
        "answers": np.array([question.answer for _, question in flat]),
        "question_kinds": np.array([question.kind for _, question in flat]),
        "question_scene_ids": np.array([scene_id for scene_id, _ in flat]),
        "question_objects": about,
    }
