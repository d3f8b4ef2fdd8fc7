"""How the embedded RF-DETR is trained on two CPU cores: frozen features are computed once and used several times.

A vision transformer costs more than the decoder that learns on top of it. So the recipe keeps the hidden states of the
last few thousand scenes after the frozen blocks, replaces the oldest by fresh ones all the time, and trains what comes
after: first projector and decoder only (`--frozen 12`), then the last blocks of the backbone too (`--frozen 9`), and in
the end, when much is known and fresh scenes teach more than old ones, nearly all of it (`--frozen 3 --every 1`).

    python -m models.recipes.detection.train --data DIR --backbone DIR --run DIR            start
    python -m models.recipes.detection.train --data DIR --weights DIR --run DIR             start from exported weights
    python -m models.recipes.detection.train ... --resume --frozen 9  go on with the last blocks unfrozen
    python -m models.recipes.detection.train ... --resume --steps N --cooldown M            end with a linear cool-down
    python -m models.recipes.detection.train ... --processes 2                              one process a core
    python -m models.recipes.detection.train --data DIR --run DIR --export                  write assets/weights/

Two cores are used best by two processes of one thread, each with scenes of its own: their gradients are averaged.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch import nn
from transformers import RfDetrForObjectDetection

from models import runtime, training, weights
from models.detection.classes import CLASSES
from models.detection.learning import frozen_states, kept_depths, set_loss, start_from_states
from models.detection.network import BACKBONE, build_config, preprocess, take_backbone
from models.recipes.detection.scenes import Scene, SceneMaker, is_held_out, load_hands, training_maker

NAME = "rf-detr-s14-objects"
SAVE_SECONDS = 120


class FeatureCache:
    """The newest `capacity` scenes as hidden states of the frozen blocks, in a memory-mapped file.

    `states` (capacity, depths, tokens, width) bfloat16; `targets` as transformers' loss wants them.
    """

    def __init__(self, path: Path, capacity: int, shape: tuple[int, int, int]) -> None:
        numel = capacity * int(np.prod(shape))
        self.states = torch.from_file(str(path), shared=True, size=numel, dtype=torch.bfloat16).view(capacity, *shape)
        self.targets: list[dict[str, torch.Tensor]] = []
        self.added = 0

    def add(self, states: torch.Tensor, targets: list[dict[str, torch.Tensor]]) -> None:
        """Put scenes in, the oldest out."""
        for state, target in zip(states, targets, strict=True):
            slot = self.added % len(self.states)
            self.states[slot] = state
            self.targets[slot : slot + 1] = [target]
            self.added += 1

    def draw(self, count: int, generator: torch.Generator) -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
        """`count` scenes at random."""
        chosen = torch.randint(len(self.targets), (count,), generator=generator)
        return self.states[chosen], [self.targets[i] for i in chosen.tolist()]


def target_of(scene: Scene) -> dict[str, torch.Tensor]:
    """`class_labels` (N,) and `boxes` (N, 4): centre and size as shares of the picture."""
    height, width = scene.image.shape[:2]
    boxes = torch.from_numpy(scene.boxes_xyxy / np.array([width, height, width, height], np.float32))
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    labels = torch.tensor([CLASSES.index(label) for label in scene.labels], dtype=torch.long)
    return {"class_labels": labels, "boxes": torch.cat([centre, size], 1)}


def build_network(backbone_file: Path, groups: int) -> RfDetrForObjectDetection:
    """A new RF-DETR on the DINOv2 weights in `backbone_file`, its position table resampled to our input size once."""
    network = RfDetrForObjectDetection(build_config(CLASSES, groups=groups))
    _start_as_published(network)
    take_backbone(network, backbone_file)
    return network


def from_exported(file: Path, groups: int, labels: Sequence[str] = CLASSES) -> RfDetrForObjectDetection:
    """An RF-DETR that goes on from exported weights; further groups have the same queries and points, shuffled.

    Class heads of weights that were made for another number of `labels` begin anew, as does a backbone that is not in
    the file because it is lent (`models.detection.network.load_detector`).
    """
    network = RfDetrForObjectDetection(build_config(labels, groups=groups))
    state = {name: tensor.float() for name, tensor in load_file(file).items()}
    for name, wanted in network.state_dict().items():
        parts = name.split(".")
        if BACKBONE in name:
            state.setdefault(name, wanted)
        elif parts[1].startswith("enc_out"):
            state[name] = state[".".join([*parts[:2], "0", *parts[3:]])]
        elif parts[1] in ("reference_point_embed", "query_feat"):
            first = state[name]
            orders = [torch.arange(len(first)), *(torch.randperm(len(first)) for _ in range(groups - 1))]
            state[name] = first[torch.cat(orders)].reshape(wanted.shape)
        if "class_embed" in name and state[name].shape != wanted.shape:
            state[name] = wanted
    network.load_state_dict(state)
    return network


def first_network(options: argparse.Namespace) -> RfDetrForObjectDetection:
    """The network before the first step. Eager attention: its backward pass is faster than the fused one on CPUs."""
    if options.weights:
        network = from_exported(options.weights / "model.safetensors", options.groups)
    else:
        network = build_network(options.backbone / "model.safetensors", options.groups)
    network.set_attn_implementation("eager")
    return network


def _start_as_published(network: RfDetrForObjectDetection) -> None:
    """RF-DETR starts from PyTorch's own scales, queries from N(0, 1); transformers would draw all with 0.02."""
    nn.init.normal_(network.model.query_feat.weight)
    nn.init.zeros_(network.model.reference_point_embed.weight)
    layers: Any = network.model.decoder.layers
    for layer in layers:
        for linear in (*layer.self_attn.children(), layer.mlp.fc1, layer.mlp.fc2):
            linear.reset_parameters()
    boxes: list[Any] = [network.bbox_embed, *network.model.enc_out_bbox_embed]
    heads = [linear for head in boxes for linear in head.layers[:-1]]
    points: Any = [*network.model.decoder.ref_point_head.layers, *network.model.enc_output]
    for linear in (*points, *heads):
        linear.reset_parameters()


