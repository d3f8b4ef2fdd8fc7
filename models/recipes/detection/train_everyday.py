"""How `rf-detr-s14-everyday` is trained: projector and decoder of another detector, new classes, a classifier's eyes.

    python -m models.recipes.detection.train_everyday --data FILE.parquet --weights DIR [--backbone DIR] --run DIR
    python -m models.recipes.detection.train_everyday ... --resume [--frozen 9] [--steps N --cooldown M]
    python -m models.recipes.detection.train_everyday --data FILE.parquet --run DIR --measure   AP50 of the average
    python -m models.recipes.detection.train_everyday --data FILE.parquet --run DIR --export    write assets/weights/

With `--backbone` the exported file is without the backbone where that is still the one in DIR, an embedded model's: see
`models.detection.network.load_detector`.

As in `train`, the hidden states of views after the frozen blocks are kept in 16 bits in a file, each is used several
times, and the oldest give way to fresh ones. All classes of the file are learnt, or `--classes` alone; offered are
those of which the held-out photos show at least `ENOUGH` and whose AP50 on them is at least `OFFERED`. The training is
too short to unlearn duplicates: the exported configuration says that boxes of a class that overlap by more than
`OVERLAP` are one.
"""

import argparse
import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import RfDetrForObjectDetection

from models import runtime, training, weights
from models.detection.learning import frozen_states, kept_depths, set_loss, start_from_states
from models.detection.network import BACKBONE, Detector, build_config, detect, preprocess, take_backbone
from models.recipes.detection.evaluate import average_precision, rounded
from models.recipes.detection.everyday import LabelledPhoto, Views, classes_of, load_labelled, with_only
from models.recipes.detection.train import (
    freeze,
    from_exported,
    inference_state,
)

NAME = "rf-detr-s14-everyday"
OFFERED, ENOUGH = 0.25, 10
OVERLAP = 0.5
RESOLUTION, TOKENS, WIDTH = 252, 18 * 18 + 1, 384
AT_ONCE = 4


