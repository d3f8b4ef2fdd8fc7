"""The page of large models, with a tiny pipeline in true format from the stand-in hub."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from PIL import Image

from demos.diffusion import large as page
from demos.figures.diffusion_large import draw_guidance, draw_large, draw_words
from models import runtime
from models.diffusion.large import CrossAttention, Request, first_latent, schedule_of, trace_prompt, words_of
from models.diffusion.samplers import combine
from models.errors import InputError

RGB = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
GUIDED = Request("a red potion", "blue", steps=4, guidance=4, seed=5)


@pytest.fixture
def arrived(stand_in, fetch, monkeypatch):
    """`arrived(name)`: the network of a pipeline fetched from the stand-in."""
    from models.diffusion.pipeline import load_pipeline

    monkeypatch.setattr(runtime, "_loaded", type(runtime._loaded)())

    def arrived_(name):
        assert fetch(name).status == "ready"
        return runtime.load(name, load_pipeline).network

    return arrived_


@pytest.fixture
def network(arrived):
    return arrived("sd-turbo")


def theirs(network, request):
    """The same request by diffusers' own pipeline, with its own DDIM."""
    pipeline = network.pipeline
    kept = pipeline.scheduler
    pipeline.scheduler = DDIMScheduler.from_config(
        kept.config, timestep_spacing="trailing", clip_sample=False, set_alpha_to_one=True, steps_offset=0
    )
    try:
        with torch.inference_mode():
            return (
                pipeline(
                    request.prompt,
                    negative_prompt=request.negative,
                    num_inference_steps=request.steps,
                    guidance_scale=request.guidance if request.guidance != 1 else 0.0,
                    latents=first_latent(network, request.seed),
                    output_type="latent",
                )
                .images[0]
                .numpy()
            )
    finally:
        pipeline.scheduler = kept


@pytest.mark.parametrize("name", ["sd-turbo", "stable-diffusion-v1-5"])
@pytest.mark.parametrize("wanted", [GUIDED, Request("a red potion", steps=2, seed=1)], ids=["guided", "plain"])
def test_the_steps_end_where_the_pipeline_of_diffusers_ends(arrived, name, wanted):
    network = arrived(name)
    *_, last = trace_prompt(network, wanted)
    np.testing.assert_allclose(last.x_next, theirs(network, wanted), atol=2e-4, rtol=2e-4)


def test_the_arithmetic_of_every_step(network):
    schedule = schedule_of(network)
    steps = list(trace_prompt(network, GUIDED))
    assert [step.index for step in steps] == [0, 1, 2, 3]
    assert steps[-1].t_next == -1
    for step in steps:
        mixed = step.without + 4 * (step.with_prompt - step.without)
        np.testing.assert_allclose(step.epsilon, mixed, atol=1e-4)
        rebuilt = schedule.signal(step.t) * step.x_0 + schedule.noise(step.t) * step.epsilon
        np.testing.assert_allclose(step.x_t, rebuilt, atol=1e-4)
        pictures = {"x_t": step.x_t, "x_0": step.x_0, "epsilon": step.epsilon}
        np.testing.assert_allclose(step.x_next, combine(step.update.step, pictures), atol=1e-5)
        assert step.picture.dtype == np.uint8
    assert np.array_equal(steps[0].x_next, steps[1].x_t)


def test_a_picture_is_entered_where_strength_says(network):
    weak, strong = (Request("x", steps=10, strength=strength) for strength in (0.2, 1.0))
    assert (weak.first, strong.first, Request("x", steps=4, strength=0.05).first) == (8, 0, 3)
    first = next(trace_prompt(network, weak, RGB))
    full = next(trace_prompt(network, strong, RGB))
    assert first.index == 8
    assert full.index == 0
    assert len(list(trace_prompt(network, weak, RGB))) == 2
    noise = first_latent(network, 0)[0].numpy()

    def likeness(step):
        return np.corrcoef(step.x_t.ravel(), noise.ravel())[0, 1]

    assert likeness(full) > likeness(first)


