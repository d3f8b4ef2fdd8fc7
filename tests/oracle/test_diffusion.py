"""Schedules against diffusers'; steps are compared in test_diffusion_samplers.py."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler

from models.diffusion.schedule import (
    add_noise,
    cosine_schedule,
    linear_schedule,
    timesteps,
    velocity,
)

BETAS = {"cosine": {"beta_schedule": "squaredcos_cap_v2"}, "linear": {"beta_schedule": "linear"}}
OURS = {"cosine": cosine_schedule, "linear": linear_schedule}


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
