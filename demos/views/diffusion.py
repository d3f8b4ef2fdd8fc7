"""Denoising steps as small PNGs and plain numbers for the browser."""

import base64
import html
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from models.diffusion.data import CLASSES
from models.diffusion.samplers import combine
from models.diffusion.schedule import TRAINING_STEPS, Schedule, cosine_schedule, timesteps

if TYPE_CHECKING:
    from models.diffusion.edits import Entry
    from models.diffusion.novelty import Nearest
    from models.diffusion.trace import DenoisingStep

NOISE_RANGE = 3.0
SUSPICIOUS_SHARE = 0.05


def draw_step(step: "DenoisingStep", schedule: Schedule, original: "DenoisingStep | None" = None) -> dict[str, Any]:
    """One column of the film strip: three pictures of all sprites side by side, and the sampler's factors.

    Beside the `original` that it forked from: how much its predicted picture differs (root mean square).
    """
    from models.diffusion.trace import finished_sprites

    drawn = {
        "size": step.x_t.shape[-1],
        "t": step.t,
        "tNext": step.t_next,
        "xt": sheet(as_picture(step.x_t, 1.0)),
        "noise": sheet(as_picture(step.epsilon, NOISE_RANGE)),
        "x0": sheet(finished_sprites(step.x_0, step.given)),
        "signal": float(schedule.signal(step.t)),
        "noiseShare": float(schedule.noise(step.t)),
        "terms": [[term.factor, term.of] for term in step.update.step],
        "correction": [[term.factor, term.of] for term in step.update.correction],
    }
    if original is not None:
        drawn["difference"] = float(np.sqrt(np.square(step.x_0 - original.x_0).mean()))
    return drawn


PICTURE_NAMES = {
    "x_t": "x<sub>t</sub>",
    "x_0": "predicted x<sub>0</sub>",
    "epsilon": "predicted noise",
    "fresh": "fresh noise",
    "x_0_before": "x<sub>0</sub> predicted one step before",
    "x_0_before_that": "x<sub>0</sub> predicted two steps before",
    "x_before": "x of the step before",
    "x_corrected": "corrected x<sub>t</sub>",
}


def draw_pixel(step: "DenoisingStep", sprite: int, row: int, column: int) -> str:
    """HTML: the arithmetic of one step for the four channels of one pixel, with the numbers that were computed."""
    rows = []
    for left, terms in (("corrected x<sub>t</sub>", step.update.correction), ("next x", step.update.step)):
        for term in terms:
            values = step.pictures[term.of][sprite, :, row, column]
            rows.append(f"<tr><td>{term.factor:.4g} × {PICTURE_NAMES[term.of]}</td>{_cells(values)}</tr>")
        if terms:
            total = combine(terms, step.pictures)[sprite, :, row, column]
            rows.append(f'<tr class="gb-total"><th scope="row">= {left}</th>{_cells(total)}</tr>')
    head = "".join(f'<th scope="col">{name}</th>' for name in ("red", "green", "blue", "alpha"))
    caption = f"Step {step.index + 1}, sprite {sprite + 1}, row {row + 1}, column {column + 1}"
    return (
        f'<table class="gb-pixel"><caption>{caption}: values in about -1 to 1, colours multiplied by alpha</caption>'
        f'<thead><tr><th scope="col">factor × picture</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def _cells(values: np.ndarray) -> str:
    return "".join(f"<td>{value:.3f}</td>" for value in values)


def preview(x_0: np.ndarray) -> str:
    """Predicted sprites `[N, 4, size, size]` side by side as a PNG data address."""
    from models.diffusion.trace import finished_sprites

    return sheet(finished_sprites(x_0))


def draw_entry(entry: "Entry", strength: float) -> str:
    """HTML: the noise timeline from t = 999 to 0, where a picture enters it, and what the picture looks like there."""
    steps, times = entry.plan.steps, timesteps(entry.plan.steps)
    t = times[entry.first] if entry.first < steps else None
    x = 100.0 if t is None else 100 * (1 - (t + 1) / TRAINING_STEPS)
    ticks = "".join(f'<i style="left:{100 * (1 - (time + 1) / TRAINING_STEPS):.2f}%"></i>' for time in times)
    if t is None:
        words = f"Strength {strength:.2g}: none of {steps} steps is run; the picture comes back as it is."
    else:
        share = float(cosine_schedule().alpha_bar(t))
        words = (
            f"Strength {strength:.2g}: {steps - entry.first} of {steps} steps are run. The picture enters at t = {t}, "
            f"where {share:.0%} of the variance is still picture."
        )
    return (
        f'<div class="gb-entry"><img src="{sheet(as_picture(entry.x_t[:1], 1.0))}" alt="the picture as it enters">'
        f'<div><div class="gb-timeline" role="img" aria-label="the noise timeline" style="--place:{x:.2f}%">{ticks}'
        '<b></b><s></s></div><p class="gb-ends"><span>noise, t = 999</span><span>picture</span></p>'
        f"<p>{words}</p></div></div>"
    )


def draw_nearest(rgba: np.ndarray, nearest: "Nearest") -> str:
    """HTML: each sprite `[N, 32, 32, 4]` with its nearest training sprite, the distance, and how usual that is."""
    rows = []
    for number, sprite in enumerate(rgba):
        share = float(nearest.share_nearer[number])
        word = "suspiciously near" if share < SUSPICIOUS_SHARE else "as new as real ones" if share > 0.25 else "near"
        name = f"{nearest.names[number]} ({CLASSES[int(nearest.labels[number])]})"
        rows.append(
            f'<tr><td><img src="{sheet(sprite[None])}" alt="sprite {number + 1}"></td><td>{html.escape(name)}</td>'
            f"<td>{nearest.distances[number]:.3g}</td><td>{share:.0%}</td><td>{word}</td></tr>"
        )
    heads = ("sprite", "nearest training sprite", "distance", "held-out sprites as near or nearer", "")
    return _nearest_table(heads, rows)


def draw_known(rgba: np.ndarray, nearest: np.ndarray, distances: np.ndarray) -> str:
    """HTML: each picture `[N, size, size, 4]` beside the `nearest` of those a network was given, and how far it is."""
    rows = [
        f'<tr><td><img src="{sheet(made[None])}" alt="picture {number}"></td>'
        f'<td><img src="{sheet(known[None])}" alt="the nearest picture it was given"></td><td>{distance:.0f}</td></tr>'
        for number, (made, known, distance) in enumerate(zip(rgba, nearest, distances, strict=True), 1)
    ]
    heads = ("picture", "nearest picture it was given", "distance (root mean square, 0 to 255)")
    return _nearest_table(heads, rows)


def _nearest_table(heads: tuple[str, ...], rows: list[str]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return f'<table class="gb-pixel gb-nearest"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def as_picture(signal: np.ndarray, limit: float) -> np.ndarray:
    """Colours in -limit..limit (clipped): `[N, 4, size, size]` to `[N, size, size, 3]` uint8."""
    unit = (np.clip(signal[:, :3] / limit, -1, 1) + 1) / 2
    return np.rint(unit.transpose(0, 2, 3, 1) * 255).astype(np.uint8)


def sheet(pictures: np.ndarray) -> str:
    """`[N, size, size, 3 or 4]` uint8 side by side as a PNG data address."""
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(list(pictures), axis=1)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
