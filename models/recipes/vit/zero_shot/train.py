"""Train the two heads of "Name it yourself" by contrast; both towers stay as they are.

    python -m models.recipes.vit.readings --data everyday.parquet --out everyday.npy
    python -m models.recipes.vit.readings --data everyday.parquet --boxes --out cuts.npy
    python -m models.recipes.vit.readings --data caltech101.parquet --out caltech.npy
    python -m models.recipes.vit.zero_shot.train --everyday everyday.parquet --caltech caltech101.parquet --readings DIR

DIR holds the three files of readings. A step takes pictures of one source (photos with captions, cut-out things or
labelled photos with names), one sentence for each, and pulls pairs together and all others apart (InfoNCE, van den Oord
et al. 2018; both ways, as CLIP). Pictures of one kind are no negatives of each other (Yang et al. 2022, "Unified
Contrastive Learning"). What is held out is never seen: `models.recipes.vit.zero_shot.data`.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional

from models import weights
from models.recipes.vit.zero_shot import data
from models.recipes.vit.zero_shot.data import Pairs
from models.vit.namer import NAME, TEXT, Heads

BACKBONE = "vit-s14-caltech101"
SHARES = (0.5, 0.25, 0.25)
"""Of the steps: captions, things, categories."""
HOTTEST = math.log(100)


@dataclass(frozen=True)
class Recipe:
    """How the heads learn. noise: of the features, in standard deviations; drop: share of them left out."""

    width: int = 192
    steps: int = 500
    batch: int = 256
    rate: float = 1e-3
    decay: float = 0.2
    noise: float = 0.5
    drop: float = 0.3
    seed: int = 0


def train(sources: Sequence[Pairs], recipe: Recipe) -> Heads:
    """Heads trained on `sources`, in the order of `SHARES`."""
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    seen = torch.cat([source.pictures for source in sources])
    heads = Heads(seen.shape[1], sources[0].vectors.shape[1], recipe.width)
    heads.centre.copy_(seen.mean(0))
    spread = seen.std(0)
    learned = [p for p in heads.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=recipe.rate, weight_decay=recipe.decay)
    for step in range(recipe.steps):
        rate = recipe.rate * min(1, step / 50) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        source = sources[rng.choice(len(sources), p=SHARES)]
        loss = contrast(heads, *_batch(source, recipe, rng, spread))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            heads.log_scale.clamp_(max=HOTTEST)
        if step % 100 == 0:
            print(json.dumps({"step": step, "loss": round(loss.item(), 3)}), flush=True)
    return heads.requires_grad_(False).eval()


def _batch(
    source: Pairs, recipe: Recipe, rng: np.random.Generator, spread: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Disturbed features, one sentence's vector for each, and which pairs belong together `(B, B)`."""
    chosen = rng.permutation(len(source.of))[: recipe.batch]
    words = [source.of[n][rng.integers(len(source.of[n]))] for n in chosen]
    pictures = source.pictures[chosen]
    pictures = pictures + recipe.noise * spread * torch.randn_like(pictures)
    vectors = functional.dropout(source.vectors[words], recipe.drop)
    kinds = torch.from_numpy(source.kinds[chosen])
    return pictures, vectors, kinds[:, None] == kinds


def contrast(heads: Heads, pictures: torch.Tensor, vectors: torch.Tensor, together: torch.Tensor) -> torch.Tensor:
    """The mean of both directions' cross entropies; pairs of one kind share the probability. `together`: `(B, B)`."""
    logits = heads.log_scale.exp() * heads.of_pictures(pictures) @ heads.of_sentences(vectors).T
    wanted = together / together.sum(1, keepdim=True)
    return (functional.cross_entropy(logits, wanted) + functional.cross_entropy(logits.T, wanted)) / 2


def wrong_names(heads: Heads, held_out: Sequence[Pairs]) -> list[float]:
    """101 quantiles of the cosines of held-out pictures with names that are not theirs, in the page's template."""
    cosines = []
    for pairs in held_out:
        first = torch.arange(0, len(pairs.vectors), len(data.TEMPLATES))  # the template that the page begins with
        found = heads.of_pictures(pairs.pictures) @ heads.of_sentences(pairs.vectors[first]).T
        wrong = torch.from_numpy(pairs.kinds)[:, None] != torch.arange(len(first))
        cosines.append(found[wrong].numpy())
    return [round(float(value), 4) for value in np.quantile(np.concatenate(cosines), np.linspace(0, 1, 101))]


def sources_of(everyday: Path, caltech: Path, readings: Path) -> tuple[list[Pairs], list[Pairs]]:
    """Captions, things, categories: what is learned from, and of the last two what is held out."""
    reader = data.reader()
    captions = data.captioned(everyday, readings / "everyday.npy", reader, held_out=False)
    things, held_things = data.things(everyday, readings / "cuts.npy", reader)
    categories, unseen, unnamed = data.categories(caltech, readings / "caltech.npy", reader)
    learned = [captions, things.chosen(~held_things), categories.chosen(~unseen & ~unnamed)]
    return learned, [things.chosen(held_things), categories.chosen(unseen & unnamed)]


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--everyday", type=Path, required=True, help="parquet with key, jpeg, captions, boxes, labels")
    parser.add_argument("--caltech", type=Path, required=True, help="parquet with label, file, jpeg")
    parser.add_argument("--readings", type=Path, required=True, help="folder of everyday.npy, cuts.npy, caltech.npy")
    parser.add_argument("--out", type=Path, default=weights.EMBEDDED / NAME)
    arguments = parser.parse_args()
    recipe = Recipe()
    learned, held_out = sources_of(arguments.everyday, arguments.caltech, arguments.readings)
    print(json.dumps({"pictures": [len(source.of) for source in learned], "sentences": len(learned[0].vectors)}))
    heads = train(learned, recipe)
    about = {
        "backbone": BACKBONE,
        "text": TEXT,
        "features": heads.picture.in_features,
        "text_width": heads.text.in_features,
        "width": recipe.width,
        "wrong_names": wrong_names(heads, held_out),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.half().contiguous() for name, tensor in heads.state_dict().items()}
    save_file(state, arguments.out / "model.safetensors")
    (arguments.out / "config.json").write_text(json.dumps(about) + "\n")
    if arguments.out == weights.EMBEDDED / NAME:
        weights.record(NAME)


if __name__ == "__main__":
    main()
