"""Scenes and clips: the picture shows what the table says, and the table is drawn as its rules say."""

import itertools

import numpy as np
import pytest
from scipy import stats

from mmlib.data.scene_table import BACKGROUND, HELD_OUT, LAYOUTS, OBJECT
from mmlib.data.scenes import (
    COLOURS,
    DIRECTIONS,
    RGB,
    SHAPES,
    animate,
    backwards,
    boxes,
    load_clips,
    load_pairs,
    load_scenes,
    masks,
    render,
    sample_scene,
    sample_scenes,
)
from tools.bench_scenes import pillow_render

SCENES = sample_scenes(3000, np.random.default_rng(0))
ALL_FOUR = sample_scenes(500, np.random.default_rng(1), num_objects=4)


def one_object(shape="circle", colour="blue", x=0.5, y=0.5, radius=0.2):
    scene = np.zeros(4, OBJECT)
    scene[0] = (True, COLOURS.index(colour), SHAPES.index(shape), 1, x, y, radius)
    return scene


def cover(picture, colour="blue"):
    """How much of each pixel has the colour, seen in the channel that differs most from the background."""
    full, empty = RGB[COLOURS.index(colour)].astype(float), BACKGROUND.astype(float)
    channel = np.argmax(abs(full - empty))
    return (picture[..., channel] - empty[channel]) / (full - empty)[channel]


# --- the picture


@pytest.mark.parametrize("size", [32, 48])
def test_pixel_at_each_centre_has_the_stated_colour(size):
    for scenes in (SCENES, ALL_FOUR):
        pictures = render(scenes, size)
        assert pictures.dtype == np.uint8
        for scene, picture in zip(scenes, pictures, strict=True):
            for thing in scene[scene["present"]]:
                np.testing.assert_array_equal(
                    picture[int(thing["y"] * size), int(thing["x"] * size)], RGB[thing["colour"]]
                )


def test_colours_are_what_their_names_say():
    red, yellow, green, blue, purple, black = RGB.astype(int)
    assert red[0] > 3 * max(red[1:])
    assert min(yellow[:2]) > 3 * yellow[2]
    assert green[1] > 1.4 * max(green[0], green[2])
    assert blue[2] > 3 * max(blue[:2])
    assert min(purple[0], purple[2]) > 1.5 * purple[1]
    assert max(black) < 50
    assert min(BACKGROUND) > 230


# Machado, Oliveira and Fernandes (2009), severity 1: what linear RGB becomes for a dichromat.
VISION = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("vision", VISION)
def test_colours_stay_apart(vision):
    srgb = np.vstack([RGB, BACKGROUND]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(VISION[vision]), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    f = seen @ to_xyz.T / [0.9505, 1, 1.089]
    f = np.where(f > 0.008856, np.cbrt(f), 7.787 * f + 16 / 116)
    lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)) > 25  # ten times just noticeable


@pytest.mark.parametrize(
    ("shape", "area"),
    [("circle", np.pi), ("square", 1.66**2), ("triangle", 1.8 * 1.75 / 2), ("cross", 2 * 2 * 0.72 - 0.72**2)],
)
@pytest.mark.parametrize("size", [32, 65])
def test_area_is_that_of_the_figure_wherever_it_stands(shape, area, size):
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y, radius = *rng.uniform(0.3, 0.7, 2), rng.uniform(0.11, 0.2)
        seen = cover(render(one_object(shape, x=x, y=y, radius=radius), size)).sum()
        np.testing.assert_allclose(seen, area * (radius * size) ** 2, atol=1.5)  # pixels: corners are blunt


def test_triangle_stands_on_its_side():
    rows = cover(render(one_object("triangle"), 64)).sum(axis=1)
    assert np.all(np.diff(rows[19:41]) > 0)  # wider and wider from the tip, at 19.2, down to the base, at 41.6


def test_edges_are_smooth():
    """Moved by a part of a pixel, the picture changes by that part of the edge."""
    radius = 8 / 32 / 0.83  # 16 pixels wide: edges on pixel borders
    at_rest = cover(render(one_object("square", radius=radius), 32))
    picture = render(one_object("square", x=0.5 + 0.25 / 32, radius=radius), 32)
    np.testing.assert_allclose((cover(picture) - at_rest)[8:24, 24], 0.25, atol=0.01)
    np.testing.assert_allclose((cover(picture) - at_rest)[8:24, 7:9], [[0, -0.25]] * 16, atol=0.01)
    mixed = 0.75 * BACKGROUND + 0.25 * RGB[COLOURS.index("blue")]
    np.testing.assert_allclose(picture[12, 24], mixed, atol=0.51)  # rounded, not cut


