"""The photos that the page "Nearest photos" shows, and their features by both backbones.

    python -m models.recipes.vit.gallery --data everyday.parquet

keeps the photos whose photographers allow it (CC BY 2.0 and CC BY-SA 2.0), which are small (112 pixels, the middle
square), on which no person takes more than a hundredth of the picture, and which are no example of the app; writes
them to `assets/weights/everyday-neighbours/`. `PHOTOS` names the page of each, where its author is named, and its
licence.
"""

import argparse
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from models import runtime, weights
from models.recipes.detection.scenes import read_rows
from models.vision import library
from models.vit.gallery import FEATURES, NAME, PHOTOS
from models.vit.neighbours import BACKBONES, features, unit

LICENCES = {"photo CC BY 2.0 ": "CC BY 2.0", "photo CC BY-SA 2.0 ": "CC BY-SA 2.0"}
PERSON = 0.01
"""Largest share of the picture that a person may take."""
SIDE, QUALITY = 112, 80
MOST_THINGS = 3
EXAMPLES = {"5072296382", "4833528428", "2718413687", "7897786544"}
"""Photos that the tab begins with (`assets/media/README.md`): their nearest photo would be themselves."""


def allowed(rows: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """The rows that are kept, with the number of the photo at Flickr and its licence."""
    for row in rows:
        licence = next((name for begin, name in LICENCES.items() if row["licence"].startswith(begin)), None)
        number = re.search(r"/(\d+)_[0-9a-f]+(_[a-z])?\.jpg$", row["flickr_url"] or "")
        if licence and number and number[1] not in EXAMPLES and _largest(row).get("person", 0) <= PERSON:
            yield row, number[1], licence


def _largest(row: dict[str, Any]) -> dict[str, float]:
    """The share of the picture that the largest box of each class takes."""
    found: dict[str, float] = {}
    for (left, top, right, bottom), label in zip(row["boxes_xyxy"], row["labels"], strict=True):
        share = (right - left) * (bottom - top) / (row["width"] * row["height"])
        found[label] = max(found.get(label, 0), share)
    return found


def things_of(row: dict[str, Any]) -> str:
    """What is in the photo, the largest first, people left out."""
    found = {label: share for label, share in _largest(row).items() if label != "person"}
    return ", ".join(sorted(found, key=lambda label: -found[label])[:MOST_THINGS])


def small(picture: Image.Image) -> bytes:
    """The middle square as a small JPEG."""
    side = min(picture.size)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    shown = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))
    file = io.BytesIO()
    shown.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def write(rows: list[dict[str, Any]], folder: Path) -> None:
    """Read the photos through both backbones and write all there is to them."""
    kept = [one for one in allowed(rows) if things_of(one[0])]
    pictures = [Image.open(io.BytesIO(row["jpeg"])).convert("RGB") for row, _, _ in kept]
    jpegs = [small(picture) for picture in pictures]
    stored = {
        "jpegs": np.frombuffer(b"".join(jpegs), np.uint8),
        "ends": np.cumsum([len(jpeg) for jpeg in jpegs]).astype(np.int64),
    }
    for name, backbone in BACKBONES.items():
        network = runtime.load(backbone, library.load).network
        stored[name] = unit(features(network, [np.asarray(picture) for picture in pictures])).astype(np.float16)
        print(f"{backbone}: {len(pictures)} photos", flush=True)
    about = [
        {"things": things_of(row), "page": f"https://www.flickr.com/photo.gne?id={number}", "licence": licence}
        for row, number, licence in kept
    ]
    folder.mkdir(parents=True, exist_ok=True)
    save_file(stored, folder / FEATURES)
    (folder / PHOTOS).write_text(json.dumps(about, indent=0) + "\n", encoding="utf-8")


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    write(read_rows(parser.parse_args().data), weights.EMBEDDED / NAME)
    weights.record(NAME)


if __name__ == "__main__":
    main()
