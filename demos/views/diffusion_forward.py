"""The forward process at one time: pictures, shares, curves and a histogram for the browser."""

import numpy as np

from demos.sentences import percent
from demos.views.diffusion import NOISE_RANGE, as_picture, sheet
from demos.wire import view
from models.diffusion.forward import SCHEDULES, NoisyPicture, SmallSteps, schedule_called
from models.diffusion.schedule import TRAINING_STEPS

BINS = 41
CURVE_STRIDE = 9  # 0, 9, .. 999: both ends are on the curve


@view
class NoisyView:
    """A picture, noise, and their sum at time t (`noise_view`); `clean`, `noise` and `noisy` are addresses of pictures.

    alpha_bar: share of variance that is picture.
    signal, noise_share: x_t = signal x_0 + noise_share noise.
    signal_to_noise: ratio of variances.
    values: how many numbers the picture has.
    curves: alpha_bar of every schedule at times from 0 to 999, evenly spaced.
    histogram: density of the colours of x_t around `centres`; a standard normal distribution's mean and deviation
        would be 0 and 1.
    said: what is left of the picture, in one sentence.
    steps, step_times: the way there in small steps, pictures side by side, and their times.
    step_said: that the small steps come to the one jump, in one sentence.
    """

    clean: str
    noise: str
    noisy: str
    schedule: str
    t: int
    alpha_bar: float
    signal: float
    noise_share: float
    signal_to_noise: float
    values: int
    curves: dict[str, list[float]]
    histogram: list[float]
    centres: list[float]
    mean: float
    deviation: float
    said: str
    steps: str
    step_times: list[int]
    step_said: str


def view_of_noisy(rgba: np.ndarray, noisy: NoisyPicture, small: SmallSteps) -> NoisyView:
    """The sum that makes `rgba [size, size, 4]` uint8 noisy, its colours then, and the same in small steps."""
    colors = noisy.x_t[:3]
    counts, edges = np.histogram(colors, bins=BINS, range=(-NOISE_RANGE, NOISE_RANGE), density=True)
    return NoisyView(
        clean=sheet(rgba[None]),
        noise=sheet(as_picture(noisy.epsilon[None], NOISE_RANGE)),
        noisy=sheet(as_picture(noisy.x_t[None], 1.0)),
        schedule=noisy.schedule,
        t=noisy.t,
        alpha_bar=noisy.alpha_bar,
        signal=noisy.signal,
        noise_share=noisy.noise,
        signal_to_noise=noisy.signal_to_noise,
        values=noisy.x_t.size,
        curves={name: _curve(name) for name in SCHEDULES},
        histogram=[round(float(count), 4) for count in counts],
        centres=[round(float(edge), 3) for edge in (edges[:-1] + edges[1:]) / 2],
        mean=float(colors.mean()),
        deviation=float(colors.std()),
        said=_sentence(noisy),
        steps=sheet(as_picture(small.frames, 1.0)),
        step_times=list(small.times),
        step_said=_in_small_steps(noisy, small),
    )


def _sentence(noisy: NoisyPicture) -> str:
    flat = min(noisy.x_0[:3].std(), noisy.x_t[:3].std()) == 0
    alike = "" if flat else f"; its colours still correlate with those of the picture: {_correlation(noisy):.2f}"
    return (
        f"At t = {noisy.t} of {TRAINING_STEPS - 1} ({noisy.schedule}) {percent(noisy.alpha_bar)} of the variance is "
        "the "
        f"picture's{alike}."
    )


def _in_small_steps(noisy: NoisyPicture, small: SmallSteps) -> str:
    steps = f"{small.count:,} small steps, each with noise of its own, come" if small.count > 1 else "One step comes"
    return (
        f"{steps} to the same: {noisy.signal:.3f} times the picture and {noisy.noise:.3f} times one noise, of mean "
        f"{small.noise_mean:.2f} and deviation {small.noise_deviation:.2f} (the jump draws it with 0 and 1)."
    )


def _correlation(noisy: NoisyPicture) -> float:
    return float(np.corrcoef(noisy.x_0[:3].ravel(), noisy.x_t[:3].ravel())[0, 1])


def _curve(name: str) -> list[float]:
    return [round(float(share), 5) for share in schedule_called(name).alphas_cumprod[::CURVE_STRIDE]]
