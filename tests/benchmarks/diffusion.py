"""Our denoising with everything kept, beside diffusers' own pipeline with a callback, same network, one run.

Both make 16 sprites in 25 DDIM steps without guidance, in turn, and hand x_t to a callback at every step; ours also
gives the predicted noise and picture. Then the app's own settings: the first step after the click, and guidance; the
network that reads words; a grid of 24 settings, and its first moment; one step looked into.
"""

from collections.abc import Iterator
from functools import partial

import torch
from diffusers import DDIMScheduler, DiffusionPipeline

from demos.views.diffusion import view_of_step
from models import runtime
from models.diffusion.edits import begin
from models.diffusion.grid import denoise_grid
from models.diffusion.inside import look_inside
from models.diffusion.network import load_network
from models.diffusion.schedule import GUIDANCE, cosine_schedule
from models.diffusion.sprites import denoise_entry
from models.diffusion.trace import Plan, first_noise, trace_denoising
from tests.benchmarks.rows import Row, compare

COUNT, STEPS, ROUNDS = 16, 25, 3


class SpritePipeline(DiffusionPipeline):
    """The loop of diffusers' unconditional pipelines around our network, with their callback at the end of a step."""

    def __init__(self, unet, scheduler):
        super().__init__()
        self.unet, self.scheduler = unet, scheduler

    @torch.inference_mode()
    def __call__(self, sample, labels, steps, callback_on_step_end):
        self.scheduler.set_timesteps(steps)
        for index, t in enumerate(self.scheduler.timesteps):
            with runtime.autocast():
                v = self.unet(sample, t.expand(len(sample)), labels).float()
            sample = self.scheduler.step(v, t, sample, use_clipped_model_output=True).prev_sample
            callback_on_step_end(self, index, t, {"latents": sample})
        return sample


def rows() -> Iterator[Row]:
    """The rows of this file."""
    network = runtime.load("sprites-unet", load_network).network
    scheduler = DDIMScheduler(
        beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction", timestep_spacing="trailing", clip_sample=True
    )
    pipeline = SpritePipeline(network, scheduler)
    pipeline.set_progress_bar_config(disable=True)
    labels = torch.full((COUNT,), network.config.classes.index("monster"))
    seen = []

    def theirs():
        return pipeline(torch.from_numpy(first_noise(COUNT, 0)), labels, STEPS, lambda *values: seen.append(values[3]))

    def ours(count=COUNT, guidance=1.0):
        *_, last = trace_denoising(network, "monster", count, STEPS, 0, guidance=guidance)
        return torch.from_numpy(last.x_next)

    def first_frame():
        return view_of_step(next(trace_denoising(network, "monster", 4, STEPS, 0)), cosine_schedule())

    assert (ours() - theirs()).abs().mean() < 0.02, "both must draw the same sprites"
    what = f"{COUNT} sprites, {STEPS} steps, all kept"
    yield compare(what, ROUNDS, ours, "diffusers' pipeline", theirs, counted=ours)
    for count in (COUNT, 4):
        guided = partial(ours, count, GUIDANCE)
        yield compare(f"{count} sprites, {STEPS} steps, guidance {GUIDANCE}", ROUNDS, guided, counted=guided)
    yield compare("the first step of 4 sprites, drawn", ROUNDS, first_frame)
    yield from pages()


def pages() -> Iterator[Row]:
    """What a click costs on the pages "Pictures from words", "Side by side" and "Inside the U-Net"."""
    words = Plan("", 4, STEPS, 0, prompt="a red potion")

    def from_words():
        return list(denoise_entry(begin(words)))

    what = f"words: 4 sprites, {STEPS} steps, guidance {GUIDANCE}"
    yield compare(what, ROUNDS, from_words, counted=from_words)
    cells = tuple(Plan(name, 1, 10, seed) for name in ("potion", "monster", "weapon") for seed in range(8))

    def grid():
        return list(denoise_grid(cells))

    yield compare("a grid of 24 cells, 10 steps", ROUNDS, grid, counted=grid)
    yield compare("a grid of 24 cells, the first moment", ROUNDS, lambda: next(denoise_grid(cells)))
    plan, noise = Plan("monster", 1, STEPS, 0), first_noise(1, 0)
    yield compare("one step looked into", 5 * ROUNDS, lambda: look_inside(plan, 999, noise, 0))
