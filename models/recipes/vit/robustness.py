"""How many photos do both networks still recognise under each damage? Counted on photos that neither was trained on.

    python -m models.recipes.vit.robustness --data FILE.parquet [--photos 300] [--seed 0] [--store]

prints a JSON line for each damage: share of right answers of the ViT and of the CNN at three strengths. `--store`
writes all of them to `assets/figures/vit_robustness.json`, which the page "Break it" draws. Dropping by importance is
counted twice, with the ViT's attention rollout and with the CNN's Grad-CAM of its own answer; both networks always get
the same pixels. FILE has the columns label, file and jpeg.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models import runtime, weights
from models.errors import InputError
from models.recipes.vit import data
from models.recipes.vit.evaluate import choose, known_photos, label_indices
from models.vit import contenders
from models.vit.curve import Pair
from models.vit.damage import DAMAGES, Choice, damaged, position_factor

FIGURES = weights.EMBEDDED.parent / "figures" / "vit_robustness.json"
STRENGTHS = (0.25, 0.5, 0.75)
OWNERS = {"vit": "the ViT's map", "cnn": "the CNN's map"}
Network = contenders.Network


def rows() -> dict[str, tuple[str, str]]:
    """`{name of the row: (damage, whose map or "")}`; painting is not counted."""
    found = {}
    for kind, damage in DAMAGES.items():
        if "importance" in damage.uses:
            found |= {f"{kind}_{owner}": (kind, owner) for owner in OWNERS}
        elif "mask" not in damage.uses:
            found[kind] = (kind, "")
    return found


def titles() -> dict[str, str]:
    """A title for each row."""
    return {
        name: DAMAGES[kind].title + (f", by {OWNERS[owner]}" if owner else "") for name, (kind, owner) in rows().items()
    }


def importance(network: Network, squares: np.ndarray) -> list[np.ndarray]:
    """The map of `network` for each square of pixels; Grad-CAM is that of the network's own answer."""
    answers = answers_of(network, squares).argmax(1)
    return [contenders.answer_and_map(network, pixels, int(a))[1] for pixels, a in zip(squares, answers, strict=True)]


def answers_of(network: Network, squares: np.ndarray, positions: float = 1.0) -> np.ndarray:
    """Logits `(N, C)`, in the precision that `models.recipes.vit.evaluate` measures in."""
    with runtime.autocast(next(network.parameters()).device.type):
        return contenders.logits(network, squares, positions=positions)


def count(
    pair: Pair, squares: np.ndarray, labels: np.ndarray, choices: Sequence[Choice], kind: str, strength: float
) -> dict[str, float]:
    """Share of right answers of both networks on squares `(N, 224, 224, 3)` damaged with their `choices`."""
    given = np.stack([damaged(kind, one, strength, choice) for one, choice in zip(squares, choices, strict=True)])
    positions = position_factor(kind, strength)
    answers = {"vit": answers_of(pair.vit, given, positions), "cnn": answers_of(pair.cnn, given)}
    return {name: round(float((values.argmax(1) == labels).mean()), 4) for name, values in answers.items()}


def measure(pair: Pair, squares: np.ndarray, labels: np.ndarray) -> Iterator[tuple[str, dict[str, list[float]]]]:
    """`(row, {"vit": shares, "cnn": shares})`, shares at `STRENGTHS`; first the row "undamaged" with one share."""
    plain = [Choice(seed=index) for index in range(len(squares))]  # another seed for every photo
    undamaged = count(pair, squares, labels, plain, "blur", 0.0)
    yield "undamaged", {name: [share] for name, share in undamaged.items()}
    maps = {owner: importance(getattr(pair, owner), squares) for owner in OWNERS}
    for name, (kind, owner) in rows().items():
        choices = [replace(c, importance=m) for c, m in zip(plain, maps[owner], strict=True)] if owner else plain
        shares = [count(pair, squares, labels, choices, kind, strength) for strength in STRENGTHS]
        yield name, {network: [share[network] for share in shares] for network in OWNERS}


def read_test(path: Path, labels: Sequence[str], *, photos: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Squares `(N, 224, 224, 3)` and labels `(N,)` of test photos drawn by `seed`. Raises `InputError` for none."""
    chosen = choose(data.read_photos(path), known_photos(contenders.VIT), "test")
    chosen = choose(chosen, known_photos(contenders.CNN), "test")
    if not chosen:
        raise InputError("No photo is left to measure on: all of them were in the training.")
    order = np.random.default_rng(seed).permutation(len(chosen))[:photos]
    chosen = [chosen[index] for index in order]
    return np.stack([contenders.square(photo.pixels()) for photo in chosen]), label_indices(chosen, labels)


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="parquet with label, file, jpeg")
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    pair = Pair(contenders.load(contenders.VIT).network, contenders.load(contenders.CNN).network)
    squares, labels = read_test(arguments.data, pair.labels, photos=arguments.photos, seed=arguments.seed)
    found = {}
    for name, shares in measure(pair, squares, labels):
        found[name] = shares
        print(json.dumps({name: shares}), flush=True)
    if arguments.store:
        FIGURES.write_text(json.dumps(table(found, len(squares), arguments.seed), indent=1) + "\n")


def table(found: dict[str, dict[str, list[float]]], images: int, seed: int) -> dict[str, Any]:
    """What is stored, with the command that makes it."""
    undamaged = {name: shares[0] for name, shares in found["undamaged"].items()}
    options = f"--data caltech101.parquet --photos {images} --seed {seed} --store"
    return {
        "command": f"python -m models.recipes.vit.robustness {options}",
        "images": images,
        "seed": seed,
        "strengths": list(STRENGTHS),
        "undamaged": undamaged,
        "titles": titles(),
        "damages": {name: shares for name, shares in found.items() if name != "undamaged"},
    }


if __name__ == "__main__":
    main()
