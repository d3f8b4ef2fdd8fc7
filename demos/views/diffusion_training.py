"""A training step in numbers, and a training as pictures and curves, for the browser."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from demos.sentences import percent
from demos.views.diffusion import sheet
from demos.wire import Float16, view
from models.diffusion.schedule import cosine_schedule

if TYPE_CHECKING:
    from models.diffusion.live import Samples, TrainingExample
    from models.diffusion.recorded import Look, Recorded

DATA_SHOWN = 32


@view
class ExampleView:
    """All numbers of one training step (`training_step`); each picture is `[4, size, size]`, red, green, blue, alpha.

    x_t = signal x_0 + noise_share epsilon; the network says `said` and should say `target`, v or the noise as
    `predicts` tells; `x_0_predicted` is the clean picture that its answer means. `loss_after`: the same picture, time
    and noise after one step of the optimiser.
    """

    size: int
    t: int
    signal: float
    noise_share: float
    x_0: Float16
    epsilon: Float16
    x_t: Float16
    predicts: Literal["v", "epsilon"]
    said: Float16
    target: Float16
    x_0_predicted: Float16
    loss: float
    gradient_norm: float
    loss_after: float


@view
class SamplesView:
    """Samples after some steps, side by side on a sheet, and below each the nearest picture it was given.

    sheet, nearest: addresses.
    distances: root mean square difference, 0 to 255.
    progress: how far the first sample that can be recognised is, in words.
    """

    step: int
    seconds: float
    sheet: str
    nearest: str
    distances: list[int]
    progress: str = ""


@view
class LearnedView:
    """The pictures of a training: the first `shown` of them on a sheet, and how many there are in words."""

    sheet: str
    shown: int
    about: str


@view
class SpriteTrainingView:
    """A training so far (`training_view`).

    losses, norms: (step, mean over the steps since the last point) of the loss and of the gradient's norm.
    """

    run: str
    learned: LearnedView
    losses: list[tuple[int, float]]
    norms: list[tuple[int, float]]
    samples: list[SamplesView]


def view_of_example(example: "TrainingExample") -> ExampleView:
    """One training step taken apart."""
    schedule = cosine_schedule()
    return ExampleView(
        size=example.x_0.shape[-1],
        t=example.t,
        signal=float(schedule.signal(example.t)),
        noise_share=float(schedule.noise(example.t)),
        x_0=example.x_0,
        epsilon=example.epsilon,
        x_t=example.x_t,
        predicts=example.predicts,  # pyright: ignore[reportArgumentType]  # one of the two
        said=example.said,
        target=example.target,
        x_0_predicted=example.x_0_predicted,
        loss=example.loss,
        gradient_norm=example.gradient_norm,
        loss_after=example.loss_after,
    )


def view_of_learned(rgba: np.ndarray) -> LearnedView:
    """The pictures of a training, `[N, size, size, 4] uint8`."""
    shown = min(len(rgba), DATA_SHOWN)
    more = f", {shown} shown" if shown < len(rgba) else ""
    size = rgba.shape[1]
    return LearnedView(sheet(rgba[:shown]), shown, f"({len(rgba)}{more}, {size} x {size} pixels)")


def view_of_recorded(recorded: "Recorded") -> SpriteTrainingView:
    """A training that was recorded beforehand, whole."""
    looks = views_of_looks(recorded)
    return SpriteTrainingView("recorded", view_of_learned(recorded.rgba), recorded.losses, recorded.norms, looks)


def sentence_of_recorded(recorded: "Recorded") -> str:
    """How near its samples came to what it learned, and that they are no copies where they are none."""
    first, last = (float(np.mean(look.distances)) for look in (recorded.looks[0], recorded.looks[-1]))
    return (
        f"Recorded beforehand: in {recorded.looks[-1].step:,} steps ({recorded.seconds:.0f} s) its samples went from "
        f"{first:.0f} to {last:.0f} of 255 away from the nearest {recorded.sprite_class} it was given, and its loss "
        f"from {recorded.losses[0][1]:.2f} to {recorded.losses[-1][1]:.2f}."
    )


def views_of_looks(recorded: "Recorded") -> list[SamplesView]:
    """The looks at a recorded training."""
    from models.diffusion.live import blur_distance

    first = float(recorded.looks[0].distances.min())
    found = FirstRecognised(blur_distance(recorded.rgba), first)
    return [view_of_samples(look, look.step, look.seconds, found) for look in recorded.looks]


@dataclass
class FirstRecognised:
    """How far a training is from the first sample that can be recognised.

    That is one nearer to a picture it was given than their average, a blur, is: `blur`, 0 where there is one picture.
    first: how far the nearest sample was at the start. reached: the step at which a look saw such a sample.
    """

    blur: float
    first: float | None = None
    reached: int | None = None

    def sentence(self, distances: np.ndarray, step: int) -> str:
        """What a look at the samples after `step` steps says."""
        nearest = float(distances.min())
        self.first = nearest if self.first is None else self.first
        if not self.blur:
            return f"The nearest sample is {nearest:.0f} from the picture, where it began {self.first:.0f} from it."
        near = int((distances < self.blur).sum())
        if near and self.reached is None:
            self.reached = step
        bar = f"than their average, a blur, is ({self.blur:.0f})"
        if self.reached is not None:
            first = f"the first was seen after {self.reached:,} steps"
            return f"{near} of {len(distances)} samples are nearer to a picture it was given {bar}; {first}."
        way = max(0.0, self.first - nearest) / (self.first - self.blur) if self.first > self.blur else 0.0
        to = f"to the first sample nearer to a picture it was given {bar}"
        return f"{percent(way)} of the way {to}: {nearest:.0f} so far."


def view_of_samples(samples: "Samples | Look", step: int, seconds: float, first: FirstRecognised) -> SamplesView:
    """Samples after `step` steps and `seconds`."""
    distances = [round(float(distance)) for distance in samples.distances]
    said = first.sentence(samples.distances, step)
    return SamplesView(step, seconds, sheet(samples.rgba), sheet(samples.nearest), distances, said)
