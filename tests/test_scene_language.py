"""What is said and asked about scenes: true, readable, balanced; checked against the table by loops written anew."""

import itertools
import math
import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from scipy import stats

from mmlib.data.scenes import (
    ANSWERS,
    COLOURS,
    SHAPES,
    SIZES,
    Meaning,
    Thing,
    describe,
    express,
    is_true,
    load_clips,
    load_pairs,
    load_scenes,
    parse_caption,
    parse_events,
    sample_scene,
    sample_scenes,
    tell,
    wordings,
)
from mmlib.text import detokenize, make_tokenizer

MIXED = load_scenes(4000, seed=0, size=8, captions_per_scene=2)
RELATIONS = load_scenes(3000, seed=1, size=8, num_objects=(2, 4), style="relation", sizes=True)
CLIPS = {kind: load_clips(500, seed=0, size=8, kind=kind) for kind in ("move", "return", "story")}

NOUNS = {
    "circle": "circle", "disc": "circle", "square": "square", "box": "square", "triangle": "triangle",
    "cross": "cross", "plus": "cross", "圆形": "circle", "圆盘": "circle", "方形": "square", "方块": "square",
    "三角形": "triangle", "十字形": "cross", "十字": "cross",
}  # fmt: skip
CHINESE_COLOURS = dict(zip(COLOURS, "红黄绿蓝紫黑", strict=True))


def objects(scene):
    return [thing for thing in scene if thing["present"]]


def is_a(thing, colour, shape, size=None):
    return (
        COLOURS[thing["colour"]] == colour
        and SHAPES[thing["shape"]] == shape
        and (size is None or SIZES[thing["size"]] == size)
    )


# --- captions


def claim(text):
    """Read a relation sentence word by word: who is said to be on which side of whom, as (colour, shape, size)."""
    if re.search("[一-鿿]", text):
        named = re.findall(
            "([红黄绿蓝紫黑])色的?([大小])?(" + "|".join(sorted(NOUNS, key=len, reverse=True)) + ")", text
        )
        back = {character: colour for colour, character in CHINESE_COLOURS.items()}
        size = {"大": "large", "小": "small", "": None}
        first, second = [(back[c], NOUNS[n], size[s]) for c, s, n in named]
        (side,) = re.findall("(?:左|右|上|下)(?=边|侧|面|方)", text)
        side = {"左": "left", "右": "right", "上": "above", "下": "below"}[side]
        return (first, side, second) if "在" in text else (second, side, first)
    named = re.findall(rf"(\w+ )?({'|'.join(COLOURS)}) (\w+)", text)
    size = {"small ": "small", "little ": "small", "large ": "large", "big ": "large"}
    first, second = [(c, NOUNS[n], size.get(s)) for s, c, n in named]
    (side,) = re.findall(r"\b(left|right|above|over|below|under)\b", text)
    side = {"over": "above", "under": "below"}.get(side, side)
    return (second, side, first) if " with " in text else (first, side, second)


@pytest.mark.parametrize("language", ["captions", "captions_zh"])
def test_relations_are_true_by_coordinates(language):
    for text, scene_id in zip(RELATIONS[language], RELATIONS["scene_ids"], strict=True):
        first, side, second = claim(text)
        assert first[2] and second[2]
        good = {
            "left": lambda a, b: a["x"] < b["x"] - 0.1, "right": lambda a, b: a["x"] > b["x"] + 0.1,
            "above": lambda a, b: a["y"] < b["y"] - 0.1, "below": lambda a, b: a["y"] > b["y"] + 0.1,
        }[side]  # fmt: skip
        pairs = itertools.permutations(objects(RELATIONS["scenes"][scene_id]), 2)
        assert any(is_a(a, *first) and is_a(b, *second) and good(a, b) for a, b in pairs), text


