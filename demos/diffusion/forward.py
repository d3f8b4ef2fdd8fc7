"""Forward: noise is added by a closed formula, at any time, to any picture; nothing is learned here."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from demos.components.noise_view import noise_view
from demos.diffusion.shared import LATEX, MAX_SEED, example_sprites, private
from demos.inputs.uploaded_image import UploadedImage
from demos.views.diffusion import NOISE_RANGE, as_picture
from demos.views.diffusion_forward import draw_noisy
from models.diffusion.forward import SCHEDULES, NoisyPicture, noisy_picture
from models.diffusion.pictures import shrink_square
from models.diffusion.schedule import TRAINING_STEPS
from models.errors import InputError
from models.images import read_rgba
from models.inputs import check_choice, check_integer

TITLE = "Forward: add noise"
START_TIME = 250
SIZES = (32, 64, 128)

FORWARD = r"""No learning here: the noisy picture at any time is a weighted sum, and the weights are a table made in
advance. At the left end it is the picture, at the right end nothing of it is left. The noise is drawn once from a
normal distribution; the seed decides which. One jump does what $t$ small steps would do (Ho et al. 2020).

$$x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1-\bar\alpha_t}\, \varepsilon \qquad
\text{signal to noise} = \frac{\bar\alpha_t}{1-\bar\alpha_t}$$"""

TRY = """- Find the time at which you can no longer tell what it is. Then choose 128 pixels: it is later, for eyes
  average neighbouring pixels, and so do networks. The shifted schedule makes up for it.
- Compare linear with cosine at t = 600: linear leaves 3 % of the variance to the picture, cosine 34 %.
- Upload a black picture: the histogram is one bar at -1 that widens and walks to the middle.
- Change the seed: other noise, the same shares, nearly the same histogram."""


def check_forward(image: Any, t: Any, schedule: Any, seed: Any, size: Any) -> tuple[int, str, int, int]:
    """Time, schedule, seed and size, or `InputError`; the picture may still be missing."""
    t = check_integer(t, name="The time t", low=0, high=TRAINING_STEPS - 1)
    schedule = check_choice(schedule, list(SCHEDULES), name="The schedule")
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    size = check_integer(size, name="The size in pixels", low=min(SIZES), high=max(SIZES))
    if size not in SIZES:
        raise InputError("The size in pixels must be 32, 64 or 128.")
    return t, schedule, seed, size


def view_forward(image: str | None, t: Any, schedule: Any, seed: Any, size: Any = 32) -> dict[str, Any] | None:
    """A picture with noise of time `t` added; no network is run."""
    t, schedule, seed, size = check_forward(image, t, schedule, seed, size)
    if image is None:
        return None
    rgba = shrink_square(read_rgba(image), size)
    return draw_noisy(rgba, noisy_picture(rgba, t, schedule, seed))


def diffusion_forward(
    image: str | None, t: int = START_TIME, schedule: str = "cosine", seed: int = 0
) -> tuple[dict[str, Any], list[str]]:
    """Noise added to a picture by the closed form of a diffusion model; no network is run.

    Args:
        image: any picture; its middle square is shrunk to 32 x 32.
        t: the time, 0 (hardly any noise) to 999 (hardly anything else).
        schedule: "cosine", "linear" or "shifted".
        seed: of the noise, 0 to 2147483647.

    Returns:
        {"t", "schedule", "seed", "alpha_bar", "signal", "noise", "signal_to_noise"} and three files: x_t and the noise
        as PNG, and an npz with x_0, epsilon and x_t as float32 [4, 32, 32], for which
        x_t = signal * x_0 + noise * epsilon.
    """
    t, schedule, seed, size = check_forward(image, t, schedule, seed, 32)
    if image is None:
        raise InputError("There is no picture: send one.")
    noisy = noisy_picture(shrink_square(read_rgba(image), size), t, schedule, seed)
    facts = {
        "t": t,
        "schedule": schedule,
        "seed": seed,
        "alpha_bar": noisy.alpha_bar,
        "signal": noisy.signal,
        "noise": noisy.noise,
        "signal_to_noise": noisy.signal_to_noise,
    }
    return facts, [str(path) for path in save_noisy(noisy)]


def save_noisy(noisy: NoisyPicture) -> list[Path]:
    """x_t and the noise as PNG, and all numbers as npz, in a folder of their own in Gradio's cache."""
    cache_folder = Path(get_upload_folder())
    cache_folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cache_folder))
    paths = [folder / name for name in (f"x_{noisy.t}.png", "epsilon.png", "arrays.npz")]
    Image.fromarray(as_picture(noisy.x_t[None], 1.0)[0]).save(paths[0])
    Image.fromarray(as_picture(noisy.epsilon[None], NOISE_RANGE)[0]).save(paths[1])
    np.savez(paths[2], x_0=noisy.x_0, epsilon=noisy.epsilon, x_t=noisy.x_t)
    return paths


def build() -> None:
    """The page: a picture, the slider over time, and the sum it makes."""
    examples = example_sprites()
    first = str(next(iter(examples.values()))) if examples else None
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            image = UploadedImage(
                first,
                label="A picture: its middle square is used",
                elem_id="diffusion-picture",
                sources=["upload", "webcam", "clipboard"],
                height=230,
                image_mode=None,
            )
            with gr.Row():
                buttons = {name: gr.Button(name, size="sm", min_width=80) for name in examples}
            t = gr.Slider(0, TRAINING_STEPS - 1, START_TIME, step=1, label="Time t", elem_id="diffusion-time")
            schedule = gr.Radio(list(SCHEDULES), value="cosine", label="Schedule", elem_id="diffusion-schedule")
            size = gr.Radio(list(SIZES), value=32, label="Pixels a side", elem_id="diffusion-size")
            noise_seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of the noise")
        with gr.Column(scale=5, min_width=300):
            view = noise_view(view_forward(first, START_TIME, "cosine", 0), elem_id="diffusion-noise-view")
            gr.Markdown(FORWARD, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    inputs = [image, t, schedule, noise_seed, size]
    for event in (image.change, t.input, schedule.input, noise_seed.change, size.input):
        event(view_forward, inputs, view, trigger_mode="always_last", concurrency_limit=4, **private())
    for name, button in buttons.items():
        button.click(partial(str, examples[name]), None, image, **private())
    _publish()


def _publish() -> None:
    """The endpoint `/diffusion_forward`, with components of its own that nobody sees."""
    image, facts, files = UploadedImage(visible=False), gr.JSON(visible=False), gr.Files(visible=False)
    t, seed = gr.Number(START_TIME, label="t", visible=False), gr.Number(0, label="seed", visible=False)
    schedule = gr.Textbox("cosine", label="schedule", visible=False)
    gr.Button(visible=False).click(
        diffusion_forward,
        [image, t, schedule, seed],
        [facts, files],
        api_name="diffusion_forward",
        api_visibility="public",
        concurrency_limit=4,
    )
