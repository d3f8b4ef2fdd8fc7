"""Applications: what the same denoising is good for, each small enough to be run at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from demos.address import keeps
from demos.base import empty_strip
from demos.diffusion.films import film_strip, save_sprites, stop_button, stream_film, view_pixel, wire_stop
from demos.diffusion.networks import loading
from demos.diffusion.plans import MAX_CHARS, MAX_SEED, check_plan, check_seed, example_sprites
from demos.opening import opens
from demos.tab import LATEX, LONG, fold, private
from demos.views.diffusion_applications import (
    find_coloured,
    find_enlarged,
    find_filled,
    find_said,
    html_of_given,
)
from demos.views.diffusion_found import find_departure
from models.diffusion.data import ANY_CLASS
from models.diffusion.runs import RUNS, SpriteRun
from models.diffusion.schedule import GUIDANCE
from models.images import read_rgba
from models.inputs import check_choice, check_text

if TYPE_CHECKING:
    from models.diffusion.sprites import Denoised
    from models.diffusion.trace import Plan

TITLE = "Applications"
COUNT, STEPS, WORDS_GUIDANCE = 4, 25, 3.0
VARY, EDIT = 0.5, 0.7
HOLE = slice(10, 22), slice(8, 24)
EMPTY = "Choose what to do, and press Run."
DO = {
    "Enlarge 16 to 32 pixels": "enlarge",
    "Colour a grey sprite": "colour",
    "Fill a hole": "fill",
    "Vary a sprite": "vary",
    "Edit by words": "words",
}

APPLICATIONS = r"""One network, never trained for any of this. What is given takes part in every step:

- **Enlarge, colour.** A measurement $y = A x_0$ is given: the means of 2 x 2 pixels, or brightness and outline. Each
  predicted picture is replaced by the nearest one whose measurement is right (DDNM, Wang et al. 2023):

$$\hat x_0 \leftarrow \hat x_0 + A^{+}(y - A \hat x_0)$$

- **Fill.** All around the hole is given at every noise (RePaint, Lugmayr et al. 2022).
- **Vary, edit.** The picture is noised part of the way and denoised from there (SDEdit, Meng et al. 2022), told its
  class, or words. More strength, more freedom.

The three examples were made by this very network, so that it knows their like: a picture of another kind would be
restored less well."""

TRY = """- Enlarge with another seed: what the four agree on follows from the small picture and from what the network
  knows of sprites; where they differ it is invented.
