"""Inside the U-Net: what each of its parts gives on in one step, and what is predicted without some of them."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of
from demos.diffusion.films import place_in
from demos.diffusion.networks import chosen_network, follow_choice, loading, network_choice
from demos.diffusion.plans import check_plan, plan_controls
from demos.opening import opens
from demos.tab import LATEX, LONG, answering, fold, private
from demos.ui import component
from demos.views.diffusion_inside import InsideView, find_skip, view_of_inside
from models.diffusion.runs import RUNS, SpriteRun
from models.errors import InputError
from models.inputs import check_integer

TITLE = "Inside the U-Net"
MOST_OFF = 64
FIRST_SHARE = 0.3
"""How far through the run the page opens: the shape is there, most is still undecided."""

INSIDE = r"""**The way of a picture through the network.** The sprite of 32 x 32 pixels is folded into 16 x 16 places of
16 numbers; a convolution makes channels of them. On the way down, blocks look at ever larger surroundings; in the 8 x 8
maps every place also looks at all others (self-attention). On the way up the detail comes back: each block is given,
beside what comes from below, what a block on the way down had kept (a skip). Every block is told the time and the
class: their vectors are added, and each block makes of the sum a scale and a shift for its channels.

The network says $\hat v$, from which $\hat x_0 = \sqrt{\bar\alpha_t}\,x_t - \sqrt{1-\bar\alpha_t}\,\hat v$ follows.
What you switch off is taken out of this very step: a block then gives on what came in, a skip brings zeros, a head
adds nothing, the time is a vector of zeros. The rest of the run stays as it was."""

TRY = """- Switch off the skip from the first block: fine edges go, the shape stays.
- Switch off the last block on the way up, then one in the middle: which one is the prediction lost without?
- The same at an early and at a late step.
- Switch off the time: the network does not know how much noise there is. When does that hurt most?
- Click a place in the picture: where do the heads look from there?"""


def compute_inside(choice: object, own: object, *values: object) -> Iterator[tuple[Any, ...]]:
    """Denoise, and look inside one step of the run. Yields (view, strip); closing it stops it."""
    network = chosen_network(choice, own)
    plan = check_plan(*values, network=network)  # pyright: ignore[reportArgumentType]  # the controls' values, in order
    yield gr.skip(), loading(network) or gr.skip()
    from models.diffusion.edits import begin
    from models.diffusion.sprites import denoise_entry

    run = SpriteRun(plan, plan.steps, network=network)
    name, denoised = RUNS.put(run), None
    for denoised in denoise_entry(begin(plan), network):
        run.steps.append(denoised.step)
        yield gr.skip(), empty_strip(f"Step {len(run.steps)} of {run.total}.")
    assert denoised is not None
    yield _view(name, run, int(FIRST_SHARE * (run.total - 1)), 0, (), find=True), strip_of(denoised.run)


def _view(
    name: str, run: SpriteRun, place: int, sprite: int, off: tuple[str, ...], *, find: bool = False
) -> InsideView:
    from models.diffusion.inside import look_inside

    step = run.steps[place]
    inside = look_inside(run.plan, step.t, step.x_t, sprite, off, run.network)
    finding = ""
    if find:
        skips = {
            skip: look_inside(run.plan, step.t, step.x_t, sprite, (f"skip {skip}",), run.network)
            for skip in inside.skips
        }
        finding = find_skip(skips, step, sprite)
    return view_of_inside(inside, step, run=name, place=place, total=len(run.steps), sprite=sprite, finding=finding)


@answering
def view_inside(request: dict[str, Any]) -> InsideView:
    """Another step or sprite of the run, or the same with parts switched off."""
    name = request.get("run")
    run = RUNS.find(name)
    place = place_in(run, request.get("place"))
    sprite = check_integer(request.get("sprite"), name="The sprite", low=0, high=run.plan.count - 1)
    off = request.get("off")
    if not isinstance(off, list) or len(off) > MOST_OFF or not all(isinstance(one, str) for one in off):
        raise InputError("What is switched off must be a list of names.")
    return _view(str(name), run, place, sprite, tuple(dict.fromkeys(off)))


def build(own: gr.State) -> None:
    """The page: what to make on the left, the network with its switches on the right."""
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            run = gr.Button("Generate", variant="primary", elem_id="diffusion-inside-run")
            with fold("What to make"):
                controls = plan_controls("inside", count=1)
                network = network_choice("diffusion-inside-network")
        with gr.Column(scale=5, min_width=300):
            shown = component("unet_inside", server_functions=[view_inside], elem_id="diffusion-inside-view")
            strip = gr.HTML(empty_strip("The model is loaded with the first run."))
            gr.Markdown(INSIDE, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    keeps(network=network, **controls, looks=("step", "off"))
    follow_choice(network, own, [controls["sprite_class"], controls["guidance"]])
    asked = [network, own, *controls.values()]
    run.click(compute_inside, asked, [shown, strip], **private(), **LONG)
    opens(compute_inside, asked, [shown, strip], queue=LONG)
