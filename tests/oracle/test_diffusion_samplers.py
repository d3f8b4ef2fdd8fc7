"""Every sampler's arithmetic against diffusers' scheduler of that name, step after step of whole runs."""

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    UniPCMultistepScheduler,
)

from models.diffusion.data import CLASSES
from models.diffusion.network import Config, SpriteUNet
from models.diffusion.samplers import CORRECTED, FRESH, SAMPLERS, combine, level_at
from models.diffusion.schedule import cosine_schedule, velocity
from models.diffusion.trace import Plan, denoise, first_noise, fresh_noise, trace_denoising

COMMON = {"beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction", "timestep_spacing": "trailing"}
THEIRS = {
    "ddim": lambda: DDIMScheduler(**COMMON, clip_sample=True),
    "ddpm": lambda: DDPMScheduler(**COMMON, clip_sample=True, variance_type="fixed_small"),
    "euler": lambda: EulerDiscreteScheduler(**COMMON),
    "euler-ancestral": lambda: EulerAncestralDiscreteScheduler(**COMMON),
    "dpm-solver++": lambda: DPMSolverMultistepScheduler(**COMMON, thresholding=True),
    "unipc": lambda: UniPCMultistepScheduler(**COMMON, thresholding=True),
}
STRETCHED = ("euler", "euler-ancestral")  # diffusers keeps x / signal for these: 20,000 times x at the beginning
TOLERANCE = {name: 1e-2 if name in STRETCHED else 2e-3 for name in THEIRS}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = SpriteUNet(Config(classes=CLASSES, widths=(16, 16), blocks=1, heads=2, embedding=16))
    torch.nn.init.normal_(network.unfold.weight, std=0.3)
    return network.eval().requires_grad_(False)


@pytest.fixture
def noise_of_our_own(monkeypatch):
    """Schedulers draw their fresh noise from the queue that this returns."""
    queue = []
    for module in ("scheduling_ddpm", "scheduling_euler_ancestral_discrete"):
        monkeypatch.setattr(f"diffusers.schedulers.{module}.randn_tensor", lambda *_, **__: queue.pop())
    return queue


def test_every_sampler_has_its_scheduler():
    assert set(THEIRS) == set(SAMPLERS)


@pytest.mark.parametrize("steps", [1, 2, 7, 10, 25])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_whole_run_is_theirs(network, noise_of_our_own, sampler, steps):
    if sampler == "ddim" and 1000 % steps:
        pytest.skip("diffusers' DDIM goes back by 1000 // steps, which then is not its own next time")
    schedule, scheduler = cosine_schedule(), THEIRS[sampler]()
    scheduler.set_timesteps(steps)
    for step in trace_denoising(network, "potion", 2, steps, 3, guidance=2.0, sampler=sampler):
        assert scheduler.timesteps[step.index] == step.t
        x_t, x_0, epsilon = (torch.from_numpy(a) for a in (step.x_t, step.x_0, step.epsilon))
        size = float(schedule.signal(step.t)) if sampler in STRETCHED else 1.0
        size_next = float(schedule.signal(step.t_next)) if sampler in STRETCHED and step.t_next >= 0 else 1.0
        if FRESH in step.pictures:
            noise_of_our_own.append(torch.from_numpy(step.pictures[FRESH]))
        v = velocity(schedule, x_0, epsilon, step.t)
        theirs = scheduler.step(v, scheduler.timesteps[step.index], x_t / size).prev_sample * size_next
        torch.testing.assert_close(torch.from_numpy(step.x_next), theirs, atol=TOLERANCE[sampler], rtol=1e-3)


@pytest.mark.parametrize("sampler", ["ddim", "dpm-solver++", "unipc"])
def test_entering_in_the_middle_is_theirs(network, sampler):
    steps, first = 10, 6
    schedule, scheduler = cosine_schedule(), THEIRS[sampler]()
    scheduler.set_timesteps(steps)
    if sampler != "ddim":
        scheduler.set_begin_index(first)
    for step in denoise(network, Plan("tree", 1, steps, 0, sampler=sampler), first_noise(1, 5), first=first):
        v = velocity(schedule, torch.from_numpy(step.x_0), torch.from_numpy(step.epsilon), step.t)
        theirs = scheduler.step(v, scheduler.timesteps[step.index], torch.from_numpy(step.x_t)).prev_sample
        torch.testing.assert_close(torch.from_numpy(step.x_next), theirs, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_is_shown_is_what_was_computed(network, sampler):
    for step in trace_denoising(network, "wand", 1, 6, 1, sampler=sampler):
        assert np.array_equal(combine(step.update.step, step.pictures), step.x_next)
        if step.update.correction:
            assert np.array_equal(combine(step.update.correction, step.pictures), step.pictures[CORRECTED])
        total = sum(term.factor for term in step.update.step if term.of.startswith("x"))
        assert np.isfinite(total)


@pytest.mark.parametrize("times", [(999, 959), (500, 460), (39, -1)])
@pytest.mark.parametrize("pair", [("ddim", "euler"), ("ddpm", "euler-ancestral")])
def test_two_names_of_one_sampler(pair, times):
    now, following = (level_at(cosine_schedule(), t) for t in times)
    x_0, epsilon, fresh = (first_noise(1, seed) for seed in (1, 2, 3))
    pictures = {"x_t": now.signal * x_0 + now.noise * epsilon, "x_0": x_0, "epsilon": epsilon, "fresh": fresh}
    one, other = (combine(SAMPLERS[name](now, following, []).step, pictures) for name in pair)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_dpm_solver_and_unipc_are_neither(network):
    def last(sampler):
        *_, step = trace_denoising(network, "food", 1, 12, 4, sampler=sampler)
        return step.x_0

    ends = [last(name) for name in ("ddim", "ddpm", "dpm-solver++", "unipc")]
    for i, one in enumerate(ends):
        assert all(np.abs(one - other).max() > 1e-2 for other in ends[:i])


def test_fresh_noise_is_of_the_seed_and_the_time():
    one = fresh_noise((2, 4, 32, 32), 3, 500)
    assert np.array_equal(one, fresh_noise((2, 4, 32, 32), 3, 500))
    assert abs(one.mean()) < 0.05
    assert abs(one.std() - 1) < 0.05
    for other in (fresh_noise(one.shape, 4, 500), fresh_noise(one.shape, 3, 499)):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.05