def test_collections_name_every_object():
    seen = 0
    for text, meaning, scene_id in zip(MIXED["captions"], MIXED["meanings"], MIXED["scene_ids"], strict=True):
        if meaning.relation == "together":
            seen += 1
            named = Counter()
            for count, colour, noun in re.findall(rf"(\w+) ({'|'.join(COLOURS)}) (\w+)", text):
                single = (
                    noun if noun in NOUNS else noun.removesuffix("es") if noun[:-2] in NOUNS else noun.removesuffix("s")
                )
                named[colour, NOUNS[single]] += {"two": 2, "three": 3, "four": 4}.get(count, 1)
            there = Counter((COLOURS[o["colour"]], SHAPES[o["shape"]]) for o in objects(MIXED["scenes"][scene_id]))
            assert named == there, text
    assert seen > 2000


def test_parser_reads_back_every_meaning():
    for data in (MIXED, RELATIONS):
        for language in ("captions", "captions_zh"):
            assert [parse_caption(text) for text in data[language]] == data["meanings"]


def test_each_language_is_what_it_says():
    for data in (MIXED, *CLIPS.values()):
        assert all(re.fullmatch("[a-z, ]+", text) for text in data["captions"])
        assert all(re.fullmatch("[一-鿿、，]+", text) for text in data["captions_zh"])


def test_parser_reads_what_a_tokenizer_gives_back():
    for language, characters in (("captions", False), ("captions_zh", True)):
        tokenizer = make_tokenizer(MIXED[language], length=60, characters=characters, end=True)
        plain = detokenize(tokenizer(MIXED[language][:1500]), tokenizer)
        assert any(before != after for before, after in zip(MIXED[language], plain, strict=False))
        assert [parse_caption(text) for text in plain] == MIXED["meanings"][:1500]


@pytest.mark.parametrize(
    "text",
    ["", "a red", "a circle", "red circle", "a red circle left of", "a red circle left a blue square",
     "a red circle a blue square left of", "a red circle left of a blue square and a green cross", "not a red circle",
     "a red circle above below a blue square", "two red circles left of a blue square",
     "一个红色", "一个红色圆形在一个蓝色方块", "一个红色圆形左边"],
)  # fmt: skip
def test_parser_refuses_what_the_grammar_does_not_know(text):
    assert parse_caption(text) is None


def test_converse_sentences_mean_the_same():
    a, b = Thing("red", "circle"), Thing("blue", "square")
    for left in (
        "a red circle left of a blue square",
        "A blue box to the right of a red disc.",
        "一个红色圆盘在一个蓝色方块的左边",
    ):
        assert parse_caption(left) == Meaning("left", (a, b))
    assert parse_caption("a red circle with a blue square on its left") == Meaning("left", (b, a))
    assert parse_caption("a blue square with a red circle above it") == Meaning("above", (a, b))
    assert parse_caption("一个蓝色方块的上面有一个红色圆形") == Meaning("above", (a, b))
    assert parse_caption("two red discs and a blue box") == Meaning("together", (b, a, a))


def test_wordings_are_all_the_sentences_of_a_meaning():
    assert wordings(Meaning("together", (Thing("red", "triangle"),))) == [
        "a red triangle", "a picture of a red triangle", "the picture shows a red triangle", "we see a red triangle",
    ]  # fmt: skip
    for meaning in [MIXED["meanings"][i] for i in range(12)] + RELATIONS["meanings"][:5]:
        for language in ("en", "zh"):
            every = wordings(meaning, language)
            assert len(set(every)) == len(every)
            assert {parse_caption(text) for text in every} == {meaning}
            rng = np.random.default_rng(0)
            assert {express(meaning, rng, language) for _ in range(50)} <= set(every)
    two = Meaning("left", (Thing("red", "circle"), Thing("blue", "square")))
    rng = np.random.default_rng(0)
    assert {express(two, rng) for _ in range(3000)} == set(wordings(two))
    assert len(wordings(two)) == 4 * 6 * 2 * 2  # openings, patterns, words for each noun