class Recipe:
    """One training run: network, optimiser, average, kept views, and where it stands.

    No `Trainer`: as in `models.recipes.detection.train`, what a step draws from is filled between steps.
    """

    def __init__(self, options: argparse.Namespace, views: Views) -> None:
        self.options, self.views = options, views
        torch.manual_seed(options.seed)
        self.network = from_exported(options.weights / "model.safetensors", options.groups, views.labels)
        if options.backbone:
            take_backbone(self.network, options.backbone / "model.safetensors")
        self.network.set_attn_implementation("eager")
        self.ema = training.Ema(self.network, options.ema)
        self.optimizer = self._optimizer()
        self.step = self.seen = 0
        if options.resume:
            self._restore(training.load_checkpoint(options.run / "last.pt"))
        freeze(self.network, options.frozen)
        shape = (len(kept_depths(self.network, options.frozen)), TOKENS, WIDTH)
        self.cache = KeptViews(options.run, options.frozen, options.cache, shape, views)
        self.generator = torch.Generator().manual_seed(options.seed + self.step)

    def _optimizer(self) -> torch.optim.Optimizer:
        """AdamW with three rates: the backbone slowly, new class heads fast."""
        shares = {"backbone": self.options.backbone_share, "heads": self.options.heads_share, "rest": 1.0}
        parts: dict[str, list[torch.nn.Parameter]] = {part: [] for part in shares}
        for name, parameter in self.network.named_parameters():
            inside = "backbone" if ".backbone.backbone." in name else "heads" if "class_embed" in name else "rest"
            parts[inside].append(parameter)
        groups = [{"params": parts[part], "share": share} for part, share in shares.items()]
        return torch.optim.AdamW(groups, lr=self.options.learning_rate, weight_decay=1e-4)

    def _restore(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.ema.state, self.ema.updates = saved["average"], saved["step"]
        shares = [group["share"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(saved["optimizer"])
        for group, share in zip(self.optimizer.param_groups, shares, strict=True):
            group["share"] = share
        self.step, self.seen = saved["step"], saved["seen"]

    def save(self) -> None:
        """Write the checkpoint."""
        content = {
            "labels": list(self.views.labels),
            "network": self.network.state_dict(),
            "average": self.ema.state,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seen": self.seen,
        }
        training.save_checkpoint(self.options.run / "last.pt", content)

    def look(self) -> None:
        """Run new views through the frozen blocks and keep what they give."""
        numbers = range(self.seen, self.seen + AT_ONCE)
        pixels = torch.cat([preprocess(self.views.view(number)[0], RESOLUTION) for number in numbers])
        with runtime.autocast():
            self.cache.add(frozen_states(self.network, pixels, self.options.frozen), numbers)
        self.seen += AT_ONCE

    def learn(self, learning_rate: float) -> tuple[float, float]:
        """One optimiser step. Returns the loss and the gradient norm before clipping."""
        states, targets = self.cache.draw(self.options.batch, self.generator)
        loss = set_loss(self.network, states.float(), targets)
        self.optimizer.zero_grad()
        loss.backward()
        norm = training.gradient_norm(self.network.parameters(), clip=self.options.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate * group["share"]
        self.optimizer.step()
        self.ema.update(self.network)
        self.step += 1
        return float(loss.detach()), norm


class KeptViews:
    """The newest `capacity` views as hidden states (depths, tokens, width) bfloat16 in a file that outlives the run.

    Beside them lie their numbers, from which `Views.target` gives the targets again.
    """

    def __init__(self, run: Path, frozen: int, capacity: int, shape: tuple[int, int, int], views: Views) -> None:
        self.views = views
        self.states = torch.from_file(
            str(run / f"states-{frozen}.bin"), shared=True, size=capacity * int(np.prod(shape)), dtype=torch.bfloat16
        ).view(capacity, *shape)
        # one more than the number of the view in each place; 0: nothing yet
        self.numbers = torch.from_file(
            str(run / f"numbers-{frozen}.bin"), shared=True, size=capacity, dtype=torch.int64
        )
        self.targets = {place: views.target(number - 1) for place, number in enumerate(self.numbers.tolist()) if number}

    def add(self, states: torch.Tensor, numbers: range) -> None:
        """Put views in, the oldest out."""
        for state, number in zip(states, numbers, strict=True):
            place = number % len(self.numbers)
            self.states[place], self.numbers[place] = state, number + 1
            self.targets[place] = self.views.target(number)

    def draw(self, count: int, generator: torch.Generator) -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
        """`count` views at random."""
        places = list(self.targets)
        chosen = [places[i] for i in torch.randint(len(places), (count,), generator=generator).tolist()]
        return self.states[chosen], [self.targets[place] for place in chosen]


def fit(options: argparse.Namespace) -> Iterator[training.TrainStep]:
    """Train until `options.steps`, saving every few minutes; yields one report a step."""
    photos = load_labelled(options.data, held_out=False)
    if options.classes:
        photos = with_only(photos, options.classes)
    recipe = Recipe(options, Views(photos, classes_of(photos), options.seed))
    start_from_states(recipe.network, options.frozen)
    recipe.network.train()
    schedule = training.Trapezoid(options.learning_rate, 200, options.steps, options.cooldown)
    while len(recipe.cache.targets) < options.first:
        recipe.look()
    saved = time.monotonic()
    while recipe.step < options.steps:
        start = time.monotonic()
        if recipe.step % options.every == 0:
            recipe.look()
        rate = schedule(recipe.step)
        loss, norm = recipe.learn(rate)
        yield training.TrainStep(recipe.step, loss, norm, rate, options.batch / (time.monotonic() - start))
        if time.monotonic() - saved > options.save_seconds:
            recipe.save()
            saved = time.monotonic()
    recipe.save()


def averaged(run: Path) -> Detector:
    """The detector of the last checkpoint: averaged weights, one group of queries."""
    saved = training.load_checkpoint(run / "last.pt")
    config = build_config(saved["labels"], groups=1)
    config.suppression_overlap = OVERLAP
    network = RfDetrForObjectDetection(config)
    network.load_state_dict(inference_state(saved["average"], config.num_queries))
    return Detector(network.eval().requires_grad_(False), RESOLUTION)


def measure(detector: Detector, photos: list[LabelledPhoto]) -> dict[str, Any]:
    """What `average_precision` says of the detector on these photos, boxes not looked for left out."""
    return average_precision((photo.scene() for photo in photos), lambda i: detect(detector, i, 0.0), detector.labels)


def export(run: Path, data: Path, lender: Path | None) -> Path:
    """Write the averaged network with the classes it can find to assets/weights/, float16; `lender` as `--backbone`.

    `trained_on.txt` beside it lists the keys of the photos that were trained on: see `evaluate`.
    """
    detector = averaged(run)
    classes = measure(detector, load_labelled(data, held_out=True))["classes"]
    offered = [i for i, label in enumerate(detector.labels) if _is_found(classes.get(label))]
    config = build_config([detector.labels[i] for i in offered], groups=1)
    state = {
        name: tensor[offered] if "class_embed" in name else tensor
        for name, tensor in detector.network.state_dict().items()
    }
    folder = weights.EMBEDDED / NAME
    folder.mkdir(parents=True, exist_ok=True)
    keys = [photo.key for photo in load_labelled(data, held_out=False)]
    (folder / "trained_on.txt").write_text("\n".join(keys) + "\n")
    content = config.to_dict() | {"architectures": ["RfDetrForObjectDetection"], "dtype": "float16"}
    content["suppression_overlap"] = OVERLAP
    if lender and is_lent(detector, lender):
        content["backbone_from"] = lender.name
        state = {name: tensor for name, tensor in state.items() if BACKBONE not in name}
    return training.export(NAME, state, content, half=True)


def _is_found(measured: dict[str, Any] | None) -> bool:
    objects, ap50 = (measured["objects"], measured["ap50"]) if measured else (0, 0.0)
    return objects >= ENOUGH and ap50 >= OFFERED


def is_lent(detector: Detector, lender: Path) -> bool:
    """Whether the backbone is the one in the folder `lender`, to the bit."""
    other = copy.deepcopy(detector.network)
    take_backbone(other, lender / "model.safetensors")
    mine, theirs = detector.network.state_dict(), other.state_dict()
    return all(torch.equal(mine[name], theirs[name]) for name in mine if BACKBONE in name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="parquet with the columns named in `everyday`")
    parser.add_argument("--weights", type=Path, help="folder with the exported weights to go on from")
    parser.add_argument("--backbone", type=Path, help="folder with a ViT-S/14 whose weights the backbone takes")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoint and kept views")
    parser.add_argument("--classes", nargs="+", help="learn these alone (default: all of the file)")
    parser.add_argument("--frozen", type=int, default=12, help="backbone blocks that stay as they are")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--cooldown", type=int, default=0, help="steps of the final fall of the learning rate")
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--backbone-share", type=float, default=0.1, help="the backbone's part of the learning rate")
    parser.add_argument("--heads-share", type=float, default=3.0, help="that of the class heads")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--groups", type=int, default=3)
    parser.add_argument("--cache", type=int, default=5000, help="views kept")
    parser.add_argument("--first", type=int, default=400, help="views before the first step")
    parser.add_argument("--every", type=int, default=2, help="four new views every so many steps")
    parser.add_argument("--clip", type=float, default=0.1)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save-seconds", type=float, default=600)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--measure", action="store_true", help="only measure the last checkpoint")
    parser.add_argument("--export", action="store_true", help="only export the last checkpoint")
    options = parser.parse_args()
    if not (options.export or options.measure or options.weights):
        parser.error("a training starts from --weights")
    return options


def main() -> None:
    """The command line described at the top of this module."""
    options = _arguments()
    torch.set_num_threads(options.threads)
    if options.export:
        print(export(options.run, options.data, options.backbone))
        return
    if options.measure:
        print(json.dumps(rounded(measure(averaged(options.run), load_labelled(options.data, held_out=True)))))
        return
    options.run.mkdir(parents=True, exist_ok=True)
    losses: list[float] = []
    for report in fit(options):
        losses.append(report.loss)
        if report.step % 50 == 0:
            print(
                f"step {report.step} loss {np.mean(losses[-50:]):.3f} norm {report.gradient_norm:.2f} "
                f"rate {report.learning_rate:.1e} {report.examples_per_second:.1f} views/s",
                flush=True,
            )


if __name__ == "__main__":
    main()
