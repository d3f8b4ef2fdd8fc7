"""The public endpoints of the Diffusion tab; those that change a run or a picture are in `api_edits.py`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from gradio.events import api
from gradio.utils import get_upload_folder
from PIL import Image

from demos.diffusion import api_edits
from demos.diffusion.answers import Facts, answers_of, as_files
from demos.diffusion.forward import START_TIME, check_forward
from demos.diffusion.image import STRENGTH, as_sprite, check_strength
from demos.diffusion.plans import check_plan, counted_classes
from demos.inputs.uploaded_image import UploadedImage
from demos.tab import LIGHT, LONG, chosen_from
from demos.views.diffusion import NOISE_RANGE, as_picture
from models.diffusion.forward import NoisyPicture, noisy_picture
from models.diffusion.pictures import shrink_square
from models.diffusion.schedule import GUIDANCE, timesteps
from models.errors import InputError
from models.images import read_rgba
from models.inputs import check_flag


@chosen_from(sprite_class=counted_classes)
def diffusion_generate(
    sprite_class: str,
    count: int = 4,
    steps: int = 25,
    seed: int = 0,
    sampler: str = "ddim",
    guidance: float = GUIDANCE,
    prompt: str = "",
    negative: str = "",
) -> Iterator[tuple[Facts, list[FileData]]]:
    """Sprites of a class or from words, denoised from random noise; the same seed gives the same sprites.

    Streams one answer a step, `{"step", "steps", "t", "preview": PNG data address of the predicted sprites}` without
    files, and the result at the end. Cancel the job and the work stops within a step.

    Args:
        sprite_class: what to draw.
        count: how many sprites, 1 to 16.
        steps: denoising steps, 1 to 100.
        seed: 0 to 2147483647.
        sampler: "ddim", "ddpm", "euler", "euler-ancestral", "dpm-solver++" or "unipc".
        guidance: 1 (none) to 8.
        prompt: words in place of a class ("a red potion"), up to 500 characters; the class is then "any".
        negative: words that guidance leads away from; only with a prompt.

    Returns:
        {"model", "seconds", "images": [file names], "sprite_class", "steps", "seed", "sampler", "guidance"} and the PNG
        files themselves, RGBA of 32 x 32 pixels; with a prompt also {"prompt", "negative", "unknown": [words that the
        network has not learned]}.
    """
    plan = check_plan(sprite_class, count, steps, seed, guidance, sampler, prompt=prompt, negative=negative)
    from models.diffusion.edits import begin

    asked = {"sprite_class": sprite_class, "steps": steps, "seed": seed, "sampler": sampler, "guidance": guidance}
    if plan.prompt:
        from models.diffusion.reading import unknown_words

        asked |= {"prompt": plan.prompt, "negative": plan.negative, "unknown": unknown_words(plan.prompt)}
    for facts, paths in answers_of(begin(plan), asked):
        yield facts, as_files(paths)


@chosen_from(sprite_class=counted_classes)
def diffusion_transform(
    image: str | None,
    sprite_class: str = "any",
    strength: float = STRENGTH,
    count: int = 4,
    steps: int = 25,
    seed: int = 0,
    cut_out: bool = True,
    sampler: str = "ddim",
    guidance: float = GUIDANCE,
    prompt: str = "",
    negative: str = "",
) -> Iterator[tuple[Facts, list[str]]]:
    """A picture made into sprites of a class (image to image): noised part of the way, and denoised from there.

    Streams one answer a step, as `/diffusion_generate` does, and the result at the end.

    Args:
        image: an uploaded picture; its middle square is shrunk to 32 x 32 pixels.
        sprite_class: what to draw.
        strength: 0 (the picture comes back as it is) to 1 (hardly anything of it is left): the share of steps run.
        count: how many sprites, 1 to 16.
        steps: denoising steps of the whole timeline, 1 to 100.
        seed: 0 to 2147483647.
        cut_out: whether a background of the border's colour becomes transparent.
        sampler: as for `/diffusion_generate`.
        guidance: as for `/diffusion_generate`.
        prompt: words in place of a class, as for `/diffusion_generate`.
        negative: words that guidance leads away from; only with a prompt.

    Returns:
        {"model", "seconds", "images": [file names], "sprite_class", "strength", "steps", "steps_run", "entered_at",
        "seed", "sampler", "guidance", "prompt", "negative"} and the PNG files themselves; "entered_at" is the time t,
        null where no step was run.
    """
    plan = check_plan(sprite_class, count, steps, seed, guidance, sampler, prompt=prompt, negative=negative)
    strength = check_strength(strength)
    sprite = as_sprite(image, check_flag(cut_out, name="cut_out"))
    from models.diffusion.edits import enter

    entry = enter(plan, sprite, strength)
    entered_at = timesteps(plan.steps)[entry.first] if entry.first < plan.steps else None
    asked = {"sprite_class": sprite_class, "strength": strength, "steps": steps, "seed": seed}
    asked |= {"sampler": sampler, "guidance": guidance, "prompt": plan.prompt, "negative": plan.negative}
    yield from answers_of(entry, asked | {"steps_run": plan.steps - entry.first, "entered_at": entered_at})


def diffusion_forward(
    image: str | None, t: int = START_TIME, schedule: str = "cosine", seed: int = 0
) -> tuple[Facts, list[str]]:
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
    t, schedule, seed, size = check_forward(t, schedule, seed)
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
    """Offer the endpoints; those that take a picture have inputs that nobody sees."""
    api(diffusion_generate, api_name="diffusion_generate", **LONG)
    _offer_transform()
    _offer_forward()
    api_edits.build()


def _offer_transform() -> None:
    image = UploadedImage(visible=False, image_mode=None)
    values = [
        gr.Textbox("any", visible=False),
        gr.Number(STRENGTH, visible=False),
        gr.Number(4, visible=False),
        gr.Number(25, visible=False),
        gr.Number(0, visible=False),
        gr.Checkbox(value=True, visible=False),
        gr.Textbox("ddim", visible=False),
        gr.Number(GUIDANCE, visible=False),
        gr.Textbox("", visible=False),
        gr.Textbox("", visible=False),
    ]
    answer = [gr.JSON(visible=False), gr.Files(visible=False)]
    gr.Button(visible=False).click(
        diffusion_transform,
        [image, *values],
        answer,
        api_name="diffusion_transform",
        api_visibility="public",
        **LONG,
    )


def _offer_forward() -> None:
    image, facts, files = UploadedImage(visible=False), gr.JSON(visible=False), gr.Files(visible=False)
    t, seed = gr.Number(START_TIME, label="t", visible=False), gr.Number(0, label="seed", visible=False)
    schedule = gr.Textbox("cosine", label="schedule", visible=False)
    gr.Button(visible=False).click(
        diffusion_forward,
        [image, t, schedule, seed],
        [facts, files],
        api_name="diffusion_forward",
        api_visibility="public",
        **LIGHT,
    )