def test_a_second_like_thing_is_another():
    red, blue = Thing("red", "cross"), Thing("blue", "cross")
    for language, another in (("en", " another red "), ("zh", "另一个红色")):
        for text in wordings(Meaning("above", (red, red)), language):
            assert text.count(another) == 1
            assert text.index("red" if language == "en" else "红") < text.index(another)
        assert not any(another.strip()[:3] in text for text in wordings(Meaning("above", (red, blue)), language))


def test_meanings_never_share_a_sentence():
    things = [Thing(colour, shape) for colour in ("red", "blue") for shape in ("circle", "cross")]
    meanings = [Meaning(r, pair) for r in ("left", "above") for pair in itertools.product(things, repeat=2)]
    for language in ("en", "zh"):
        times = Counter(text for meaning in meanings for text in wordings(meaning, language))
        assert max(times.values()) == 1


def test_truth_of_other_meanings():
    """Of a caption and its relatives, those hold that a loop over the objects finds."""
    for meaning, scene_id in zip(RELATIONS["meanings"][:1000], RELATIONS["scene_ids"], strict=False):
        scene = RELATIONS["scenes"][scene_id]
        assert is_true(meaning, scene)
        for other in (meaning._replace(things=meaning.things[::-1]), Meaning("together", meaning.things)):
            axis = {"left": "x", "above": "y"}.get(other.relation)
            expected = any(
                is_a(a, *other.things[0]) and is_a(b, *other.things[1]) and (axis is None or a[axis] < b[axis])
                for a, b in itertools.permutations(objects(scene), 2)
            )
            assert is_true(other, scene) == expected
    lonely = sample_scene(np.random.default_rng(0), num_objects=1)
    thing = Thing(COLOURS[lonely["colour"][0]], SHAPES[lonely["shape"][0]])
    assert is_true(Meaning("together", (thing,)), lonely)
    assert not is_true(Meaning("together", (thing, thing)), lonely)


def test_number_of_meanings():
    kinds = 6 * 4
    collections = sum(math.comb(kinds + n - 1, n) for n in range(1, 5))
    assert (2 * kinds**2, collections) == (1152, 20474)  # as the module says
    sized = sum(math.comb(2 * kinds + n - 1, n) for n in range(1, 5))
    assert (2 * (2 * kinds) ** 2, sized) == (4608, 270724)
    assert len(set(MIXED["meanings"])) > 2000


@pytest.mark.parametrize(("options", "count"), [({}, 360), ({"layout": "above_below"}, 360), ({"layout": "free"}, 720)])
def test_pairs_have_equally_likely_meanings(options, count):
    pairs = load_pairs(15 * count, seed=1, size=8, **options)
    times = Counter(parse_caption(text) for text in pairs["captions"])
    assert len(times) == count
    assert stats.chisquare(list(times.values())).pvalue > 1e-3
    seen = {}
    for scene, meaning in zip(pairs["scenes"], pairs["meanings"], strict=True):  # the picture alone gives the meaning
        first, second = objects(scene)
        upright = abs(first["y"] - second["y"]) > abs(first["x"] - second["x"])
        axis = {"left_right": "x", "above_below": "y", "free": "y" if upright else "x"}[
            options.get("layout", "left_right")
        ]
        order = sorted((first, second), key=lambda thing, axis=axis: thing[axis])
        key = (axis, *[(int(thing["colour"]), int(thing["shape"])) for thing in order])
        assert seen.setdefault(key, meaning) == meaning


def test_describe_repeats_and_speaks_both_languages():
    scene = sample_scene(np.random.default_rng(5), num_objects=3)
    first = describe(scene, np.random.default_rng(0))
    assert first == describe(scene, np.random.default_rng(0))
    assert len({describe(scene, np.random.default_rng(seed)) for seed in range(30)}) > 15
    for language in ("en", "zh"):
        assert is_true(parse_caption(describe(scene, np.random.default_rng(1), language)), scene)
    with pytest.raises(ValueError, match=r"`language` must be one of .* Received: language='fr'"):
        describe(scene, np.random.default_rng(0), "fr")


