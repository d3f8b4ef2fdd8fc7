"""Labelled photos in a parquet file, split so that nothing the network learned from is counted in its test.

Columns: `label` (text), `file` (text, unique within its label), `jpeg` (bytes). The usual Caltech-101 protocol
(Fei-Fei et al. 2004): 30 pictures a class to train, the rest to test, accuracy averaged over classes.
"""

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet
from PIL import Image

from models.errors import InputError
from models.images import read_image

TRAIN_PER_CLASS = 30
TRAIN_SHARE_AT_MOST = 0.8
SAME_PICTURE_GREY_LEVELS = 6


@dataclass(frozen=True)
class Photo:
    """One row: `label`, `file` and the encoded picture."""

    label: str
    file: str
    jpeg: bytes

    @property
    def key(self) -> str:
        """Label and file name, unique in a data set."""
        return f"{self.label}/{self.file}"

    def pixels(self) -> np.ndarray:
        """`(height, width, 3)` uint8."""
        return read_image(self.jpeg)


def read_photos(path: Path) -> list[Photo]:
    """All rows of a parquet file. Raises `InputError` for a file of another format."""
    try:
        table = pyarrow.parquet.read_table(path, columns=["label", "file", "jpeg"])
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} is not a parquet file with the columns label, file and jpeg.") from error
    return [Photo(str(row["label"]), str(row["file"]), row["jpeg"]) for row in table.to_pylist()]


def split(photos: Sequence[Photo], *, seed: int, per_class: int = TRAIN_PER_CLASS) -> tuple[list[Photo], list[Photo]]:
    """Training and test photos; which is which depends on names and `seed` only, not on the order of rows.

    A class with fewer than `per_class` / 0.8 photos gives 80 % of them to training.
    """
    train, test = [], []
    for label in sorted({photo.label for photo in photos}):
        members = sorted((p for p in photos if p.label == label), key=lambda p: _shuffle_key(p, seed))
        count = min(per_class, int(len(members) * TRAIN_SHARE_AT_MOST))
        train += members[:count]
        test += members[count:]
    return train, test


def _shuffle_key(photo: Photo, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{photo.key}".encode()).hexdigest()


def fingerprints(photos: Iterable[Photo]) -> dict[str, str]:
    """`{label/file: SHA-256 of the bytes (16 digits) and a 4 x 4 grey thumbnail (32 digits)}`, to know photos again."""
    return {photo.key: _digest(photo) + _thumbnail(photo) for photo in photos}


class KnownPhotos:
    """Tells whether a photo is among those with given `fingerprints`.

    Known: the same bytes under any name, or the same label and file name with much the same thumbnail (the picture
    stored again at another size or quality). A different picture that happens to bear a known name is not known.
    """

    def __init__(self, known: dict[str, str]) -> None:
        self._thumbnails = {key: value[16:] for key, value in known.items()}
        self._digests = {value[:16] for value in known.values()}

    def __contains__(self, photo: Photo) -> bool:
        if _digest(photo) in self._digests:
            return True
        thumbnail = self._thumbnails.get(photo.key)
        if thumbnail is None:
            return False
        first, second = (np.frombuffer(bytes.fromhex(t), np.uint8).astype(int) for t in (thumbnail, _thumbnail(photo)))
        return float(np.abs(first - second).mean()) < SAME_PICTURE_GREY_LEVELS


def _digest(photo: Photo) -> str:
    return hashlib.sha256(photo.jpeg).hexdigest()[:16]


def _thumbnail(photo: Photo) -> str:
    with Image.open(io.BytesIO(photo.jpeg)) as image:
        return image.convert("L").resize((4, 4), Image.Resampling.BOX).tobytes().hex()
