"""What every training recipe shares: the trainer, learning-rate trapezoid, averages, checkpoints, export."""

import argparse
import copy
import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models import runtime, weights
from models.muon import Muon

STEPS_BETWEEN_LINES = 50
SECONDS_BETWEEN_CHECKPOINTS = 180


@dataclass(frozen=True)
class TrainStep:
    """One optimiser step: loss in the recipe's own unit, gradient norm before clipping."""

    step: int
    loss: float
    gradient_norm: float
    learning_rate: float
    examples_per_second: float


@dataclass(frozen=True)
class Trapezoid:
    """Warm-up, constant, linear cool-down: training can go on for as long as one likes and end when told.

    Source: Hägele et al. 2024, "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", section 3.
    """

    peak: float
    warmup_steps: int
    total_steps: int
    cooldown_steps: int = 0

    def __call__(self, step: int) -> float:
        """Learning rate of step `step` (counted from 0)."""
        rise = min(1.0, (step + 1) / max(1, self.warmup_steps))
        fall = min(1.0, max(0.0, self.total_steps - step) / max(1, self.cooldown_steps))
        return self.peak * min(rise, fall)

    def cooling(self, step: int) -> bool:
        """Whether step `step` (counted from 0) is part of the cool-down."""
        return step >= self.total_steps - self.cooldown_steps


class Ema:
    """Exponential moving average of a network's parameters and buffers, with the warm-up of Karras et al. (2024)."""

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.state = {name: t.detach().float().clone() for name, t in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: torch.nn.Module) -> None:
        """Move the average towards the network's present values."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, tensor in network.state_dict().items():
            self.state[name].lerp_(tensor.detach().float(), 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        """The average and how many updates it has seen."""
        return {"state": self.state, "updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where `state_dict` was taken."""
        self.state, self.updates = state["state"], state["updates"]


Network = TypeVar("Network", bound=nn.Module)


