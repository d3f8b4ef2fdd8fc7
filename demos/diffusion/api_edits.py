"""The public endpoints that change a picture or a run: a hole filled, a walk between two ends, a fork."""

import time
from collections.abc import Iterator
from itertools import pairwise

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from gradio.events import api

from demos.diffusion.answers import Facts, answer_of_step, answers, as_files, facts_of_run
from demos.diffusion.films import save_sprites
from demos.diffusion.image import MAX_ROUNDS, as_sprite
from demos.diffusion.plans import ALL_CLASSES, check_plan, check_seed, counted_classes
from demos.diffusion.reverse import describe_changes
from demos.inputs.pixel_canvas import SIDE
from demos.inputs.uploaded_image import UploadedImage
from demos.tab import LONG, chosen_from
from models.diffusion.found import distance
from models.diffusion.pictures import shrink_square
from models.diffusion.schedule import GUIDANCE, timesteps
from models.errors import InputError
from models.images import read_rgba
from models.inputs import check_choice, check_flag, check_integer

SAME = "same"


@chosen_from(sprite_class=counted_classes)
def diffusion_inpaint(
    image: str | None,
    mask: str | None,
    sprite_class: str = "any",
    rounds: int = 1,
    count: int = 4,
    steps: int = 25,
    seed: int = 0,
    cut_out: bool = True,
    guidance: float = GUIDANCE,
    prompt: str = "",
    negative: str = "",
) -> Iterator[tuple[Facts, list[str]]]:
    """A hole in a picture filled by the sprite model (RePaint, with DDPM); all around the hole stays as it is.

    Streams one answer a step, as `/diffusion_generate` does, and the result at the end.

    Args:
        image: an uploaded picture; its middle square is shrunk to 32 x 32 pixels.
        mask: a picture of the same kind, shrunk in the same way: where it is light and opaque, the hole is.
        sprite_class: what to draw.
        rounds: how often each step is made, 1 to 4; more fit the hole to its surroundings.
        count: how many fillings, 1 to 16.
        steps: denoising steps, 1 to 100.
        seed: 0 to 2147483647.
        cut_out: whether a background of the border's colour becomes transparent.
        guidance: 1 (none) to 8.
        prompt: words in place of a class ("a red potion"), up to 500 characters; the class is then "any".
        negative: words that guidance leads away from; only with a prompt.

    Returns:
        {"model", "seconds", "images": [file names], "sprite_class", "hole": pixels of the hole, "rounds", "steps",
        "seed", "guidance", "prompt", "negative"} and the PNG files themselves, RGBA of 32 x 32 pixels.
    """
    plan = check_plan(sprite_class, count, steps, seed, guidance, "ddpm", prompt=prompt, negative=negative)
    rounds = check_integer(rounds, name="The number of rounds", low=1, high=MAX_ROUNDS)
    sprite = as_sprite(image, check_flag(cut_out, name="cut_out"))
    hole = hole_of(mask)
    from models.diffusion.data import to_signal
    from models.diffusion.sprites import fill_hole

    asked = {"sprite_class": plan.sprite_class, "hole": int(hole.sum()), "rounds": rounds, "steps": plan.steps}
    asked |= {"seed": plan.seed, "guidance": plan.guidance, "prompt": plan.prompt, "negative": plan.negative}
    yield from answers(fill_hole(plan, sprite, hole, rounds), plan, asked, to_signal(sprite[None]), ~hole)


def hole_of(mask: str | None) -> np.ndarray:
    """Where a picture, shrunk to the sprites' size, is light and opaque, `[32, 32] bool`. Raises `InputError`."""
    if mask is None:
        raise InputError("There is no mask: send a picture that is white where the hole is.")
    rgba = shrink_square(read_rgba(mask), SIDE).astype(np.float64)
    hole = rgba[..., :3].mean(axis=-1) * rgba[..., 3] / 255 > 127.5
    if not hole.any():
        raise InputError("The mask marks no hole: paint white what is to be made anew.")
    return hole


@chosen_from(first_class=counted_classes)
def diffusion_between(
    first_class: str = "potion",
    last_class: str = "tree",
    first_seed: int = 1,
    last_seed: int = 2,
    count: int = 8,
    steps: int = 25,
    sampler: str = "ddim",
    guidance: float = GUIDANCE,
) -> Iterator[tuple[Facts, list[FileData]]]:
    """A walk from one sprite to another: noises mixed on a great circle, classes on a line, all denoised together.

    Streams one answer a step, as `/diffusion_generate` does, and the result at the end.

    Args:
        first_class: what to draw.
        last_class: the class of the other end; the same one changes the noise alone.
        first_seed: of the noise of the first sprite, 0 to 2147483647.
        last_seed: of the noise of the last one; the same one changes the class alone.
        count: how many sprites, ends included, 2 to 16.
        steps: denoising steps, 1 to 100.
        sampler: as for `/diffusion_generate`.
        guidance: as for `/diffusion_generate`.

    Returns:
        {"model", "seconds", "images": [file names], "shares": how far each sprite is on the way, 0 to 1, "distances":
        root mean square difference of each sprite to the one before, in -1..1, and what was asked} and the PNG files
        themselves in the order of the walk, RGBA of 32 x 32 pixels.
    """
    count = check_integer(count, name="The number of sprites", low=2, high=16)
    plan = check_plan(first_class, count, steps, check_seed(first_seed, "The first seed"), guidance, sampler)
    last_class = check_choice(last_class, ALL_CLASSES, name="The second class")
    last_seed = check_seed(last_seed, "The second seed")
    from models.diffusion.sprites import walk_between

    start, denoised = time.perf_counter(), None
    for denoised in walk_between(plan, last_class, last_seed):
        yield answer_of_step(denoised), []
    assert denoised is not None
    x_0 = denoised.step.x_0
    paths = save_sprites(x_0, f"between-{plan.sprite_class}-{last_class}")
    asked = {"first_class": plan.sprite_class, "last_class": last_class, "first_seed": plan.seed}
    asked |= {"last_seed": last_seed, "steps": plan.steps, "sampler": plan.sampler, "guidance": plan.guidance}
    shares = [round(float(share), 4) for share in np.linspace(0, 1, count)]
    apart = [round(distance(one, other), 4) for one, other in pairwise(x_0)]
    yield {**facts_of_run(plan, start, paths), "shares": shares, "distances": apart, **asked}, as_files(paths)


