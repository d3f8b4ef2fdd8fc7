"""Trainings in front of visitors as jobs: begun, gone on with, paused, changed while they run, their network kept."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from models import runtime
from models.compute import Run, compute
from models.errors import InputError
from models.sequences.live import History, LiveTraining, Settings
from models.sequences.networks import OWN, OwnNetwork
from models.store import Store

RUN_SECONDS = 180
SECONDS_BETWEEN_STEPS = 0.5
BUDGET_BYTES = 256 * 2**20
MAX_AGE_SECONDS = 3600
COPIES = 4
"""An optimiser's two moments and the gradient are as large as the weights themselves."""


@dataclass
class Training:
    """What is kept of a training.

    before: the history of the visitor's training before this one; going: it trains, or waits for its turn
    left: another training has taken its place, nothing of it is shown any more
    seconds: trained so far; note: why it pauses, or empty
    """

    job: LiveTraining
    before: History | None = None
    going: bool = True
    left: bool = False
    seconds: float = 0.0
    note: str = ""

    @property
    def title(self) -> str:
        """What its network is called."""
        settings = self.job.settings
        return f"Yours: {settings.cell.upper()}, {settings.units} units, {self.job.steps_done:,} steps"

    def run(self) -> Run:
        """What trains here."""
        parameters = list(self.job.network.parameters())
        count = sum(parameter.numel() for parameter in parameters)
        return Run("yours", self.title, count, "trained in this tab", str(parameters[0].device), self.seconds)

    def advance(self, seconds: float) -> float:
        """Train for so long, or until paused. Returns steps a second."""
        started, done = time.monotonic(), self.job.steps_done
        for _ in self.job.fit():
            if not self.going or time.monotonic() - started > seconds:
                break
        took = time.monotonic() - started
        self.seconds += took
        return (self.job.steps_done - done) / took

    def pause(self, note: str = "") -> None:
        """Let it stop after the step it is at; nothing is lost."""
        self.going = False
        self.note = self.job.ended or note or f"Paused at step {self.job.steps_done:,}: press Continue to go on."


TRAININGS: Store[Training] = Store(
    "trainings of visitors",
    BUDGET_BYTES,
    size=lambda training: COPIES * sum(p.numel() * p.element_size() for p in training.job.network.parameters()),
    gone="There is no training yet, or it was left for more than an hour: press Train.",
    max_age=MAX_AGE_SECONDS,
)


@compute(stays=True)
def begin(text: str, settings: Settings, before: str | None = None) -> str:
    """A new training, kept under the name returned; the visitor's training before it stops and is drawn beside it.

    Raises `InputError` for a text that cannot be trained on.
    """
    training = Training(LiveTraining(text, settings, runtime.device()))
    if before in TRAININGS:
        earlier = TRAININGS.find(before)
        earlier.going, earlier.left = False, True
        training.before = earlier.job.history
    return TRAININGS.put(training)


def go_on(name: str, settings: Settings) -> None:
    """Let a paused training go on. Raises `InputError` where it has ended or other settings were chosen."""
    training = TRAININGS.find(name)
    if training.job.ended:
        raise InputError(training.job.ended)
    training.job.change(learning_rate=settings.learning_rate, clip=settings.clip)
    if settings != training.job.settings:
        raise InputError("Only learning rate and clipping can change during a run: press Start again for the rest.")
    training.going, training.note = True, ""


@dataclass(frozen=True)
class Progress:
    """steps_a_second: in the time since the last one."""

    steps_a_second: float


@compute(heavy=True, stays=True)
def train(name: str) -> Iterator[Progress]:
    """Train until paused, ended, or `RUN_SECONDS` have passed; yields about twice a second what `TRAININGS` can show.

    A training that nobody follows any more stops.
    """
    training, started = TRAININGS.find(name), time.monotonic()
    try:
        while training.going and not training.job.ended:
            rate = training.advance(SECONDS_BETWEEN_STEPS)
            if training.job.ended:
                training.pause()
            elif training.going and time.monotonic() - started > RUN_SECONDS:
                minutes = RUN_SECONDS // 60
                training.pause(f"Paused after {minutes} minutes, so that others can train too: press Continue.")
            if not training.left:
                yield Progress(rate)
    finally:
        training.going = False


def keep_network(name: str) -> str:
    """A copy of a training's network as it is now, for the other pages; returns the name it is kept under in `OWN`."""
    training = TRAININGS.find(name)
    return OWN.put(OwnNetwork(training.job.kept_network(), training.title))