def test_what_is_said_of_attention_is_the_networks_own(network):
    words = words_of(network.pipeline.tokenizer, "a red a")
    assert [word for word, _ in words] == ["a", "red", "a #2"]
    assert [len(places) for _, places in words] == [1, 3, 1]
    steps = list(trace_prompt(network, GUIDED))
    assert list(steps[0].attention) == ["a", "red", "potion"]
    for shares in steps[-1].attention.values():
        assert shares.shape == steps[0].x_t.shape[1:]
        assert ((shares >= 0) & (shares <= 1)).all()
    texts = torch.randn(1, 77, network.unet.config.cross_attention_dim, generator=torch.Generator().manual_seed(0))
    x_t = first_latent(network, 0)
    with torch.inference_mode():
        plain = network.unet(x_t, 500, encoder_hidden_states=texts).sample
        with CrossAttention(network.unet, 8) as attention:
            watched = network.unet(x_t, 500, encoder_hidden_states=texts).sample
    assert torch.equal(plain, watched), "watching must change nothing"
    np.testing.assert_allclose(attention.of(list(range(77))), 1, atol=1e-4)
    assert attention.calls == len(attention.layers) > 0
    assert not any(layer._forward_pre_hooks for layer in attention.layers)


def test_a_step_is_drawn(network):
    step = next(trace_prompt(network, GUIDED))
    drawn = draw_large(step, schedule_of(network))
    assert drawn["size"] == step.picture.shape[0]
    assert drawn["terms"] == [[term.factor, term.of] for term in step.update.step]
    assert draw_guidance(step, 4).count("<img") == 4
    assert draw_words(step).count("<img") == 3
    plain = next(trace_prompt(network, Request("<b>a</b>", steps=1)))
    assert "asked once" in draw_guidance(plain, 1)
    assert "<b>" not in draw_words(plain)


def test_the_page_streams_and_ends_with_a_file(network, monkeypatch, tmp_path):
    monkeypatch.setattr(page, "get_upload_folder", lambda: str(tmp_path / "cache"))
    answers = list(page.compute_large("sd-turbo", None, "a red potion", "", 2, 1, 0, "ddim", 0.6))
    assert [len(answer[0]["steps"]) for answer in answers[1:]] == [1, 2]
    assert "stabilityai/sd-turbo" in answers[-1][1]
    assert Image.open(answers[-1][4]).size == (16, 16)


def test_a_model_that_is_not_here_is_fetched_and_said(stand_in, monkeypatch):
    stand_in.fault = "hang"
    answers = list(page.compute_large("sd-turbo", None, "a red potion", "", 2, 1, 0, "ddim", 0.6))
    assert len(answers) == 1
    assert "being fetched" in answers[0][1]
    monkeypatch.setenv("GLASSBOX_MODELS", "embedded")
    assert page.large_models() == []


@pytest.mark.parametrize(
    "wrong",
    [
        ("sprites-unet", None, "a", "", 2, 1, 0, "ddim", 0.6),
        ("../sd", None, "a", "", 2, 1, 0, "ddim", 0.6),
        ("sd-turbo", None, "", "", 2, 1, 0, "ddim", 0.6),
        ("sd-turbo", None, "a" * 501, "", 2, 1, 0, "ddim", 0.6),
        ("sd-turbo", None, "a", None, 2, 1, 0, "ddim", 0.6),
        ("sd-turbo", None, "a", "", 0, 1, 0, "ddim", 0.6),
        ("sd-turbo", None, "a", "", 10_000, 1, 0, "ddim", 0.6),
        ("sd-turbo", None, "a", "", float("nan"), 1, 0, "ddim", 0.6),
        ("sd-turbo", None, "a", "", 2, 0, 0, "ddim", 0.6),
        ("sd-turbo", None, "a", "", 2, 1, -1, "ddim", 0.6),
        ("sd-turbo", None, "a", "", 2, 1, 0, "unipc", 0.6),
        ("sd-turbo", None, "a", "", 2, 1, 0, "ddim", 0),
    ],
)
def test_requests_that_are_refused(wrong):
    with pytest.raises(InputError):
        list(page.compute_large(*wrong))
