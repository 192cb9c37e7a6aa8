"""The image-folder loader: what it gives for good folders, and what it says to every bad one."""

import os
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mmlib.data.folder import load_image_captions

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def folder(tmp_path):
    """A good folder of two pictures, which each test then spoils."""
    folder = tmp_path / "pets"
    folder.mkdir()
    Image.new("RGB", (20, 20), RED).save(folder / "red.png")
    Image.new("RGB", (20, 20), BLUE).save(folder / "blue.png")
    write(folder, "file_name,text\nred.png,a red square\nblue.png,a blue square\n")
    return folder


def write(folder, text, encoding="utf-8"):
    (folder / "metadata.csv").write_bytes(text.encode(encoding))


def one(folder, name, text="a picture"):
    write(folder, f"file_name,text\n{name},{text}\n")


def fails(folder, error, *words, **options):
    """Load; expect the error; check that its message holds all words, a remedy among them, in one line."""
    with pytest.raises(error) as caught:
        load_image_captions(folder, **options)
    message = str(caught.value)
    for word in words:
        assert word in message, f"{word!r} is not in: {message}"
    assert "\n" not in message
    assert len(message) < 500
    return message


# --- good folders ------------------------------------------------------------


def test_a_good_folder_is_read_in_the_order_of_its_rows(folder):
    data = load_image_captions(folder, size=16)
    assert data["images"].shape == (2, 16, 16, 3)
    assert data["images"].dtype == np.float32
    np.testing.assert_array_equal(data["images"][0], np.broadcast_to((1, 0, 0), (16, 16, 3)))
    assert list(data["captions"]) == ["a red square", "a blue square"]
    assert list(data["file_names"]) == ["red.png", "blue.png"]


def test_byte_order_mark_crlf_quotes_chinese_and_extra_columns_are_fine(folder):
    text = '\ufefffile_name,source,text\r\nred.png,me,"红, 方块 ""neu"""\r\nblue.png,you,"two\nlines"\r\n\r\n'
    write(folder, text)
    assert list(load_image_captions(folder)["captions"]) == ['红, 方块 "neu"', "two\nlines"]


def test_pictures_in_subfolders_and_links_inside_the_folder_are_fine(folder):
    (folder / "sub").mkdir()
    (folder / "red.png").rename(folder / "sub" / "r.png")
    (folder / "link.png").symlink_to(folder / "sub" / "r.png")
    write(folder, "text,file_name\nred,sub/r.png\nblue,./blue.png\n")
    assert len(load_image_captions(str(folder))["images"]) == 2
    one(folder, "link.png")
    assert load_image_captions(folder)["images"][0, 0, 0].tolist() == [1, 0, 0]


def left_red_right_blue(size):
    picture = Image.new("RGB", size, RED)
    picture.paste(BLUE, (size[0] // 2, 0, *size))
    return picture


def test_padding_keeps_all_and_cropping_keeps_the_middle(folder):
    left_red_right_blue((40, 20)).save(folder / "wide.png")
    one(folder, "wide.png")
    padded = load_image_captions(folder, size=20)["images"][0]
    np.testing.assert_array_equal(padded[0], np.ones((20, 3)))
    assert padded[10, 1].tolist() == [1, 0, 0]
    assert padded[10, 18].tolist() == [0, 0, 1]
    cropped = load_image_captions(folder, size=20, fit="crop")["images"][0]
    assert cropped[0, 1].tolist() == [1, 0, 0]
    assert cropped[19, 18].tolist() == [0, 0, 1]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_honoured(folder, orientation):
    upright = left_red_right_blue((20, 20))
    upright.paste((0, 255, 0), (0, 0, 10, 10))  # green, blue / red, blue
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(folder / "turned.png", exif=exif)
    one(folder, "turned.png")
    np.testing.assert_array_equal(load_image_captions(folder, size=20)["images"][0] * 255, np.asarray(upright))


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "bmp", "gif", "tiff"])
def test_usual_formats_are_read(folder, extension):
    Image.new("RGB", (20, 20), RED).save(folder / f"x.{extension}")
    one(folder, f"x.{extension}")
    np.testing.assert_allclose(load_image_captions(folder, 8)["images"][0, 4, 4], (1, 0, 0), atol=0.02)


