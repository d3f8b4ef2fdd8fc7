"""The page "Train one": a small network learns a visitor's text, and loss, gradient and samples change as it does."""

import html
import itertools
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.events import Dependency

from demos.base import empty_strip, model_facts, visitor_errors
from demos.components.training_curves import training_curves
from demos.sequences.networks import OWN, Own, usable_network
from demos.views.training import draw_training
from models import runtime
from models.errors import InputError
from models.inputs import check_choice, check_flag, check_text

if TYPE_CHECKING:
    from models.sequences.live import History, LiveTraining, Settings

MAX_CHARS = 100_000
STATE_SECONDS = 3600
RUN_SECONDS = 180
SECONDS_BETWEEN_PICTURES = 0.5
CELLS = (("RNN", "rnn"), ("GRU", "gru"), ("LSTM", "lstm"))
UNITS = (16, 32, 64, 128, 256)
LEARNING_RATES = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
MEDIA = Path(__file__).parents[2] / "assets" / "media"
NETWORK_SOURCE = Path(__file__).parents[2] / "models" / "text" / "recurrent.py"

LEAD = """Take a text and let a new network learn it here, on this machine. It begins with random weights and reads 32
passages of 64 characters a step; after each step all weights move a little along the gradient."""

MEANING = r"""The loss is the surprise at the next character: 6.64 bits is a blind guess among 100 characters. Held-out
bits are measured on the last tenth of the text, which is never trained on: when they rise while the training loss still
falls, the network learns by heart. Going back in time, the gradient is multiplied by one matrix a character, so it
shrinks or grows like a power; clipping shortens a gradient that is too long and keeps its direction.

$$\begin{aligned} \frac{\partial L_T}{\partial h_{T-d}} &= \frac{\partial L_T}{\partial h_T}
\prod_{t=T-d+1}^{T} \frac{\partial h_t}{\partial h_{t-1}} \\
g &\leftarrow g \cdot \min\!\left(1, \frac{c}{\lVert g \rVert}\right) \end{aligned}$$"""

TRY = """- Train on the nursery rhymes for a minute: the training loss goes towards zero, the held-out bits do not.
- Provoke an explosion: a plain RNN whose memory is more than doubled every step. One step along a gradient of several
  thousand throws the weights so far that every unit is stuck at −1 or 1: the loss stays worse than a blind guess. Then
  cure it: the same network, the same dice, the same rate, and every gradient shortened to length 1.
- Compare the three cells by how far back the gradient reaches after a few hundred steps.
- Raise the learning rate while it trains until the loss jumps up, then lower it again."""


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


@dataclass
class Run:
    """What a session keeps: the training, the history of the run before, and what is going on.

    going: it trains, or waits for its turn; `left`: another run has taken its place, nothing of it is shown any more
    """

    job: "LiveTraining"
    before: "History | None" = None
    going: bool = True
    left: bool = False


def _check(values: tuple[Any, ...]) -> tuple[str, "Settings"]:
    """Text and settings from the values of all controls. Raises `InputError`."""
    from models.sequences.live import check_settings

    text, cell, units, learning_rate, optimizer, clipping, clip, gain, seed = values
    clip = _checked_clip(clipping, clip)
    text = check_text(text, name="The text", max_chars=MAX_CHARS)
    return text, check_settings(cell, units, learning_rate, optimizer, clip, gain, seed)


def _checked_clip(clipping: object, clip: object) -> float | None:
    from models.sequences.live import check_clip

    return check_clip(clip) if check_flag(clipping, name="Clipping") else None


def _checked_run(run: object) -> Run:
    if not isinstance(run, Run):
        raise InputError("There is no training yet, or it was left for more than an hour: press Train.")
    return run


def compute_start(*values: Any) -> tuple[Any, ...]:
    """A new network for the values of all controls; an earlier one stops. Returns (state, strip, *buttons)."""
    with visitor_errors():
        *controls, before = values
        text, settings = _check(tuple(controls))
        from models.sequences.live import LiveTraining

        run = Run(LiveTraining(text, settings, runtime.device()))
        if isinstance(before, Run):
            before.going, before.left = False, True
            run.before = before.job.history
        return run, _waiting(), *_buttons(run)


