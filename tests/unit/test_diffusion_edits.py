"""Forks, painting, image to image, inpainting, going between, and the runs that are kept."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.diffusion import edits
from models.diffusion.data import CLASSES, to_signal
from models.diffusion.edits import Painting, between, cut_out, enter, fork, inpaint, paint, run_entry, slerp
from models.diffusion.network import Config, SpriteUNet
from models.diffusion.runs import SpriteRun
from models.diffusion.samplers import SAMPLERS, combine, level_at
from models.diffusion.schedule import cosine_schedule, timesteps
from models.diffusion.trace import Plan, denoise, first_noise

STEPS = 6
PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 4), dtype=np.uint8)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = SpriteUNet(Config(classes=CLASSES, widths=(16, 16), blocks=1, heads=2, embedding=16))
    torch.nn.init.normal_(network.unfold.weight, std=0.3)
    return network.eval().requires_grad_(False)


def whole_run(network, plan):
    return list(denoise(network, plan, first_noise(plan.count, plan.seed)))


def plan_of(sampler="ddim", **changes):
    return replace(Plan("potion", 2, STEPS, 5, 2.0, sampler), **changes)


@pytest.mark.parametrize("at", range(STEPS))
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_fork_with_unchanged_settings_repeats_the_run_bit_by_bit(network, sampler, at):
    plan = plan_of(sampler)
    steps = whole_run(network, plan)
    again = list(run_entry(network, fork(plan, steps, at, plan)))
    assert [step.index for step in again] == list(range(at, STEPS))
    for step, same in zip(steps[at:], again, strict=True):
        for name in ("x_t", "epsilon", "x_0", "x_next"):
            assert np.array_equal(getattr(step, name), getattr(same, name)), (name, step.index)
        assert step.update == same.update


@pytest.mark.parametrize(
    "changes",
    [{"sprite_class": "tree"}, {"guidance": 1.0}, {"sampler": "ddpm"}, {"sampler": "unipc"}],
    ids=lambda c: next(iter(c.items()))[1],
)
def test_a_fork_with_other_settings_goes_elsewhere_from_the_same_picture(network, changes):
    plan = plan_of("dpm-solver++")
    steps = whole_run(network, plan)
    forked = list(run_entry(network, fork(plan, steps, 2, replace(plan, **changes))))
    assert np.array_equal(forked[0].x_t, steps[2].x_t)
    assert not np.array_equal(forked[-1].x_0, steps[-1].x_0)
    assert forked[0].update.correction == ()


@pytest.mark.parametrize("sampler", ["dpm-solver++", "unipc"])
def test_a_fork_of_a_fork_repeats_it_too(network, sampler):
    plan, changed = plan_of(sampler), plan_of(sampler, sprite_class="wand")
    steps = whole_run(network, plan)
    forked = [*steps[:2], *run_entry(network, fork(plan, steps, 2, changed))]
    again = list(run_entry(network, fork(changed, forked, 3, changed, since=2)))
    assert np.array_equal(again[-1].x_next, forked[-1].x_next)


def test_another_seed_changes_a_fork_only_where_noise_is_added(network):
    for sampler, differs in (("ddim", False), ("ddpm", True)):
        plan = plan_of(sampler)
        steps = whole_run(network, plan)
        *_, last = run_entry(network, fork(plan, steps, 3, replace(plan, seed=6)))
        assert np.array_equal(last.x_0, steps[-1].x_0) != differs


def test_paint_changes_its_pixels_as_much_as_the_picture_counts(network):
    steps = whole_run(network, plan_of())
    mask = np.zeros((32, 32), bool)
    mask[4:9, 10:20] = True
    for step in (steps[0], steps[-1]):
        x_t = paint(step, Painting(PICTURE, mask, 1))
        assert np.array_equal(x_t[0], step.x_t[0])
        assert np.array_equal(x_t[1][:, ~mask], step.x_t[1][:, ~mask])
        signal = cosine_schedule().signal(step.t)
        noise = cosine_schedule().noise(step.t) * step.epsilon[1]
        expected = signal * to_signal(PICTURE[None])[0] + noise
        np.testing.assert_allclose(x_t[1][:, mask], expected[:, mask], atol=1e-4)
    assert not np.shares_memory(x_t, steps[-1].x_t)
    plan = plan_of()
    *_, last = run_entry(network, fork(plan, steps, 4, plan, Painting(PICTURE, mask, 1)))
    assert not np.array_equal(last.x_0[1], steps[-1].x_0[1])


@pytest.mark.parametrize(("strength", "first"), [(0, 10), (0.1, 9), (0.5, 5), (0.99, 1), (1, 0)])
def test_strength_is_the_place_on_the_timeline(network, strength, first):
    plan = plan_of(steps=10, count=3)
    entry = enter(plan, PICTURE, strength)
    assert entry.first == first
    x_0 = to_signal(PICTURE[None])
    if strength == 0:
        np.testing.assert_allclose(entry.x_t, np.repeat(x_0, 3, axis=0), atol=1e-6)
        assert list(run_entry(network, entry)) == []
        return
    t = timesteps(10)[first]
    schedule = cosine_schedule()
    noise = (entry.x_t - schedule.signal(t) * x_0) / schedule.noise(t)
    np.testing.assert_allclose(noise, first_noise(3, 5), atol=1e-4)
    steps = list(run_entry(network, entry))
    assert [step.t for step in steps] == timesteps(10)[first:]


def test_entering_is_where_diffusers_enters():
    from diffusers import StableDiffusionImg2ImgPipeline

    class Stand:
        scheduler = type("S", (), {"timesteps": torch.arange(100), "order": 1})()

    for steps in (1, 7, 25, 50):
        for strength in np.linspace(0, 1, 23):
            theirs = StableDiffusionImg2ImgPipeline.get_timesteps(Stand(), steps, float(strength), "cpu")[1]
            assert enter(plan_of(steps=steps), PICTURE, float(strength)).first == steps - theirs


@pytest.mark.parametrize("rounds", [1, 3])
def test_inpainting_keeps_everything_but_the_hole(network, rounds):
    hole = np.zeros((32, 32), bool)
    hole[8:20, 8:20] = True
    plan = plan_of("ddpm")
    steps = list(inpaint(network, plan, PICTURE, hole, rounds=rounds))
    assert len(steps) == STEPS * rounds
    known = to_signal(PICTURE[None])[0]
    for step in steps:
        assert np.array_equal(step.x_0[:, :, ~hole], np.repeat(known[None], 2, axis=0)[:, :, ~hole])
        for terms, where in ((step.update.step, hole), (step.around, ~hole)):
            assert np.array_equal(combine(terms, step.pictures)[:, :, where], step.x_next[:, :, where])
        level = level_at(cosine_schedule(), step.t_next)
        noise = step.x_next[:, :, ~hole] - level.signal * known[None][:, :, ~hole]
        assert np.abs(noise.std() - level.noise) < 0.05 * max(level.noise, 0.01)
    last = steps[-1]
    assert np.array_equal(last.x_next[0][:, ~hole], known[:, ~hole])
    assert not np.array_equal(last.x_next[0][:, hole], known[:, hole])
    assert not np.array_equal(last.x_next[0], last.x_next[1])
    again = list(inpaint(network, plan, PICTURE, hole, rounds=rounds))
    assert np.array_equal(again[-1].x_next, last.x_next)


def test_the_ends_of_the_way_are_the_two_runs(network):
    plan = plan_of(count=5, seed=1)
    entry, vectors = between(network, plan, "tree", 2)
    assert entry.x_t.shape == (5, 4, 32, 32)
    assert entry.x_t.dtype == np.float32
    np.testing.assert_allclose(entry.x_t[0], first_noise(1, 1)[0], atol=1e-6)
    np.testing.assert_allclose(entry.x_t[-1], first_noise(1, 2)[0], atol=1e-6)
    table = network.sprite_class.weight
    torch.testing.assert_close(vectors[0], table[CLASSES.index("potion")])
    torch.testing.assert_close(vectors[-1], table[CLASSES.index("tree")])
    assert all(0.95 < noise.std() < 1.05 for noise in entry.x_t), "still unit Gaussian on the way"
    assert len(list(run_entry(network, entry, vectors))) == STEPS


def test_slerp_of_the_same_noise_is_that_noise():
    noise = first_noise(1, 0)
    np.testing.assert_allclose(slerp(noise, noise, 0.3), noise, atol=1e-6)
    halfway = slerp(noise, first_noise(1, 1), 0.5)
    assert abs(halfway.std() - 1) < 0.05


def test_the_border_becomes_transparent_and_the_inside_stays():
    picture = np.full((32, 32, 4), 255, np.uint8)
    picture[8:24, 8:24, :3] = (200, 30, 30)
    picture[14:18, 14:18, :3] = 255
    cut = cut_out(picture)
    assert (cut[0, 0] == 0).all()
    assert (cut[10, 10] == picture[10, 10]).all()
    assert (cut[15, 15] == 255).all(), "white inside the thing belongs to it"
    assert np.array_equal(cut_out(cut), cut)


def test_a_run_takes_no_more_than_it_reserves(network):
    for sampler in SAMPLERS:
        plan = plan_of(sampler)
        arrays = {}
        for step in whole_run(network, plan):
            for array in (step.x_t, step.epsilon, step.x_0, step.x_next, *step.pictures.values()):
                arrays[id(array)] = array
        assert (
            sum(a.nbytes for a in arrays.values()) <= SpriteRun(plan, plan.steps).reserved_bytes * (STEPS + 1) / STEPS
        )


def test_seeds_of_rounds_and_purposes_do_not_meet():
    seeds = {
        edits._another(seed, repeat, purpose) for seed in (0, 2**31 - 1) for repeat in range(4) for purpose in (0, 1, 2)
    }
    assert len(seeds) == 24
