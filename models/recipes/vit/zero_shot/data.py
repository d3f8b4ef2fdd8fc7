"""Pictures with words for them: captions, names of categories, names of things cut out of photos.

Pictures come as readings of the locked backbone (`models.recipes.vit.readings`), sentences as vectors of the locked
reader, both computed once. What is held out: one photo in eight of those with captions and boxes, by the CRC-32 of its
key; of the labelled photos all that the backbone was not trained on, and every fifth category's name.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet
import torch

from models import weights
from models.recipes.detection.scenes import is_held_out
from models.recipes.vit import data
from models.recipes.vit.evaluate import known_photos
from models.recipes.vit.readings import cut_outs
from models.vit.namer import TEXT, Reader, load_reader

TEMPLATES = ("a photo of a {}.", "{}", "a {}.", "a picture of one {}.", "there is a {} in the photo.")
HELD_OUT_NAMES = 5
BACKBONE = "vit-s14-caltech101"
BATCH = 256


@dataclass(frozen=True)
class Pairs:
    """Pictures `[N, 2 D]` with words: `of[n]` lists, for picture n, the rows of `vectors` `[M, 384]` that are its own.

    kinds: `[N]` int, pictures of one kind share their words. words: the M sentences.
    """

    pictures: torch.Tensor
    of: list[list[int]]
    vectors: torch.Tensor
    kinds: np.ndarray
    words: tuple[str, ...]

    def chosen(self, which: np.ndarray) -> "Pairs":
        """Those pictures for which `which` `[N]` is true; all words stay."""
        places = np.flatnonzero(which)
        return Pairs(self.pictures[places], [self.of[n] for n in places], self.vectors, self.kinds[places], self.words)


def is_held_out_name(name: str) -> bool:
    """Whether a category's name is never trained on: one in five, by the CRC-32 of the name."""
    return zlib.crc32(name.encode()) % HELD_OUT_NAMES == 0


def plain(label: str) -> str:
    """A category's name as one would write it."""
    return label.replace("_", " ").lower()


def captioned(path: Path, readings: Path, reader: Reader, *, held_out: bool) -> Pairs:
    """The photos of one part of the file that have captions and have been read."""
    rows = pyarrow.parquet.read_table(path, columns=["key", "captions"]).to_pylist()
    pictures = _last_layer(readings)
    kept = [n for n, row in enumerate(rows) if row["captions"] and pictures[n].any()]
    kept = [n for n in kept if is_held_out(rows[n]["key"]) == held_out]
    words = [caption.strip() for n in kept for caption in rows[n]["captions"]]
    ends = np.cumsum([len(rows[n]["captions"]) for n in kept])
    of = [list(range(end - len(rows[n]["captions"]), end)) for n, end in zip(kept, ends, strict=True)]
    vectors = read_all(reader, words)
    return Pairs(torch.from_numpy(pictures[kept]), of, vectors, np.arange(len(kept)), tuple(words))


def named(labels: Sequence[str], pictures: np.ndarray, reader: Reader) -> Pairs:
    """Pictures `[N, 2 D]` with their category's name in every template."""
    names = sorted(set(labels))
    words = [template.replace("{}", plain(name)) for name in names for template in TEMPLATES]
    kinds = np.array([names.index(label) for label in labels])
    many = len(TEMPLATES)
    of = [list(range(kind * many, kind * many + many)) for kind in kinds]
    return Pairs(torch.from_numpy(pictures), of, read_all(reader, words), kinds, tuple(words))


def categories(path: Path, readings: Path, reader: Reader) -> tuple[Pairs, np.ndarray, np.ndarray]:
    """Labelled photos that have been read; which of them the backbone never saw; whose names are held out."""
    photos, pictures = data.read_photos(path), _last_layer(readings)
    kept = [n for n in range(len(photos)) if pictures[n].any()]
    known = known_photos(BACKBONE)
    unseen = np.array([photos[n] not in known for n in kept])
    labels = [photos[n].label for n in kept]
    return named(labels, pictures[kept], reader), unseen, np.array([is_held_out_name(label) for label in labels])


def things(path: Path, readings: Path, reader: Reader) -> tuple[Pairs, np.ndarray]:
    """Cut-outs that have been read, and which of them are of held-out photos."""
    cuts, pictures = cut_outs(path), _last_layer(readings)
    kept = [n for n in range(len(cuts)) if pictures[n].any()]
    held_out = np.array([is_held_out(cuts[n][1]) for n in kept])
    return named([cuts[n][0] for n in kept], pictures[kept], reader), held_out


def reader() -> Reader:
    """The locked text encoder."""
    return load_reader(weights.folder(TEXT)).eval().requires_grad_(False)


@torch.inference_mode()
def read_all(reader: Reader, words: Sequence[str]) -> torch.Tensor:
    """`[words, 384]` of length 1; like lengths are read together."""
    order = sorted(range(len(words)), key=lambda n: len(words[n]))
    vectors = torch.zeros(len(words), reader.network.config.hidden_size)
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        vectors[places] = reader([words[n] for n in places])
    return vectors


def _last_layer(path: Path) -> np.ndarray:
    return np.array(np.load(path, mmap_mode="r")[:, -1], np.float32)