def compute_go_on(*values: Any) -> tuple[Any, ...]:
    """Go on with the training there is, or begin one. Returns (state, strip, *buttons)."""
    with visitor_errors():
        *controls, run = values
        if not isinstance(run, Run):
            return compute_start(*values)
        if run.job.ended:
            raise InputError(run.job.ended)
        _, settings = _check(tuple(controls))
        run.job.change(learning_rate=settings.learning_rate, clip=settings.clip)
        if settings != run.job.settings:
            raise InputError("Only learning rate and clipping can change during a run: press Start again for the rest.")
        run.going = True
        return run, _waiting(), *_buttons(run)


def compute_training(run: Any) -> Iterator[tuple[Any, ...]]:
    """Train until paused, ended, or `RUN_SECONDS` have passed. Yields (curves, strip, *buttons) twice a second."""
    with visitor_errors():
        run = _checked_run(run)
        started = time.monotonic()
        while run.going and not run.job.ended:
            speed = _train_a_while(run)
            note = "" if run.going else _pause_note(run)
            if run.going and time.monotonic() - started > RUN_SECONDS:
                run.going = False
                note = f"Paused after {RUN_SECONDS // 60} minutes, so that others can train too: press Continue."
            if not run.left:
                yield draw_training(run.job, run.before), _strip(run, speed, note), *_buttons(run)


def _train_a_while(run: Run) -> float:
    """Train for `SECONDS_BETWEEN_PICTURES`, or until paused. Returns steps a second."""
    started, done = time.monotonic(), run.job.steps_done
    for _ in run.job.fit():
        if not run.going or time.monotonic() - started > SECONDS_BETWEEN_PICTURES:
            break
    run.going = run.going and not run.job.ended
    return (run.job.steps_done - done) / (time.monotonic() - started)


def view_pause(run: Any) -> tuple[Any, ...]:
    """Let the training stop after the step it is at; nothing is lost. Returns (curves, strip, *buttons)."""
    with visitor_errors():
        run = _checked_run(run)
        run.going = False
        return draw_training(run.job, run.before), _strip(run, None, _pause_note(run)), *_buttons(run)


def _pause_note(run: Run) -> str:
    return run.job.ended or f"Paused at step {run.job.steps_done:,}: press Continue to go on."


def view_change(learning_rate: Any, clipping: Any, clip: Any, run: Any) -> None:
    """Another learning rate or clipping from the next step on."""
    with visitor_errors():
        from models.sequences.live import check_learning_rate

        learning_rate, clip = check_learning_rate(learning_rate), _checked_clip(clipping, clip)
        if isinstance(run, Run):
            run.job.change(learning_rate=learning_rate, clip=clip)


def view_text(name: Any) -> str:
    """One of the texts to pick from."""
    with visitor_errors():
        return TEXTS[check_choice(name, TEXTS, name="The text to pick")]()


def view_keep(run: Any) -> tuple[Own, str]:
    """A copy of the network as it is now, for the other pages. Returns (own, strip)."""
    with visitor_errors():
        run = _checked_run(run)
        own = _own(run.job, run.job.kept_network())
        note = f"Kept: “{own.title}” can now be chosen as the model on the other pages of this tab."
        return own, _strip(run, None, note)


def _own(job: "LiveTraining", network: Any) -> Own:
    cell = next(title for title, name in CELLS if name == job.settings.cell)
    title = f"Yours: {cell}, {job.settings.units} units, {job.steps_done:,} steps"
    return Own(network, title, f"yours-{secrets.token_hex(6)}")


def _waiting() -> str:
    return empty_strip("Waiting for its turn: one training runs at a time on this machine, each for 3 minutes at most.")


def _buttons(run: Run) -> tuple[Any, ...]:
    """How the buttons look: (go on, pause, start again, keep)."""
    can_go_on = not run.going and not run.job.ended
    return (
        gr.Button("Continue", interactive=can_go_on),
        gr.Button(interactive=run.going),
        gr.Button(interactive=True),
        gr.Button(interactive=True),
    )


def _strip(run: Run, speed: float | None, note: str = "") -> str:
    job = run.job
    loaded, _ = usable_network(OWN, _own(job, job.network))
    texts = f"{len(job.train_part):,} characters, {len(job.held_out_part):,} more held out"
    facts = [*model_facts(loaded), ("text", texts), ("steps", f"{job.steps_done:,}")]
    if speed is not None:
        facts.append(("speed", f"{speed:.3g} steps/s"))
    if job.unknown:
        facts.append(("outside the alphabet", f"{job.unknown:,} characters, read as “unknown”"))
    cells = "".join(f"<span><b>{html.escape(name)}</b> {html.escape(value)}</span>" for name, value in facts)
    extra = f'<span class="gb-strip-note">{html.escape(note)}</span>' if note else ""
    return f'<div class="gb-strip" role="status">{cells}{extra}</div>'