def save_mode(folder, mode):
    """Save a picture of the mode; return its name and the colour that it must have in RGB."""
    if mode == "I;16":  # half of 65535 is mid-grey; clipping would give white
        Image.fromarray(np.full((9, 9), 32768, dtype=np.uint16)).save(folder / "x.png")
        return "x.png", (128, 128, 128)
    if mode == "CMYK":
        Image.new("CMYK", (9, 9), (0, 255, 255, 0)).save(folder / "x.tiff")
        return "x.tiff", (255, 0, 0)
    if mode == "P with alpha":
        palette = Image.new("P", (9, 9), 1)
        palette.putpalette([255, 0, 0, 0, 255, 0])
        palette.save(folder / "x.png", transparency=1)
        return "x.png", (255, 255, 255)
    colour = {"1": 1, "L": 100, "LA": (100, 128), "P": 3, "RGBA": (255, 0, 0, 0)}[mode]
    picture = Image.new(mode, (9, 9), colour)
    if mode == "P":
        picture.putpalette([0, 0, 0] * 3 + [0, 0, 255])
    picture.save(folder / "x.png")
    over_white = round(100 * 128 / 255 + 255 * 127 / 255)
    expected = {"1": (255,) * 3, "L": (100,) * 3, "LA": (over_white,) * 3, "P": BLUE, "RGBA": (255,) * 3}
    return "x.png", expected[mode]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "P with alpha", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb_on_white(folder, mode):
    name, expected = save_mode(folder, mode)
    one(folder, name)
    np.testing.assert_allclose(load_image_captions(folder, 9)["images"][0, 4, 4] * 255, expected, atol=1.01)


def test_very_long_pictures_and_single_pixels_are_read(folder):
    for size in ((3000, 1), (1, 3000), (1, 1)):
        Image.new("RGB", size, RED).save(folder / "x.png")
        one(folder, "x.png")
        for fit in ("pad", "crop"):
            images = load_image_captions(folder, 8, fit)["images"]
            assert images.shape == (1, 8, 8, 3)
            assert (images[..., 1:] < 1).any(), "the picture has vanished"


# --- bad folders -------------------------------------------------------------


def test_folder_missing(tmp_path):
    fails(tmp_path / "nowhere", FileNotFoundError, "nowhere", "no such folder")


def test_a_file_in_place_of_the_folder(folder):
    fails(folder / "red.png", NotADirectoryError, "red.png", "Give the folder")


def test_metadata_missing(folder):
    (folder / "metadata.csv").unlink()
    fails(folder, FileNotFoundError, "metadata.csv", "pets", "file_name,text")


def test_metadata_is_a_folder(folder):
    (folder / "metadata.csv").unlink()
    (folder / "metadata.csv").mkdir()
    fails(folder, ValueError, "metadata.csv", "to be a file")


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_metadata_empty(folder, content):
    write(folder, content)
    fails(folder, ValueError, "metadata.csv is empty", "file_name,text")


def test_heading_without_rows(folder):
    write(folder, "file_name,text\n")
    fails(folder, ValueError, "no rows", "Add one row")


@pytest.mark.parametrize(
    "heading",
    ["image,caption", "file_name", "file_name;text", "file_name\ttext", "file_name,text,text", "red.png,a cat"],
)
def test_wrong_columns(folder, heading):
    write(folder, f"{heading}\nred.png,a\n")
    fails(folder, ValueError, "row 1", "file_name", "Received", "Rename")


@pytest.mark.parametrize("row", ["blue.png", "blue.png,a, b", "", '"blue.png,a"'])
def test_ragged_and_empty_rows(folder, row):
    write(folder, f"file_name,text\nred.png,a\n{row}\nblue.png,b\n")
    fails(folder, ValueError, "row 3", "expected 2 fields", "quotation marks")


def test_quotation_mark_not_closed(folder):
    write(folder, 'file_name,text\nred.png,"a\n')
    fails(folder, ValueError, "metadata.csv", "quotation mark")


@pytest.mark.parametrize("caption", ["", "   ", '"\t"', '" \u3000"'])
def test_caption_empty(folder, caption):
    write(folder, f"file_name,text\nred.png,fine\nblue.png,{caption}\n")
    fails(folder, ValueError, "row 3", "blue.png", "is empty", "Write one")


def test_file_name_empty(folder):
    one(folder, "")
    fails(folder, ValueError, "row 2", "file name is empty", "Name the picture")


@pytest.mark.parametrize(("encoding", "byte"), [("latin-1", "0xe9"), ("gb18030", "0xba"), ("cp1252", "0xe9")])
def test_encoding_not_utf8(folder, encoding, byte):
    write(folder, "file_name,text\nred.png,plain\nblue.png," + ("红色" if encoding == "gb18030" else "café"), encoding)
    fails(folder, ValueError, "line 3", byte, "UTF-8")


@pytest.mark.parametrize(("encoding", "word"), [("utf-16", "UTF-16"), ("utf-16-le", "NUL")])
def test_encoding_utf16(folder, encoding, word):
    write(folder, "file_name,text\nred.png,a\n", encoding)
    fails(folder, ValueError, "metadata.csv", word, "UTF-8")


def test_nul_bytes(folder):
    write(folder, "file_name,text\nred.png,a\0b\n")
    fails(folder, ValueError, "line 2", "NUL", "Save it again")


