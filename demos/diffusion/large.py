"""Pictures from words, on the same rail as the sprites: by the embedded sprite network, or by large models."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of, waiting_strip
from demos.diffusion.films import film_strip, place_in, save_pictures, stop_button, wire_stop
from demos.diffusion.plans import MAX_CHARS, MAX_SEED, check_seed
from demos.inputs.uploaded_image import UploadedImage
from demos.offer import model_offer, run_on_arrival
from demos.opening import opens
from demos.tab import LATEX, LIGHT, LONG, fold, payload, private
from demos.views.diffusion import FilmView, ForkView, StepView
from demos.views.diffusion_large import html_of_guidance, html_of_words, view_of_large
from models import hub, weights
from models.diffusion.large.offers import FORGETFUL_SAMPLERS, OFFERS
from models.diffusion.large.runs import LARGE_RUNS, LargeRun
from models.diffusion.samplers import TITLES
from models.errors import InputError
from models.images import read_image
from models.inputs import check_choice, check_integer, check_number, check_text

if TYPE_CHECKING:
    from models.diffusion.large.pictures import LargeDenoised
    from models.diffusion.large.trace import LargeStep, Request

TITLE = "Pictures from words"
MAX_STEPS, MAX_GUIDANCE = 50, 15
MIN_STRENGTH = 0.05
MOST_UNKNOWN = 5
NAME = "sprites-words"  # the embedded one
SAMPLER_CHOICES = [(TITLES[name], name) for name in FORGETFUL_SAMPLERS]

WORDS_LEAD = r"""The same steps, told by words in place of a class. A language model (MiniLM, embedded here) turns each
word of the prompt into a vector. In five layers, every place of the picture looks at these vectors and takes what it
needs (cross-attention). [Guidance](#term-guidance) asks twice, with the negative prompt and with the prompt, and goes
further in the direction of the difference:

$$\hat v = \hat v_\varnothing + g\,(\hat v_{p} - \hat v_\varnothing)$$"""

LARGE = r"""The same with far more weights. The network works on latents: pictures of 4 or 16 channels and an
eighth of the side, which a second network, the VAE, turns into pixels; one or two more read the prompt. On the way, a
tiny decoder (TAESD) shows what $\hat x_0$ would be; the finished picture comes from the VAE itself. **It needs a GPU to
be pleasant**; on a CPU every step takes long. A model has some gigabytes and is fetched from the hub when it is first
run.

$$\hat\varepsilon = \hat\varepsilon_\varnothing + g\,(\hat\varepsilon_{p} - \hat\varepsilon_\varnothing)$$

The Stable Diffusion models learned to predict the noise $\varepsilon$ (or $v$) in $x_t$; PRX learned flow matching:
$x_t = (1-t)\,x_0 + t\,\varepsilon$ lies on a straight line, and the network predicts its direction
$\varepsilon - x_0$. Either way $\hat x_0$ and $\hat\varepsilon$ follow from it, and the same samplers go on from
there."""

TRY = """- "a blue tree", "a green book": colour and thing come from two words.
- "purple potion" with "red" as the negative prompt: guidance leads away from it.
- Fork at an early step with another word, then at a late one: what is still undecided?
- Guidance 1, 5, then 12.
- A word that no sprite was called, such as "bicycle": what does it draw?"""

STYLE = """.gb-large { display: flex; flex-wrap: wrap; gap: 0.7rem; }
.gb-large figure { margin: 0; width: 128px; }
.gb-large img { width: 128px; height: 128px; border: 1px solid var(--gb-line); border-radius: 6px; display: block; }
.gb-layers figure, .gb-layers img { width: 88px; }
.gb-layers img { height: 88px; }
.gb-large figcaption, .gb-large-words { font-size: 0.82rem; color: var(--gb-subtle); margin: 0.3rem 0 0; }
"""

WORDS = """**Where the words look, in the step shown above.** For each word of the prompt, the share of the picture's
attention it gets in this step, averaged over all layers and heads that read the prompt. Each word has its own scale.
What goes to the marks of start and end is left out; in PRX, where the picture looks at itself in the same
attention, most goes there."""

GUIDANCE_NOTE = """**Guidance, in the step shown above.** The network is asked with the negative prompt (or nothing) and
with the prompt; the difference is what the prompt means for this picture at this time, as colours: red, green and blue
of a sprite, the first three channels of a latent."""

FORK = """Everything before this step stays; from here on other words, guidance or another sampler. The seed matters to
samplers that add fresh noise. With nothing changed the run repeats itself bit by bit."""

NO_LONGER = '<p class="gb-large-words">This run is no longer kept here: press Generate for a new one.</p>'


def check_request(
    prompt: object,
    negative: object,
    steps: object,
    guidance: object,
    seed: object,
    sampler: object,
    strength: object,
) -> "Request":
    """What is asked for, or `InputError`."""
    prompt = check_text(prompt, name="The prompt", max_chars=MAX_CHARS)
    negative = check_text(negative, name="The negative prompt", max_chars=MAX_CHARS, allow_empty=True)
    steps = check_integer(steps, name="The number of steps", low=1, high=MAX_STEPS)
    guidance = check_number(guidance, name="Guidance", low=1, high=MAX_GUIDANCE)
    seed = check_seed(seed)
    sampler = check_choice(sampler, FORGETFUL_SAMPLERS, name="The sampler")
    strength = check_number(strength, name="The strength", low=MIN_STRENGTH, high=1)
    from models.diffusion.large.trace import Request

    return Request(prompt, negative, steps, guidance, seed, sampler, strength)


def large_models() -> list[str]:
    """The models for this page that may be chosen, by the app's mode: the embedded one, and those of the hub."""
    return [name for name in weights.offered("diffusion") if name in OFFERS]


def check_model(model: object) -> str:
    """A large model that may be chosen, or `InputError`."""
    if not isinstance(model, str) or model not in large_models():
        raise InputError("There is no such large model here: choose one of the list.")
    return model


def view_wants(model: object) -> tuple[str, float, float]:
    """What a model wants: (words, steps, guidance)."""
    model = check_model(model)
    offer = OFFERS[model]
    return f"{offer.wants} Licence: {weights.CATALOGUE[model].licence}.", offer.steps, offer.guidance


def open_large(model: object, image: str | None, *values: object) -> Iterator[tuple[Any, ...]]:
    """What the page opens on: a run of the embedded network; of another model it waits for the visitor."""
    if model == NAME:
        yield from compute_large(model, image, *values)


def compute_large(model: object, image: str | None, *values: object) -> Iterator[tuple[Any, ...]]:
    """Denoise by a large model. Yields (film, strip, file, run, fork panel); closing it stops after the step."""
    request = check_request(*values)  # pyright: ignore[reportArgumentType]  # the controls' values, in order
    model = check_model(model)
    rgb = None if image is None else read_image(image)
    if not hub.is_here(model):
        yield gr.skip(), waiting_strip(model), gr.skip(), gr.skip(), gr.skip()
        return
    yield gr.skip(), empty_strip(f"Loading {weights.CATALOGUE[model].title} …"), None, None, gr.Column(visible=False)
    from models.diffusion.large.pictures import denoise_large

    run = LargeRun(model, request, request.steps if rgb is None else request.steps - request.first)
    for film, strip, file, name in _stream(run, denoise_large(model, request, rgb)):
        yield film, strip, file, name, gr.skip()


def compute_fork(
    where: object, prompt: object, negative: object, guidance: object, sampler: object, seed: object
) -> Iterator[tuple[Any, ...]]:
    """Go on from a step by another request, beside the original. Yields (film, strip, file, run)."""
    if not isinstance(where, dict):
        raise InputError("Choose a step of a film first and press “Fork from this step”.")
    parent = LARGE_RUNS.find(where.get("run"))
    place = place_in(parent, where.get("place"))
    before = parent.request
    request = check_request(prompt, negative, before.steps, guidance, seed, sampler, before.strength)
    from models.diffusion.large.pictures import denoise_large
    from models.diffusion.large.trace import from_step

    run = LargeRun(check_model(parent.model), request, parent.total, list(parent.steps[:place]))
    fork = ForkView(where["run"], place, describe_changes(before, request))
    steps = denoise_large(run.model, request, from_step(parent.steps[place]))
    yield from _stream(run, steps, fork=fork, originals=list(parent.steps))


def describe_changes(before: "Request", after: "Request") -> str:
    """What a fork does differently, in words."""
    changes = [
        f"{name} “{new}”"
        for name, old, new in (
            ("prompt", before.prompt, after.prompt),
            ("negative prompt", before.negative, after.negative),
        )
        if old != new
    ]
    changes += [
        f"{name} {old} → {new}"
        for name, old, new in (
            ("guidance", f"{before.guidance:g}", f"{after.guidance:g}"),
            ("sampler", TITLES[before.sampler], TITLES[after.sampler]),
            ("seed", before.seed, after.seed),
        )
        if old != new
    ]
    return ", ".join(changes) or "nothing changed"


def _stream(
    run: LargeRun,
    steps: "Iterator[LargeDenoised]",
    *,
    fork: ForkView | None = None,
    originals: "Sequence[LargeStep]" = (),
) -> Iterator[tuple[FilmView, str, str | None, str]]:
    """Take the steps one by one into `run`; yields (film, strip, file, run) after each, the file at the end."""
    name, drawing = LARGE_RUNS.put(run), 0.0
    drawn: list[StepView] = []
    for made in steps:
        began, place = time.perf_counter(), len(run.steps)
        drawn.append(view_of_large(made.step, originals[place] if place < len(originals) else None))
        run.steps.append(made.step)
        LARGE_RUNS.put(run, name)  # it has grown
        drawing += time.perf_counter() - began
        note = "" if run.over else f"step {len(run.steps)} of {run.total}."
        note = " ".join(filter(None, [note, _instead(made)]))
        file = save_pictures(made.step.picture[None], f"picture-{run.request.seed}")[0] if run.over else None
        strip = strip_of(made.run, drawing=drawing, note=note)
        yield FilmView(name, 1, run.total, fork, list(drawn), _of_words(run) if run.over else ""), strip, file, name


def _of_words(run: LargeRun) -> str:
    """Of the embedded network: which colour the finished sprite has, and which words of the prompt it never met."""
    if run.model != NAME:
        return ""
    from models.diffusion.colours import dominant_colours
    from models.diffusion.reading import unknown_words
    from models.diffusion.trace import finished_sprites

    colour = dominant_colours(finished_sprites(run.steps[-1].x_0[None]))[0]
    said = (
        f"Measured from its pixels, it is mostly {colour}."
        if colour
        else "No one colour has half of what is coloured in it."
    )
    unknown = unknown_words(run.request.prompt)
    if not unknown:
        return said
    quoted = ", ".join(f"“{word}”" for word in unknown[:MOST_UNKNOWN])
    more = f" and {len(unknown) - MOST_UNKNOWN} more" if len(unknown) > MOST_UNKNOWN else ""
    return f"{said} No sprite of its training was called {quoted}{more}: it guesses from similar words."


def _instead(made: "LargeDenoised") -> str:
    """What stands in for the tiny decoder, in words."""
    if made.tiny:
        return ""
    return f"{hub.describe(OFFERS[made.run.model].tiny_decoder or '')} Meanwhile the model's own VAE decodes."


def view_step(event: gr.EventData) -> tuple[str, str]:
    """Guidance and words of the step that the film shows, as HTML."""
    name = payload(event, "run")
    if name not in LARGE_RUNS:
        return NO_LONGER, NO_LONGER
    run = LARGE_RUNS.find(name)
    step = run.steps[place_in(run, payload(event, "place"))]
    return html_of_words(step), html_of_guidance(step)


def view_fork(event: gr.EventData) -> tuple[Any, ...]:
    """Open the fork panel for a step: (panel, where, heading, prompt, negative, guidance, sampler, seed)."""
    name = payload(event, "run")
    run = LARGE_RUNS.find(name)
    place = place_in(run, payload(event, "place"))
    asked, step = run.request, run.steps[place]
    heading = f"**Fork from step {place + 1} of {len(run.steps)}**, t = {step.t:.3g}. {FORK}"
    where = {"run": name, "place": place}
    changeable = (asked.prompt, asked.negative, asked.guidance, asked.sampler, asked.seed)
    return gr.Column(visible=True), where, heading, *changeable


def build() -> None:
    """The page: prompt and settings on the left, the film on the right, forks, words and guidance under it."""
    models = large_models()
    run_name, where = gr.State(None), gr.State(None)
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            model, wants, inputs = _build_request(models)
            model_offer(model)
            run_on_arrival(model, None)
            with gr.Row():
                run = gr.Button("Generate", variant="primary", min_width=110, elem_id="diffusion-large-run")
                stop = stop_button()
            file = gr.File(label="The picture", interactive=False, height=80)
        with gr.Column(scale=5, min_width=300):
            empty = "Press Generate: every step appears here as it is computed."
            film = film_strip("diffusion-large-film", empty=empty, forkable=True)
            strip = gr.HTML(empty_strip("The model is loaded with the first run."))
            panel, changes, heading, go = _build_fork()
            gr.Markdown(WORDS, elem_classes="gb-note")
            words = gr.HTML(css_template=STYLE, elem_id="diffusion-large-words")
            gr.Markdown(GUIDANCE_NOTE, elem_classes="gb-note")
            mixed = gr.HTML(css_template=STYLE, elem_id="diffusion-large-guidance")
            gr.Markdown(WORDS_LEAD, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    if len(models) > 1:
        with gr.Accordion("The large models", open=False):
            gr.Markdown(LARGE, latex_delimiters=LATEX)
    outputs = [film, strip, file, run_name]
    model.change(view_wants, model, wants, **private(), **LIGHT)
    running = run.click(compute_large, inputs, [*outputs, panel], **private(), **LONG)
    opens(open_large, inputs, [*outputs, panel], queue=LONG)
    forking = go.click(compute_fork, [where, *changes], outputs, **private(), **LONG)
    film.fork(view_fork, None, [panel, where, heading, *changes], **private(), **LIGHT)
    film.step(view_step, None, [words, mixed], trigger_mode="always_last", **private(), **LIGHT)
    wire_stop(stop, LARGE_RUNS, run_name, strip, [running, forking])


def _build_request(models: list[str]) -> tuple[gr.Dropdown, list[Any], list[Any]]:
    """What is asked for: the choice of model, what changes with it, and the inputs of `compute_large` in order."""
    choices = [
        (f"{weights.CATALOGUE[name].title}, {'embedded' if name == NAME else 'from the hub'}", name) for name in models
    ]
    words, wanted_steps, wanted_guidance = view_wants(models[0])
    prompt = gr.Textbox("a red potion", label="Prompt", lines=2, max_length=MAX_CHARS, elem_id="diffusion-prompt")
    with fold("Model and settings"):
        model = gr.Dropdown(choices, value=models[0], label="Model", elem_id="diffusion-large-model")
        wants = gr.Markdown(words, elem_classes="gb-note")
        negative = _negative_prompt()
        steps = gr.Slider(1, MAX_STEPS, wanted_steps, step=1, label="Steps", elem_id="diffusion-large-steps")
        guidance = gr.Slider(1, MAX_GUIDANCE, wanted_guidance, step=0.5, label="Guidance", info="1: none")
        seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed")
    with gr.Accordion("More: sampler, and a picture to begin with", open=False):
        sampler = gr.Dropdown(SAMPLER_CHOICES, value="ddim", label="Sampler")
        image = UploadedImage(label="Begin with a picture", sources=["upload", "webcam", "clipboard"], height=170)
        strength = gr.Slider(MIN_STRENGTH, 1, 0.6, step=0.05, label="Strength", info="share of the steps to run")
    keeps(model=model, prompt=prompt, negative=negative, steps=steps, guidance=guidance, seed=seed, looks=("step",))
    keeps(sampler=sampler, picture=image, strength=strength)
    inputs = [model, image, prompt, negative, steps, guidance, seed, sampler, strength]
    return model, [wants, steps, guidance], inputs


def _negative_prompt() -> gr.Textbox:
    label = "Negative prompt: what to keep away from"
    return gr.Textbox("", label=label, placeholder="used above guidance 1", max_length=MAX_CHARS)


def _build_fork() -> tuple[gr.Column, list[Any], gr.Markdown, gr.Button]:
    """The panel of a fork: what can be changed, in the order of `compute_fork`."""
    with gr.Column(visible=False, elem_id="diffusion-large-fork", elem_classes="gb-figure") as panel:
        heading = gr.Markdown(elem_classes="gb-note")
        with gr.Row():
            prompt = gr.Textbox(
                label="Prompt", lines=2, min_width=240, max_length=MAX_CHARS, elem_id="diffusion-large-fork-prompt"
            )
            negative = _negative_prompt()
        with gr.Row():
            guidance = gr.Slider(1, MAX_GUIDANCE, 1, step=0.5, label="Guidance", min_width=160)
            sampler = gr.Dropdown(SAMPLER_CHOICES, value="ddim", label="Sampler", min_width=160)
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of fresh noise", min_width=160)
        go = gr.Button("Go on beside the original", variant="primary", elem_id="diffusion-large-fork-run")
    return panel, [prompt, negative, guidance, sampler, seed], heading, go
