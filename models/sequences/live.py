"""Train a small network on a visitor's own text, and see at every step what training is: loss, gradient, samples.

Truncated backpropagation through time on random windows of `WINDOW` characters, each read from a fresh state. The last
tenth of the text is held out, so that learning by heart can be told from learning to write. Beside the loss, the
gradient itself is measured: its norm before clipping at every step, and now and then how it grows or shrinks on its
way back through time, which is why plain recurrent networks are hard to train (Bengio et al. 1994; Pascanu et al. 2013,
"On the difficulty of training recurrent neural networks").
"""

import copy
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import training
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number, check_text
from models.sequences.bits import bits_per_character
from models.text.recurrent import CellName, CharacterNetwork, Config
from models.text.symbols import ALPHABET, START, UNKNOWN, encode
from models.training import TrainStep

OptimizerName = Literal["AdamW", "SGD"]

MIN_CHARACTERS = 200
MAX_CHARACTERS = 100_000
WINDOW = 64
BATCH = 32
HELD_OUT_SHARE = 0.1
MAX_HELD_OUT = 2_000
MAX_STEPS = 20_000
STEPS_BETWEEN_MEASUREMENTS = 50
EARLY_MEASUREMENTS = (0, 10, 25)
SAMPLE_CHARACTERS = 160
SAMPLE_TEMPERATURE = 0.7
DISTANCE_WINDOWS = 8
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class Settings:
    """What a training is begun with. Only `learning_rate` and `clip` may be changed while it runs.

    clip: the largest norm a gradient may have (longer ones are shortened to it), or None: no clipping
    gain: at the start every matrix from memory to memory is a random rotation times this number, so that a signal that
        goes round once is made that much larger (Saxe et al. 2014)
    """

    cell: CellName = "lstm"
    units: int = 128
    learning_rate: float = 0.005
    optimizer: OptimizerName = "AdamW"
    clip: float | None = 1.0
    gain: float = 1.0
    seed: int = 0


def check_settings(
    cell: object, units: object, learning_rate: object, optimizer: object, clip: object, gain: object, seed: object
) -> Settings:
    """Settings from values that come from outside. Raises `InputError` for a bad one."""
    return Settings(
        cast(CellName, check_choice(cell, ("rnn", "gru", "lstm"), name="The cell")),
        check_integer(units, name="The number of units", low=16, high=256),
        check_learning_rate(learning_rate),
        cast(OptimizerName, check_choice(optimizer, ("AdamW", "SGD"), name="The optimizer")),
        check_clip(clip),
        check_number(gain, name="The recurrent gain", low=0.1, high=5),
        check_integer(seed, name="The seed", low=0, high=MAX_SEED),
    )


def check_learning_rate(value: object) -> float:
    """A learning rate. Raises `InputError`."""
    return check_number(value, name="The learning rate", low=1e-5, high=100)


def check_clip(value: object) -> float | None:
    """A norm to clip at, or None for no clipping. Raises `InputError`."""
    return None if value is None else check_number(value, name="The norm to clip at", low=0.01, high=100)


@dataclass
class History:
    """All that was seen: one entry a step, and what was measured now and then, each with the steps done before it.

    held_out: bits per character on the part kept out of training
    samples: `SAMPLE_CHARACTERS` characters written with the same dice every time
    distances: [WINDOW] float64, see `gradient_by_distance`
    marks: what the visitor changed
    """

    steps: list[TrainStep] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)
    samples: list[tuple[int, str]] = field(default_factory=list)
    distances: list[tuple[int, np.ndarray]] = field(default_factory=list)
    marks: list[tuple[int, str]] = field(default_factory=list)


