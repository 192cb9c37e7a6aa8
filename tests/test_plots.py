"""Facts about the book's pictures, read from what Matplotlib would draw, not from what the functions were told."""

import base64
import io
import subprocess
import sys
import wave
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import to_rgb

from mmlib import plots, style

RNG = np.random.default_rng(0)
PICTURES = RNG.random((5, 6, 8, 3))


@pytest.fixture(autouse=True)
def clean_desk():
    with matplotlib.rc_context():
        plots.use_book_style()
        yield
    plt.close("all")


def pixels(ax):
    """Return what is seen of the Axes' first picture, as floats."""
    return np.asarray(ax.images[0].get_array(), dtype=float)


# Pictures and films


@pytest.mark.parametrize("images", [PICTURES, (PICTURES * 255).astype(np.uint8), PICTURES[..., :1], PICTURES[..., 0]])
def test_each_picture_is_shown_unchanged(images):
    axes = plots.show_images(images, list("abcde"), columns=3)
    assert [ax.get_title() for ax in axes] == list("abcde")
    assert len(axes[0].figure.axes) == 5, "no empty panel is left"
    for ax, image in zip(axes, images, strict=True):
        np.testing.assert_allclose(pixels(ax), np.squeeze(image))


def test_a_grey_picture_is_not_stretched_to_its_own_range():
    ax = plots.show_images(np.full((1, 4, 4), 0.5))[0]
    plt.savefig(file := io.BytesIO(), dpi=50)
    seen = np.array(Image.open(file).convert("L"))
    assert 120 <= seen[seen.shape[0] // 2, seen.shape[1] // 2] <= 135
    assert ax.images[0].get_clim() == (0, 1)


def test_right_and_wrong_differ_by_sign_and_by_colour():
    right, wrong, open_ = plots.show_images(PICTURES[:3], ["cat"] * 3, correct=[True, False, None])
    assert (right.get_title(), wrong.get_title(), open_.get_title()) == ("✓ cat", "✗ cat", "cat")
    assert len({ax.spines["left"].get_edgecolor() for ax in (right, wrong, open_)}) == 3


def test_film_counts_frames_or_seconds():
    assert [ax.get_title() for ax in plots.show_video(PICTURES)] == [f"t = {i}" for i in range(5)]
    assert [ax.get_title() for ax in plots.show_video(PICTURES, frames_per_second=4)][-1] == "1.00 s"


def test_film_plays_every_frame_at_its_speed_without_end():
    shown = plots.play_video(PICTURES, frames_per_second=5, width=32)
    film = Image.open(io.BytesIO(shown.data))
    assert (film.format, film.n_frames, film.info["loop"], film.size) == ("PNG", 5, 0, (32, 24))
    for i, picture in enumerate(PICTURES):
        film.seek(i)
        assert film.info["duration"] == 200
        np.testing.assert_allclose(np.array(film.convert("RGB"))[::4, ::4] / 255, picture, atol=0.5 / 255)
    assert set(shown._repr_mimebundle_()[0]) == {"image/png"}, "the page knows this type, and needs no network for it"


@pytest.mark.parametrize("bad", [PICTURES[0, 0], PICTURES[..., :2], PICTURES * 255, PICTURES - 0.5, PICTURES * np.nan])
def test_bad_pictures_are_named(bad):
    with pytest.raises(ValueError, match=r"`images` must be .*Received"):
        plots.show_images(bad)


def test_too_few_titles_are_an_error():
    with pytest.raises(ValueError, match=r"`titles` must have 5 items.*Received: 2"):
        plots.show_images(PICTURES, ["a", "b"])


# Sounds


@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_a_pure_tone_shines_at_its_own_height(hertz):
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(8000) / 8000)
    wave_ax, mel_ax = plots.show_audio(tone, 8000)
    np.testing.assert_allclose(wave_ax.lines[0].get_ydata(), tone)
    np.testing.assert_allclose(wave_ax.lines[0].get_xdata()[[0, -1]], [0, 7999 / 8000])
    energy, (_, _, bottom, top) = pixels(mel_ax), mel_ax.images[0].get_extent()
    band = energy[:, energy.shape[1] // 2].argmax()
    height = bottom + (band + 0.5) * (top - bottom) / len(energy)
    assert abs(700 * (10 ** (height / 2595) - 1) - hertz) < 0.1 * hertz, "the inverse of the mel scale gives the tone"
    ticks = {text.get_text(): at for at, text in zip(mel_ax.get_yticks(), mel_ax.get_yticklabels(), strict=True)}
    assert abs(700 * (10 ** (ticks["1000"] / 2595) - 1) - 1000) < 1e-6
    assert "Hz" in mel_ax.get_ylabel()
    assert "seconds" in mel_ax.get_xlabel()


def test_ten_times_the_amplitude_is_twenty_decibels():
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    energy = pixels(plots.show_audio(np.concatenate([0.05 * tone, 0.5 * tone]), 8000)[1])
    quiet, loud = energy.max(0)[energy.shape[1] // 4], energy.max(0)[3 * energy.shape[1] // 4]
    assert abs(loud - quiet - 20) < 0.5


def test_player_holds_the_sound_as_loud_as_it_is():
    sound = np.linspace(-0.25, 0.25, 400)
    html = plots.play_audio(sound, 8000)._repr_html_()
    data = html.split("base64,")[1].split('"')[0]
    with wave.open(io.BytesIO(base64.b64decode(data))) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        stored = np.frombuffer(file.readframes(400), "<i2") / 32767
    np.testing.assert_allclose(stored, sound, atol=1 / 32767)


def test_silence_is_drawn_and_shouting_is_refused():
    assert np.isfinite(pixels(plots.show_audio(np.zeros(4000), 8000)[1])).all()
    for draw in (plots.show_audio, plots.play_audio):
        with pytest.raises(ValueError, match=r"\[-1, 1\].*Received: largest=3"):
            draw(np.array([0.0, 3.0]), 8000)
        with pytest.raises(ValueError, match="`waveform` must have 1 dimensions"):
            draw(np.zeros((2, 100)), 8000)


# Matrices, attention, points


def test_similarity_shows_the_matrix_and_zero_is_white():
    matrix = np.array([[0.5, -0.25, 0.0], [1.0, -1.0, 0.125]])
    ax = plots.show_similarity(matrix, ["a dog", "狗"], ["x", "y", "z"])
    np.testing.assert_array_equal(pixels(ax), matrix)
    assert [text.get_text() for text in ax.texts] == ["0.50", "-0.25", "0.00", "1.00", "-1.00", "0.12"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a dog", "狗"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["x", "y", "z"]
    picture = ax.images[0]
    assert picture.to_rgba(0.0) == (1, 1, 1, 1)
    assert picture.to_rgba(0.9)[2] > picture.to_rgba(0.9)[0], "above zero blue"
    assert picture.to_rgba(-0.9)[0] > picture.to_rgba(-0.9)[2], "below zero vermilion"


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((2, 2, 2)), np.full((2, 2), np.nan), np.zeros((0, 2))])
def test_bad_matrices_are_named(bad):
    with pytest.raises(ValueError, match="`matrix` must"):
        plots.show_similarity(bad)


def test_attention_lights_the_patch_with_the_weight():
    weights = np.array([[0.1, 0.7, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25]])
    axes = plots.show_attention(np.ones((8, 8, 3)), weights, ["circle", "the"])
    assert [ax.get_title() for ax in axes] == ["circle\n0.70", "the\n0.25"]
    plt.savefig(file := io.BytesIO(), dpi=100)
    seen = np.array(Image.open(file).convert("L"), dtype=float)
    height = seen.shape[0]
    for ax, brightest in zip(axes, (1, None), strict=True):
        points = ax.transData.transform([(1.5, 1.5), (5.5, 1.5), (1.5, 5.5), (5.5, 5.5)])
        light = [seen[height - 1 - round(y * 100 / ax.figure.dpi), round(x * 100 / ax.figure.dpi)] for x, y in points]
        if brightest is not None:
            assert light.pop(brightest) > 250 > 150 > max(light), "row-major: the second patch is the upper right"
        else:
            assert max(light) - min(light) <= 1
            assert max(light) < 200, "one scale for all panels: an even spread is nowhere fully lit"


@pytest.mark.parametrize("bad", [np.ones((2, 5)), np.ones(4), -np.ones((2, 4)), np.ones((3, 4))])
def test_bad_attention_is_refused(bad):
    with pytest.raises(ValueError, match="Received"):
        plots.show_attention(np.ones((8, 8, 3)), bad, ["a", "b"])


def test_embedding_shows_every_point_in_its_group():
    points = RNG.normal(size=(12, 2))
    labels = np.array(["text", "image", "audio"] * 4)
    ax = plots.show_embedding(points, labels, names=[f"p{i}" for i in range(12)])
    groups = {group.get_label(): group for group in ax.collections}
    assert set(groups) == {"text", "image", "audio"} == {text.get_text() for text in ax.get_legend().get_texts()}
    for name, group in groups.items():
        np.testing.assert_allclose(group.get_offsets(), points[labels == name])
        np.testing.assert_allclose(group.get_facecolor()[0][:3], to_rgb(style.COLORS[name]))
    assert [text.get_text() for text in ax.texts] == [f"p{i}" for i in range(12)]
    with pytest.raises(ValueError, match=r"`points` must be \(N, 2\)"):
        plots.show_embedding(np.zeros((4, 3)))


# Charts


def drawn_intervals(ax):
    """Return the (low, high) of every error bar, read from its line, sorted by height on the page."""
    ends = [segment for bars in ax.collections for segment in bars.get_segments()]
    return [(line[0, 0], line[1, 0]) for line in sorted(ends, key=lambda line: line[0, 1])]


def test_bars_have_their_lengths_intervals_and_numbers():
    values, intervals = [0.5, 0.7, 0.9], [(0.4, 0.55), (0.7, 0.8), (0.85, 0.99)]
    ax = plots.show_bars(values, intervals, ["nothing", "text only", "both"], chance=0.25)
    assert [bar.get_width() for bar in ax.patches] == values
    np.testing.assert_allclose(drawn_intervals(ax), intervals)
    assert [text.get_text() for text in ax.texts] == ["0.50", "0.70", "0.90"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["nothing", "text only", "both"]
    assert ax.yaxis_inverted(), "the first label stands at the top"
    (chance,) = [line for line in ax.lines if line.get_label() == "chance"]
    assert set(chance.get_xdata()) == {0.25}
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["chance"]
    expected = [style.COLORS[name] for name in ("none", "text", "fused")]
    np.testing.assert_allclose([bar.get_facecolor()[:3] for bar in ax.patches], [to_rgb(ink) for ink in expected])


def test_the_numbers_of_bars_are_rounded_as_those_of_a_table():
    values = [0.925, 0.005, 0.615]
    shown = [text.get_text() for text in plots.show_bars(values).texts]
    assert shown == [f"{value:.2f}" for value in pd.Series(values).round(2)]


def test_grouped_bars():
    values = np.array([[0.9, 0.8, 0.7], [0.6, 0.5, 0.4]])
    intervals = np.stack([values - 0.1, values + 0.05], -1)
    ax = plots.show_bars(values, intervals, ["a", "b", "c"], groups=["clean", "noisy"])
    assert [bar.get_width() for bar in ax.patches] == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    middles = np.array([bar.get_y() + bar.get_height() / 2 for bar in ax.patches]).reshape(2, 3)
    np.testing.assert_allclose(middles.mean(0), [0, 1, 2])
    np.testing.assert_allclose(drawn_intervals(ax), intervals.transpose(1, 0, 2).reshape(-1, 2))
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["clean", "noisy"]


def test_curves_have_their_values_and_bands():
    band = np.array([[0.1, 0.3], [0.2, 0.6], [0.5, 0.9]])
    series = {"early fusion": [0.2, 0.4, 0.6], "text only": [0.1, 0.1, 0.1]}
    ax = plots.show_curves([1, 10, 100], series, {"early fusion": band}, chance=0.5, xlabel="pairs", ylabel="accuracy")
    lines = {line.get_label(): line for line in ax.lines}
    assert set(lines) == {*series, "chance"} == {text.get_text() for text in ax.figure.legends[0].get_texts()}
    for name, values in series.items():
        np.testing.assert_array_equal(lines[name].get_data(), [[1, 10, 100], values])
    assert lines["text only"].get_color() == style.COLORS["text"]
    corners = ax.collections[0].get_paths()[0].vertices
    for x, (low, high) in zip([1, 10, 100], band, strict=True):
        heights = corners[corners[:, 0] == x, 1]
        assert (heights.min(), heights.max()) == (low, high)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("pairs", "accuracy")


@pytest.mark.parametrize(
    ("values", "intervals"),
    [([0.5], [(0.6, 0.7)]), ([0.5], [(0.6, 0.4)]), ([0.5, 0.6], [0.1, 0.1]), ([np.nan], None), ([], None)],
)
def test_bars_refuse_what_would_mislead(values, intervals):
    with pytest.raises(ValueError, match=r"must .*Received"):
        plots.show_bars(values, intervals)


def test_curves_refuse_another_length():
    with pytest.raises(ValueError, match=r"`series\['a'\]` must have 3 items"):
        plots.show_curves([1, 2, 3], {"a": [1, 2]})


def test_history_has_a_panel_for_each_metric():
    record = {"loss": [3, 2, 1], "val_loss": [3, 3, 2], "accuracy": [0.1, 0.5, 0.9], "val_accuracy": [0.1, 0.4, 0.5]}
    axes = plots.show_history(type("History", (), {"history": record})())
    assert [ax.get_ylabel() for ax in axes] == ["loss", "accuracy"]
    for ax, metric in zip(axes, ("loss", "accuracy"), strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_data(), [[1, 2, 3], record[metric]])
        np.testing.assert_array_equal(ax.lines[1].get_ydata(), record["val_" + metric])
    assert len(plots.show_history(record, ["loss"])) == 1
    with pytest.raises(ValueError, match=r"`metrics` must be among .*'acc'"):
        plots.show_history(record, ["acc"])


def test_a_chart_can_be_drawn_on_given_axes():
    ax = plt.subplots(1, 2)[1][1]
    for chart in (
        plots.show_bars([1.0], ax=ax),
        plots.show_curves([1], {"a": [1]}, ax=ax),
        plots.show_embedding(np.zeros((1, 2)), ax=ax),
        plots.show_similarity(np.eye(2), ax=ax),
    ):
        assert chart is ax


# Style

# Machado, Oliveira and Fernandes (2009), severity 1: how linear RGB is seen with two kinds of cones.
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]


def lab(linear):
    """Return CIELAB of a linear sRGB colour (D65)."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    x, y, z = np.cbrt(np.maximum(xyz / [0.9505, 1.0, 1.089], 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def linear(ink):
    rgb = np.array(to_rgb(ink))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("seen", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["all", "protanopia", "deuteranopia"])
def test_modalities_can_be_told_apart_by_colour_blind_readers(seen):
    places = {name: lab(np.clip(seen @ linear(ink), 0, 1)) for name, ink in style.COLORS.items()}
    for (one, here), (two, there) in combinations(places.items(), 2):
        assert np.linalg.norm(here - there) > 15, f"{one} and {two} look alike"
    assert np.linalg.norm(lab(linear("#D00000")) - lab(linear("#00A000"))) > 15, "the measure sees red and green"


def test_modality_colours_stand_out_from_the_page():
    for name in ("text", "image", "audio", "video", "fused"):
        luminance = linear(style.COLORS[name]) @ [0.2126, 0.7152, 0.0722]
        assert 1.05 / (luminance + 0.05) >= 3, f"{name}: contrast with white below 3 to 1"


def test_colours_follow_the_words():
    names = ["text only", "picture", "text + picture", "no input", "late fusion", "the method"]
    known = [style.COLORS[name] for name in ("text", "image", "fused", "none")]
    assert style.colors(names) == [*known, *style.FREE[:2]]
    assert not set(style.FREE[1:]) & set(style.COLORS.values())


def test_type_is_legible_on_a_phone():
    assert style.WIDTH * plt.rcParams["figure.dpi"] <= 800
    assert plt.rcParams["xtick.labelsize"] / 72 / style.WIDTH * 400 >= 9, "pixels, in a picture 400 pixels wide"


@pytest.mark.parametrize("chinese", [True, False])
def test_nothing_is_written_to_the_error_stream(chinese, tmp_path):
    code = f"""
import matplotlib; matplotlib.use("Agg")
import matplotlib.pyplot as plt
from mmlib import plots, style
if not {chinese}: style.CHINESE.clear()
plots.use_book_style()
ax = plots.show_bars([1, 2], labels=["晚期融合", "late fusion 🐱"], chance=0.5)
ax.figure.savefig({str(tmp_path / "x.png")!r})
"""
    run = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")


def test_film_the_layer_is_not_a_film():
    assert style.colors(["film"]) == [style.COLORS["video"]]
    assert style.colors(["FiLM"]) == style.colors(["tensor"])