def _preset(preset: Preset) -> list[Any]:
    return list(vars(preset).values())


def build(own: gr.State) -> Dependency:
    """The page. `own` receives the network that is kept; returns the event after which it is there."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    run = gr.State(None, time_to_live=STATE_SECONDS)
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            pick = gr.Dropdown(list(TEXTS), value=FIRST_TEXT, label="A text to learn", elem_id="training-pick")
            text = gr.Textbox(
                TEXTS[FIRST_TEXT](),
                label="or your own (200 to 100,000 characters)",
                lines=5,
                max_lines=8,
                max_length=MAX_CHARS,
                elem_id="training-text",
            )
            cell = gr.Radio(CELLS, value=DEFAULT.cell, label="Cell", elem_id="training-cell")
            units = gr.Radio(UNITS, value=DEFAULT.units, label="Units", elem_id="training-units")
            learning_rate = gr.Dropdown(
                [(f"{rate:g}", rate) for rate in LEARNING_RATES],
                value=DEFAULT.learning_rate,
                label="Learning rate",
                info="Takes effect at once, also while it trains",
                elem_id="training-rate",
            )
            with gr.Row():
                go_on = gr.Button("Train", variant="primary", size="sm", min_width=90, elem_id="training-go")
                pause = gr.Button("Pause", size="sm", min_width=90, interactive=False)
                again = gr.Button("Start again", size="sm", min_width=90, interactive=False)
            keep = gr.Button("Keep it for the other pages", size="sm", interactive=False)
            with gr.Row():
                provoke = gr.Button("Provoke an explosion", size="sm", min_width=130)
                cure = gr.Button("Cure it: clip at 1", size="sm", min_width=130)
            with gr.Accordion("More", open=False):
                optimizer = gr.Radio(["AdamW", "SGD"], value=DEFAULT.optimizer, label="Optimizer")
                clipping = gr.Checkbox(DEFAULT.clipping, label="Clip gradients", elem_id="training-clipping")
                clip = gr.Slider(0.1, 10, DEFAULT.clip, step=0.1, label="Clip at this norm")
                gain = gr.Slider(0.1, 3, DEFAULT.gain, step=0.1, label="Recurrent gain at the start")
                seed = gr.Number(DEFAULT.seed, precision=0, minimum=0, maximum=2**31 - 1, label="Seed")
        with gr.Column(scale=5, min_width=300):
            curves = training_curves(elem_id="training-curves")
            strip = gr.HTML(
                empty_strip("Nothing is loaded: the network is made when you press Train."), elem_id="training-strip"
            )
    gr.Markdown(MEANING, elem_classes="gb-note")
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)

    private = partial(dict, api_visibility="private", show_progress="hidden")
    buttons = [go_on, pause, again, keep]
    settings = [cell, units, learning_rate, optimizer, clipping, clip, gain, seed]
    controls = [text, *settings, run]
    started = [
        go_on.click(compute_go_on, controls, [run, strip, *buttons], **private()),
        again.click(compute_start, controls, [run, strip, *buttons], **private()),
    ]
    for button, outputs, values in (
        (provoke, settings, _preset(EXPLOSION)),
        (cure, [clipping, clip], [True, 1.0]),
    ):
        chosen = button.click(partial(list, values), None, outputs, queue=False, **private())
        started.append(chosen.then(compute_start, controls, [run, strip, *buttons], **private()))
    for event in started:
        event.success(
            compute_training,
            run,
            [curves, strip, *buttons],
            trigger_mode="multiple",
            concurrency_id="sequences-training",
            concurrency_limit=1,
            **private(),
        )
    pause.click(view_pause, run, [curves, strip, *buttons], queue=False, **private())
    gr.on(
        [learning_rate.input, clipping.input, clip.input],
        view_change,
        [learning_rate, clipping, clip, run],
        None,
        queue=False,
        **private(),
    )
    pick.input(view_text, pick, text, queue=False, **private())
    return keep.click(view_keep, run, [own, strip], **private())