def test_half_the_size_is_the_average_of_four_pixels():
    large = render(SCENES[:300], 64).reshape(300, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    assert np.abs(large - render(SCENES[:300], 32)).mean() < 0.5


def test_picture_is_a_torus():
    moved = SCENES[:200].copy()
    moved["x"], moved["y"] = moved["x"] + 20 / 32, moved["y"] - 25 / 32
    np.testing.assert_allclose(render(moved).astype(int), np.roll(render(SCENES[:200]), (-25, 20), (1, 2)), atol=1)


def test_later_objects_lie_over_earlier_ones():
    scene = one_object("circle", "red", x=0.45)
    scene[2] = one_object("square", "green", x=0.55)[0]
    picture, shown = render(scene, 40), masks(scene, 40)
    np.testing.assert_array_equal(picture[20, 20], RGB[COLOURS.index("green")])
    assert shown[2, 20, 20]
    assert not shown[0, 20, 20]
    assert shown[0, 20, 12]


def test_one_scene_is_drawn_as_among_many():
    pictures = render(SCENES[:300], 20)
    for i in (0, 127, 128, 299):
        np.testing.assert_array_equal(render(SCENES[i], 20), pictures[i])


def test_agrees_with_pillow():
    ours, theirs = render(SCENES[:400]).astype(int), pillow_render(SCENES[:400]).astype(int)
    difference = np.abs(ours - theirs)
    assert difference.mean() < 1
    assert (difference <= 32).mean() > 0.99
    assert np.abs(ours[1:] - theirs[:-1]).mean() > 10  # another scene's picture differs far more


def test_masks_and_boxes_frame_the_objects():
    size = 64
    shown, frames = masks(ALL_FOUR, size), boxes(ALL_FOUR) * size
    assert shown.sum(axis=1).max() == 1  # a pixel shows one object
    pictures = render(ALL_FOUR, size)
    for scene, picture, mask, frame in zip(ALL_FOUR[:100], pictures, shown, frames, strict=False):
        for place in range(4):
            colour = (picture == RGB[scene["colour"][place]]).all(axis=-1)
            alike = np.any(mask[scene["colour"] == scene["colour"][place]], axis=0)
            assert not np.any(colour & ~alike)
            assert (mask[place] & colour).sum() > 0.5 * mask[place].sum()
            rows, columns = np.nonzero(mask[place])
            left, top, right, bottom = frame[place]
            assert left - 0.5 <= columns.min() + 0.5 <= columns.max() + 0.5 <= right + 0.5
            assert top - 0.5 <= rows.min() + 0.5 <= rows.max() + 0.5 <= bottom + 0.5
    alone = SCENES[SCENES["present"].sum(axis=1) == 1][:200]
    for mask, frame in zip(masks(alone, size)[:, 0], boxes(alone)[:, 0] * size, strict=True):
        rows, columns = np.nonzero(mask)
        tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(
            frame[[0, 2, 3]], np.array(tight)[[0, 2, 3]], atol=1.6
        )  # a tip is thinner than a pixel
        np.testing.assert_allclose(frame[1], tight[1], atol=2.6)
    absent = ~SCENES["present"]
    assert not masks(SCENES[:100], 16)[absent[:100]].any()
    assert not boxes(SCENES)[absent].any()


# --- the table


def uniform(counts):
    """The probability of counts as uneven as these, or more, if all cells are equally likely."""
    return stats.chisquare(np.ravel(counts)).pvalue


def test_attributes_are_uniform_and_independent():
    scenes = sample_scenes(20_000, np.random.default_rng(2))
    here = scenes[scenes["present"]]
    assert uniform(np.bincount(scenes["present"].sum(axis=1))[1:]) > 1e-3
    cells = np.zeros((6, 4, 2))
    np.add.at(cells, (here["colour"], here["shape"], here["size"]), 1)
    assert uniform(cells) > 1e-3
    assert np.all(scenes[~scenes["present"]]["colour"] == -1)


def test_objects_lie_inside_and_apart():
    for scenes in (SCENES, ALL_FOUR):
        here = scenes["present"]
        for name in ("x", "y"):
            assert np.all((scenes[name] > scenes["radius"] + 0.0199)[here])
            assert np.all((scenes[name] < 1 - scenes["radius"] - 0.0199)[here])
        for i, j in itertools.combinations(range(4), 2):
            a, b = scenes[:, i], scenes[:, j]
            apart = np.hypot(a["x"] - b["x"], a["y"] - b["y"])
            assert np.all((apart > 0.899 * (a["radius"] + b["radius"]))[here[:, j]])
    assert np.mean([apart_of(scene) < 1 for scene in ALL_FOUR]) > 0.02  # overlaps do occur


def test_nothing_reaches_over_the_border():
    alone = sample_scenes(3000, np.random.default_rng(8), num_objects=1)
    for axis, name in ((2, "x"), (1, "y")):
        far = np.take(render(alone), -1, axis=axis)[alone[name][:, 0] < 0.4]
        near = np.take(render(alone), 0, axis=axis)[alone[name][:, 0] < 0.4]
        assert np.all(far == BACKGROUND)
        assert not np.all(near == BACKGROUND)


def apart_of(scene):
    return min(
        np.hypot(a["x"] - b["x"], a["y"] - b["y"]) / (a["radius"] + b["radius"])
        for a, b in itertools.combinations(scene, 2)
    )


def test_sizes_are_what_they_say():
    here = SCENES[SCENES["present"]]
    small, large = (here["radius"][here["size"] == size] for size in (0, 1))
    assert small.max() < 0.14 < 0.15 < large.min()


@pytest.mark.parametrize("num_objects", [2, 3, 4])
def test_different_objects_share_nothing(num_objects):
    scenes = sample_scenes(500, np.random.default_rng(3), num_objects, different=True)
    for name in ("colour", "shape"):
        assert all(len(set(row)) == num_objects for row in scenes[name][:, :num_objects].tolist())
    assert any(len(set(row)) < num_objects for row in ALL_FOUR["colour"][:, :num_objects].tolist())


def test_layouts():
    for layout, axis in (("left_right", "x"), ("above_below", "y")):
        scenes = sample_scenes(500, np.random.default_rng(4), 2, layout=layout)
        assert np.all(scenes[axis][:, 0] < 0.5)
        assert np.all(scenes[axis][:, 1] > 0.5)


def test_compositional_split():
    assert HELD_OUT.sum() == 6
    assert set(HELD_OUT.sum(axis=1)) == {1}  # each colour once
    assert set(HELD_OUT.sum(axis=0)) == {1, 2}  # each shape once or twice
    for options in ({}, {"different": True, "num_objects": 3}):
        for combinations, expected in (("seen", ~HELD_OUT), ("held_out", HELD_OUT)):
            scenes = sample_scenes(4000, np.random.default_rng(5), combinations=combinations, **options)
            here = scenes[scenes["present"]]
            found = np.zeros((6, 4), bool)
            found[here["colour"], here["shape"]] = True
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("bias", "usual"), [(0.8, ["red", "yellow", "green", "blue"]), (-0.6, ["yellow", "green", "blue", "red"])]
)
def test_bias_gives_shapes_their_colour(bias, usual):
    scenes = sample_scenes(8000, np.random.default_rng(6), num_objects=1, bias=bias)[:, 0]
    for shape, colour in enumerate(usual):
        share = np.mean(scenes["colour"][scenes["shape"] == shape] == COLOURS.index(colour))
        assert abs(share - (abs(bias) + (1 - abs(bias)) / 6)) < 0.03
    assert uniform(np.bincount(scenes["shape"])) > 1e-3