class Recipe:
    """One training run: network, optimiser, average, cache, and where it stands.

    No `Trainer`: several processes average their gradients, and the cache a step draws from is filled between steps.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.network = first_network(options)
        self.ema = training.Ema(self.network, options.ema)
        backbone = list(self.network.model.backbone.backbone.parameters())
        inside = {id(p) for p in backbone}
        rest = [p for p in self.network.parameters() if id(p) not in inside]
        groups = [{"params": rest, "share": 1.0}, {"params": backbone, "share": options.backbone_share}]
        self.optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, weight_decay=1e-4)
        self.step = self.scenes = 0
        if options.resume:
            self._restore(training.load_checkpoint(options.run / "last.pt"))
        freeze(self.network, options.frozen)
        self.trained = [p for p in self.network.parameters() if p.requires_grad]
        shape = (len(kept_depths(self.network, options.frozen)), 18 * 18 + 1, 384)
        self.rank, self.processes = _place_among_processes()
        self.cache = FeatureCache(options.run / f"states-{options.frozen}-{self.rank}.bin", options.cache, shape)
        self.generator = torch.Generator().manual_seed(options.seed + self.step + 1_000_000 * self.rank)

    def _restore(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.ema.state, self.ema.updates = saved["average"], saved["step"]
        shares = [group["share"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(saved["optimizer"])
        for group, share in zip(self.optimizer.param_groups, shares, strict=True):
            group["share"] = share
        self.step, self.scenes = saved["step"], saved["scenes"]

    def save(self) -> None:
        """Write the checkpoint; the cache is not part of it, it is filled again with the scenes that come next."""
        training.save_checkpoint(
            self.options.run / "last.pt",
            {
                "network": self.network.state_dict(),
                "average": self.ema.state,
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "scenes": self.scenes,
            },
        )

    def add_scenes(self, maker: SceneMaker, count: int) -> None:
        """Compose `count` new scenes and keep their states."""
        first = self.scenes + self.rank * count
        scenes = [maker.scene(first + i) for i in range(count)]
        pixels = torch.cat([preprocess(scene.image, 252) for scene in scenes])
        with runtime.autocast():
            states = frozen_states(self.network, pixels, self.options.frozen)
        self.cache.add(states, [target_of(scene) for scene in scenes])
        self.scenes += count * self.processes

    def learn(self, learning_rate: float) -> tuple[float, float]:
        """One optimiser step. Returns the loss and the gradient norm before clipping."""
        states, targets = self.cache.draw(self.options.batch, self.generator)
        loss = set_loss(self.network, states.float(), targets)
        self.optimizer.zero_grad()
        loss.backward()
        if self.processes > 1:
            _average_gradients(self.trained)
        norm = training.gradient_norm(self.network.parameters(), clip=self.options.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate * group["share"]
        self.optimizer.step()
        self.ema.update(self.network)
        self.step += 1
        return float(loss.detach()), norm


def _place_among_processes() -> tuple[int, int]:
    """This process's number and how many there are."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def _average_gradients(parameters: list[nn.Parameter]) -> None:
    """Put the mean over all processes in place of each gradient; parameters that no process used have none."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    parts = (flat / dist.get_world_size()).split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def freeze(network: RfDetrForObjectDetection, frozen: int) -> None:
    """Let the first `frozen` blocks of the backbone stay as they are, and its embeddings."""
    backbone = network.model.backbone.backbone
    backbone.requires_grad_(False)
    if frozen < len(backbone.encoder.layer):
        backbone.encoder.layer[frozen:].requires_grad_(True)
        backbone.layernorm.requires_grad_(True)


def fit(options: argparse.Namespace) -> Iterator[training.TrainStep]:
    """Train until `options.steps`, saving every two minutes; yields one report a step."""
    recipe = Recipe(options)
    maker = training_maker(options.data)
    start_from_states(recipe.network, options.frozen)
    recipe.network.train()
    schedule = training.Trapezoid(options.learning_rate, 200, options.steps, options.cooldown)
    saved = time.monotonic()
    while len(recipe.cache.targets) < options.first:
        recipe.add_scenes(maker, 4)
    while recipe.step < options.steps:
        start = time.monotonic()
        if recipe.step % options.every == 0:
            recipe.add_scenes(maker, 4)
        rate = schedule(recipe.step)
        loss, norm = recipe.learn(rate)
        pictures = options.batch * recipe.processes
        yield training.TrainStep(recipe.step, loss, norm, rate, pictures / (time.monotonic() - start))
        if recipe.rank == 0 and time.monotonic() - saved > SAVE_SECONDS:
            recipe.save()
            saved = time.monotonic()
    if recipe.rank == 0:
        recipe.save()


def inference_state(average: dict[str, torch.Tensor], queries: int) -> dict[str, torch.Tensor]:
    """The averaged weights with the first group of queries only: the others serve training alone."""
    state = {}
    for name, tensor in average.items():
        parts = name.split(".")
        if parts[1].startswith("enc_out") and parts[2] != "0":
            continue
        state[name] = tensor[:queries] if parts[1] in ("reference_point_embed", "query_feat") else tensor
    return state


def export(run: Path, data: Path) -> Path:
    """Write the averaged network of the last checkpoint to assets/weights/, float16, one query group.

    `trained_on.txt` beside it lists the keys of the hands that were trained on: see
    `models.recipes.detection.evaluate`.
    """
    config = build_config(CLASSES, groups=1)
    state = inference_state(training.load_checkpoint(run / "last.pt")["average"], config.num_queries)
    content = config.to_dict() | {"architectures": ["RfDetrForObjectDetection"], "dtype": "float16"}
    keys = [hand.key for hand in load_hands(data / "hand_digits.parquet") if not is_held_out(hand.key)]
    folder = weights.EMBEDDED / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trained_on.txt").write_text("\n".join(keys) + "\n")
    return training.export(NAME, state, content, half=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files named in the model card")
    parser.add_argument("--backbone", type=Path, help="folder with DINOv2 ViT-S/14 as model.safetensors")
    parser.add_argument(
        "--weights", type=Path, help="folder with exported weights to go on from, in place of a backbone"
    )
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoint and cache")
    parser.add_argument("--frozen", type=int, default=12, help="backbone blocks that stay as they are")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--cooldown", type=int, default=0, help="steps of the final fall of the learning rate")
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    parser.add_argument("--backbone-share", type=float, default=0.1, help="the backbone's part of the learning rate")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--groups", type=int, default=3)
    parser.add_argument("--cache", type=int, default=2500, help="scenes kept")
    parser.add_argument("--first", type=int, default=200, help="scenes before the first step")
    parser.add_argument("--every", type=int, default=4, help="four new scenes every so many steps")
    parser.add_argument("--clip", type=float, default=0.1)
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--export", action="store_true", help="only export the last checkpoint")
    options = parser.parse_args()
    if not (options.export or options.backbone or options.weights):
        parser.error("a training starts from --backbone or from --weights")
    return options


def _run(rank: int, options: argparse.Namespace) -> None:
    """One process of the training; the first one reports."""
    if options.processes > 1:
        meeting = f"file://{(options.run / 'meeting').absolute()}"
        dist.init_process_group("gloo", meeting, rank=rank, world_size=options.processes)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    losses: list[float] = []
    speeds: list[float] = []
    for report in fit(options):
        losses.append(report.loss)
        speeds.append(report.examples_per_second)
        if rank == 0 and report.step % 50 == 0:
            print(
                f"step {report.step} loss {np.mean(losses[-50:]):.3f} norm {report.gradient_norm:.2f} "
                f"rate {report.learning_rate:.1e} {np.mean(speeds[-50:]):.1f} pictures/s",
                flush=True,
            )


def main() -> None:
    """The command line described at the top of this module."""
    options = _arguments()
    if options.export:
        print(export(options.run, options.data))
        return
    options.run.mkdir(parents=True, exist_ok=True)
    (options.run / "meeting").unlink(missing_ok=True)
    torch.multiprocessing.spawn(_run, (options,), nprocs=options.processes)


if __name__ == "__main__":
    main()
