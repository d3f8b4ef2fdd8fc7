"""Denoising steps as a film of small pictures, the arithmetic of one pixel, and how new finished sprites are."""

import base64
import html
import io
from dataclasses import field
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from demos.sentences import percent
from demos.wire import picture, view
from models.diffusion.data import CLASSES
from models.diffusion.samplers import combine
from models.diffusion.schedule import TRAINING_STEPS, Schedule, cosine_schedule, timesteps

if TYPE_CHECKING:
    from models.diffusion.edits import Entry
    from models.diffusion.novelty import Nearest
    from models.diffusion.trace import DenoisingStep

NOISE_RANGE = 3.0
NOISE_SHADES = 32
SUSPICIOUS_SHARE = 0.05


@view
class StepView:
    """One step of a film. Pictures of a run lie side by side on a sheet; `x_t`, `noise` and `x_0` are its addresses.

    size: pixels a side of one picture.
    t, t_next: the step's time and the next one's, -1 for the end.
    signal, noise_share: x_t = signal x_0 + noise_share noise.
    terms, correction: the sampler's sums as (factor, name of what it multiplies).
    around: the sum where pixels are given, all around a hole; empty where none are.
    predicts: "v" or "epsilon", the noise: what the network says and the other two follow from; empty where it is not
        told, or where the prediction was corrected afterwards.
    difference: root mean square by which x_0 differs from that of the run that was forked; None where there is none.
    """

    size: int
    t: float
    t_next: float
    x_t: str
    noise: str
    x_0: str
    signal: float
    noise_share: float
    terms: list[tuple[float, str]]
    correction: list[tuple[float, str]]
    predicts: Literal["v", "epsilon", ""]
    difference: float | None
    around: list[tuple[float, str]] = field(default_factory=list)


@view
class ForkView:
    """What a run was forked from, at which place its own steps begin, and what they do differently, in words."""

    run: str
    place: int
    changed: str


@view
class FilmView:
    """The steps of a run made so far (`filmstrip`); of a fork only its own.

    run: name under which the server keeps it.
    count: how many pictures a sheet has.
    total: how many steps the run will have, those before a fork included.
    finding, first: once it is over, what is seen in it, and the place of the step that shows it; empty and None before.
    """

    run: str
    count: int
    total: int
    fork: ForkView | None
    steps: list[StepView]
    finding: str = ""
    first: int | None = None


@view
class PixelRow:
    """A line of the arithmetic of one pixel: red, green, blue and alpha, in about -1 to 1.

    factor: what the picture called `of` was multiplied with; None for a sum.
    """

    factor: float | None
    of: str
    values: list[float]


@view
class PixelView:
    """The arithmetic of one step at one pixel, with the numbers that were computed."""

    caption: str
    rows: list[PixelRow]


def view_of_step(step: "DenoisingStep", schedule: Schedule, original: "DenoisingStep | None" = None) -> StepView:
    """A step, beside the `original` that it forked from.

    The noise is shown in `NOISE_SHADES` shades a colour, as random pictures cannot be compressed; x_t and x_0 exactly.
    """
    from models.diffusion.trace import finished_sprites

    return StepView(
        size=step.x_t.shape[-1],
        t=step.t,
        t_next=step.t_next,
        x_t=sheet(as_picture(step.x_t, 1.0)),
        noise=sheet(_fewer_shades(as_picture(step.epsilon, NOISE_RANGE))),
        x_0=sheet(finished_sprites(step.x_0, step.given)),
        signal=float(schedule.signal(step.t)),
        noise_share=float(schedule.noise(step.t)),
        terms=[(term.factor, term.of) for term in step.update.step],
        correction=[(term.factor, term.of) for term in step.update.correction],
        predicts=step.predicts,  # pyright: ignore[reportArgumentType]  # one of the two
        difference=None if original is None else float(np.sqrt(np.square(step.x_0 - original.x_0).mean())),
        around=[(term.factor, term.of) for term in step.around],
    )