# --- questions


def answer(question, scene):
    """Answer a question from its words and the table, and say which objects it is about."""
    there = objects(scene)
    if match := re.search(r"colour.* the (\w+)", question):
        about = [t for t in there if SHAPES[t["shape"]] == match[1]]
        assert len(about) == 1, "the question presupposes exactly one"
        return COLOURS[about[0]["colour"]], about
    if match := re.search(r"shape.* the (\w+) object", question):
        about = [t for t in there if COLOURS[t["colour"]] == match[1]]
        assert len(about) == 1, "the question presupposes exactly one"
        return SHAPES[about[0]["shape"]], about
    if match := re.search(r"how many (\w+) objects", question):
        about = [t for t in there if COLOURS[t["colour"]] == match[1]]
        return str(len(about)), about
    if match := re.search(r"how many (\w+)", question):
        about = [t for t in there if match[1] in (SHAPES[t["shape"]] + "s", SHAPES[t["shape"]] + "es")]
        return str(len(about)), about
    if match := re.search(r" a (\w+) (\w+)\?", question):
        about = [t for t in there if is_a(t, *match.groups())]
        return "yes" if about else "no", about
    match = re.fullmatch(r"is the (\w+) (\w+) (left of|right of|above|below) the (\w+) (\w+)\?", question)
    c1, s1, side, c2, s2 = match.groups()
    (a,), (b,) = ([t for t in there if is_a(t, *name)] for name in ((c1, s1), (c2, s2)))
    holds = {
        "left of": a["x"] < b["x"],
        "right of": a["x"] > b["x"],
        "above": a["y"] < b["y"],
        "below": a["y"] > b["y"],
    }
    return "yes" if holds[side] else "no", [a, b]


@pytest.mark.parametrize(
    "options", [{}, {"bias": 0.8}, {"num_objects": 2, "different": True}, {"combinations": "held_out"}]
)
def test_answers_are_right_and_about_the_named_objects(options):
    data = load_scenes(2500, seed=2, size=8, **options)
    assert set(data["answers"]) <= set(ANSWERS)
    columns = (data[name] for name in ("questions", "answers", "question_scene_ids", "question_objects"))
    for question, said, scene_id, about in zip(*columns, strict=True):
        scene = data["scenes"][scene_id]
        right, things = answer(question, scene)
        assert said == right, question
        assert sorted(scene[about].tolist()) == sorted(thing.item() for thing in things), question


def blind_score(train, test):
    """Learn the most frequent answer to each question from one set, and score it on another, by kind."""
    times = defaultdict(Counter)
    for question, said in zip(train["questions"], train["answers"], strict=True):
        times[question][said] += 1
    right = defaultdict(list)
    for question, said, kind in zip(test["questions"], test["answers"], test["question_kinds"], strict=True):
        right[kind].append(question in times and times[question].most_common(1)[0][0] == said)
    return {kind: np.mean(hits) for kind, hits in right.items()}, {kind: len(hits) for kind, hits in right.items()}


@pytest.mark.parametrize(
    ("options", "counts"), [({}, 3), ({"num_objects": 2, "different": True, "layout": "left_right"}, 2)]
)
def test_question_alone_does_not_give_the_answer_away(options, counts):
    train, test = (load_scenes(10_000, seed=seed, size=8, **options) for seed in (3, 4))
    chance = {"colour": 1 / 6, "shape": 1 / 4, "count": 1 / counts, "existence": 1 / 2, "relation": 1 / 2}
    scores, numbers = blind_score(train, test)
    assert set(scores) == set(chance)
    for kind, expected in chance.items():
        assert abs(scores[kind] - expected) < 4 * math.sqrt(expected * (1 - expected) / numbers[kind]), kind
        said = Counter(a for a, k in zip(test["answers"], test["question_kinds"], strict=True) if k == kind)
        assert stats.chisquare(list(said.values())).pvalue > 1e-4, kind
        assert len(said) == round(1 / expected)


