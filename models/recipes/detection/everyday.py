"""Photographs of everyday life with COCO's boxes: which are held out, and how one becomes many views to learn from.

The file has the columns `key, width, height, jpeg, boxes_xyxy, labels, annotated`; `annotated` names the classes that
were looked for in that photo: only of those does a missing box mean that there is none.
"""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from models.recipes.detection.scenes import Scene, is_held_out, read_rows, relight

SMALLEST_WINDOW = 0.4
MIN_VISIBLE = 0.3
COMMON = 0.1
"""Share of the photos from which on a class is common enough not to be drawn more often."""


@dataclass(frozen=True)
class LabelledPhoto:
    """A photograph still compressed: `size` (width, height) in pixels, `boxes` (N, 4) as shares of its sides."""

    key: str
    jpeg: bytes
    size: tuple[int, int]
    boxes: np.ndarray
    labels: tuple[str, ...]
    annotated: frozenset[str]

    def open(self) -> np.ndarray:
        """Decode it: (height, width, 3) uint8."""
        return np.asarray(Image.open(io.BytesIO(self.jpeg)).convert("RGB"))

    def scene(self) -> Scene:
        """The whole photograph as it is measured on."""
        corners = (self.boxes * np.array(self.size * 2)).astype(np.float32)
        return Scene(self.open(), corners, self.labels, self.annotated)


def load_labelled(path: Path, *, held_out: bool) -> list[LabelledPhoto]:
    """The photos of one part of the file: one in eight, by the CRC-32 of its key, is held out."""
    return [_labelled(row) for row in read_rows(path) if is_held_out(row["key"]) == held_out]


def _labelled(row: dict[str, Any]) -> LabelledPhoto:
    """Boxes of classes that were not looked for everywhere in the photo (those of crowds, say) are left out."""
    size, annotated = (row["width"], row["height"]), frozenset(row["annotated"])
    known = [i for i, label in enumerate(row["labels"]) if label in annotated]
    boxes = np.array(row["boxes_xyxy"], np.float32).reshape(-1, 4)[known] / np.array(size * 2, np.float32)
    return LabelledPhoto(row["key"], row["jpeg"], size, boxes, tuple(row["labels"][i] for i in known), annotated)


def classes_of(photos: Sequence[LabelledPhoto]) -> tuple[str, ...]:
    """All classes that any of the photos was searched for, in alphabetical order."""
    return tuple(sorted(frozenset[str]().union(*(photo.annotated for photo in photos))))


def with_only(photos: Sequence[LabelledPhoto], classes: Sequence[str]) -> list[LabelledPhoto]:
    """The photos as if nothing but `classes` had been looked for in them."""
    return [_with_only(photo, frozenset(classes)) for photo in photos]


def _with_only(photo: LabelledPhoto, classes: frozenset[str]) -> LabelledPhoto:
    kept = [i for i, label in enumerate(photo.labels) if label in classes]
    labels = tuple(photo.labels[i] for i in kept)
    return replace(photo, boxes=photo.boxes[kept], labels=labels, annotated=photo.annotated & classes)


class Views:
    """Views of photographs to learn from: a random window, mirrored or not, in other light; `view(number)` repeats.

    Photos with rare classes are drawn more often: sqrt(COMMON / share) times that of its rarest class, at least once
    (repeat factor sampling, Gupta et al. 2019, arXiv 1908.03195).
    """

    def __init__(self, photos: Sequence[LabelledPhoto], labels: Sequence[str], seed: int = 0) -> None:
        self.photos, self.labels, self.seed = photos, list(labels), seed
        shows = Counter(label for photo in photos for label in set(photo.labels))
        rarest = np.array([min((shows[label] for label in photo.labels), default=len(photos)) for photo in photos])
        repeats = np.maximum(1, np.sqrt(COMMON * len(photos) / rarest))
        self.chances = repeats / repeats.sum()

    def view(self, number: int) -> tuple[np.ndarray, dict[str, torch.Tensor]]:
        """Pixels (height, width, 3) uint8 of a view and its target."""
        rng, photo, window, mirrored = self._choose(number)
        pixel = np.rint(window * np.array(photo.size * 2)).astype(int)
        image = relight(photo.open()[pixel[1] : pixel[3], pixel[0] : pixel[2]], rng)
        return image[:, ::-1] if mirrored else image, self._target(photo, window, mirrored)

    def target(self, number: int) -> dict[str, torch.Tensor]:
        """What is to be found in a view, without decoding its photo.

        `class_labels` (N,) int64, `boxes` (N, 4) centre and size as shares of the view, and `annotated` (classes,)
        bool: whether a class not among the boxes is known to be absent.
        """
        _, photo, window, mirrored = self._choose(number)
        return self._target(photo, window, mirrored)

    def _choose(self, number: int) -> tuple[np.random.Generator, LabelledPhoto, np.ndarray, bool]:
        rng = np.random.default_rng((self.seed, number))
        photo = self.photos[rng.choice(len(self.photos), p=self.chances)]
        width, height = rng.uniform(SMALLEST_WINDOW, 1) ** 0.5 * rng.uniform(0.85, 1, 2)
        left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
        window = np.array([left, top, left + width, top + height], np.float32)
        return rng, photo, window, bool(rng.random() < 0.5)

    def _target(self, photo: LabelledPhoto, window: np.ndarray, mirrored: bool) -> dict[str, torch.Tensor]:
        boxes = (photo.boxes - np.tile(window[:2], 2)) / np.tile(window[2:] - window[:2], 2)
        inside = boxes.clip(0, 1)
        kept = np.flatnonzero(_areas(inside) >= MIN_VISIBLE * _areas(boxes).clip(1e-9))
        found = inside[kept]
        if mirrored:
            found = np.stack([1 - found[:, 2], found[:, 1], 1 - found[:, 0], found[:, 3]], 1)
        corners = torch.from_numpy(found.astype(np.float32))
        centre, size = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
        return {
            "class_labels": torch.tensor([self.labels.index(photo.labels[i]) for i in kept], dtype=torch.long),
            "boxes": torch.cat([centre, size], 1),
            "annotated": torch.tensor([label in photo.annotated for label in self.labels]),
        }


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