def test_picture_missing(folder):
    write(folder, "file_name,text\nred.png,a\nRed.PNG ,b\n")
    fails(folder, FileNotFoundError, "row 3", "Red.PNG ", "case matters")


def test_picture_is_a_folder(folder):
    (folder / "album.png").mkdir()
    one(folder, "album.png")
    fails(folder, ValueError, "row 2", "album.png", "Name the picture")


def test_picture_is_a_pipe_that_would_block(folder):
    os.mkfifo(folder / "pipe.png")
    one(folder, "pipe.png")
    fails(folder, ValueError, "row 2", "pipe.png")


@pytest.mark.parametrize(
    "name", ["../secret.png", "sub/../../secret.png", "/etc/passwd", "C:/x.png", "sub\\x.png", ".."]
)
def test_path_leads_outside(folder, name):
    Image.new("RGB", (4, 4)).save(folder.parent / "secret.png")
    one(folder, name)
    fails(folder, ValueError, "row 2", "inside the folder", "Copy the picture")


def test_link_leads_outside(folder):
    Image.new("RGB", (4, 4)).save(folder.parent / "secret.png")
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    one(folder, "link.png")
    fails(folder, ValueError, "row 2", "link.png", "outside", "Copy the picture")


def test_linked_subfolder_leads_outside(folder):
    (folder.parent / "other").mkdir()
    Image.new("RGB", (4, 4)).save(folder.parent / "other" / "x.png")
    (folder / "sub").symlink_to(folder.parent / "other", target_is_directory=True)
    one(folder, "sub/x.png")
    fails(folder, ValueError, "row 2", "outside")


def test_link_in_a_circle(folder):
    (folder / "a.png").symlink_to(folder / "b.png")
    (folder / "b.png").symlink_to(folder / "a.png")
    one(folder, "a.png")
    fails(folder, (ValueError, FileNotFoundError), "row 2", "a.png")


def test_file_name_far_too_long(folder):
    one(folder, "x" * 300 + ".png")
    with pytest.raises((ValueError, FileNotFoundError), match="row 2"):
        load_image_captions(folder)


@pytest.mark.parametrize("second", ["red.png", "./red.png", "sub/link.png"])
def test_the_same_picture_twice(folder, second):
    (folder / "sub").mkdir()
    (folder / "sub" / "link.png").symlink_to(folder / "red.png")
    write(folder, f"file_name,text\nred.png,a\nblue.png,b\n{second},c\n")
    fails(folder, ValueError, "row 4", "row 2", "one row per picture")


@pytest.mark.parametrize(
    "content",
    [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>", b"P6 1 1 255\n\xff\0\0"],
)
def test_picture_unreadable(folder, content):
    (folder / "red.png").write_bytes(content)
    fails(folder, ValueError, "row 2", "red.png", "cannot be read", "save it again")


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tiff"])
def test_picture_truncated(folder, extension):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    file = folder / f"noise.{extension}"
    Image.fromarray(noise).save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    one(folder, file.name)
    fails(folder, ValueError, "row 2", file.name, "cannot be read", "save it again")


def png_header(width, height):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8_000, 12_000, 100_000])
def test_decompression_bomb(folder, side, recwarn):
    (folder / "red.png").write_bytes(png_header(side, side))
    fails(folder, ValueError, "row 2", "red.png", "too many pixels", "Make it smaller")
    assert not recwarn


def test_the_limit_of_pixels_is_the_callers(folder):
    fails(folder, ValueError, "too many pixels", max_pixels=399)
    assert len(load_image_captions(folder, max_pixels=400)["images"]) == 2


@pytest.mark.parametrize("extension", ["gif", "png", "webp", "tiff"])
def test_several_pictures_in_one_file(folder, extension):
    first, second = Image.new("RGB", (9, 9), RED), Image.new("RGB", (9, 9), BLUE)
    first.save(folder / f"film.{extension}", save_all=True, append_images=[second])
    one(folder, f"film.{extension}")
    fails(folder, ValueError, "row 2", "holds 2 pictures", "Save the one")


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_grey_values_of_unknown_range(folder, dtype):
    Image.fromarray(np.full((9, 9), 70_000, dtype=dtype)).save(folder / "x.tiff")
    one(folder, "x.tiff")
    fails(folder, ValueError, "row 2", "unknown range", "save it again")


@pytest.mark.parametrize("options", [{"size": 0}, {"size": -3}, {"size": 2.5}, {"size": True}, {"fit": "stretch"}])
def test_impossible_options(folder, options):
    name, value = next(iter(options.items()))
    fails(folder, ValueError, f"`{name}`", f"{name}={value!r}", **options)


def test_one_bad_row_stops_the_reading(folder):
    write(folder, "file_name,text\nred.png,a\nblue.png,b\nnone.png,c\n")
    message = fails(folder, FileNotFoundError, "row 4", "none.png")
    assert re.match(r"metadata\.csv, row \d+", message), "the message begins with the place"
