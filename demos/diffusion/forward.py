"""Forward: noise is added by a closed formula, at any time, to any picture; nothing is learned here."""

from functools import cache, partial
from typing import Any

import gradio as gr
import numpy as np

from demos.components.noise_view import noise_view
from demos.components.uploaded_image import UploadedImage
from demos.diffusion.shared import LATEX, MAX_SEED, example_sprites, private
from demos.figures.diffusion import draw_forward, shrink_to_sprite
from models.diffusion.schedule import TRAINING_STEPS, Schedule, cosine_schedule, linear_schedule
from models.images import read_rgba
from models.inputs import check_choice, check_integer

TITLE = "Forward: add noise"
START_TIME = 250
SCHEDULES = {"cosine": cosine_schedule, "linear": linear_schedule}

FORWARD = r"""No learning here: the noisy picture at any time is a weighted sum, and the weights are a table made in
advance. At the left end it is the picture, at the right end nothing of it is left. The noise is drawn once from a
normal distribution; the seed decides which.

$$x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1-\bar\alpha_t}\, \varepsilon$$"""


@cache
def _schedule(name: str) -> Schedule:
    return SCHEDULES[name]()


def view_forward(image: str | None, t: Any, schedule: Any, seed: Any) -> dict[str, Any] | None:
    """A picture with noise of time `t` added; no network is run."""
    t = check_integer(t, name="The time t", low=0, high=TRAINING_STEPS - 1)
    schedule = check_choice(schedule, list(SCHEDULES), name="The schedule")
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    if image is None:
        return None
    epsilon = np.random.default_rng(seed).standard_normal((4, 32, 32)).astype(np.float32)
    return draw_forward(shrink_to_sprite(read_rgba(image)), epsilon, t, _schedule(schedule))


def build() -> None:
    """The page: a picture, the slider over time, and the sum it makes."""
    examples = example_sprites()
    first = str(next(iter(examples.values()))) if examples else None
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            image = UploadedImage(
                first,
                label="A picture (shrunk to 32 x 32)",
                elem_id="diffusion-picture",
                sources=["upload", "webcam"],
                height=190,
                image_mode=None,
            )
            with gr.Row():
                buttons = {name: gr.Button(name, size="sm", min_width=80) for name in examples}
            t = gr.Slider(0, TRAINING_STEPS - 1, START_TIME, step=1, label="Time t", elem_id="diffusion-time")
            schedule = gr.Radio(list(SCHEDULES), value="cosine", label="Schedule")
            noise_seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of the noise")
        with gr.Column(scale=5, min_width=300):
            view = noise_view(view_forward(first, START_TIME, "cosine", 0))
            gr.Markdown(FORWARD, elem_classes="gb-note", latex_delimiters=LATEX)
    inputs = [image, t, schedule, noise_seed]
    for event in (image.change, t.input, schedule.input, noise_seed.change):
        event(view_forward, inputs, view, trigger_mode="always_last", concurrency_limit=4, **private())
    for name, button in buttons.items():
        button.click(partial(str, examples[name]), None, image, **private())
