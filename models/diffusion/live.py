"""Train a diffusion model while somebody watches: a few million weights, a handful of pictures, two minutes.

The same loss and optimisers as the full recipe, on pictures of 16 x 16 or 32 x 32, from random weights or from
the embedded model. Everything runs on the CPU: networks this small gain little from anything else, and what is trained
stays in this process (`models.diffusion.trained`).
"""

import copy
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from models import stops, weights
from models.compute import compute
from models.diffusion.data import ANY_CLASS, to_signal
from models.diffusion.learning import Recipe, make_optimizers, sprite_loss
from models.diffusion.network import Config, SpriteUNet, channels_last, load_network
from models.diffusion.pictures import shrink_square
from models.diffusion.schedule import (
    TRAINING_STEPS,
    add_noise,
    cosine_schedule,
    from_velocity,
    velocity,
    velocity_of_noise,
)
from models.diffusion.sprites import NAME, load_sprites
from models.diffusion.trace import DenoisingStep, Plan, denoise, finished_sprites, first_noise, trace_denoising
from models.diffusion.trained import TRAINED, Settings, Trained
from models.errors import InputError
from models.training import Ema, TrainStep, gradient_norm

SMALL = Config(classes=(), widths=(48, 96), blocks=1, embedding=128)
RATES = {"noise": 3e-3, "embedded": 1e-3}
BATCHES = {"noise": 32, "embedded": 16}
WARMUP, EMA_DECAY = 10, 0.98
SAMPLES, SAMPLE_STEPS = 8, 12
REPORT_SECONDS, SAMPLE_SECONDS, SAMPLE_SHARE = 0.7, 4.0, 0.15
CLASS_SPRITES, CLASS_BATCH, CLASS_STEPS = 32, 8, 12


@dataclass(frozen=True)
class Samples:
    """Pictures from noise that is always the same, `rgba [N, size, size, 4] uint8`.

    nearest: the nearest picture it was given to each, of the same shape.
    distances: `[N]`, their root mean square difference, 0 to 255.
    """

    rgba: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray


def blur_distance(rgba: np.ndarray) -> float:
    """How far the mean of pictures `[N, size, size, 4] uint8` is from the nearest of them, 0 to 255.

    A sample that is nearer than that shows one of them, and not what they have in common. 0 for a single picture.
    """
    signal = to_signal(rgba)
    return float(np.sqrt(np.square(signal - signal.mean(0)).mean((1, 2, 3)).min()) * 127.5)


@dataclass(frozen=True)
class Progress:
    """What a training has come to.

    step, seconds: how many steps it has taken, and for how long it has run.
    loss, gradient_norm: means over the steps since the last report; None where there were none.
    samples: what it draws now, every few seconds.
    parameters: number of scalars that it trains.
    """

    step: int
    seconds: float
    loss: float | None
    gradient_norm: float | None
    samples: Samples | None
    parameters: int


@dataclass(frozen=True)
class TrainingExample:
    """One training step taken apart. Arrays are `[4, size, size] float32`; `t` in 0..999; losses are unweighted.

    `x_t` is `x_0` with `epsilon` in it; `said` what the network says and `target` what it should say, v or epsilon as
    `predicts` tells; `x_0_predicted` and `epsilon_predicted` are what its answer means. `loss_after` is the loss on the
    same picture, time and noise when the optimiser has moved every weight once, at the rate of a training's first step.
    """

    t: int
    x_0: np.ndarray
    epsilon: np.ndarray
    x_t: np.ndarray
    predicts: str
    said: np.ndarray
    target: np.ndarray
    x_0_predicted: np.ndarray
    epsilon_predicted: np.ndarray
    loss: float
    gradient_norm: float
    loss_after: float