class Trainer(ABC, Generic[Network]):
    """A training: what learns, how, and where it stands. A recipe adds what it learns from: the `loss` of a step.

    What a step draws follows from `steps_done`, from torch's random numbers or from `own_state`: a training that is
    resumed is then the same training.
    """

    loss_unit: ClassVar[float] = 1.0
    """What a reported loss is divided by: log 2 turns nats into bits."""

    def __init__(
        self,
        network: Network,
        optimizers: Mapping[str, torch.optim.Optimizer],
        schedule: Trapezoid,
        *,
        clip: float = 1.0,
        ema_decay: float | None = None,
        bfloat16: bool = False,
    ) -> None:
        """A training before its first step.

        Args:
            network: what learns, and what is averaged and saved.
            optimizers: by name. The learning rate of a group is the `lr` it was made with times `schedule(step)`.
            schedule: its peak is the learning rate itself where the optimisers are made with `lr=1.0`.
            clip: L2 norm that the gradients are clipped to.
            ema_decay: of the moving average of the weights; None: there is none.
            bfloat16: whether `loss` is computed under autocast on the CPU.
        """
        self.network, self.optimizers, self.schedule = network, dict(optimizers), schedule
        self.peaks = {name: [group["lr"] for group in o.param_groups] for name, o in optimizers.items()}
        self.clip, self.bfloat16 = clip, bfloat16
        self.ema = None if ema_decay is None else Ema(network, ema_decay)
        self.steps_done, self.stopped = 0, False

    @abstractmethod
    def loss(self) -> tuple[Tensor, int]:
        """The loss of step `steps_done`, scalar, and how many examples it was taken over."""

    def own_state(self) -> dict[str, Any]:
        """What a recipe adds to its checkpoints."""
        return {}

    def load_own_state(self, state: dict[str, Any]) -> None:
        """Go back to where `own_state` was taken; `state` is the whole checkpoint."""

    def fit(self) -> Iterator[TrainStep]:
        """Train to the end of the schedule, or until `stopped` is set."""
        while self.steps_done < self.schedule.total_steps and not self.stopped:
            yield self.step()

    def step(self) -> TrainStep:
        """One optimiser step. It reports the highest learning rate of all groups."""
        start, rate = time.perf_counter(), self._set_learning_rates()
        self.network.train()
        with runtime.autocast(wanted=self.bfloat16):
            loss, examples = self.loss()
        self.network.zero_grad()
        loss.backward()
        norm = gradient_norm(self.network.parameters(), clip=self.clip)
        for optimizer in self.optimizers.values():
            optimizer.step()
        if self.ema:
            self.ema.update(self.network)
        self.steps_done += 1
        seconds = time.perf_counter() - start
        return TrainStep(self.steps_done, loss.item() / self.loss_unit, norm, rate, examples / seconds)

    def _set_learning_rates(self) -> float:
        share, groups = self.schedule(self.steps_done), []
        for name, optimizer in self.optimizers.items():
            groups += optimizer.param_groups
            for group, peak in zip(optimizer.param_groups, self.peaks[name], strict=True):
                group["lr"] = share * peak
        return max(group["lr"] for group in groups)

    def weights(self) -> dict[str, Tensor]:
        """The weights to use: the moving average, or the network's own where there is none."""
        return self.ema.state if self.ema else self.network.state_dict()

    def averaged_network(self) -> Network:
        """A network of its own with the weights to use, in evaluation mode."""
        network = copy.deepcopy(self.network)
        network.load_state_dict(self.weights())
        return network.eval()

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on as if nothing had happened."""
        return {
            "network": self.network.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "ema": self.ema and self.ema.state_dict(),
            "steps_done": self.steps_done,
            "random": torch.get_rng_state(),
            **self.own_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where `state_dict` was taken."""
        self.network.load_state_dict(state["network"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        if self.ema:
            self.ema.load_state_dict(state["ema"])
        self.steps_done = state["steps_done"]
        torch.set_rng_state(state["random"])
        self.load_own_state(state)

    def resume(self, path: Path) -> None:
        """Go on from the checkpoint at `path`."""
        self.load_state_dict(load_checkpoint(path))


def muon_and_adam(
    network: nn.Module, peaks: Mapping[str, float], inner: Callable[[str, nn.Parameter], bool]
) -> dict[str, torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the matrices that `inner(name, parameter)` names, AdamW for the rest.

    `peaks`: learning rates of "muon" and "adam".
    """
    named = list(network.named_parameters())
    matrices = [p for name, p in named if inner(name, p)]
    others = [p for name, p in named if not inner(name, p)]
    return {
        "muon": Muon(matrices, peaks["muon"], weight_decay=0.02),
        "adam": torch.optim.AdamW(others, lr=peaks["adam"], betas=(0.9, 0.98), weight_decay=0.0),
    }


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values atomically: a training killed while it saves keeps its last checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    os.replace(partial, path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote; nothing but tensors and plain values is accepted."""
    return torch.load(path, map_location="cpu", weights_only=True)


def recipe_parser(description: str, *, steps: int, cooldown: int) -> argparse.ArgumentParser:
    """The options that every recipe's command line has, with its own numbers of steps."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--cooldown", type=int, default=cooldown)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--export", action="store_true", help="only write the checkpoint's weights to assets")
    return parser


Figures = Callable[[float], dict[str, float]]
"""From the mean loss since the last checkpoint to what is printed with the next."""


def run_recipe(job: Trainer[Any], options: argparse.Namespace, figures: Figures, done: Callable[[], Any]) -> None:
    """What the options of `recipe_parser` ask for: begin or go on from the checkpoint, train, export by `done()`."""
    checkpoint = options.run / "checkpoint.pt"
    if options.resume or options.export:
        job.resume(checkpoint)
    if not options.export:
        follow(job, checkpoint, figures)
    done()


def follow(job: Trainer[Any], checkpoint: Path, figures: Figures) -> None:
    """Train to the end: a line now and then, a checkpoint with figures every few minutes and at the end."""
    last_save, losses = time.monotonic(), []

    def save() -> None:
        save_checkpoint(checkpoint, job.state_dict())
        measured = {name: round(value, 4) for name, value in figures(sum(losses) / len(losses)).items()}
        print(json.dumps({"step": job.steps_done, **measured, "cpu_seconds": round(time.process_time())}), flush=True)

    for report in job.fit():
        losses.append(report.loss)
        if report.step % STEPS_BETWEEN_LINES == 0:
            print(
                f"step {report.step}  loss {report.loss:.3f}  |g| {report.gradient_norm:.2f}  "
                f"lr {report.learning_rate:.2e}  {report.examples_per_second:,.0f} examples/s",
                flush=True,
            )
        if time.monotonic() - last_save > SECONDS_BETWEEN_CHECKPOINTS:
            save()
            last_save, losses = time.monotonic(), []
    if losses:
        save()


def export(name: str, state: dict[str, torch.Tensor], config: dict[str, Any], *, half: bool = False) -> Path:
    """Write `assets/weights/<name>/` (config.json, model.safetensors) atomically and refresh the manifest.

    `half` stores floating-point tensors as float16. Returns the folder.
    """
    folder = weights.EMBEDDED / name
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: _compact(tensor, half=half) for key, tensor in state.items()}
    save_file(tensors, folder / "model.partial", metadata={"format": "pt"})
    (folder / "config.partial").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    (folder / "model.partial").chmod(0o644)  # safetensors makes it private; a container's user must read it too
    os.replace(folder / "model.partial", folder / "model.safetensors")
    os.replace(folder / "config.partial", folder / "config.json")
    weights.record(name)
    return folder


def _compact(tensor: torch.Tensor, *, half: bool) -> torch.Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if half and tensor.is_floating_point() else tensor


def gradient_norm(parameters: Iterable[torch.nn.Parameter], *, clip: float) -> float:
    """Total L2 norm of the gradients before they are clipped to `clip`."""
    return float(torch.nn.utils.clip_grad_norm_(parameters, clip))