@chosen_from(sprite_class=counted_classes)
def diffusion_fork(
    sprite_class: str = "potion",
    step: int = 10,
    to_class: str = SAME,
    to_guidance: float = 0,
    to_sampler: str = SAME,
    to_seed: int = -1,
    count: int = 4,
    steps: int = 25,
    seed: int = 0,
    sampler: str = "ddim",
    guidance: float = GUIDANCE,
) -> Iterator[tuple[Facts, list[FileData]]]:
    """A run left at one of its steps: the picture of that step goes on by other settings, beside the run itself.

    Streams one answer a step, first of the run, then of the fork, and the result at the end. With nothing changed the
    fork repeats the run bit by bit.

    Args:
        sprite_class: what to draw.
        step: the first step that is made differently, 1 (everything) to the number of steps.
        to_class: the class from that step on, or "same".
        to_guidance: the guidance from that step on, 1 (none) to 8; 0 for the same.
        to_sampler: the sampler from that step on, or "same".
        to_seed: seed of the fresh noise that "ddpm" and "euler-ancestral" add from that step on; -1 for the same.
        count: how many sprites, 1 to 16.
        steps: denoising steps, 1 to 100.
        seed: 0 to 2147483647.
        sampler: as for `/diffusion_generate`.
        guidance: as for `/diffusion_generate`.

    Returns:
        {"model", "seconds", "images": [file names], "step", "t": its time, "changed": in words, "difference": root mean
        square between the finished sprites of both, in -1..1, and what was asked} and the PNG files themselves: first
        the sprites of the run, then those of the fork.
    """
    plan = check_plan(sprite_class, count, steps, seed, guidance, sampler)
    place = check_integer(step, name="The step", low=1, high=plan.steps) - 1
    changed = check_plan(
        plan.sprite_class if to_class == SAME else to_class,
        count,
        steps,
        plan.seed if to_seed == -1 else to_seed,
        plan.guidance if to_guidance == 0 else to_guidance,
        plan.sampler if to_sampler == SAME else to_sampler,
    )
    from models.diffusion.edits import begin, fork
    from models.diffusion.sprites import denoise_entry

    start, made = time.perf_counter(), []
    for denoised in denoise_entry(begin(plan)):
        made.append(denoised.step)
        yield answer_of_step(denoised), []
    last = made[-1]
    for denoised in denoise_entry(fork(plan, made, place, changed)):
        last = denoised.step
        yield answer_of_step(denoised), []
    paths = save_sprites(made[-1].x_0, f"{plan.sprite_class}-{plan.seed}")
    paths += save_sprites(last.x_0, f"{changed.sprite_class}-{changed.seed}-fork")
    asked = {"step": place + 1, "t": timesteps(plan.steps)[place], "changed": describe_changes(plan, changed, None)}
    asked |= {"difference": round(distance(made[-1].x_0, last.x_0), 4), "sprite_class": plan.sprite_class}
    asked |= {"steps": plan.steps, "seed": plan.seed, "sampler": plan.sampler, "guidance": plan.guidance}
    yield {**facts_of_run(plan, start, paths), **asked}, as_files(paths)


def build() -> None:
    """Offer the endpoints; the one that takes pictures has inputs that nobody sees."""
    api(diffusion_between, api_name="diffusion_between", **LONG)
    api(diffusion_fork, api_name="diffusion_fork", **LONG)
    pictures = [UploadedImage(visible=False, image_mode=None) for _ in range(2)]
    values = [
        gr.Textbox("any", visible=False),
        *(gr.Number(value, visible=False) for value in (1, 4, 25, 0)),
        gr.Checkbox(value=True, visible=False),
        gr.Number(GUIDANCE, visible=False),
        *(gr.Textbox("", visible=False) for _ in range(2)),
    ]
    gr.Button(visible=False).click(
        diffusion_inpaint,
        [*pictures, *values],
        [gr.JSON(visible=False), gr.Files(visible=False)],
        api_name="diffusion_inpaint",
        api_visibility="public",
        **LONG,
    )
