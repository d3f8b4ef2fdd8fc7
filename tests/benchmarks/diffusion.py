"""Our denoising with everything kept, beside diffusers' own pipeline with a callback, same network, one run.

    python tests/benchmarks/diffusion.py [--threads 2]

Both make 16 sprites in 25 DDIM steps without guidance, in turn, three times, and hand x_t to a callback at every step;
ours also gives the predicted noise and picture. Then the app's own settings: the first step after the click, 16 sprites
in 25 steps with guidance, and steps a second for 4 sprites.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
from diffusers import DDIMScheduler, DiffusionPipeline

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demos.views.diffusion import view_of_step
from models import runtime
from models.diffusion.network import load_network
from models.diffusion.schedule import GUIDANCE, cosine_schedule
from models.diffusion.trace import first_noise, trace_denoising

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
            with torch.autocast("cpu", torch.bfloat16, enabled=runtime.has_bfloat16()):
                v = self.unet(sample, t.expand(len(sample)), labels).float()
            sample = self.scheduler.step(v, t, sample, use_clipped_model_output=True).prev_sample
            callback_on_step_end(self, index, t, {"latents": sample})
        return sample


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
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

    def timed(run):
        start = time.perf_counter()
        return run(), time.perf_counter() - start

    difference = (ours() - theirs()).abs().mean()  # also warms both up
    rounds = [(timed(ours)[1], timed(theirs)[1]) for _ in range(ROUNDS)]
    mine, other = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(
        f"{COUNT} sprites, {STEPS} steps, no guidance: ours {mine:.2f} s, diffusers' pipeline {other:.2f} s", end="; "
    )
    print(f"mean difference of the results {difference:.4f}")

    def first_frame():
        return view_of_step(next(trace_denoising(network, "monster", 4, STEPS, 0)), cosine_schedule())

    first = statistics.median(timed(first_frame)[1] for _ in range(ROUNDS))
    many = statistics.median(timed(lambda: ours(guidance=GUIDANCE))[1] for _ in range(ROUNDS))
    few = statistics.median(timed(lambda: ours(4, GUIDANCE))[1] for _ in range(ROUNDS))
    print(f"first step of 4 sprites computed and drawn: {first * 1000:.0f} ms")
    print(f"{COUNT} sprites, {STEPS} steps, guidance {GUIDANCE}: {many:.2f} s")
    print(f"4 sprites, {STEPS} steps, guidance {GUIDANCE}: {STEPS / few:.1f} steps a second")


if __name__ == "__main__":
    main()
