"""Teach the embedded detector that people and rooms are none of its things: its class scores alone, again.

    python -m models.recipes.detection.negatives --data DIR --out FOLDER [--scenes N] [--photos N]

DIR holds `everyday.parquet` (photographs of everyday life, `models.recipes.detection.everyday`) and the files that
`models.recipes.detection.train` reads. Everything stays as it is but the linear layer that makes class scores of the
queries' last states: on scenes of the training it should go on saying what it says (distillation), on portraits and
rooms, none of them held out, nothing. Written to FOLDER in the format of the embedded model. Before and after, one line
each: in how many of 72 portraits and of 30 rooms, all held out, something is found at the default threshold.
"""

import argparse
import json
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from models import runtime, weights
from models.detection.network import Detector, detect, load_detector, predict
from models.recipes.detection.everyday import LabelledPhoto, load_labelled
from models.recipes.detection.scenes import training_maker

MODEL = "rf-detr-s14-objects"
THRESHOLD = 0.5
PORTRAITS, ROOMS = 72, 30
QUERIES = 25
"""Of a picture, those with the highest scores; the others say nothing before and after."""
STEPS = 400
STAY = 1e-2
"""Weight of the squared change of the layer's weights."""
LOUD = 6.0
"""How much more a score counts that should be nothing."""


def portrait(photo: LabelledPhoto) -> np.ndarray | None:
    """Head and shoulders of the largest person, as a webcam would show them; None where nobody is large enough."""
    width, height = photo.size
    boxes = photo.boxes * np.array(photo.size * 2)
    people = [box for box, label in zip(boxes, photo.labels, strict=True) if label == "person"]
    people = [box for box in people if box[3] - box[1] >= 140 and box[2] - box[0] >= 60]
    if not people:
        return None
    left, top, right, bottom = max(people, key=lambda box: box[3] - box[1])
    tall = bottom - top
    tall *= 0.5 if tall > 1.3 * (right - left) else 0.9
    wide = min(width, tall * 4 / 3)
    start = min(max(0, (left + right - wide) / 2), width - wide)
    first = max(0, top - 0.12 * tall)
    return photo.open()[int(first) : int(min(height, first + 1.05 * tall)), int(start) : int(start + wide)]


def portraits(photos: Iterable[LabelledPhoto]) -> Iterator[np.ndarray]:
    """Those of the photos that have one."""
    return (found for found in map(portrait, photos) if found is not None)


def rooms(photos: Iterable[LabelledPhoto]) -> Iterator[np.ndarray]:
    """Photos in which nobody is."""
    return (photo.open() for photo in photos if "person" not in photo.labels)


def found_in(detector: Detector, pictures: Iterable[np.ndarray]) -> int:
    """In how many of the pictures something is found at the default threshold."""
    return sum(len(detect(detector, picture, THRESHOLD).scores) > 0 for picture in pictures)


def states_of(detector: Detector, pictures: Iterable[np.ndarray]) -> torch.Tensor:
    """Last states of the queries with the highest scores, `[pictures * QUERIES, width]` float32."""
    kept: list[torch.Tensor] = []

    def keep(_module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        kept.append(given[0][0].float())

    head = detector.network.class_embed
    handle = head.register_forward_pre_hook(keep)
    chosen = []
    for picture in pictures:
        kept.clear()
        scores = predict(detector, picture, reduced=True).logits.max(axis=1)
        chosen.append(kept[-1][np.argsort(-scores)[:QUERIES].copy()].clone())
    handle.remove()
    return torch.cat(chosen)


def refit(head: nn.Linear, things: torch.Tensor, nothing: torch.Tensor, steps: int = STEPS) -> nn.Linear:
    """A layer that says of `things` what `head` says, and of `nothing` nothing; both `[N, width]` states of queries."""
    learned = nn.Linear(head.in_features, head.out_features)
    learned.load_state_dict(head.state_dict())
    with torch.no_grad():
        wanted = head(things).sigmoid()
    optimizer = torch.optim.Adam(learned.parameters(), lr=2e-3)
    loss_of = nn.functional.binary_cross_entropy_with_logits
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - step / steps)
        said = learned(nothing)
        wrong = loss_of(said, torch.zeros_like(said), weight=1 + LOUD * said.detach().sigmoid())
        changed = sum(
            (new - old.detach()).square().sum()
            for new, old in zip(learned.parameters(), head.parameters(), strict=True)
        )
        loss = loss_of(learned(things), wanted) + wrong + STAY * changed / head.in_features
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return learned.requires_grad_(False)


def write(head: nn.Linear, out: Path) -> None:
    """The embedded model with this layer, in `out`."""
    source = weights.folder(MODEL)
    shutil.copytree(source, out, dirs_exist_ok=True)
    state = load_file(source / "model.safetensors")
    for part, value in (("weight", head.weight), ("bias", head.bias)):
        name = f"class_embed.{part}"
        state[name] = value.detach().to(state[name].dtype).contiguous()
    save_file(state, out / "model.safetensors", metadata={"format": "pt"})


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--photos", type=int, default=300, help="portraits; half as many rooms")
    options = parser.parse_args()
    torch.manual_seed(0)
    detector: Detector = runtime.load(MODEL, load_detector).network
    seen, unseen = (load_labelled(options.data / "everyday.parquet", held_out=part) for part in (False, True))

    def report(when: str) -> None:
        found = {
            "portraits": found_in(detector, islice(portraits(unseen), PORTRAITS)),
            "rooms": found_in(detector, islice(rooms(unseen), ROOMS)),
        }
        print(json.dumps({"when": when, "something is found in": found}), flush=True)

    report("before")
    maker = training_maker(options.data)
    things = states_of(detector, (maker.scene(9_000_000 + number).image for number in range(options.scenes)))
    people = states_of(detector, islice(portraits(seen), options.photos))
    empty = states_of(detector, islice(rooms(seen), options.photos // 2))
    head = refit(detector.network.class_embed, things, torch.cat([people, empty]))
    detector.network.class_embed.load_state_dict(head.state_dict())
    report("after")
    write(head, options.out)


if __name__ == "__main__":
    main()
