"""From a picture of any size to the square of pixels a Vision Transformer was trained on, and from pixels to numbers.

Values are those of the library's `preprocessor_config.json`, so that a hub model is fed as its authors fed it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)
FILE_NAME = "preprocessor_config.json"
LIBRARY_PROCESSOR = ("image_processor_type", "feature_extractor_type")
"""Files that name a class of the library, by its newer or its older key, mean what that class does, to the pixel."""


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes `size` x `size` pixels and then numbers.

    `shorter_side`: pixels of the shorter side before the centre is cut out; None squeezes the whole picture into the
    square. `mean`, `std`: per colour channel, of values in 0..1. `resample`: Pillow's filter number (2 bilinear,
    3 bicubic). `whole_pixels`: the centre begins at a whole pixel of the resized picture, as the library cuts it out.
    """

    size: int = 224
    shorter_side: int | None = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    resample: int = Image.Resampling.BICUBIC
    whole_pixels: bool = False

    def square(self, image: np.ndarray, size: int | None = None) -> np.ndarray:
        """The part of `image` `(height, width, 3)` uint8 that the network sees, `(size, size, 3)` uint8."""
        size = size or self.size
        height, width = image.shape[:2]
        box = (0.0, 0.0, float(width), float(height)) if self.shorter_side is None else self._centre(height, width)
        resized = Image.fromarray(image).resize((size, size), Image.Resampling(self.resample), box=box)
        return np.array(resized)

    def _centre(self, height: int, width: int) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the centre that is cut out, in pixels of the picture as it comes."""
        assert self.shorter_side is not None
        shorter = min(height, width)
        if not self.whole_pixels:
            side = shorter * self.size / self.shorter_side
            left, top = (width - side) / 2, (height - side) / 2
            return left, top, left + side, top + side
        rows, columns = (int(self.shorter_side * length / shorter) for length in (height, width))
        top, left = (rows - self.size) // 2, (columns - self.size) // 2
        wide, high = width / columns, height / rows
        return left * wide, top * high, (left + self.size) * wide, (top + self.size) * high

    def to_tensor(self, pixels: np.ndarray | torch.Tensor) -> torch.Tensor:
        """`(..., height, width, 3)` uint8 to float32 with about zero mean and unit variance, channels still last."""
        values = torch.as_tensor(pixels).float() / 255
        mean = torch.tensor(self.mean, device=values.device)
        return (values - mean) / torch.tensor(self.std, device=values.device)

    def save(self, folder: Path) -> None:
        """Write `preprocessor_config.json` in the library's format."""
        content = {
            "do_resize": True,
            "do_rescale": True,
            "do_normalize": True,
            "rescale_factor": 1 / 255,
            "do_center_crop": self.shorter_side is not None,
            "size": {"shortest_edge": self.shorter_side} if self.shorter_side else _square_size(self.size),
            "crop_size": _square_size(self.size),
            "image_mean": list(self.mean),
            "image_std": list(self.std),
            "resample": int(self.resample),
        }
        (folder / FILE_NAME).write_text(json.dumps(content, indent=2) + "\n")


def load_preprocessing(folder: Path, default: Preprocessing) -> Preprocessing:
    """The preprocessing that travels with a model in the library's format; `default` where none does."""
    path = folder / FILE_NAME
    if not path.exists():
        return default
    stored = json.loads(path.read_text())
    size = _side(stored.get("size"), default.size)
    crop = _side(stored.get("crop_size"), default.size) if stored.get("do_center_crop") else None
    return Preprocessing(
        size=crop or size,
        shorter_side=size if crop else None,
        mean=tuple(stored.get("image_mean", default.mean)),
        std=tuple(stored.get("image_std", default.std)),
        resample=int(stored.get("resample", default.resample)),
        whole_pixels=any(name in stored for name in LIBRARY_PROCESSOR),
    )


def _side(value: int | dict[str, int] | None, default: int) -> int:
    if isinstance(value, dict):
        return value.get("shortest_edge") or value.get("height") or default
    return value or default


def _square_size(size: int) -> dict[str, int]:
    return {"height": size, "width": size}
