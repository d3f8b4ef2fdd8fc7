"""The large models: tiny pipelines in true format from the stand-in hub, against diffusers' own pipelines."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from diffusers.models.transformers import transformer_prx
from diffusers.pipelines.prx import pipeline_prx
from PIL import Image

from models import runtime
from models.diffusion.large.attention import WordAttention
from models.diffusion.large.network import decode_latent, first_noise
from models.diffusion.large.offers import FORGETFUL_SAMPLERS, OFFERS
from models.diffusion.large.runs import LARGE_RUNS, LargeRun
from models.diffusion.large.trace import (
    Request,
    from_picture,
    from_step,
    trace_prompt,
)
from models.diffusion.samplers import combine
from models.errors import InputError

pytestmark = pytest.mark.thorough

RGB = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
GUIDED = Request("A red potion", "blue", steps=4, guidance=4, seed=5)
PLAIN = Request("a red potion", steps=2, seed=1)
FROM_THE_HUB = [name for name, offer in OFFERS.items() if offer.tiny_decoder]
ONE_OF_EACH_FAMILY = ["sd-turbo", "sdxl-turbo", "prx-512"]


@pytest.fixture
def arrived(stand_in, fetched, monkeypatch):
    """`arrived(name)`: the network of a model fetched from the stand-in, or of a tiny decoder."""
    from models.diffusion.large.load import load_large, load_tiny_decoder

    monkeypatch.setattr(runtime, "_loaded", type(runtime._loaded)())

    def arrived_(name):
        assert fetched(name)[-1].status == "ready"
        return (load_large if name in OFFERS else load_tiny_decoder)(name).network

    return arrived_


@pytest.fixture
def network(arrived):
    return arrived("sd-turbo")


def theirs(network, request, monkeypatch):
    """The same request by diffusers' own pipeline: with its own DDIM, or Euler for flow matching."""
    pipeline = network.pipeline
    options = {}
    if hasattr(pipeline, "unet"):
        ddim = {"timestep_spacing": "trailing", "clip_sample": False, "set_alpha_to_one": True, "steps_offset": 0}
        scheduler = DDIMScheduler.from_config(pipeline.scheduler.config, **ddim)
        monkeypatch.setattr(pipeline, "scheduler", scheduler)
    else:
        options = {"use_resolution_binning": False}
        stands_for_ftfy = type("ftfy", (), {"fix_text": staticmethod(lambda text: text)})
        monkeypatch.setattr(pipeline_prx, "ftfy", stands_for_ftfy, raising=False)
    with torch.inference_mode():
        return (
            pipeline(
                request.prompt,
                negative_prompt=request.negative or ("" if options else None),
                num_inference_steps=request.steps,
                guidance_scale=max(request.guidance, 1.0),
                latents=first_noise(network, request.seed),
                output_type="latent",
                **options,
            )
            .images[0]
            .numpy()
        )


@pytest.mark.parametrize("name", FROM_THE_HUB)
@pytest.mark.parametrize("wanted", [GUIDED, replace(GUIDED, negative=""), PLAIN], ids=["guided", "nothing", "plain"])
def test_the_steps_end_where_the_pipeline_of_diffusers_ends(arrived, name, wanted, monkeypatch):
    network = arrived(name)
    for sampler in ("ddim", "euler"):
        *_, last = trace_prompt(network, replace(wanted, sampler=sampler))
        np.testing.assert_allclose(last.x_next, theirs(network, wanted, monkeypatch), atol=3e-4, rtol=3e-4)


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
@pytest.mark.parametrize("field", ["prompt", "negative"])
def test_a_prompt_that_would_be_cut_is_refused(arrived, name, field):
    network = arrived(name)
    with pytest.raises(InputError, match="pieces of words; a prompt of yours has"):
        next(trace_prompt(network, replace(GUIDED, **{field: "red potion " * 400})))


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
@pytest.mark.parametrize("sampler", FORGETFUL_SAMPLERS)
def test_the_arithmetic_of_every_step(arrived, name, sampler):
    steps = list(trace_prompt(arrived(name), replace(GUIDED, sampler=sampler)))
    assert [step.index for step in steps] == [0, 1, 2, 3]
    assert steps[-1].t_next == -1
    for step, following in pairwise(steps):
        assert step.t_next == following.t < step.t
        assert np.array_equal(step.x_next, following.x_t)
    for step in steps:
        mixed = step.without + 4 * (step.with_prompt - step.without)
        np.testing.assert_allclose(step.epsilon, mixed, atol=1e-4)
        rebuilt = step.level.signal * step.x_0 + step.level.noise * step.epsilon
        np.testing.assert_allclose(step.x_t, rebuilt, atol=1e-4)
        names = {term.of for term in step.update.step}
        if "fresh" not in names:
            pictures = {"x_t": step.x_t, "x_0": step.x_0, "epsilon": step.epsilon}
            np.testing.assert_allclose(step.x_next, combine(step.update.step, pictures), atol=1e-4)
        assert np.isfinite(step.x_next).all()
        assert step.picture.dtype == np.uint8


