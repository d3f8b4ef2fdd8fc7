"""A running training: loss, gradient norm, gradient over distance, and what the network writes meanwhile."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from demos.views.chart import Chart, Series
from demos.wire import view

if TYPE_CHECKING:
    from models.sequences.live import History, LiveTraining
    from models.sequences.recorded import Recorded

MAX_POINTS = 240
MAX_SAMPLES = 12
MAX_LOSS_BITS = 16
SMALLEST_GRADIENT = 1e-12

Points = list[tuple[float, float]]


@view
class Sample:
    """What the network wrote after so many steps."""

    steps: int
    text: str


@view
class LearningView:
    """A training as far as it has come (`training_curves`). samples: the newest first.

    loss: in bits per character; norm: of the gradient; distance: gradient norm by characters back
    largest, factor: a sentence each on the largest norm and on what a character back makes of the gradient
    """

    loss: Chart
    norm: Chart
    distance: Chart
    samples: list[Sample]
    largest: str
    factor: str


def view_of_training(job: "LiveTraining | Recorded", before: "History | None" = None) -> LearningView:
    """The curves of a training.

    `before` is the history of the run before, drawn beside this one. Curves longer than `MAX_POINTS` are thinned: the
    mean of the losses, the largest of the gradient norms of neighbouring steps. Only finite numbers are sent.
    """
    history = job.history
    return LearningView(
        loss=_loss_chart(job, before),
        norm=_norm_chart(history, before),
        distance=_distance_chart(history),
        samples=[Sample(steps, text) for steps, text in history.samples[: -MAX_SAMPLES - 1 : -1]],
        largest=_largest_norm(history),
        factor=_factor_sentence(history),
    )


def _loss_chart(job: "LiveTraining | Recorded", before: "History | None") -> Chart:
    history = job.history
    last = max(1, job.steps_done)
    loss = [(step.step, step.loss) for step in history.steps]
    series = [
        Series("training", "memory", "", thin(loss, _mean)),
        Series("held out", "prediction", "7 3", thin(history.held_out, _mean)),
        *(
            Series(name, "noise", dash, [(0, bits), (last, bits)])
            for (name, bits), dash in zip(job.baselines().items(), ("2 4", "8 3 2 3"), strict=True)
        ),
    ]
    if before:
        earlier = [(step.step, step.loss) for step in before.steps if step.step <= last]
        series.append(Series("training, run before", "input", "10 4 2 4", thin(earlier, _mean)))
    largest = max((y for line in series for _, y in line.points), default=0)
    high = min(MAX_LOSS_BITS, math.ceil(largest))
    return Chart(series, "steps", "bits per character", low=0, high=high, marks=list(history.marks))


def _norm_chart(history: "History", before: "History | None") -> Chart:
    last = max(1, len(history.steps))
    norms = [(step.step, step.gradient_norm) for step in history.steps]
    series = [Series("gradient norm", "key", "", thin(norms, max))]
    if before:
        earlier = [(step.step, step.gradient_norm) for step in before.steps if step.step <= last]
        series.append(Series("run before", "input", "10 4 2 4", thin(earlier, max)))
    return _log_chart(series, "steps", history.marks)


def _distance_chart(history: "History") -> Chart:
    chosen = [
        ("at the start", "noise", "2 4", history.distances[:1]),
        ("now", "memory", "", history.distances[1:][-1:]),
    ]
    series = [
        Series(f"{name} (step {steps:,})", color, dash, _finite(enumerate(norms.tolist())))
        for name, color, dash, measured in chosen
        for steps, norms in measured
    ]
    return _log_chart(series, "characters back", ())


def _log_chart(series: list[Series], x: str, marks: Sequence[tuple[float, str]]) -> Chart:
    """Gradient norms on a logarithmic scale of whole decades around all points."""
    values = [math.log10(y) for line in series for _, y in line.points if y > 0] or [0.0]
    low = math.floor(min(values))
    high = max(low + 1, math.ceil(max(values)))
    return Chart(series, x, "gradient norm", log=True, low=low, high=high, marks=list(marks))


def thin(points: Sequence[tuple[float, float]], merge: Callable[[list[float]], float]) -> Points:
    """At most `MAX_POINTS` points: neighbours become one, with the last of their x and `merge` of their y."""
    size = math.ceil(len(points) / MAX_POINTS) or 1
    groups = (_finite(points[first : first + size]) for first in range(0, len(points), size))
    return [(group[-1][0], _short(merge([y for _, y in group]))) for group in groups if group]


def _finite(points: Iterable[tuple[float, float]]) -> Points:
    return [(x, max(float(y), SMALLEST_GRADIENT)) for x, y in points if math.isfinite(y)]


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


def sentence_of_recorded(recorded: "Recorded") -> str:
    """What a recorded training came to: on the text, on the part of it that was held out, and whether it began to learn
    by heart.
    """
    history, last = recorded.history, recorded.history.steps[-50:]
    learned = _mean([step.loss for step in last])
    (_, first), (_, now) = history.held_out[0], history.held_out[-1]
    at, least = min(history.held_out, key=lambda measured: measured[1])
    heart = f"; it was least, {least:.2f}, at step {at:,}: since then it learns by heart" if least < now - 0.02 else ""
    return (
        f"Recorded beforehand: {recorded.run.title}, {recorded.steps_done:,} steps in {recorded.run.seconds:.0f} s on "
        f"{recorded.text.capitalize()}. Held-out surprise fell from {first:.2f} to {now:.2f} bits a character{heart}; "
        f"on what it learns from it is {learned:.2f}."
    )