def view_of_pixel(step: "DenoisingStep", sprite: int, row: int, column: int) -> PixelView:
    """The arithmetic of one step for the four channels of one pixel: from v to x_0 and noise, and to the next x.

    Of a pixel that is given: how it is made noisy for the next step.
    """
    given = step.given is not None and bool(step.given[row, column])
    rows = [] if given else _rows_of_v(step, sprite, row, column)
    sums = (("next", step.around),) if given else (("corrected", step.update.correction), ("next", step.update.step))
    for left, terms in sums:
        for term in terms:
            values = step.pictures[term.of][sprite, :, row, column]
            rows.append(PixelRow(term.factor, term.of, values.tolist()))
        if terms:
            rows.append(PixelRow(None, left, combine(terms, step.pictures)[sprite, :, row, column].tolist()))
    where = ", given, around the hole" if given else ""
    caption = f"Step {step.index + 1}, sprite {sprite + 1}, row {row + 1}, column {column + 1}{where}"
    return PixelView(caption, rows)


def _rows_of_v(step: "DenoisingStep", sprite: int, row: int, column: int) -> list[PixelRow]:
    """Both conversions of v at one pixel: x_0 = signal x_t - noise v, epsilon = noise x_t + signal v.

    Of a network that says the noise, the one that gives x_0 = (x_t - noise epsilon) / signal.
    """
    if step.v is None or not step.predicts:
        return []
    schedule, rows = cosine_schedule(), []
    signal, noise = float(schedule.signal(step.t)), float(schedule.noise(step.t))
    x_t, v = (array[sprite, :, row, column].astype(np.float64) for array in (step.x_t, step.v))
    if step.predicts == "epsilon":
        said = noise * x_t + signal * v
        rows = [PixelRow(1 / signal, "x_t", x_t.tolist()), PixelRow(-noise / signal, "said", said.tolist())]
        return [*rows, PixelRow(None, "x_0_of_v", ((x_t - noise * said) / signal).tolist())]
    for name, (of_x_t, of_v) in (("x_0_of_v", (signal, -noise)), ("epsilon_of_v", (noise, signal))):
        rows += [PixelRow(of_x_t, "x_t", x_t.tolist()), PixelRow(of_v, "v", v.tolist())]
        rows.append(PixelRow(None, name, (of_x_t * x_t + of_v * v).tolist()))
    return rows


def preview(x_0: np.ndarray) -> str:
    """Predicted sprites `[N, 4, size, size]` side by side as a PNG data address."""
    from models.diffusion.trace import finished_sprites

    buffer = io.BytesIO()
    Image.fromarray(side_by_side(finished_sprites(x_0))).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def html_of_entry(entry: "Entry", strength: float) -> str:
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
            f"where {percent(share)} of the variance is still picture."
        )
    return (
        f'<div class="gb-entry"><img src="{sheet(as_picture(entry.x_t[:1], 1.0))}" alt="the picture as it enters">'
        f'<div><div class="gb-timeline" role="img" aria-label="the noise timeline" style="--place:{x:.2f}%">{ticks}'
        '<b></b><s></s></div><p class="gb-ends"><span>noise, t = 999</span><span>picture</span></p>'
        f"<p>{words}</p></div></div>"
    )


def html_of_nearest(rgba: np.ndarray, nearest: "Nearest") -> str:
    """HTML: each sprite `[N, 32, 32, 4]` with its nearest training sprite, the distance, and how usual that is."""
    rows = []
    for number, sprite in enumerate(rgba):
        share = float(nearest.share_nearer[number])
        word = "suspiciously near" if share < SUSPICIOUS_SHARE else "as new as real ones" if share > 0.25 else "near"
        name = f"{nearest.names[number]} ({CLASSES[int(nearest.labels[number])]})"
        rows.append(
            f'<tr><td><img src="{sheet(sprite[None])}" alt="sprite {number + 1}"></td><td>{html.escape(name)}</td>'
            f"<td>{nearest.distances[number]:.3g}</td><td>{percent(share)}</td><td>{word}</td></tr>"
        )
    heads = ("sprite", "nearest training sprite", "distance", "held-out sprites as near or nearer", "")
    return _nearest_table(heads, rows)


def html_of_known(rgba: np.ndarray, nearest: np.ndarray, distances: np.ndarray) -> str:
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


def _fewer_shades(pixels: np.ndarray) -> np.ndarray:
    width = 256 // NOISE_SHADES
    return pixels // width * width + width // 2


def side_by_side(pictures: np.ndarray) -> np.ndarray:
    """`[N, size, size, channels]` as one sheet `[size, N size, channels]`."""
    return np.concatenate(list(pictures), axis=1)


def sheet(pictures: np.ndarray) -> str:
    """Address of `[N, size, size, 3 or 4]` uint8 side by side."""
    return picture(side_by_side(pictures))
