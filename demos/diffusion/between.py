"""Between two: sprites on the way from one noise to another and from one class to another, all denoised together."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip
from demos.diffusion.films import film_strip, save_sprites, stop_button, stream_film, view_pixel, wire_stop
from demos.diffusion.networks import chosen_network, follow_choice, loading, network_choice
from demos.diffusion.plans import (
    ALL_CLASSES,
    MAX_COUNT,
    MAX_GUIDANCE,
    MAX_SEED,
    SAMPLER_CHOICES,
    ClassMenu,
    check_plan,
    check_seed,
)
from demos.opening import opens
from demos.tab import LATEX, LONG, fold, private
from demos.views.diffusion_found import find_change
from models.diffusion.data import ANY_CLASS
from models.diffusion.runs import RUNS, SpriteRun
from models.diffusion.schedule import GUIDANCE
from models.inputs import check_choice

TITLE = "Between two"
EMPTY = "Choose two ends and press Walk: the first sprite is one end, the last the other."

BETWEEN = r"""The first sprite begins with the noise of the first seed, the last with that of the second, those between
with noise on the great circle from one to the other (Shoemake 1985): a plain average would have too little variance,
and the network has never seen such noise. Classes are mixed as vectors, on a straight line. With the same class twice
only the noise changes; with the same seed twice only the class.

$$\varepsilon_s = \frac{\sin((1-s)\theta)}{\sin\theta}\,\varepsilon_0
+ \frac{\sin(s\theta)}{\sin\theta}\,\varepsilon_1$$"""


def compute_between(
    choice: object,
    own: object,
    first_class: object,
    first_seed: object,
    last_class: object,
    last_seed: object,
    *values: object,
) -> Iterator[tuple[Any, ...]]:
    """Walk from one end to the other; `values`: count, steps, guidance, sampler. Yields (film, strip, files, run)."""
    network = chosen_network(choice, own)
    count, steps, guidance, sampler = values
    plan = check_plan(first_class, count, steps, check_seed(first_seed, "The first seed"), guidance, sampler, network)
    last_class = ANY_CLASS if network else check_choice(last_class, ALL_CLASSES, name="The second class")
    last_seed = check_seed(last_seed, "The second seed")
    yield gr.skip(), loading(network) or gr.skip(), None, None
    from models.diffusion.sprites import walk_between

    run = SpriteRun(plan, plan.steps, network=network)
    name = RUNS.put(run)
    for film, strip in stream_film(name, run, walk_between(plan, last_class, last_seed, network), find=find_change):
        files = save_sprites(run.steps[-1].x_0, f"between-{plan.sprite_class}-{last_class}") if run.over else None
        yield film, strip, files, name


def build(own: gr.State) -> None:
    """The page: two ends on the left, the way between them on the right."""
    run_name = gr.State(None)
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            with gr.Row():
                run = gr.Button("Walk", variant="primary", min_width=110, elem_id="diffusion-walk")
                stop = stop_button()
            controls = fold("The two ends")
        with controls:
            with gr.Row():
                first_class = ClassMenu(value="potion", label="First class", min_width=110)
                first_seed = gr.Number(1, precision=0, minimum=0, maximum=MAX_SEED, label="First seed", min_width=90)
            with gr.Row():
                last_class = ClassMenu(value="tree", label="Second class", min_width=110)
                last_seed = gr.Number(2, precision=0, minimum=0, maximum=MAX_SEED, label="Second seed", min_width=90)
            count = gr.Slider(2, MAX_COUNT, 8, step=1, label="Sprites, ends included")
            steps = gr.Slider(1, 50, 25, step=1, label="Steps")
            guidance = gr.Slider(1, MAX_GUIDANCE, GUIDANCE, step=0.1, label="Guidance", info="1: none")
            sampler = gr.Dropdown(SAMPLER_CHOICES, value="ddim", label="Sampler")
            network = network_choice("diffusion-between-network")
        with gr.Column(scale=5, min_width=300):
            film = film_strip("diffusion-film-between", empty=EMPTY, pixel=view_pixel, walk=True)
            strip = gr.HTML(empty_strip("The model is loaded with the first run."))
            gr.Markdown(BETWEEN, elem_classes="gb-note", latex_delimiters=LATEX)
            with gr.Accordion("The sprites as files", open=False):
                files = gr.Files(show_label=False, interactive=False, height=120)
    follow_choice(network, own, [first_class, last_class, guidance])
    keeps(network=network, first=first_class, seed=first_seed, last=last_class, seed2=last_seed, looks=("step",))
    keeps(count=count, steps=steps, guidance=guidance, sampler=sampler)
    inputs = [network, own, first_class, first_seed, last_class, last_seed, count, steps, guidance, sampler]
    outputs = [film, strip, files, run_name]
    running = run.click(compute_between, inputs, outputs, **private(), **LONG)
    opens(compute_between, inputs, outputs, queue=LONG)
    wire_stop(stop, RUNS, run_name, strip, [running])
