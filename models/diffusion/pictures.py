"""A visitor's own pictures as a small training set: single files and zips, judged before anything is opened.

Nothing in a zip is written to disk: its pictures are read one by one in memory, under limits that hold whatever the
zip claims about itself.
"""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from zlib import error as ZlibError

import numpy as np
from PIL import Image

from models.errors import InputError
from models.images import MAX_FILE_BYTES, formats_in_words, read_rgba

MAX_PICTURES = 200
MAX_ENTRIES = 1000
MAX_TOTAL_BYTES = 60 * 2**20
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".bmp", ".tif", ".tiff", ".heic", ".heif")
ENTRY_MARK = b"PK\x01\x02"  # begins every entry of a zip's table of contents


def read_pictures(paths: Sequence[str | Path], size: int) -> np.ndarray:
    """All pictures in the files and zips, their middle squares shrunk to `[N, size, size, 4] uint8`, straight alpha.

    Raises `InputError` with one sentence where there is no picture, too many, or one that cannot be used.
    """
    if not paths:
        raise InputError("There are no pictures yet: upload a few, or a zip of them.")
    pictures: list[np.ndarray] = []
    for name, data in _files(paths):
        if len(pictures) == MAX_PICTURES:
            raise InputError(f"There are more than {MAX_PICTURES} pictures: choose fewer.")
        try:
            pictures.append(shrink_square(read_rgba(data), size))
        except InputError as error:
            raise InputError(f"{_shown(name)}: {error}") from None
    return np.stack(pictures)


def shrink_square(rgba: np.ndarray, size: int) -> np.ndarray:
    """The middle square of `[height, width, 4] uint8` as `[size, size, 4]`: averaged where there is more, else as is.

    Colours are averaged by their opacity, so that what is transparent leaves no fringe.
    """
    side = min(rgba.shape[:2])
    top, left = (rgba.shape[0] - side) // 2, (rgba.shape[1] - side) // 2
    square = Image.fromarray(np.ascontiguousarray(rgba[top : top + side, left : left + side]))
    if side <= size:
        return np.array(square.resize((size, size), Image.Resampling.NEAREST))
    return np.array(square.convert("RGBa").resize((size, size), Image.Resampling.BOX).convert("RGBA"))


def _files(paths: Sequence[str | Path]) -> Iterator[tuple[str, bytes]]:
    """Every picture file as (name, bytes); zips are looked into, once."""
    for path in map(Path, paths):
        if not path.is_file():
            raise InputError(f"{_shown(path.name)} did not arrive: upload it again.")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{_shown(path.name)} has more than {MAX_FILE_BYTES // 2**20} MB.")
        if path.suffix.lower() == ".zip":
            yield from _zipped(path)
        else:
            yield path.name, path.read_bytes()


def _zipped(path: Path) -> Iterator[tuple[str, bytes]]:
    entries = path.read_bytes().count(ENTRY_MARK)
    if entries > MAX_ENTRIES:
        raise InputError(f"{_shown(path.name)} holds more than {MAX_ENTRIES:,} files: choose fewer.")
    try:
        with zipfile.ZipFile(path) as archive:
            chosen = [entry for entry in archive.infolist() if _is_picture(entry, path.name)]
            if not chosen:
                raise InputError(f"{_shown(path.name)} holds no picture: put {formats_in_words()} files into it.")
            left = MAX_TOTAL_BYTES
            for entry in chosen:
                data = _read_entry(archive, entry, left)
                left -= len(data)
                yield entry.filename, data
    except (zipfile.BadZipFile, ZlibError, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{_shown(path.name)} is not a zip that can be read: pack it again.") from None


def _is_picture(entry: zipfile.ZipInfo, archive_name: str) -> bool:
    """Whether an entry is read; raises `InputError` for what has no place in a set of pictures."""
    name, inside = entry.filename, PurePosixPath(entry.filename.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts or str(inside)[1:2] == ":":
        raise InputError(f"{_shown(archive_name)} names a path outside itself ({_shown(name)}): pack it again.")
    if inside.suffix.lower() == ".zip":
        raise InputError(f"{_shown(archive_name)} holds another zip ({_shown(name)}): put the pictures in directly.")
    hidden = any(part.startswith((".", "__MACOSX")) for part in inside.parts)
    if entry.is_dir() or hidden or inside.suffix.lower() not in SUFFIXES:
        return False
    if entry.flag_bits & 1:
        raise InputError(f"{_shown(archive_name)} is encrypted: pack it without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{_shown(archive_name)} is packed in an unusual way: pack it as an ordinary zip.")
    return True


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    """The bytes of one entry, never more than the limits, whatever size it claims."""
    limit = min(MAX_FILE_BYTES, left)
    with archive.open(entry) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise InputError(
            f"{_shown(Path(archive.filename or '').name)} unpacks to more than is allowed: "
            f"{MAX_FILE_BYTES // 2**20} MB a picture and {MAX_TOTAL_BYTES // 2**20} MB together."
        )
    return data


def _shown(name: str) -> str:
    """A file name fit for a sentence: printable and short."""
    clean = "".join(c for c in name if c.isprintable())
    return clean if len(clean) <= 60 else f"{clean[:57]}..."