class LiveTraining:
    """Network, optimisers and average of one training; `network_for_sampling` is the average.

    No `Trainer`: it ends when its time is over, keeps no checkpoint, and one picture is traced with the same update.
    """

    def __init__(self, settings: Settings, rgba: np.ndarray, stopped: Callable[[], bool] = lambda: False) -> None:
        """`rgba [N, size, size, 4] uint8`, the pictures to learn; `stopped`: whether it is to end."""
        if rgba.shape[1:] != (settings.size, settings.size, 4) or not len(rgba):
            raise InputError("There is nothing to train on: choose a class or upload pictures.")
        self.settings, self.rgba = settings, rgba
        self.signal = torch.from_numpy(to_signal(rgba))
        self.network = first_network(settings)
        self.optimizers = _optimizers(self.network, settings.start)
        self.ema = Ema(self.network, EMA_DECAY)
        self.random = torch.Generator().manual_seed(settings.seed)
        self.step = 0
        self.stopped = stopped

    def fit(self) -> Iterator[TrainStep]:
        """Train until time or steps are over or it is `stopped`, one `TrainStep` a step."""
        deadline = time.monotonic() + self.settings.seconds
        while time.monotonic() < deadline and self.step < self.settings.steps and not self.stopped():
            yield self._step()

    def _step(self) -> TrainStep:
        start, batch = time.perf_counter(), BATCHES[self.settings.start]
        x_0 = self.signal[torch.randint(len(self.signal), (batch,), generator=self.random)]
        t = torch.randint(TRAINING_STEPS, (batch,), generator=self.random)
        epsilon = torch.randn(x_0.shape, generator=self.random)
        rate = _rate(self.settings.start, self.step)
        loss, norm = _update(self.network.train(), self.optimizers, x_0, t, epsilon, rate)
        self.ema.update(self.network)
        self.step += 1
        return TrainStep(self.step, loss, norm, rate, batch / (time.perf_counter() - start))

    def network_for_sampling(self) -> SpriteUNet:
        """A network of its own with the averaged weights as they are now."""
        network = channels_last(SpriteUNet(self.network.config))
        network.load_state_dict(self.ema.state)
        return network.eval().requires_grad_(False)


def first_network(settings: Settings) -> SpriteUNet:
    """The network a training begins with: the embedded one, or one with random weights of the seed."""
    if settings.start == "embedded":
        return load_network(weights.folder(NAME))
    torch.manual_seed(settings.seed)
    return channels_last(SpriteUNet(replace(SMALL, predicts=settings.target)))


def _optimizers(network: SpriteUNet, start: str) -> list[torch.optim.Optimizer]:
    return make_optimizers(network, Recipe(learning_rate=RATES[start]))


def _rate(start: str, step: int) -> float:
    return RATES[start] * min(1.0, (step + 1) / WARMUP)


def _update(
    network: SpriteUNet,
    optimizers: list[torch.optim.Optimizer],
    x_0: Tensor,
    t: Tensor,
    epsilon: Tensor,
    rate: float,
) -> tuple[float, float]:
    """One optimiser step without classes: the loss before it, and the gradient's norm before clipping."""
    classless = torch.full((len(x_0),), network.no_class)
    loss = sprite_loss(network, x_0, classless, t, epsilon)
    network.zero_grad()
    loss.backward()
    norm = gradient_norm(network.parameters(), clip=1.0)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
    return loss.item(), norm


def trace_training_step(network: SpriteUNet, rgba: np.ndarray, t: int, seed: int, start: str) -> TrainingExample:
    """The four parts of one training step on one picture `[size, size, 4] uint8`, on a copy of `network`."""
    student = copy.deepcopy(network).requires_grad_(True).train()
    x_0, time_t = torch.from_numpy(to_signal(rgba[None])), torch.tensor([t])
    epsilon = torch.randn(x_0.shape, generator=torch.Generator().manual_seed(seed))
    schedule = cosine_schedule()
    x_t, target = add_noise(schedule, x_0, epsilon, time_t), velocity(schedule, x_0, epsilon, time_t)
    of_noise = student.config.predicts == "epsilon"
    target = epsilon if of_noise else target

    def answer() -> Tensor:
        with torch.no_grad():
            return student(x_t, time_t, torch.tensor([student.no_class])).float()

    said = answer()
    v = velocity_of_noise(schedule, x_t, said, time_t) if of_noise else said
    x_0_predicted, epsilon_predicted = from_velocity(schedule, x_t, v, time_t)
    _, norm = _update(student, _optimizers(student, start), x_0, time_t, epsilon, _rate(start, 0))
    return TrainingExample(
        t,
        x_0=x_0[0].numpy(),
        epsilon=epsilon[0].numpy(),
        x_t=x_t[0].numpy(),
        predicts=student.config.predicts,
        said=said[0].numpy(),
        target=target[0].numpy(),
        x_0_predicted=x_0_predicted[0].numpy(),
        epsilon_predicted=epsilon_predicted[0].numpy(),
        loss=_squared_error(said, target),
        gradient_norm=norm,
        loss_after=_squared_error(answer(), target),
    )


def _squared_error(said: Tensor, target: Tensor) -> float:
    return (said - target).square().mean().item()


def sample_pictures(network: SpriteUNet, size: int, *, count: int = SAMPLES, steps: int = SAMPLE_STEPS) -> np.ndarray:
    """Pictures from noise that is always the same, `[count, size, size, 4] uint8`."""
    *_, last = _sampling(network, size, count, steps)
    return finished_sprites(last.x_0)


def _sampling(
    network: SpriteUNet, size: int, count: int = SAMPLES, steps: int = SAMPLE_STEPS
) -> Iterator[DenoisingStep]:
    plan = Plan(ANY_CLASS, count, steps, seed=0, guidance=1, size=size)
    return denoise(network, plan, first_noise(count, plan.seed, size))


