"""Your own pictures and captions: the image-folder layout, ``metadata.csv`` with the pictures beside it."""

import csv
import io
import warnings
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
METADATA, COLUMNS = "metadata.csv", ("file_name", "text")


def load_image_captions(path, size=64, fit="pad", max_pixels=50_000_000):
    """Read a folder of pictures with one caption each, and refuse everything that is not as it should be.

    The folder holds ``metadata.csv`` (UTF-8, comma-separated) with the columns ``file_name``, relative to the folder,
    and ``text``; further columns are not read. Pictures are turned as their EXIF tag says, laid on white where they are
    transparent, brought to RGB and to a square. Nothing is skipped: the first fault stops the reading.

    Args:
        path: the folder.
        size: height and width of the returned pictures, pixels.
        fit: "pad" shows the whole picture on a white square, so that nothing the caption names is lost; "crop" cuts the
            largest square out of the middle.
        max_pixels: pictures with more pixels are refused before they are decoded; a small file can claim to be huge.

    Returns:
        A dict: ``images`` float32 (N, size, size, 3) in [0, 1], ``captions`` and ``file_names``, arrays of N str, in
        the order of the rows.

    Raises:
        FileNotFoundError, NotADirectoryError: the folder, its ``metadata.csv`` or a picture is missing.
        ValueError: anything else. The message names the file, the row as a spreadsheet counts it (the heading is
            row 1), and what to do.

    Derived in chapter 02.
    """
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"`size` must be a positive whole number. Received: size={size!r}")
    if fit not in ("pad", "crop"):
        raise ValueError(f'`fit` must be "pad" or "crop". Received: fit={fit!r}')
    folder = Path(path)
    if not folder.exists():
        raise FileNotFoundError(
            f"Expected a folder with pictures and {METADATA}. Received: path={str(path)!r}, no such folder"
        )
    if not folder.is_dir():
        raise NotADirectoryError(
            f"Expected a folder, not a file. Received: path={str(path)!r}. Give the folder that holds it."
        )
    images, captions, names, seen = [], [], [], {}
    for number, (name, caption) in enumerate(_read_table(folder / METADATA), start=2):
        where = f"{METADATA}, row {number}"
        if not caption.strip():
            raise ValueError(
                f"{where}: the caption of {name!r} is empty. Write one, or delete the row and the picture."
            )
        file = _locate(folder, name, where)
        if (first := seen.setdefault(file, number)) != number:
            raise ValueError(f"{where}: {name!r} stands in row {first} already. Keep one row per picture.")
        images.append(_read_picture(file, f"{where}, {name!r}", size, fit, max_pixels))
        captions.append(caption)
        names.append(name)
    return {"images": np.stack(images), "captions": np.array(captions), "file_names": np.array(names)}


