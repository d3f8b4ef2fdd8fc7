"""What every training recipe shares: step report, learning-rate trapezoid, checkpoints, averages, export."""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from models import weights

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


def follow(
    reports: Iterable[TrainStep],
    run: Path,
    state: Callable[[], dict[str, Any]],
    figures: Callable[[float], dict[str, float]],
) -> None:
    """Take the steps of a training: a line now and then, a checkpoint every few minutes and at the end.

    `state()` is what the checkpoint holds; `figures(mean loss since the last checkpoint)` is printed with it.
    """
    last_save, losses, step = time.monotonic(), [], 0

    def save() -> None:
        save_checkpoint(run / "checkpoint.pt", state())
        measured = {name: round(value, 4) for name, value in figures(sum(losses) / len(losses)).items()}
        print(json.dumps({"step": step, **measured, "cpu_seconds": round(time.process_time())}), flush=True)

    for report in reports:
        losses.append(report.loss)
        step = report.step
        if step % STEPS_BETWEEN_LINES == 0:
            print(
                f"step {step}  loss {report.loss:.3f}  |g| {report.gradient_norm:.2f}  "
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
