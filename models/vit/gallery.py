"""Photos that may be shown: small, with where each comes from and under which licence, and their features.

`python -m models.recipes.vit.gallery` made them; the features are read as those of `models.vit.neighbours`.
"""

import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from models import weights
from models.errors import WeightsError

NAME = "everyday-neighbours"
FEATURES, PHOTOS = "features.safetensors", "photos.json"


@dataclass(frozen=True)
class ShownPhoto:
    """A photo: the things named in it, itself `(H, W, 3)` uint8, its page, its licence, and its cosine."""

    things: str
    picture: np.ndarray
    page: str
    licence: str
    cosine: float


@dataclass(frozen=True)
class Gallery:
    """N photos. features: `[N, D]` float32 of length 1 by backbone; jpegs: each as a file; about: things, page and
    licence of each.
    """

    features: dict[str, np.ndarray]
    jpegs: tuple[bytes, ...]
    about: tuple[tuple[str, str, str], ...]

    def nearest(self, backbone: str, feature: np.ndarray, count: int) -> tuple[ShownPhoto, ...]:
        """The `count` photos of highest cosine with `feature` `[D]`, most similar first."""
        cosines = self.features[backbone] @ (feature / np.linalg.norm(feature))
        return tuple(self._shown(place, float(cosines[place])) for place in np.argsort(-cosines, kind="stable")[:count])

    def _shown(self, place: int, cosine: float) -> ShownPhoto:
        things, page, licence = self.about[place]
        picture = np.asarray(Image.open(io.BytesIO(self.jpegs[place])).convert("RGB"))
        return ShownPhoto(things, picture, page, licence, cosine)


@cache
def gallery() -> Gallery:
    """The embedded gallery, read once."""
    return load(weights.folder(NAME))


def load(folder: Path) -> Gallery:
    """The gallery in a verified folder. Raises `WeightsError` where its parts do not belong together."""
    about = json.loads((folder / PHOTOS).read_text(encoding="utf-8"))
    stored = load_file(folder / FEATURES)
    ends, data = stored.pop("ends"), stored.pop("jpegs")
    if any(len(features) != len(about) for features in stored.values()) or len(ends) != len(about):
        raise WeightsError(f"The features in {folder.name} do not fit its list of photos.")
    units = {name: rows.astype(np.float32) for name, rows in stored.items()}
    units = {name: rows / np.linalg.norm(rows, axis=1, keepdims=True) for name, rows in units.items()}
    jpegs = tuple(data[start:end].tobytes() for start, end in zip([0, *ends[:-1]], ends, strict=True))
    return Gallery(units, jpegs, tuple((one["things"], one["page"], one["licence"]) for one in about))
