"""How often is the whole sentence right, on combinations that were never trained on?

    python -m models.recipes.sequences.caption.evaluate [--count N] [--seed S]

prints one JSON line: `exact_...` is the share of scenes whose sentence is one of the two true ones, word for word;
`held_out_pairs`: two kinds of object that never share a scene in training; `new_colour_noun`: with a kind never seen.
Slots (`count`, `colour`, `noun`, `relation`) are measured on the held-out pairs: the share of words that agree with the
true sentence that is nearer. `same_...`: share of scenes whose sentence stays the same when the picture is enlarged
or compressed (`copies.MEASURED`). `mean_probability` is that of the words written; `..._noise`: on pictures of noise.

    python -m models.recipes.sequences.caption.evaluate --data PHOTOS.parquet [--beam 3] [--features VIEW0.npy]

measures the captioner of photos instead, on those of a file (columns `jpeg`, `captions`) that it has not learned from
(`training_photos.json`): `bleu4`, `cider` (`scores`) of the sentence that a beam search finds, `greedy_...` of the one
written with the likeliest word each time. Where the file holds the training photos too, `commonest_sentence_...`:
always the sentence that comes most often in training; `nearest_photo_...`: the first caption of the training photo
that is most alike.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from models import runtime
from models.errors import InputError
from models.recipes.sequences.caption import evaluate_photos
from models.recipes.sequences.caption.copies import MEASURED
from models.sequences.caption.network import END_SYMBOL, CaptionNetwork, decode, load
from models.sequences.caption.scenes import (
    HEIGHT,
    WIDTH,
    Part,
    SceneDescription,
    any_description,
    draw_scene,
    parse,
    random_description,
)

NAME = "caption-gru"
BATCH = 250
Written = list[tuple[str, float]]


def write_all(network: CaptionNetwork, pictures: np.ndarray) -> Written:
    """Sentence and mean probability of its words (with the end) for each of `pictures` [N, 72, 96, 3] uint8."""
    written: Written = []
    device = network.output.weight.device
    for first in range(0, len(pictures), BATCH):
        batch = torch.from_numpy(pictures[first : first + BATCH]).permute(0, 3, 1, 2).float().to(device) / 255
        for symbols, certain in zip(*(part.tolist() for part in network.write(batch)), strict=True):
            length = symbols.index(END_SYMBOL) + 1 if END_SYMBOL in symbols else len(symbols)
            written.append((decode(symbols), float(np.mean(certain[:length]))))
    return written


def scenes(part: Part, count: int, seed: int) -> tuple[list[SceneDescription], np.ndarray]:
    """`count` descriptions of one part and their pictures [count, 72, 96, 3] uint8."""
    rng = np.random.default_rng((20260301, seed))
    descriptions = [random_description(rng, part) for _ in range(count)]
    return descriptions, np.stack([draw_scene(d, int(rng.integers(2**31))) for d in descriptions])


def exact_share(network: CaptionNetwork, part: Part, *, count: int, seed: int) -> float:
    """Share of scenes of one part that are described exactly."""
    descriptions, pictures = scenes(part, count, seed)
    return _exact(descriptions, write_all(network, pictures))


def kept_shares(network: CaptionNetwork, *, count: int, seed: int) -> dict[str, float]:
    """Share of scenes (of all combinations) whose sentence stays the same, by what was done to the picture."""
    rng = np.random.default_rng((20260302, seed))
    pictures = np.stack([draw_scene(any_description(rng), int(rng.integers(2**31))) for _ in range(count)])
    drawn = [text for text, _ in write_all(network, pictures)]
    shares = {}
    for change, make in MEASURED.items():
        written = write_all(network, np.stack([make(picture) for picture in pictures]))
        same = [text == before for (text, _), before in zip(written, drawn, strict=True)]
        shares[f"same_{change}"] = round(float(np.mean(same)), 4)
    return shares


def _exact(descriptions: list[SceneDescription], written: Written) -> float:
    right = [text in description.sentences() for description, (text, _) in zip(descriptions, written, strict=True)]
    return round(float(np.mean(right)), 4)


def slots(descriptions: list[SceneDescription], written: Written) -> dict[str, float]:
    """Share of right words by slot; a sentence that is none counts as wrong everywhere."""
    right: dict[str, list[bool]] = {"count": [], "colour": [], "noun": [], "relation": []}
    for description, (text, _) in zip(descriptions, written, strict=True):
        told = _words_of(text)
        truths = [_slots_of(d) for d in (description, description.mirrored())]
        truth = max(truths, key=lambda t: sum(told.get(place) == word for place, word in t.items()))
        for (slot, number), word in truth.items():
            right[slot].append(told.get((slot, number)) == word)
    return {slot: round(float(np.mean(values)), 4) for slot, values in right.items()}


def _words_of(text: str) -> dict[tuple[str, int], object]:
    try:
        return _slots_of(parse(text))
    except InputError:
        return {}


def _slots_of(description: SceneDescription) -> dict[tuple[str, int], object]:
    found: dict[tuple[str, int], object] = {("relation", 0): description.relation}
    for number, phrase in enumerate(description.phrases):
        found |= {("count", number): phrase.count, ("colour", number): phrase.colour, ("noun", number): phrase.noun}
    return found


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Exact sentences on held-out combinations.")
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="photos with captions, to measure the captioner of photos")
    parser.add_argument("--beam", type=int, default=evaluate_photos.BEAM)
    parser.add_argument("--features", type=Path, help="what `photos --out` kept of these photos")
    arguments = parser.parse_args()
    if arguments.data:
        print(json.dumps(evaluate_photos.figures(arguments.data, beam=arguments.beam, features=arguments.features)))
        return
    network = runtime.load(NAME, load).network
    pairs, pictures = scenes("held-out pair", arguments.count, arguments.seed)
    written = write_all(network, pictures)
    noise = np.random.default_rng(arguments.seed).integers(0, 256, (200, HEIGHT, WIDTH, 3), dtype=np.uint8)
    new = exact_share(network, "new colour and noun", count=arguments.count, seed=arguments.seed)
    trained = exact_share(network, "train", count=arguments.count, seed=arguments.seed)
    figures = {
        "model": NAME,
        "exact_held_out_pairs": _exact(pairs, written),
        "exact_new_colour_noun": new,
        "exact_trained_combinations": trained,
        **slots(pairs, written),
        **kept_shares(network, count=arguments.count, seed=arguments.seed),
        "mean_probability": round(float(np.mean([p for _, p in written])), 4),
        "mean_probability_noise": round(float(np.mean([p for _, p in write_all(network, noise)])), 4),
        "scenes": arguments.count,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