- Colour the tree: what does the network think that trees look like?
- Edit with words that go against the picture: “a blue tree”, “a red potion”."""


@dataclass(frozen=True)
class Job:
    """A run to be made. given: what the network sees of the picture, where that is less; link, page: where more is."""

    run: SpriteRun
    steps: "Iterator[Denoised]"
    find: Callable[[SpriteRun], tuple[int, str]]
    link: str
    page: str
    given: np.ndarray | None = None


def compute_application(do: object, name: object, words: object, seed: object) -> Iterator[tuple[Any, ...]]:
    """One of the applications on an example. Yields (what is given, film, strip, files, run); closing it stops it."""
    do = check_choice(do, list(DO.values()), name="What to do")
    name = check_choice(name, list(example_sprites()), name="The picture")
    words = check_text(words, name="The prompt", max_chars=MAX_CHARS, allow_empty=do != "words").strip()
    rgba = read_rgba(example_sprites()[name])
    job = _JOBS[do](rgba, name, check_seed(seed), words)
    given = html_of_given(rgba, job.given, job.link, job.page)
    yield given, gr.skip(), loading() or gr.skip(), None, None
    run_name = RUNS.put(job.run)
    for film, strip in stream_film(run_name, job.run, job.steps, find=job.find):
        last = job.run.steps[-1]
        files = save_sprites(last.x_0, f"{do}-{name}", last.given) if job.run.over else None
        yield gr.skip(), film, strip, files, run_name


def _plan(name: str, seed: int, sampler: str = "ddpm") -> "Plan":
    return check_plan(name, COUNT, STEPS, seed, GUIDANCE, sampler)


def _link(name: str, **values: object) -> str:
    return f"?tab=diffusion&at=image&picture=diffusion-{name}" + "".join(f"&{key}={one}" for key, one in values.items())


def _restored(measured: str, rgba: np.ndarray, name: str, seed: int, find: Callable[..., tuple[int, str]]) -> Job:
    from models.diffusion.data import to_rgba, to_signal
    from models.diffusion.restoring import MEASUREMENTS
    from models.diffusion.sprites import restore_sprite

    plan, measurement = _plan(name, seed), MEASUREMENTS[measured]
    seen = to_rgba(measurement.back(measurement.of(to_signal(rgba[None]))))[0]
    link = f"?tab=diffusion&at=reverse&sprite_class={name}"
    found = partial(find, original=rgba)
    return Job(SpriteRun(plan, STEPS), restore_sprite(plan, rgba, measured), found, link, REVERSE, seen)


def _enlarge(rgba: np.ndarray, name: str, seed: int, words: str) -> Job:
    return _restored("small", rgba, name, seed, find_enlarged)


def _colour(rgba: np.ndarray, name: str, seed: int, words: str) -> Job:
    return _restored("grey", rgba, name, seed, find_coloured)


def _fill(rgba: np.ndarray, name: str, seed: int, words: str) -> Job:
    from models.diffusion.sprites import fill_hole

    hole = np.zeros(rgba.shape[:2], bool)
    hole[HOLE] = True
    seen = np.where(hole[..., None], np.uint8(0), rgba)
    plan = _plan(name, seed)
    find = partial(find_filled, original=rgba, hole=hole)
    return Job(SpriteRun(plan, STEPS), fill_hole(plan, rgba, hole, 1), find, _link(name), IMAGE, seen)


def _vary(rgba: np.ndarray, name: str, seed: int, words: str) -> Job:
    from models.diffusion.data import to_signal
    from models.diffusion.edits import enter
    from models.diffusion.sprites import denoise_entry

    entry = enter(_plan(name, seed, "ddim"), rgba, VARY)
    find = partial(find_departure, given=to_signal(rgba[None])[0])
    run = SpriteRun(entry.plan, STEPS - entry.first)
    return Job(run, denoise_entry(entry), find, _link(name, strength=VARY), IMAGE)


def _edit(rgba: np.ndarray, name: str, seed: int, words: str) -> Job:
    from models.diffusion.edits import enter
    from models.diffusion.sprites import denoise_entry

    plan = check_plan(ANY_CLASS, COUNT, STEPS, seed, WORDS_GUIDANCE, "ddim", prompt=words)
    entry = enter(plan, rgba, EDIT)
    run = SpriteRun(plan, STEPS - entry.first)
    find = partial(find_said, original=rgba)
    return Job(run, denoise_entry(entry), find, f"?tab=diffusion&at=large&picture=diffusion-{name}", LARGE)


REVERSE, IMAGE, LARGE = "Reverse: take it away", "From an image", "Pictures from words"
_JOBS: dict[str, Callable[[np.ndarray, str, int, str], Job]] = {
    "enlarge": _enlarge,
    "colour": _colour,
    "fill": _fill,
    "vary": _vary,
    "words": _edit,
}


def view_words(do: object) -> Any:
    """Words are asked for where they are read."""
    return gr.update(visible=check_choice(do, list(DO.values()), name="What to do") == "words")


def build() -> None:
    """The page: what to do on the left, what is given and the film of what is made on the right."""
    run_name, names = gr.State(None), list(example_sprites())
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            do = gr.Radio(list(DO.items()), value="enlarge", label="What to do", elem_id="diffusion-do")
            with gr.Row():
                run = gr.Button("Run", variant="primary", min_width=110, elem_id="diffusion-do-run")
                stop = stop_button()
            with fold("Picture and seed"):
                picture = gr.Radio(names, value="potion", label="Picture", elem_id="diffusion-do-picture")
                words = gr.Textbox(
                    "a red potion", label="Words", max_length=MAX_CHARS, visible=False, elem_id="diffusion-do-words"
                )
                seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed", elem_id="diffusion-do-seed")
            with gr.Accordion("The sprites as files", open=False):
                files = gr.Files(show_label=False, interactive=False, height=120)
        with gr.Column(scale=5, min_width=300):
            given = gr.HTML(elem_id="diffusion-given")
            film = film_strip("diffusion-film-applications", empty=EMPTY, pixel=view_pixel)
            strip = gr.HTML(empty_strip("The model is loaded with the first run."))
            gr.Markdown(APPLICATIONS, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    keeps(do=do, picture=picture, words=words, seed=seed, looks=("step",))
    do.change(view_words, do, words, **private())
    inputs, outputs = [do, picture, words, seed], [given, film, strip, files, run_name]
    running = [event(compute_application, inputs, outputs, **private(), **LONG) for event in (run.click, words.submit)]
    running += [control.input(compute_application, inputs, outputs, **private(), **LONG) for control in (do, picture)]
    opens(compute_application, inputs, outputs, queue=LONG)
    wire_stop(stop, RUNS, run_name, strip, running)
