"""Forward: noise is added by a closed formula, at any time, to any picture; nothing is learned here."""

from functools import partial

import gradio as gr

from demos.address import keeps
from demos.diffusion.plans import MAX_SEED, check_seed, example_sprites
from demos.inputs.uploaded_image import UploadedImage
from demos.opening import opens
from demos.tab import LATEX, LIGHT, fold, private
from demos.ui import component
from demos.views.diffusion_forward import NoisyView, view_of_noisy
from models.diffusion.forward import SCHEDULES, noisy_picture, small_steps
from models.diffusion.pictures import shrink_square
from models.diffusion.schedule import TRAINING_STEPS
from models.errors import InputError
from models.images import read_rgba
from models.inputs import check_choice, check_integer

TITLE = "Forward: add noise"
START_TIME = 250
FIRST = "potion"
SIZES = (32, 64, 128)

FORWARD = r"""No learning here: the noisy picture at any time is a weighted sum, and the weights are a table made in
advance. At the left end it is the picture, at the right end nothing of it is left. The noise is drawn once from a
normal distribution; the seed decides which. One jump does what $t$ small steps would do (Ho et al. 2020): the row of
pictures is made of these, with $x_t = \sqrt{1-\beta_t}\,x_{t-1} + \sqrt{\beta_t}\,\varepsilon_t$ each time.

$$x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1-\bar\alpha_t}\, \varepsilon \qquad
\text{signal to noise} = \frac{\bar\alpha_t}{1-\bar\alpha_t}$$"""

TRY = """- Find the time at which you can no longer tell what it is. Then choose 128 pixels: it is later, for eyes
  average neighbouring pixels, and so do networks. The shifted schedule makes up for it.
- Compare linear with cosine at t = 600: linear leaves 3 % of the variance to the picture, cosine 34 %.
- Upload a black picture: the histogram is one bar at -1 that widens and walks to the middle.
- Change the seed: other noise, the same shares, nearly the same histogram."""


def check_forward(t: object, schedule: object, seed: object, size: object = 32) -> tuple[int, str, int, int]:
    """Time, schedule, seed and size, or `InputError`."""
    t = check_integer(t, name="The time t", low=0, high=TRAINING_STEPS - 1)
    schedule = check_choice(schedule, list(SCHEDULES), name="The schedule")
    seed = check_seed(seed)
    size = check_integer(size, name="The size in pixels", low=min(SIZES), high=max(SIZES))
    if size not in SIZES:
        raise InputError("The size in pixels must be 32, 64 or 128.")
    return t, schedule, seed, size


def view_forward(image: str | None, t: object, schedule: object, seed: object, size: object = 32) -> NoisyView | None:
    """A picture with noise of time `t` added; no network is run."""
    t, schedule, seed, size = check_forward(t, schedule, seed, size)
    if image is None:
        return None
    rgba = shrink_square(read_rgba(image), size)
    noisy = noisy_picture(rgba, t, schedule, seed)
    return view_of_noisy(rgba, noisy, small_steps(noisy, seed))


def build() -> None:
    """The page: a picture, the slider over time, and the sum it makes."""
    examples = example_sprites()
    first = str(examples[FIRST])
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            t = gr.Slider(0, TRAINING_STEPS - 1, START_TIME, step=1, label="Time t", elem_id="diffusion-time")
            with fold():
                image = UploadedImage(
                    value=first,
                    label="A picture: its middle square is used",
                    elem_id="diffusion-picture",
                    sources=["upload", "webcam", "clipboard"],
                    height=230,
                    image_mode=None,
                )
                with gr.Row():
                    buttons = {name: gr.Button(name, size="sm", min_width=80) for name in examples}
                schedule = gr.Radio(list(SCHEDULES), value="cosine", label="Schedule", elem_id="diffusion-schedule")
                size = gr.Radio(list(SIZES), value=32, label="Pixels a side", elem_id="diffusion-size")
                noise_seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of the noise")
        with gr.Column(scale=5, min_width=300):
            view = component("noise_view", elem_id="diffusion-noise-view")
            gr.Markdown(FORWARD, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    keeps(picture=image, t=t, schedule=schedule, seed=noise_seed, size=size)
    inputs = [image, t, schedule, noise_seed, size]
    for event in (image.change, t.input, schedule.input, noise_seed.change, size.input):
        event(view_forward, inputs, view, trigger_mode="always_last", **private(), **LIGHT)
    opens(view_forward, inputs, [view], queue=LIGHT)
    for name, button in buttons.items():
        button.click(partial(str, examples[name]), None, image, **private())