def _read_table(file):
    """Return the (file_name, text) of every row of metadata.csv."""
    if not file.exists():
        raise FileNotFoundError(
            f"Expected {METADATA} in {file.parent}. Received: none. "
            "Write one with the heading `file_name,text` and a row per picture."
        )
    if not file.is_file():
        raise ValueError(
            f"Expected {METADATA} to be a file. Received: a folder or device of that name in {file.parent}."
        )
    try:
        rows = list(csv.reader(io.StringIO(_decode(file.read_bytes()), newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(
            f"{METADATA} is not valid CSV: {error}. Look for a quotation mark that is not closed."
        ) from None
    heading = [name.strip() for name in rows[0]] if rows else []
    if not heading:
        raise ValueError(f"{METADATA} is empty. Its first row must be `file_name,text`.")
    if any(heading.count(name) != 1 for name in COLUMNS):
        raise ValueError(
            f"{METADATA}, row 1: expected the columns {COLUMNS}, each once, separated by commas. Received: {heading}. "
            "Rename them, and save with commas, not semicolons or tabs."
        )
    if len(rows) == 1:
        raise ValueError(f"{METADATA} has a heading and no rows. Add one row per picture.")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(heading):
            raise ValueError(
                f"{METADATA}, row {number}: expected {len(heading)} fields. Received: {len(row)}, {row}. "
                "Put a text with commas between quotation marks; delete empty rows."
            )
    places = [heading.index(name) for name in COLUMNS]
    return [tuple(row[place] for place in places) for row in rows[1:]]


def _decode(raw):
    """Turn the bytes of metadata.csv into text without trailing line ends."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{METADATA} is encoded as UTF-16. Save it as UTF-8 (in a spreadsheet: “CSV UTF-8”).")
    if b"\0" in raw:
        row = raw[: raw.index(b"\0")].count(b"\n") + 1
        raise ValueError(f"{METADATA}, line {row}: a NUL byte, so this is no text file. Save it again as CSV, UTF-8.")
    try:
        return raw.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{METADATA}, line {row}: byte 0x{raw[error.start]:02x} is not UTF-8. "
            "Save the file as UTF-8 (in a spreadsheet: “CSV UTF-8”)."
        ) from None


def _locate(folder, name, where):
    """Return the resolved path of a picture, if it is a file inside the folder."""
    if not name.strip():
        raise ValueError(f"{where}: the file name is empty. Name the picture, or delete the row.")
    if (
        "\\" in name
        or PureWindowsPath(name).drive
        or PurePosixPath(name).is_absolute()
        or ".." in PurePosixPath(name).parts
    ):
        raise ValueError(
            f"{where}: {name!r} must be a path inside the folder, with forward slashes and without `..`. "
            "Copy the picture there."
        )
    file = folder / name
    try:
        inside, exists = file.resolve().is_relative_to(folder.resolve()), file.exists()
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{where}: {name!r} cannot be looked up: {error}. Rename the picture.") from None
    if not inside:
        raise ValueError(f"{where}: {name!r} is a link that leads outside the folder. Copy the picture into it.")
    if not exists:
        raise FileNotFoundError(f"{where}: {name!r} is not in {folder}. Put it there, or mend the name (case matters).")
    if not file.is_file():
        raise ValueError(f"{where}: {name!r} is a folder or device, not a picture. Name the picture itself.")
    return file.resolve()


def _read_picture(file, where, size, fit, max_pixels):
    """Return one picture as float32 (size, size, 3)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files; its own limit is checked below
            with Image.open(file, formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > max_pixels:
                    raise Image.DecompressionBombError(f"{width} × {height}")
                # A phone's JPEG (MPO) may hold a preview beside the picture; other files with several are films.
                frames = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
                square = None if frames > 1 else _to_square(picture, size, fit)
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"{where}: too many pixels ({error}); at most {max_pixels:,} are read. Make it smaller."
        ) from None
    except Exception as error:  # a damaged file makes Pillow raise almost anything; each means the same to the user
        said = " ".join(str(error).split())
        kind = "" if said.startswith("cannot identify") else f": {said}"
        raise ValueError(
            f"{where} cannot be read as a picture{kind}. It is damaged, or none of {', '.join(FORMATS)}; save it again."
        ) from error
    if square is None:
        raise ValueError(f"{where}: holds {frames} pictures, not one. Save the one that the caption is about.")
    return square


def _to_square(picture, size, fit):
    rgb = _to_rgb(ImageOps.exif_transpose(picture))
    if fit == "crop":
        square = ImageOps.fit(rgb, (size, size), Image.Resampling.BICUBIC)
    else:
        width, height = (max(1, round(side * size / max(rgb.size))) for side in rgb.size)
        square = Image.new("RGB", (size, size), "white")
        small = rgb.resize((width, height), Image.Resampling.BICUBIC)
        square.paste(small, ((size - width) // 2, (size - height) // 2))
    return np.asarray(square, dtype=np.float32) / 255


def _to_rgb(picture):
    """Bring any mode to RGB: 16 bits to 8 by scaling (not clipping), transparency on white."""
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError("32-bit grey values of unknown range")
        picture = Image.fromarray(np.round(values / 257).astype(np.uint8))
    if picture.mode == "F":
        raise ValueError("floating-point grey values of unknown range")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")
