"""A training step in numbers, and a training as pictures and curves, for the browser."""

from typing import TYPE_CHECKING, Any

import numpy as np

from demos.views.diffusion import sheet
from models.diffusion.schedule import cosine_schedule

if TYPE_CHECKING:
    from models.diffusion.live import TrainingExample

DATA_SHOWN = 32
MAX_POINTS = 200


def draw_example(example: "TrainingExample") -> dict[str, Any]:
    """All numbers of one training step: each picture as a flat list, channel by channel, row by row."""
    pictures = {
        "x0": example.x_0,
        "epsilon": example.epsilon,
        "xt": example.x_t,
        "v": example.v,
        "target": example.target,
        "x0Predicted": example.x_0_predicted,
    }
    schedule = cosine_schedule()
    return {
        "size": example.x_0.shape[-1],
        "t": example.t,
        "signal": float(schedule.signal(example.t)),
        "noise": float(schedule.noise(example.t)),
        "values": {name: np.round(picture, 3).ravel().tolist() for name, picture in pictures.items()},
        "loss": example.loss,
        "gradientNorm": example.gradient_norm,
        "lossAfter": example.loss_after,
    }


def draw_data(rgba: np.ndarray) -> dict[str, Any]:
    """The pictures of a training, `[N, size, size, 4] uint8`: the first few, and how many there are."""
    shown = min(len(rgba), DATA_SHOWN)
    more = f", {shown} shown" if shown < len(rgba) else ""
    size = rgba.shape[1]
    return {"data": sheet(rgba[:shown]), "dataShown": shown, "about": f"({len(rgba)}{more}, {size} x {size} pixels)"}


def draw_samples(
    rgba: np.ndarray, nearest: np.ndarray, distance: np.ndarray, step: int, seconds: float
) -> dict[str, Any]:
    """Samples `[N, size, size, 4] uint8` after `step` steps, the nearest known pictures and how near they are."""
    distances = [round(float(d)) for d in distance]
    return {"step": step, "seconds": seconds, "sheet": sheet(rgba), "nearest": sheet(nearest), "distances": distances}


def draw_curve(values: list[float]) -> list[list[float]]:
    """One value a step as at most `MAX_POINTS` points `[last step, mean]`, each the mean of its stretch."""
    stretches = np.array_split(np.asarray(values), min(len(values), MAX_POINTS)) if values else []
    ends = np.cumsum([len(stretch) for stretch in stretches])
    return [[int(end), round(float(stretch.mean()), 5)] for end, stretch in zip(ends, stretches, strict=True)]