def test_diffusion_keeps_the_sum_of_squares_and_flow_matching_the_sum(arrived):
    for time in arrived("sdxl-turbo").times(5):
        assert time.level.signal**2 + time.level.noise**2 == pytest.approx(1)
    times = arrived("prx-512").times(5)
    assert times[0].level.noise == 1
    for time in times:
        assert time.level.signal + time.level.noise == pytest.approx(1)


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_fresh_noise_follows_the_model_on_its_way_back(arrived, name):
    """Were x_0 known, DDPM's next x would have the noise of the next level: its variances sum up."""
    for step in trace_prompt(arrived(name), replace(GUIDED, steps=6, sampler="ddpm")):
        if step.t_next < 0:
            continue
        factors = {term.of: term.factor for term in step.update.step}
        noise = np.hypot(factors["x_t"] * step.level.noise, factors["fresh"])
        signal = factors["x_0"] + factors["x_t"] * step.level.signal
        total = noise**2 + signal**2 if name != "prx-512" else noise + signal
        assert total == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_a_fork_with_nothing_changed_is_the_run_again_bit_by_bit(arrived, name):
    network, asked = arrived(name), replace(GUIDED, sampler="euler-ancestral")
    steps = list(trace_prompt(network, asked))
    again = list(trace_prompt(network, asked, from_step(steps[2])))
    for before, after in zip(steps[2:], again, strict=True):
        for part in ("x_t", "epsilon", "x_0", "x_next", "without", "with_prompt", "picture"):
            assert np.array_equal(getattr(before, part), getattr(after, part)), part
        assert all(np.array_equal(before.attention[word], after.attention[word]) for word in before.attention)
    for change in ({"prompt": "blue"}, {"negative": ""}, {"guidance": 2}, {"sampler": "ddim"}, {"seed": 6}):
        first = next(trace_prompt(network, replace(asked, **change), from_step(steps[2])))
        assert np.array_equal(first.x_t, steps[2].x_t)
        assert not np.array_equal(first.x_next, steps[2].x_next), change


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_a_picture_is_entered_where_strength_says(arrived, name):
    network = arrived(name)
    weak, strong = (Request("x", steps=10, strength=strength) for strength in (0.2, 1.0))
    assert (weak.first, strong.first, Request("x", steps=4, strength=0.05).first) == (8, 0, 3)
    starts = {request: from_picture(network, request, RGB) for request in (weak, strong)}
    steps = list(trace_prompt(network, weak, starts[weak]))
    assert [step.index for step in steps] == [8, 9]
    level, noise = network.times(10)[8].level, first_noise(network, 0)
    x_0 = (torch.from_numpy(starts[weak].x_t)[None] - level.noise * noise) / level.signal
    config, size = network.vae.config, network.latent_shape[-1] * network.pipeline.vae_scale_factor
    square = Image.fromarray(RGB[:, 10:50]).resize((size, size), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.array(square, np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    with torch.inference_mode():
        latent = network.vae.encode(pixels).latent_dist.mode()
        picture = network.vae.decode(latent).sample[0].permute(1, 2, 0).numpy()
    torch.testing.assert_close(x_0 / config.scaling_factor + (config.shift_factor or 0), latent, atol=2e-3, rtol=0)
    with torch.inference_mode():
        decoded = decode_latent(network.vae, x_0)
    assert np.abs(decoded - (picture.clip(-1, 1) + 1) / 2 * 255).max() < 2


@pytest.mark.parametrize("name", FROM_THE_HUB)
def test_predictions_go_through_the_tiny_decoder_and_the_finished_picture_through_the_vae(arrived, name):
    network, tiny = arrived(name), arrived(OFFERS[name].tiny_decoder)
    calls = {"vae": 0, "tiny": 0}
    for key, decoder in (("vae", network.vae.decoder), ("tiny", tiny.decoder)):
        decoder.register_forward_hook(lambda *_, key=key: calls.__setitem__(key, calls[key] + 1))
    steps = list(trace_prompt(network, GUIDED, tiny=tiny))
    assert calls == {"vae": 1, "tiny": 3}
    alone = list(trace_prompt(network, GUIDED))
    assert calls == {"vae": 5, "tiny": 3}
    assert np.array_equal(steps[-1].picture, alone[-1].picture)
    assert not np.array_equal(steps[0].picture, alone[0].picture)
    assert np.array_equal(steps[0].x_next, alone[0].x_next), "what is shown must not change what is computed"


def test_the_words_of_a_prompt_and_the_places_of_their_tokens(arrived):
    words = arrived("sd-turbo").words("a red, a")
    assert [(word, len(places)) for word, places in words] == [("a", 1), ("red", 3), (",", 1), ("a #2", 1)]
    prx = arrived("prx-512")
    words = dict(prx.words("A Red potion"))
    assert list(words) == ["a", "red", "potion"]
    tokens = prx.pipeline.tokenizer.convert_ids_to_tokens(prx.pipeline.tokenizer("a red potion").input_ids)
    assert "".join(tokens[place] for place in words["red"]) == "▁red"
    assert sorted(place for places in words.values() for place in places) == list(range(len(tokens)))


@pytest.mark.parametrize("name", ["sd-turbo", "sdxl-turbo"])
def test_shares_of_cross_attention_are_whole_and_watching_changes_nothing(arrived, name):
    network = arrived(name)
    text = network.encode_text("a red potion", "blue", guided=True)
    time, x_t = network.times(4)[1], first_noise(network, 0)
    with torch.inference_mode():
        plain = network.predict(x_t, time, text)
        with WordAttention(network) as attention:
            watched = network.predict(x_t, time, text)
    assert all(torch.equal(one, other) for one, other in zip(plain, watched, strict=True))
    np.testing.assert_allclose(attention.of(list(range(77))), 1, atol=1e-4)
    assert attention.calls == len(attention.layers) > 0
    assert not any(layer._forward_pre_hooks for layer in attention.layers)


def test_shares_of_prx_are_those_of_the_attention_it_computes(arrived, monkeypatch):
    """Its own queries, keys and mask, caught on the way to the attention kernel."""
    network, seen = arrived("prx-512"), []
    original = transformer_prx.dispatch_attention_fn

    def caught(query, key, value, attn_mask=None, **options):
        scores = query[-1].transpose(0, 1) @ key[-1].permute(1, 2, 0) / query.shape[-1] ** 0.5
        seen.append(scores.masked_fill(~attn_mask[-1], -torch.inf).softmax(-1).mean(0))
        return original(query, key, value, attn_mask=attn_mask, **options)

    monkeypatch.setattr(transformer_prx, "dispatch_attention_fn", caught)
    step = next(trace_prompt(network, replace(GUIDED, guidance=4)))
    places = dict(network.words(GUIDED.prompt))["potion"]
    side = network.latent_shape[-1] // network.denoiser.config.patch_size
    mean = torch.stack(seen).mean(0)[:, places].sum(-1).reshape(1, 1, side, side)
    expected = torch.nn.functional.interpolate(mean, size=step.x_t.shape[1:], mode="bilinear")[0, 0]
    np.testing.assert_allclose(step.attention["potion"], expected, atol=1e-6)
    assert len(seen) == 2


def test_runs_are_kept_under_a_budget_that_counts_them_as_they_grow(network, monkeypatch):
    monkeypatch.setattr(LARGE_RUNS, "_kept", type(LARGE_RUNS._kept)())
    steps = list(trace_prompt(network, GUIDED))
    first, second = (LargeRun("sd-turbo", GUIDED, len(steps), list(steps[:1])) for _ in range(2))
    names = [LARGE_RUNS.put(run) for run in (first, second)]
    monkeypatch.setattr(LARGE_RUNS, "budget_bytes", 4 * steps[0].nbytes)
    assert LARGE_RUNS.find(names[0]) is first
    second.steps.extend(steps[1:])
    LARGE_RUNS.put(second, names[1])
    assert LARGE_RUNS.find(names[1]) is second
    with pytest.raises(InputError, match="no longer kept"):
        LARGE_RUNS.find(names[0])
