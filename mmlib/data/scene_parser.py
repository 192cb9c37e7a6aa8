"""The parser of the scenes' grammar, and the judge of what it reads: is the sentence true of the scene?"""

import itertools
import re

from mmlib.data.scene_captions import (
    LANGUAGES,
    NUMBERS,
    OPENINGS,
    PLURALS,
    RELATIONS,
    WORDS,
    Meaning,
    Thing,
    in_order,
    thing_of,
)
from mmlib.data.scene_table import COLOURS, SHAPES, SIZES


def parse_caption(text):
    """Read a sentence of the grammar, in either language, with or without its punctuation.

    Args:
        text: str.

    Returns:
        Its ``Meaning``, or None where it is no sentence of the grammar.
    """
    things, skeleton, language = find_things(text)
    for relation, patterns in RELATIONS[language].items():
        for pattern in patterns:
            if skeleton == pattern.format(a="@", b="@") and len(things) == 2:
                straight = pattern.index("{a}") < pattern.index("{b}")
                return Meaning(relation, tuple(things if straight else things[::-1]))
    together = r"@( @)*( and @)?" if language == "en" else r"@+(和@)?"
    return Meaning("together", in_order(things)) if re.fullmatch(together, skeleton) else None


def find_things(text):
    """Find the things a sentence names. Returns: their list, the sentence with @ in their places, its language."""
    language = "zh" if re.search("[一-鿿]", text) else "en"
    text = re.sub("[,.，。、]", " ", text.lower())
    text = "".join(text.split()) if language == "zh" else " ".join(text.split())
    text = _OPENING[language].sub("", text, count=1)
    things = []

    def note(match):
        number, *words = match.groups()
        meanings = {word: _MEANS[language][word] for word in words if word}.values()
        slots = {("size" if m in SIZES else "colour" if m in COLOURS else "shape"): m for m in meanings}
        things.extend([Thing(**slots)] * max(1, NUMBERS[language].index(number)))
        return "@"

    return things, _THING[language].sub(note, text), language


def is_true(meaning, scene):
    """Say whether a sentence of this meaning is true of a scene, which may show more than it says.

    "Left of" and "above" compare centres. Returns: a bool.
    """
    objects = [row for row in scene.tolist() if row[0]]

    def fits(rows):
        if any(not _fits(thing, row) for thing, row in zip(meaning.things, rows, strict=True)):
            return False
        if meaning.relation == "together":
            return True
        axis = 4 if meaning.relation == "left" else 5
        return rows[0][axis] < rows[1][axis]

    return any(fits(rows) for rows in itertools.permutations(objects, len(meaning.things)))


def _fits(thing, row):
    return all(said in (None, seen) for said, seen in zip(thing, thing_of(row, sizes=True), strict=True))


def _any_of(words):
    return "|".join(sorted(words, key=len, reverse=True))


_MEANS = {
    language: {
        form: meaning
        for meaning, forms in words.items()
        for word in forms
        for form in (word, PLURALS.get(word, word + "s"))
    }
    for language, words in WORDS.items()
}


def _thing_pattern(language):
    forms = {group: [f for f, m in _MEANS[language].items() if m in group] for group in (SIZES, COLOURS, SHAPES)}
    size, colour, shape = (_any_of(forms[group]) for group in (SIZES, COLOURS, SHAPES))
    number = _any_of(NUMBERS[language])
    if language == "en":
        return re.compile(rf"\b({number}) (?:({size}) )?({colour}) ({shape})\b")
    return re.compile(rf"({number})({colour})的?({size})?({shape})")


_THING = {language: _thing_pattern(language) for language in LANGUAGES}
_OPENING = {
    language: re.compile("^(?:" + _any_of(filter(None, {*groups["relation"], *groups["together"]})) + ")")
    for language, groups in OPENINGS.items()
}
