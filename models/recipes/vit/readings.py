"""What a frozen backbone says of photos after every layer, computed once and kept in 16 bits.

    python -m models.recipes.vit.readings --data FILE.parquet --out FILE.npy [--model NAME] [--boxes]

FILE.parquet has a column `jpeg`; row n of FILE.npy, `[photos, L + 1, 2 D]` float16, belongs to its row n. Photos are
read in random order, and it goes on where it was stopped: rows of zeros are not read yet. With `--boxes` the rows are
cut-outs of the photos instead (`cut_outs`).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet
import torch
from numpy.lib.format import open_memmap

from models import runtime
from models.images import read_image
from models.recipes.detection.scenes import is_held_out
from models.vision import library
from models.vision.network import VisionTransformer

BATCH = 16
SMALLEST_CUT, MOST_CUTS_A_CLASS = 56, 60
AROUND = 0.15
"""How much of its surroundings a cut-out shows, as a share of the box's longer side, on each side."""


Corners = tuple[int, int, int, int]
Cut = tuple[str, str, int, Corners]


@torch.inference_mode()
def readings(network: VisionTransformer, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """CLS beside the mean of the patches, through the last normalisation, before and after every layer.

    pictures: `(height, width, 3)` uint8 each. Returns `[N, L + 1, 2 D]` float16; the head reads the last.
    """
    squares = np.stack([network.preprocessing.square(picture) for picture in pictures])
    prepared = network.preprocessing.to_tensor(squares).to(network.cls.device)
    with runtime.autocast(prepared.device.type):
        tokens = network.tokens(prepared)
        stream = [tokens]
        for block in network.blocks:
            tokens = block(tokens)
            stream.append(tokens)
    read = [network.norm(tokens.float()) for tokens in stream]
    return torch.stack([torch.cat([r[:, 0], r[:, 1:].mean(1)], 1) for r in read], 1).half().cpu().numpy()


def photos_of(path: Path) -> list[bytes]:
    """The encoded photos of a parquet file, in its order."""
    return pyarrow.parquet.read_table(path, columns=["jpeg"])["jpeg"].to_pylist()


def cut_outs(path: Path) -> list[Cut]:
    """Things to be cut out of photos with boxes: (class, key of the photo, its row, left-top-right-bottom in pixels).

    Those of at least `SMALLEST_CUT` pixels a side, at most `MOST_CUTS_A_CLASS` of a class (in what is held out, too),
    the largest first; a square around each, as far as the photo goes.
    """
    columns = ["key", "width", "height", "boxes_xyxy", "labels"]
    found: dict[tuple[str, bool], list[tuple[float, Cut]]] = {}
    for place, row in enumerate(pyarrow.parquet.read_table(path, columns=columns).to_pylist()):
        for box, label in zip(row["boxes_xyxy"], row["labels"], strict=True):
            left, top, right, bottom = box
            wide, high = right - left, bottom - top
            if min(wide, high) < SMALLEST_CUT:
                continue
            half = max(wide, high) * (0.5 + AROUND)
            x, y = (left + right) / 2, (top + bottom) / 2
            cut = (max(0, x - half), max(0, y - half), min(row["width"], x + half), min(row["height"], y + half))
            left, top, right, bottom = (int(side) for side in cut)
            kind = (label, is_held_out(row["key"]))
            found.setdefault(kind, []).append((wide * high, (label, row["key"], place, (left, top, right, bottom))))
    return [cut for _, things in sorted(found.items()) for _, cut in sorted(things, reverse=True)[:MOST_CUTS_A_CLASS]]


def write(network: VisionTransformer, path: Path, out: Path, *, boxes: bool, wanted: np.ndarray | None = None) -> None:
    """Read the pictures of the file that are not read yet into `out`: all, or those that are `wanted` `[N]`."""
    photos, cuts = photos_of(path), cut_outs(path) if boxes else None
    shape = (len(photos if cuts is None else cuts), network.shape.layers + 1, 2 * network.shape.width)
    rows = open_memmap(out, "r+" if out.exists() else "w+", np.float16, shape)
    order = np.random.default_rng(0).permutation(len(rows))
    left = order[~rows[order, 0].any(1) & (True if wanted is None else wanted[order])]
    for start in range(0, len(left), BATCH):
        places = left[start : start + BATCH]
        rows[places] = readings(network, [_picture(photos, cuts, place) for place in places])
        if start % (20 * BATCH) == 0:
            print(f"{start + len(places)} of {len(left)}", file=sys.stderr, flush=True)
    rows.flush()


def _picture(photos: Sequence[bytes], cuts: "list[Cut] | None", place: int) -> np.ndarray:
    if cuts is None:
        return read_image(photos[place])
    _, _, row, (left, top, right, bottom) = cuts[place]
    return read_image(photos[row])[top:bottom, left:right]


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="parquet with a column jpeg")
    parser.add_argument("--out", type=Path, required=True, help="where the readings go, .npy")
    parser.add_argument("--model", default="vit-s14-caltech101")
    parser.add_argument("--boxes", action="store_true", help="cut-outs of things instead of whole photos")
    arguments = parser.parse_args()
    network = runtime.load(arguments.model, library.load).network
    write(network, arguments.data, arguments.out, boxes=arguments.boxes)


if __name__ == "__main__":
    main()