def test_seed_decides():
    first, again, other = load_scenes(200, seed=3), load_scenes(200, seed=3, size=48), load_scenes(200, seed=4)
    assert first["images"].shape == (200, 32, 32, 3)
    assert again["images"].shape == (200, 48, 48, 3)
    for name in ("scenes", "captions", "captions_zh", "questions", "answers"):
        np.testing.assert_array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])
    np.testing.assert_array_equal(first["images"], load_scenes(200, seed=3)["images"])


def test_images_are_the_rendered_scenes_in_the_unit_range():
    data = load_scenes(50, seed=0, size=24)
    assert data["images"].dtype == np.float32
    np.testing.assert_allclose(data["images"] * 255, render(data["scenes"], 24), atol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_objects": 5}, r"`num_objects` must be from 1 to 4. Received: num_objects=5"),
        ({"num_objects": 0}, r"Received: num_objects=0"),
        ({"num_objects": (3, 2)}, r"Received: num_objects=\(3, 2\)"),
        ({"size": 7}, r"`size` must be at least 8 pixels. Received: size=7"),
        ({"num_scenes": 0}, r"`num_scenes` must be at least 1. Received: num_scenes=0"),
        ({"layout": "round"}, r"`layout` must be one of .*left_right.* Received: layout='round'"),
        ({"layout": "left_right"}, r"`layout='left_right'` needs `num_objects=2`. Received: num_objects=\(1, 4\)"),
        ({"combinations": "new"}, r"`combinations` must be one of .*held_out.* Received: 'new'"),
        ({"bias": 1.5}, r"`bias` must be from -1 to 1. Received: bias=1.5"),
        ({"style": "poem"}, r"`style` must be one of .* Received: style='poem'"),
        ({"captions_per_scene": 0}, r"`captions_per_scene` must be at least 1. Received: captions_per_scene=0"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        load_scenes(**{"num_scenes": 3, "seed": 0, **options})


# --- clips


def tracks(frames, colour):
    """Where the pixels of a colour are, found in the picture alone, as angles on the torus: (F, 2)."""
    weights = (np.abs(frames * 255 - RGB[colour]).max(axis=-1) < 40).astype(float)
    angle = 2j * np.pi * (np.arange(frames.shape[2]) + 0.5) / frames.shape[2]
    across, down = weights.sum(axis=1) @ np.exp(angle), weights.sum(axis=2) @ np.exp(angle)
    return np.stack([across, down], axis=1)


def directions_seen(frames, colour):
    """The direction of each step from frame to frame; None where nothing moves."""
    place = np.angle(tracks(frames, colour))
    steps = np.angle(np.exp(1j * np.diff(place, axis=0))) / (2 * np.pi) * frames.shape[2]
    names = []
    for dx, dy in steps:
        if max(abs(dx), abs(dy)) < 0.3:
            names.append(None)
        elif abs(dx) > abs(dy):
            names.append("left" if dx < 0 else "right")
        else:
            names.append("up" if dy < 0 else "down")
    return names


def test_pixels_move_as_the_label_says_and_backwards_in_the_reversed_clip():
    clips = load_clips(150, seed=0, size=32)
    for i, events in enumerate(clips["events"]):
        colour, direction = COLOURS.index(events[0].thing.colour), DIRECTIONS[clips["labels"][i]]
        assert directions_seen(clips["frames"][i], colour) == [direction] * 7
        ((_, opposite, _),) = backwards(events)
        assert directions_seen(clips["frames"][i][::-1], colour) == [opposite] * 7
        assert {direction, opposite} in ({"left", "right"}, {"up", "down"})


def test_speed_is_the_way_made():
    clips = load_clips(400, seed=1, size=8)
    way = np.zeros(400)
    for name in ("x", "y"):
        steps = np.diff(clips["scenes"][name][:, :, 0].astype(float), axis=1)
        way += np.abs((steps + 0.5) % 1 - 0.5).sum(axis=1)
    np.testing.assert_allclose(way, np.array([0.25, 0.5])[clips["speeds"]], atol=1e-5)
    assert [("slowly", "quickly")[speed] for speed in clips["speeds"]] == [e[0].speed for e in clips["events"]]


def test_return_is_its_own_reverse():
    clips = load_clips(60, seed=2, kind="return")
    np.testing.assert_allclose(clips["frames"], clips["frames"][:, ::-1], atol=1.01 / 255)
    for frames, events, label in zip(clips["frames"], clips["events"], clips["labels"], strict=True):
        there, back = events
        assert backwards(events) == events
        seen = directions_seen(frames, COLOURS.index(there.thing.colour))
        assert seen[:3] == [there.direction] * 3 == [DIRECTIONS[label]] * 3
        assert seen[4:] == [back.direction] * 3


def test_story_has_its_events_in_order():
    clips = load_clips(80, seed=3, kind="story", num_objects=(2, 4), size=48)
    for scenes, movers, events, label in zip(
        clips["scenes"], clips["movers"], clips["events"], clips["labels"], strict=True
    ):
        moving = [
            {
                place
                for place in range(4)
                if tuple(scenes[["x", "y"]][f, place]) != tuple(scenes[["x", "y"]][f + 1, place])
            }
            for f in range(7)
        ]
        assert moving == [{movers[0]}] * 3 + [{movers[0], movers[1]}] + [{movers[1]}] * 3
        assert COLOURS[label] == events[0].thing.colour == COLOURS[scenes["colour"][0, movers[0]]]
        assert backwards(backwards(events)) == events
        assert [event.thing for event in backwards(events)] == [events[1].thing, events[0].thing]


@pytest.mark.parametrize("kind", ["move", "return", "story"])
def test_single_frames_say_nothing_of_what_happens(kind):
    """In every frame and for every label the moving object is anywhere, uniformly."""
    clips = load_clips(6000, seed=4, size=8, num_frames=5, kind=kind)
    who = clips["movers"][:, 0]
    assert uniform(np.bincount(clips["directions"][:, 0], minlength=4)) > 1e-3
    for frame in range(5):
        for name in ("x", "y"):
            place = clips["scenes"][name][np.arange(6000), frame, who]
            for direction in range(4):
                assert stats.kstest(place[clips["directions"][:, 0] == direction], "uniform").pvalue > 1e-4
    if kind == "story":
        first = clips["scenes"]["colour"][np.arange(6000), 0, who]
        other = clips["scenes"]["colour"][np.arange(6000), 0, clips["movers"][:, 1]]
        assert stats.binomtest(int((first < other).sum()), 6000).pvalue > 1e-3
        assert stats.binomtest(int((who == 0).sum()), 6000).pvalue > 1e-3


def test_animate_moves_one_scene_as_told():
    scene = one_object(x=0.25, y=0.5, radius=0.15)
    film = animate(scene, [(0, "right", 0.5), (0, "up", 0.25)], num_frames=5)
    np.testing.assert_allclose(film["x"][:, 0], [0.25, 0.5, 0.75, 0.75, 0.75])
    np.testing.assert_allclose(film["y"][:, 0], [0.5, 0.5, 0.5, 0.375, 0.25])
    assert render(film, 16).shape == (5, 16, 16, 3)
    np.testing.assert_allclose(animate(scene, [(0, "left", 0.5)], num_frames=2)["x"][1, 0], 0.75)  # round the torus
    assert not film["x"][:, 1:].any()


def test_clips_repeat_and_bad_options_are_named():
    first, again = load_clips(20, seed=5), load_clips(20, seed=5, size=16)
    np.testing.assert_array_equal(first["scenes"], again["scenes"])
    np.testing.assert_array_equal(first["captions"], again["captions"])
    assert first["frames"].shape == (20, 8, 32, 32, 3)
    scene = sample_scene(np.random.default_rng(0), num_objects=2)
    for call, message in [
        (lambda: load_clips(3, seed=0, kind="dance"), r"`kind` must be one of .*story.* Received: kind='dance'"),
        (lambda: load_clips(3, seed=0, kind="story", num_objects=1), r"needs `num_objects` of 2 or more. Received: 1"),
        (lambda: load_clips(3, seed=0, num_frames=1), r"`num_frames` must be at least 2. Received: num_frames=1"),
        (lambda: load_clips(3, seed=0, size=4), r"`size` must be at least 8"),
        (lambda: animate(scene, [(0, "north", 0.5)]), r"`motion` must use the directions .* Received: 'north'"),
        (lambda: animate(scene, [(2, "left", 0.5)]), r"`motion` must move objects of the scene. Received: object 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()


def test_pairs_have_one_object_on_each_side():
    scenes = load_pairs(300, seed=0, size=8)["scenes"]
    assert np.all(scenes["present"].sum(axis=1) == 2)
    assert np.all(scenes["x"][:, 0] < scenes["x"][:, 1])
    assert set(LAYOUTS) == {"free", "left_right", "above_below"}