def test_bias_gives_the_answer_away_and_its_reverse_misleads():
    pairs = {"num_objects": 2, "different": True}
    fair, biased, reversed_ = (load_scenes(5000, seed=5, size=8, bias=bias, **pairs) for bias in (0.0, 0.8, -0.8))
    within, _ = blind_score(biased, load_scenes(3000, seed=6, size=8, bias=0.8, **pairs))
    assert within["colour"] > 0.7
    assert within["count"] > 0.8
    for data, expected in ((biased, 0.9), (reversed_, 0.1)):
        for kind in ("existence", "relation"):
            share = np.mean(data["answers"][data["question_kinds"] == kind] == "yes")
            assert abs(share - expected) < 4 * math.sqrt(0.9 * 0.1 / 5000)
    across, _ = blind_score(biased, reversed_)
    assert max(across["colour"], across["shape"]) < 0.1
    assert max(across["count"], across["existence"]) < 0.4
    lost, _ = blind_score(biased, fair)
    assert lost["colour"] < 0.25


def test_each_kind_is_asked_wherever_it_can_be():
    data = load_scenes(3000, seed=7, size=8)
    kinds = defaultdict(set)
    for kind, scene_id in zip(data["question_kinds"], data["question_scene_ids"], strict=True):
        assert kind not in kinds[scene_id]
        kinds[scene_id].add(str(kind))
    for scene_id, scene in enumerate(data["scenes"]):
        there = objects(scene)
        once = [
            [list(col).count(v) for v in col].count(1) for col in ([t[n] for t in there] for n in ("colour", "shape"))
        ]
        alone = Counter((t["colour"], t["shape"]) for t in there)
        expected = {"existence"}
        expected |= {"colour"} if once[1] else set()
        expected |= {"shape"} if once[0] else set()
        expected |= {"relation"} if list(alone.values()).count(1) >= 2 else set()
        assert kinds[scene_id] - {"count"} == expected


# --- sentences about clips


@pytest.mark.parametrize("kind", CLIPS)
def test_clip_captions_are_read_back(kind):
    for language in ("captions", "captions_zh"):
        assert [parse_events(text) for text in CLIPS[kind][language]] == CLIPS[kind]["events"]
        tokenizer = make_tokenizer(CLIPS[kind][language], length=60, characters=language == "captions_zh")
        plain = detokenize(tokenizer(CLIPS[kind][language]), tokenizer)
        assert [parse_events(text) for text in plain] == CLIPS[kind]["events"]


def test_clip_captions_read_as_english():
    red = parse_events("a red circle moves left, then a blue square goes up")
    assert [(e.thing.colour, e.direction) for e in red] == [("red", "left"), ("blue", "up")]
    assert parse_events("A blue square goes up after a red circle moves left.") == red
    assert parse_events("一个蓝色方块往上移动之前，一个红色圆形向左移动") == red
    ((thing, direction, speed),) = parse_events("a red circle slowly slides to the right")
    assert (thing, direction, speed) == (Thing("red", "circle"), "right", "slowly")
    there, back = parse_events("a red circle moves down and comes back")
    assert (there.direction, back.direction, back.thing) == ("down", "up", there.thing)
    for nonsense in (
        "a red circle",
        "a red circle moves",
        "moves left",
        "a red circle moves left a blue square goes up",
        "",
    ):
        assert parse_events(nonsense) is None
    rng = np.random.default_rng(0)
    assert {parse_events(tell(red, rng)) for _ in range(100)} == {red}


def test_sampled_tables_have_nothing_to_say_of_absent_objects():
    scenes = sample_scenes(200, np.random.default_rng(0), num_objects=1)
    assert all(len(parse_caption(describe(scene, np.random.default_rng(0))).things) == 1 for scene in scenes)
