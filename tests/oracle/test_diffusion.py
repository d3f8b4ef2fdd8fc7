"""Schedules and single steps against diffusers' schedulers."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler

from models.diffusion.schedule import (
    add_noise,
    cosine_schedule,
    ddim_step,
    ddpm_step,
    from_velocity,
    linear_schedule,
    noise_in,
    timesteps,
    velocity,
)

BETAS = {"cosine": {"beta_schedule": "squaredcos_cap_v2"}, "linear": {"beta_schedule": "linear"}}
OURS = {"cosine": cosine_schedule, "linear": linear_schedule}
STEPS = 25


def pictures(seed, count=3):
    return torch.randn(count, 4, 8, 8, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=["cosine", "linear"])
def schedule(request):
    return request.param


def test_tables_are_theirs(schedule):
    theirs = DDIMScheduler(**BETAS[schedule]).alphas_cumprod.numpy()
    np.testing.assert_allclose(OURS[schedule]().alphas_cumprod, theirs, rtol=2e-4, atol=1e-7)


@pytest.mark.parametrize("t", [0, 1, 250, 500, 998])
def test_add_noise(schedule, t):
    x_0, epsilon = pictures(0), pictures(1)
    theirs = DDIMScheduler(**BETAS[schedule]).add_noise(x_0, epsilon, torch.tensor([t] * 3))
    torch.testing.assert_close(add_noise(OURS[schedule](), x_0, epsilon, t), theirs, atol=1e-5, rtol=1e-4)


def test_one_time_for_each_picture(schedule):
    x_0, epsilon, t = pictures(0), pictures(1), torch.tensor([3, 400, 900])
    theirs = DDIMScheduler(**BETAS[schedule])
    ours = OURS[schedule]()
    torch.testing.assert_close(
        add_noise(ours, x_0, epsilon, t), theirs.add_noise(x_0, epsilon, t), atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(
        velocity(ours, x_0, epsilon, t), theirs.get_velocity(x_0, epsilon, t), atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("steps", [1, 5, 25, 50, 100])
def test_times(steps):
    theirs = DDIMScheduler(timestep_spacing="trailing")
    theirs.set_timesteps(steps)
    assert timesteps(steps) == theirs.timesteps.tolist()


@pytest.mark.parametrize("index", [0, 1, 12, 23, 24])
def test_ddim_step(schedule, index):
    theirs = DDIMScheduler(
        **BETAS[schedule], prediction_type="v_prediction", timestep_spacing="trailing", clip_sample=True
    )
    theirs.set_timesteps(STEPS)
    times = [*timesteps(STEPS), -1]
    t, t_next = times[index], times[index + 1]
    ours, x_t, v = OURS[schedule](), pictures(2), pictures(3)
    expected = theirs.step(v, t, x_t, use_clipped_model_output=True)

    x_0 = from_velocity(ours, x_t, v, t)[0].clamp(-1, 1)
    torch.testing.assert_close(x_0, expected.pred_original_sample, atol=1e-4, rtol=1e-3)
    ours_next = ddim_step(ours, x_0, noise_in(ours, x_t, x_0, t), t_next)
    torch.testing.assert_close(ours_next, expected.prev_sample, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("index", [0, 1, 12, 23, 24])
def test_ddpm_step(schedule, index):
    theirs = DDPMScheduler(
        **BETAS[schedule],
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=True,
        variance_type="fixed_small",
    )
    theirs.set_timesteps(STEPS)
    times = [*timesteps(STEPS), -1]
    t, t_next = times[index], times[index + 1]
    ours, x_t, v = OURS[schedule](), pictures(2), pictures(3)
    expected = theirs.step(v, t, x_t, generator=torch.Generator().manual_seed(9)).prev_sample

    x_0 = from_velocity(ours, x_t, v, t)[0].clamp(-1, 1)
    fresh = torch.randn(x_t.shape, generator=torch.Generator().manual_seed(9))
    torch.testing.assert_close(ddpm_step(ours, x_0, x_t, fresh, t, t_next), expected, atol=1e-3, rtol=1e-3)