class LiveTraining:
    """A network, its optimiser and a text; `fit` yields one `TrainStep` a step, its loss in bits per character.

    It may be left and taken up again at any step. One lock lets one step happen at a time, whoever asks for it.
    No `Trainer`: rate and clipping are changed by hand on the way, and a step without finite gradient is not taken.
    Raises `InputError` for a text that is too short, too long or mostly outside the alphabet.
    """

    def __init__(self, text: str, settings: Settings, device: torch.device | None = None) -> None:
        symbols, self.unknown = _check_symbols(text)
        cut = len(symbols) - max(1, round(HELD_OUT_SHARE * len(symbols)))
        self.train_part = symbols[:cut].to(device)
        self.held_out_part = symbols[cut:][:MAX_HELD_OUT].to(device)
        self.settings = settings
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.network = fresh_network(settings, self.generator).to(device)
        self.optimizer = _optimizer(settings, self.network)
        self.history = History()
        self.ended = ""
        self._lock = threading.Lock()

    @property
    def steps_done(self) -> int:
        """Optimiser steps so far."""
        return len(self.history.steps)

    def change(self, *, learning_rate: float, clip: float | None) -> None:
        """Go on with another learning rate or norm to clip at; a change is marked in the history."""
        for what, before, now in (
            ("learning rate", self.settings.learning_rate, learning_rate),
            ("clipping at", self.settings.clip, clip),
        ):
            if now != before:
                text = "clipping off" if now is None else f"{what} {now:g}"
                self.history.marks.append((self.steps_done, text))
        self.settings = replace(self.settings, learning_rate=learning_rate, clip=clip)

    def fit(self) -> Iterator[TrainStep]:
        """Train until the training has `ended`: at `MAX_STEPS`, or where loss or gradient are no longer finite."""
        while not self.ended:
            with self._lock:
                if self._measurement_is_due():
                    self.measure()
                step = self._step()
            yield step

    def kept_network(self) -> CharacterNetwork:
        """A copy of the network as it is now, in evaluation mode and without gradients."""
        with self._lock:
            return copy.deepcopy(self.network).eval().requires_grad_(False)

    def baselines(self) -> dict[str, float]:
        """Bits per character on the held-out part of two predictors that read nothing.

        "uniform": every character is as likely as any other. "letter frequencies": those of the training part, each
        character counted once more than it occurs.
        """
        counts = torch.bincount(self.train_part.cpu(), minlength=len(ALPHABET)).double() + 1
        bits = -(counts / counts.sum()).log2()[self.held_out_part.cpu()].mean()
        return {"uniform": math.log2(len(ALPHABET)), "letter frequencies": float(bits)}

    def _step(self) -> TrainStep:
        start, settings = time.perf_counter(), self.settings
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate
        starts = torch.randint(len(self.train_part) - WINDOW, (BATCH,), generator=self.generator)
        window = self._windows(starts)
        logits, _ = self.network(window[:-1], self.network.fresh_state(BATCH))
        loss = F.cross_entropy(logits.flatten(0, 1), window[1:].flatten())
        self.optimizer.zero_grad()
        loss.backward()
        norm = training.gradient_norm(self.network.parameters(), clip=settings.clip or math.inf)
        if math.isfinite(norm) and math.isfinite(loss.item()):
            self.optimizer.step()
        rate = BATCH * WINDOW / (time.perf_counter() - start)
        step = TrainStep(self.steps_done + 1, loss.item() / math.log(2), norm, settings.learning_rate, rate)
        self.history.steps.append(step)
        self.ended = _why_ended(step)
        return step

    def _windows(self, starts: Tensor) -> Tensor:
        """Symbols [WINDOW + 1, B] from each of `starts` [B] on."""
        return self.train_part[(torch.arange(WINDOW + 1)[:, None] + starts).to(self.train_part.device)]

    def _measurement_is_due(self) -> bool:
        done = self.steps_done
        return done in EARLY_MEASUREMENTS or done % STEPS_BETWEEN_MEASUREMENTS == 0

    def measure(self) -> None:
        """Add to the history what is measured now and then, unless it was measured at this very step."""
        done, history = self.steps_done, self.history
        if history.held_out and history.held_out[-1][0] == done:
            return
        self.network.eval()
        history.held_out.append((done, bits_per_character(self.network, self.held_out_part)))
        history.samples.append((done, write(self.network, seed=self.settings.seed)))
        starts = torch.linspace(0, len(self.train_part) - WINDOW - 1, DISTANCE_WINDOWS).long()
        history.distances.append((done, gradient_by_distance(self.network, self._windows(starts))))


