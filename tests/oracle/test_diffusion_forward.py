"""The forward page's numbers against diffusers' schedulers: `add_noise`, and the shift of their flow-matching one."""

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler, FlowMatchEulerDiscreteScheduler

from models.diffusion.forward import SHIFT, noisy_picture, schedule_called

RGBA = np.random.default_rng(0).integers(0, 256, (32, 32, 4), dtype=np.uint8)


def theirs(name):
    if name == "shifted":
        share = schedule_called("shifted").alphas_cumprod
        betas = 1 - share / np.concatenate([[1.0], share[:-1]])
        return DDPMScheduler(trained_betas=betas.tolist())
    return DDPMScheduler(beta_schedule={"cosine": "squaredcos_cap_v2", "linear": "linear"}[name])


@pytest.mark.parametrize("name", ["cosine", "linear", "shifted"])
@pytest.mark.parametrize("t", [0, 1, 250, 500, 998])
def test_noisy_pictures_are_those_of_add_noise(name, t):
    ours = noisy_picture(RGBA, t, name, seed=5)
    x_0, epsilon = torch.from_numpy(ours.x_0)[None], torch.from_numpy(ours.epsilon)[None]
    expected = theirs(name).add_noise(x_0, epsilon, torch.tensor([t]))[0]
    np.testing.assert_allclose(ours.x_t, expected.numpy(), atol=1e-4, rtol=1e-4)


def test_the_shift_is_that_of_their_flow_matching_scheduler():
    plain, shifted = (FlowMatchEulerDiscreteScheduler(shift=shift).sigmas.double() for shift in (1.0, SHIFT))
    inner = plain < 1
    their_factor = (shifted / (1 - shifted))[inner] / (plain / (1 - plain))[inner]
    t = np.arange(1000)
    cosine, ours = schedule_called("cosine"), schedule_called("shifted")
    our_factor = (ours.noise(t) / ours.signal(t)) / (cosine.noise(t) / cosine.signal(t))
    finite = torch.isfinite(their_factor)
    assert finite.sum() > 900
    np.testing.assert_allclose(their_factor[finite].numpy(), SHIFT, rtol=2e-3)
    np.testing.assert_allclose(our_factor, SHIFT, rtol=1e-6)