def nearest_pictures(rgba: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of `rgba [N, size, size, 4]` the nearest of `known`, and their root mean square difference of 255."""
    signal, known_signal = (to_signal(a).reshape(len(a), -1) for a in (rgba, known))
    squared = np.square(signal[:, None] - known_signal[None]).mean(2)
    return known[squared.argmin(1)], np.sqrt(squared.min(1)) * 127.5


@compute(heavy=True)
def class_sprites(sprite_class: str, size: int) -> Iterator[np.ndarray]:
    """Sprites of a class made by the embedded model, a batch at a time, `[CLASS_BATCH, size, size, 4] uint8`.

    An empty batch comes after every step of a batch, so that a visitor who leaves stops the work.
    """
    network, nothing = load_sprites().network, np.empty((0, size, size, 4), np.uint8)
    for seed in range(CLASS_SPRITES // CLASS_BATCH):
        x_0 = None
        for step in trace_denoising(network, sprite_class, CLASS_BATCH, CLASS_STEPS, seed):
            x_0 = step.x_0
            yield nothing
        assert x_0 is not None
        yield np.stack([shrink_square(sprite, size) for sprite in finished_sprites(x_0)])


@compute
def training_example(network: str, rgba: np.ndarray, seed: int, name: str = "") -> TrainingExample:
    """One training step of a network that stays as it is, at a time drawn from the seed.

    network: "noise" (random weights), "embedded", or "trained", the one kept under `name`, which learns from one of its
        own pictures. The others learn from `rgba [32, 32, 4] uint8`.
    """
    t = int(np.random.default_rng(seed).integers(TRAINING_STEPS))
    if network == "trained":
        trained = TRAINED.find(name)
        return trace_training_step(
            trained.network, trained.rgba[seed % len(trained.rgba)], t, seed, trained.settings.start
        )
    if network == "embedded":
        loaded = load_sprites()
        on_cpu = loaded.network if loaded.device == "cpu" else load_network(weights.folder(NAME))
        return trace_training_step(on_cpu, rgba, t, seed, network)
    first = first_network(Settings(size=16, start="noise", seed=seed))
    return trace_training_step(first, shrink_square(rgba, 16), t, seed, network)


@compute(heavy=True)
def train_live(settings: Settings, rgba: np.ndarray, name: str) -> Iterator[Progress]:
    """Train on `rgba [N, size, size, 4] uint8`; closing it, or a wish for `name` in `models.stops`, ends it. What it
    has learned is kept as `name`.

    Reports several times a second, with samples every few seconds and at both ends. Raises `InputError` where there is
    nothing to learn.
    """
    training = LiveTraining(settings, rgba, lambda: stops.asked(name))
    try:
        yield from _reports(training)
    finally:
        stops.forget(name)
        if training.step:
            TRAINED.put(Trained(training.network_for_sampling(), settings, rgba, training.step), name)


def _reports(training: LiveTraining) -> Iterator[Progress]:
    began = time.perf_counter()
    yield _progress(training, began, [], (yield from _samples(training, began)))
    reported, due, steps = 0.0, SAMPLE_SECONDS, list[TrainStep]()
    for step in training.fit():
        steps.append(step)
        elapsed = time.perf_counter() - began
        if elapsed <= reported + REPORT_SECONDS:
            continue
        samples = (yield from _samples(training, began)) if elapsed > due else None
        if samples:
            due = elapsed + max(SAMPLE_SECONDS, (time.perf_counter() - began - elapsed) / SAMPLE_SHARE)
        yield _progress(training, began, steps, samples)
        reported, steps = elapsed, []
    yield _progress(training, began, steps, (yield from _samples(training, began)))


def _progress(training: LiveTraining, began: float, steps: list[TrainStep], samples: Samples | None) -> Progress:
    return Progress(
        step=training.step,
        seconds=time.perf_counter() - began,
        loss=float(np.mean([step.loss for step in steps])) if steps else None,
        gradient_norm=float(np.mean([step.gradient_norm for step in steps])) if steps else None,
        samples=samples,
        parameters=sum(parameter.numel() for parameter in training.network.parameters()),
    )


def _samples(training: LiveTraining, began: float) -> Generator[Progress, None, Samples]:
    """What the network makes now; a report after every step, so that a visitor who leaves stops the work."""
    x_0 = None
    for step in _sampling(training.network_for_sampling(), training.settings.size):
        x_0 = step.x_0
        yield _progress(training, began, [], None)
    assert x_0 is not None
    rgba = finished_sprites(x_0)
    return Samples(rgba, *nearest_pictures(rgba, training.rgba))
