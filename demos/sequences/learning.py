"""What the page "Train one" answers: a training begun, followed, paused, changed, and its network kept."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.base import empty_strip, strip_of
from demos.finding import html_of_finding
from demos.inputs.session_file import fresh_folder, the_file
from demos.views.training import LearningView, sentence_of_recorded, view_of_training
from models.errors import InputError
from models.inputs import check_choice, check_flag, check_text

if TYPE_CHECKING:
    from models.sequences.live import Settings
    from models.sequences.trainings import Training

MAX_CHARS = 100_000
MEDIA = Path(__file__).parents[2] / "assets" / "media"
NETWORK_SOURCE = Path(__file__).parents[2] / "models" / "text" / "recurrent.py"


def _counting() -> str:
    return " ".join(str(number) for number in itertools.chain(range(1_000), range(1_000)))


def _file(path: Path) -> Callable[[], str]:
    return partial(path.read_text, encoding="utf-8")


TEXTS: dict[str, Callable[[], str]] = {
    "Alice in Wonderland": _file(MEDIA / "text-alice.txt"),
    "Nursery rhymes": _file(MEDIA / "text-rhymes.txt"),
    "Places that do not exist": _file(MEDIA / "text-places.txt"),
    "Python: the code of this network": _file(NETWORK_SOURCE),
    "Counting: 0 1 2 3": _counting,
}
FIRST_TEXT = next(iter(TEXTS))


@dataclass(frozen=True)
class Preset:
    """Values of all controls but the text, in their order on the page."""

    cell: str = "lstm"
    units: int = 128
    learning_rate: float = 0.005
    optimizer: str = "AdamW"
    clipping: bool = True
    clip: float = 1.0
    gain: float = 1.0
    seed: int = 0


DEFAULT = Preset()
EXPLOSION = Preset("rnn", 64, 1.0, "SGD", clipping=False, gain=2.2)


Buttons = tuple[gr.Button, gr.Button, gr.Button, gr.Button]
"""Go on, pause, start again, keep."""
Controls = tuple[object, ...]
"""Values of the text and of all controls of a `Preset`."""


def _check(values: Controls) -> "tuple[str, Settings]":
    """Text and settings from the values of all controls. Raises `InputError`."""
    from models.sequences.live import check_settings

    text, cell, units, learning_rate, optimizer, clipping, clip, gain, seed = values
    clip = _checked_clip(clipping, clip)
    text = check_text(text, name="The text", max_chars=MAX_CHARS)
    return text, check_settings(cell, units, learning_rate, optimizer, clip, gain, seed)


def _checked_clip(clipping: object, clip: object) -> float | None:
    from models.sequences.live import check_clip

    return check_clip(clip) if check_flag(clipping, name="Clipping") else None


def _training(name: object) -> "Training":
    from models.sequences.trainings import TRAININGS

    return TRAININGS.find(name)


def compute_start(*values: object) -> tuple[object, ...]:
    """A new network for the values of all controls; an earlier one stops. Returns (name, strip, *buttons)."""
    from models.sequences.trainings import begin

    *controls, before = values
    name = begin(*_check(tuple(controls)), before if isinstance(before, str) else None)
    return name, _waiting(), *_buttons(_training(name))


def compute_opening() -> tuple[object, ...]:
    """A training that was recorded beforehand, named as such. Returns (curves, strip, finding)."""
    from models.sequences.recorded import recorded

    made = recorded()
    facts = [("text", f"{made.characters:,} characters"), ("steps", f"{made.steps_done:,}")]
    note = "Recorded beforehand, not now: press Train, and a network of your own begins."
    strip = strip_of(made.run, more=facts, note=note)
    return view_of_training(made), strip, html_of_finding(sentence_of_recorded(made))


def compute_go_on(*values: object) -> tuple[object, ...]:
    """Go on with the training there is, or begin one. Returns (name, strip, *buttons)."""
    from models.sequences.trainings import TRAININGS, go_on

    *controls, name = values
    if not isinstance(name, str) or name not in TRAININGS:
        return compute_start(*values)
    go_on(name, _check(tuple(controls))[1])
    return name, _waiting(), *_buttons(_training(name))


def compute_training(name: str) -> Iterator[tuple[object, ...]]:
    """Train until paused, ended, or its time is over. Yields (curves, strip, *buttons) twice a second."""
    from models.sequences.trainings import train

    for progress in train(name):
        yield _shown(_training(name), progress.steps_a_second)


def _shown(training: "Training", speed: float | None = None) -> tuple[object, ...]:
    view: LearningView = view_of_training(training.job, training.before)
    return view, _strip(training, speed, training.note), *_buttons(training)


def view_pause(name: object) -> tuple[object, ...]:
    """Let the training stop after the step it is at; nothing is lost. Returns (curves, strip, *buttons)."""
    training = _training(name)
    training.pause()
    return _shown(training)


def view_change(learning_rate: object, clipping: object, clip: object, name: object) -> None:
    """Another learning rate or clipping from the next step on."""
    from models.sequences.live import check_learning_rate
    from models.sequences.trainings import TRAININGS

    rate, norm = check_learning_rate(learning_rate), _checked_clip(clipping, clip)
    if name in TRAININGS:
        _training(name).job.change(learning_rate=rate, clip=norm)


def view_text(name: object) -> str:
    """One of the texts to pick from."""
    return TEXTS[check_choice(name, TEXTS, name="The text to pick")]()


def view_keep(name: object) -> tuple[str, str]:
    """A copy of the network as it is now, for the other pages. Returns (name it is kept under, strip)."""
    from models.sequences.trainings import keep_network

    training = _training(name)
    own = keep_network(str(name))
    note = f"Kept: “{training.title}” can now be chosen as the model on the other pages of this tab."
    return own, _strip(training, None, note)


def save_own(own: object) -> Any:
    """The network that was kept for the other pages, as a file in Gradio's cache."""
    if own is None:
        raise InputError("Press “Keep it for the other pages” first: what is kept there is saved.")
    from models.sequences import own_file
    from models.sequences.networks import OWN

    return gr.update(value=str(own_file.save(OWN.find(own), fresh_folder())), visible=True)


def load_own(files: list[str]) -> tuple[Any, Any]:
    """A network that was kept as a file: (its name, strip)."""
    if not files:
        return gr.skip(), gr.skip()
    from models.sequences import own_file
    from models.sequences.networks import OWN

    name = own_file.load(the_file(files))
    said = f"Loaded: “{OWN.find(name).title}” can now be chosen as the model on the other pages of this tab."
    return name, empty_strip(said)


def _waiting() -> str:
    return empty_strip("Waiting for its turn … Two long jobs run at a time on this machine, a training for 3 minutes.")


def _buttons(training: "Training") -> Buttons:
    can_go_on = not training.going and not training.job.ended
    return (
        gr.Button("Continue", interactive=can_go_on),
        gr.Button(interactive=training.going),
        gr.Button(interactive=True),
        gr.Button(interactive=True),
    )


def _strip(training: "Training", speed: float | None, note: str) -> str:
    job = training.job
    held_out = f"{len(job.train_part):,} characters, {len(job.held_out_part):,} more held out"
    facts = [("text", held_out), ("steps", f"{job.steps_done:,}")]
    if speed is not None:
        facts.append(("speed", f"{speed:.3g} steps/s"))
    if job.unknown:
        facts.append(("outside the alphabet", f"{job.unknown:,} characters, read as “unknown”"))
    return strip_of(training.run(), more=facts, note=note)


def values_of(preset: Preset) -> list[object]:
    """What all controls are set to."""
    return list(vars(preset).values())
