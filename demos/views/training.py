"""From a running training to what the browser draws: loss, gradient norm, gradient over distance, samples."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.sequences.live import History, LiveTraining

MAX_POINTS = 240
MAX_SAMPLES = 12
MAX_LOSS_BITS = 16
SMALLEST_GRADIENT = 1e-12

Points = list[list[float]]


def draw_training(job: "LiveTraining", before: "History | None" = None) -> dict[str, object]:
    """The value of the `training_curves` component.

    `before` is the history of the run before, drawn beside this one. Curves longer than `MAX_POINTS` are thinned: the
    mean of the losses, the largest of the gradient norms of neighbouring steps. Only finite numbers are sent.
    """
    history = job.history
    return {
        "loss": _loss_chart(job, before),
        "norm": _norm_chart(history, before),
        "distance": _distance_chart(history),
        "samples": [{"steps": steps, "text": text} for steps, text in history.samples[: -MAX_SAMPLES - 1 : -1]],
        "largest": _largest_norm(history),
        "factor": _factor_sentence(history),
        "ended": job.ended,
    }


def _loss_chart(job: "LiveTraining", before: "History | None") -> dict[str, object]:
    history = job.history
    last = max(1, job.steps_done)
    loss = [(step.step, step.loss) for step in history.steps]
    series = [
        _series("training", "memory", "", thin(loss, _mean)),
        _series("held out", "prediction", "7 3", thin(history.held_out, _mean)),
        *(
            _series(name, "noise", dash, [[0, bits], [last, bits]])
            for (name, bits), dash in zip(job.baselines().items(), ("2 4", "8 3 2 3"), strict=True)
        ),
    ]
    if before:
        earlier = [(step.step, step.loss) for step in before.steps if step.step <= last]
        series.append(_series("training, run before", "input", "10 4 2 4", thin(earlier, _mean)))
    largest = max((y for line in series for _, y in line["points"]), default=0)
    high = min(MAX_LOSS_BITS, math.ceil(largest))
    return _chart(series, history, "steps", "bits per character", low=0, high=high)


def _norm_chart(history: "History", before: "History | None") -> dict[str, object]:
    last = max(1, len(history.steps))
    norms = [(step.step, step.gradient_norm) for step in history.steps]
    series = [_series("gradient norm", "key", "", thin(norms, max))]
    if before:
        earlier = [(step.step, step.gradient_norm) for step in before.steps if step.step <= last]
        series.append(_series("run before", "input", "10 4 2 4", thin(earlier, max)))
    return {**_chart(series, history, "steps", "gradient norm"), **_decades(series)}


def _distance_chart(history: "History") -> dict[str, object]:
    chosen = [
        ("at the start", "noise", "2 4", history.distances[:1]),
        ("now", "memory", "", history.distances[1:][-1:]),
    ]
    series = [
        _series(f"{name} (step {steps:,})", color, dash, _finite(enumerate(norms)))
        for name, color, dash, measured in chosen
        for steps, norms in measured
    ]
    return {"series": series, "x": "characters back", "y": "gradient norm", **_decades(series)}


def _decades(series: list[dict[str, Any]]) -> dict[str, object]:
    """A logarithmic scale of whole decades around all points."""
    values = [math.log10(y) for line in series for _, y in line["points"] if y > 0] or [0.0]
    low = math.floor(min(values))
    return {"log": True, "low": low, "high": max(low + 1, math.ceil(max(values)))}


def _chart(series: list[dict[str, Any]], history: "History", x: str, y: str, **more: object) -> dict[str, object]:
    return {"series": series, "x": x, "y": y, "marks": [list(mark) for mark in history.marks], **more}


def _series(name: str, color: str, dash: str, points: Points) -> dict[str, Any]:
    return {"name": name, "color": color, "dash": dash, "points": points}


def thin(points: Sequence[tuple[float, float]], merge: Callable[[list[float]], float]) -> Points:
    """At most `MAX_POINTS` points: neighbours become one, with the last of their x and `merge` of their y."""
    size = math.ceil(len(points) / MAX_POINTS) or 1
    groups = (_finite(points[first : first + size]) for first in range(0, len(points), size))
    return [[group[-1][0], _short(merge([y for _, y in group]))] for group in groups if group]


def _finite(points: "Sequence[tuple[float, float]] | enumerate[float]") -> Points:
    return [[x, max(float(y), SMALLEST_GRADIENT)] for x, y in points if math.isfinite(y)]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def _largest_norm(history: "History") -> str:
    finite = [step for step in history.steps if math.isfinite(step.gradient_norm)]
    if not finite:
        return ""
    largest = max(finite, key=lambda step: step.gradient_norm)
    norm = largest.gradient_norm
    return f"Largest norm: {f'{norm:,.0f}' if 100 <= norm < 1e9 else f'{norm:.3g}'}, at step {largest.step:,}."


def _factor_sentence(history: "History") -> str:
    """By which factor the gradient changes a character, in words."""
    if not history.distances:
        return ""
    norms = history.distances[-1][1]
    near, far = float(norms[0]), float(norms[-1])
    if not (math.isfinite(near) and math.isfinite(far) and near > 0):
        return "The gradient can no longer be measured."
    if far < SMALLEST_GRADIENT:
        return f"Of the gradient nothing measurable is left {len(norms) - 1} characters back: it vanishes."
    factor = (far / near) ** (1 / (len(norms) - 1))
    verdict = "it explodes" if factor > 1 else "it vanishes" if factor < 0.95 else "it lasts"
    return f"From character to character back in time the gradient is multiplied by {factor:.3g} on average: {verdict}."