def _check_symbols(text: object) -> tuple[Tensor, int]:
    """A line break and the text as symbols, int64, and how many of its characters are unknown."""
    text = check_text(text, name="The text", max_chars=MAX_CHARACTERS)
    if len(text) < MIN_CHARACTERS:
        raise InputError(f"The text has {len(text)} characters; training needs at least {MIN_CHARACTERS}.")
    encoded = encode(START + text)
    if encoded.unknown > len(text) / 2:
        raise InputError(
            f"{encoded.unknown:,} of the {len(text):,} characters are outside the alphabet of the network (English "
            "letters, digits, punctuation): there would be little to learn."
        )
    return torch.from_numpy(encoded.symbols), encoded.unknown


def fresh_network(settings: Settings, generator: torch.Generator) -> CharacterNetwork:
    """A network that has learned nothing: PyTorch's uniform weights, rotations times `gain` from memory to memory.

    An LSTM starts with forget gates near sigmoid(1): remember until told otherwise (Jozefowicz et al. 2015).
    """
    network = CharacterNetwork(Config(settings.cell, settings.units))
    bound = 1 / math.sqrt(settings.units)
    with torch.no_grad():
        for parameter in network.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        for gate in network.recurrent.weight_hh_l0.split(settings.units):
            nn.init.orthogonal_(gate, settings.gain, generator=generator)
        if settings.cell == "lstm":
            network.recurrent.bias_ih_l0[settings.units : 2 * settings.units] = 1.0
            network.recurrent.bias_hh_l0[settings.units : 2 * settings.units] = 0.0
    return network


def _optimizer(settings: Settings, network: nn.Module) -> torch.optim.Optimizer:
    if settings.optimizer == "SGD":
        return torch.optim.SGD(network.parameters(), settings.learning_rate)
    return torch.optim.AdamW(network.parameters(), settings.learning_rate, betas=(0.9, 0.99), weight_decay=0.01)


def _why_ended(step: TrainStep) -> str:
    if not (math.isfinite(step.loss) and math.isfinite(step.gradient_norm)):
        return (
            f"The gradients exploded at step {step.step:,}: the loss or the gradient is no longer a finite number. "
            "Turn clipping on or lower the learning rate, and start again."
        )
    if step.step >= MAX_STEPS:
        return f"{MAX_STEPS:,} steps are done, the most this page trains."
    return ""


def gradient_by_distance(network: CharacterNetwork, windows: Tensor) -> np.ndarray:
    """How large the gradient of the last loss still is after going back d characters, [T] float64, d = 0 .. T - 1.

    Entry d is || d loss_T / d h_(T-d) ||, the mean over the B windows of `windows` [T + 1, B]: loss_T is the surprise
    of the last character in nats, h_(T-d) the hidden state d characters before the one that predicts it. A straight
    line on a logarithmic scale means a constant factor a step: below 1 the gradient vanishes, above 1 it explodes.
    """
    state, hidden = network.fresh_state(windows.shape[1]), []
    with torch.enable_grad():
        for symbols in windows[:-1]:
            state = network.step(symbols, state).state
            hidden.append(state.hidden)
        loss = F.cross_entropy(network.output(state.hidden), windows[-1], reduction="sum")
        gradients = torch.autograd.grad(loss, hidden)
    return np.array([g.cpu().double().norm(dim=-1).mean().item() for g in reversed(gradients)])


@torch.inference_mode()
def write(
    network: CharacterNetwork,
    *,
    seed: int,
    count: int = SAMPLE_CHARACTERS,
    temperature: float = SAMPLE_TEMPERATURE,
) -> str:
    """`count` characters from a fresh state, drawn with the same dice whatever the network has learned.

    The random numbers u_t depend on `seed` only; the character at t is where u_t falls in the distribution, in the
    order of the alphabet. `UNKNOWN` is never drawn.
    """
    dice = np.random.default_rng(seed).random(count)
    device = network.output.weight.device
    symbol, state, written = ALPHABET.index(START), network.fresh_state(), []
    for u in dice:
        step = network.step(torch.tensor(symbol, device=device), state)
        state = step.state
        weights = (step.logits.cpu().double() / temperature).softmax(-1).numpy()
        weights[ALPHABET.index(UNKNOWN)] = 0.0
        edges = weights.cumsum()
        symbol = min(int(np.searchsorted(edges, u * edges[-1], side="right")), len(ALPHABET) - 1)
        written.append(ALPHABET[symbol])
    return "".join(written)
