"""The page of large models, run by its handlers and in the browser, with tiny models from the stand-in hub."""

import html

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from demos.diffusion import films as films_module
from demos.diffusion import large as page
from demos.views.diffusion import FilmView
from demos.views.diffusion_large import html_of_guidance, html_of_words, view_of_large
from models import hub_cache, runtime
from models.diffusion.large.offers import OFFERS
from models.diffusion.large.runs import LARGE_RUNS
from models.diffusion.large.trace import Request, trace_prompt
from models.errors import InputError
from tests.conftest import running_app

ASKED = ("a red potion", "blue", 3, 4, 0, "euler-ancestral", 0.6)


@pytest.fixture
def ready(stand_in, fetched, monkeypatch, tmp_path):
    """`ready(*names)`: models fetched from the stand-in; nothing kept from other tests."""
    monkeypatch.setattr(runtime, "_loaded", type(runtime._loaded)())
    monkeypatch.setattr(LARGE_RUNS, "_kept", type(LARGE_RUNS._kept)())
    monkeypatch.setattr(films_module, "get_upload_folder", lambda: str(tmp_path / "uploads"))

    def ready_(*names):
        for name in names:
            assert fetched(name)[-1].status == "ready"

    return ready_


def sent(**data):
    event = gr.EventData(None, None)
    event._data = data
    return event


def films(answers):
    return [answer[0] for answer in answers if isinstance(answer[0], FilmView)]


@pytest.mark.parametrize("model", [name for name, offer in OFFERS.items() if offer.tiny_decoder])
def test_the_page_streams_and_ends_with_a_file(ready, model):
    ready(model, OFFERS[model].tiny_decoder)
    answers = list(page.compute_large(model, None, *ASKED))
    assert [len(film.steps) for film in films(answers)] == [1, 2, 3]
    assert page.weights.CATALOGUE[model].origin in answers[-1][1]
    assert "decodes" not in answers[-1][1], "nothing stands in for anything"
    assert Image.open(answers[-1][2]).size == (16, 16)


def test_words_and_guidance_can_be_had_of_any_step(ready):
    ready("sd-turbo", "taesd")
    *_, (film, *_) = page.compute_large("sd-turbo", None, *ASKED)
    views = [page.view_step(sent(run=film.run, place=place)) for place in range(3)]
    assert len({words for words, _ in views}) == len({guidance for _, guidance in views}) == 3
    for place, (words, guidance) in enumerate(views):
        assert words.count("<img") == 3
        assert f"In step {place + 1}," in guidance
    for wrong in (-1, 3, 1.5, None, "0", True):
        with pytest.raises(InputError):
            page.view_step(sent(run=film.run, place=wrong))
    assert "no longer kept" in page.view_step(sent(run="x", place=0))[0]
    assert "no longer kept" in page.view_step(sent())[1]


def test_a_fork_goes_on_beside_the_original(ready):
    ready("sd-turbo", "taesd")
    *_, (film, *_) = page.compute_large("sd-turbo", None, *ASKED)
    _, where, heading, *changeable = page.view_fork(sent(run=film.run, place=1))
    assert changeable == ["a red potion", "blue", 4, "euler-ancestral", 0]
    assert "step 2 of 3" in heading
    forks = films(page.compute_fork(where, *changeable))
    assert [len(fork.steps) for fork in forks] == [1, 2]
    assert (forks[0].fork.run, forks[0].fork.place, forks[0].total) == (film.run, 1, 3)
    assert forks[0].fork.changed == "nothing changed"
    assert [step.difference for step in forks[-1].steps] == [0, 0]
    assert [step.x_0 for step in forks[-1].steps] == [step.x_0 for step in film.steps[1:]]

    *_, (other, _, file, _) = page.compute_fork(where, "a blue cat", "", 2, "ddim", 0)
    assert (
        other.fork.changed == "prompt “a blue cat”, negative prompt “”, guidance 4 → 2, sampler Euler ancestral → DDIM"
    )
    assert other.steps[0].x_t == film.steps[1].x_t
    assert other.steps[-1].difference > 0
    assert Image.open(file).size == (16, 16)
    assert "cat" in page.view_step(sent(run=other.run, place=1))[0]
    assert "potion" in page.view_step(sent(run=other.run, place=0))[0], "before the fork it is the original"
    _, where, *_ = page.view_fork(sent(run=other.run, place=2))
    assert films(page.compute_fork(where, "a", "", 1, "ddim", 0))[-1].fork.run == other.run


def test_a_run_from_a_picture_can_be_forked_too(ready, tmp_path):
    ready("prx-512", "taef1")
    Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(tmp_path / "grey.png")
    asked = ("a red potion", "", 5, 1, 0, "ddim", 0.6)
    film = films(page.compute_large("prx-512", str(tmp_path / "grey.png"), *asked))[-1]
    assert (film.total, len(film.steps)) == (3, 3)
    _, where, *changeable = page.view_fork(sent(run=film.run, place=2))
    fork = films(page.compute_fork(where, *changeable[1:]))[-1]
    assert (fork.total, len(fork.steps)) == (3, 1)
    assert fork.steps[0].x_0 == film.steps[2].x_0


@pytest.mark.parametrize(
    "wrong",
    [
        (None, "a", "", 1, "ddim", 0),
        ({}, "a", "", 1, "ddim", 0),
        ({"run": "x", "place": 0}, "a", "", 1, "ddim", 0),
        ("kept", "", "", 1, "ddim", 0),
        ("kept", "a", None, 1, "ddim", 0),
        ("kept", "a", "", 99, "ddim", 0),
        ("kept", "a", "", 1, "unipc", 0),
        ("kept", "a", "", 1, "ddim", -1),
        ("out", "a", "", 1, "ddim", 0),
    ],
)
def test_forks_that_are_refused(ready, wrong):
    ready("sd-turbo", "taesd")
    *_, (film, *_) = page.compute_large("sd-turbo", None, *ASKED)
    places = {"kept": {"run": film.run, "place": 1}, "out": {"run": film.run, "place": 3}}
    where = places.get(wrong[0], wrong[0]) if isinstance(wrong[0], str) else wrong[0]
    with pytest.raises(InputError):
        list(page.compute_fork(where, *wrong[1:]))


def test_without_the_tiny_decoder_the_vae_decodes_and_the_strip_says_so(ready, monkeypatch):
    ready("sd-turbo", "taesd")
    is_whole = hub_cache.is_whole
    monkeypatch.setattr(hub_cache, "is_whole", lambda entry: entry.name != "taesd" and is_whole(entry))
    answers = list(page.compute_large("sd-turbo", None, *ASKED))
    assert len(films(answers)) == 3
    assert "TAESD is not on this machine yet. Meanwhile the model's own VAE decodes." in html.unescape(answers[-1][1])


def test_a_model_that_is_not_here_is_said_and_not_fetched_unasked(ready, stand_in, monkeypatch):
    answers = list(page.compute_large("sd-turbo", None, *ASKED))
    assert len(answers) == 1
    assert "SD-Turbo is not on this machine yet." in answers[0][1]
    assert stand_in.requests == []
    monkeypatch.setenv("GLASSBOX_MODELS", "embedded")
    assert page.large_models() == ["sprites-words"]


def test_every_large_model_says_what_it_wants():
    assert page.large_models() == list(OFFERS)
    for name, offer in OFFERS.items():
        words, steps, guidance = page.view_wants(name)
        assert (steps, guidance) == (offer.steps, offer.guidance)
        assert page.weights.CATALOGUE[name].licence in words
        assert not offer.tiny_decoder or page.weights.CATALOGUE[offer.tiny_decoder].concept == "diffusion/decoder"
        page.check_request("a", "", steps, guidance, 0, "ddim", 1)
    with pytest.raises(InputError):
        page.view_wants("taesd")


def test_a_step_is_drawn(ready):
    ready("sd-turbo")
    from models.diffusion.large.load import load_large

    network = load_large("sd-turbo").network
    step = next(trace_prompt(network, Request("a red potion", "blue", guidance=4)))
    drawn = view_of_large(step)
    assert drawn.size == step.picture.shape[0]
    assert drawn.terms == [(term.factor, term.of) for term in step.update.step]
    assert drawn.difference is None
    assert html_of_guidance(step).count("<img") == 4
    assert html_of_words(step).count("<img") == 3
    plain = next(trace_prompt(network, Request("<b>a</b>", steps=1)))
    assert "asked once" in html_of_guidance(plain)
    assert "<b>" not in html_of_words(plain)


@pytest.mark.parametrize(
    "wrong",
    [
        ("sprites-unet", None, "a", "", 2, 1, 0, "ddim", 0.6),
        ("taesd", None, "a", "", 2, 1, 0, "ddim", 0.6),
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


@pytest.mark.browser
@pytest.mark.parametrize("phone", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["desktop", "phone"])
def test_generate_step_back_and_fork_in_the_browser(ready, stand_in, browser, screenshots, tmp_path, phone):
    ready("sd-turbo", "taesd")
    settings = {"HF_ENDPOINT": stand_in.url, "HF_HOME": str(tmp_path / "home")}
    viewport = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
    name = f"diffusion-large-{'phone' if phone else 'desktop'}"
    with running_app(**settings) as url:
        context = browser.new_context(viewport=viewport, base_url=url, has_touch=phone)
        tab = context.new_page()
        faults = []
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.set_default_timeout(60_000)
        tab.goto("/?tab=diffusion")
        open_page(tab)
        tab.locator("#diffusion-large-model input").click()
        tab.get_by_role("option", name="SD-Turbo, from the hub").click()
        expect(tab.locator("#diffusion-large-steps input[type=number]")).to_have_value("4")
        tab.locator("#diffusion-large-run").click()
        film, guidance = tab.locator("#diffusion-large-film"), tab.locator("#diffusion-large-guidance")
        film.get_by_text("step 4 of 4").wait_for()
        words = tab.locator("#diffusion-large-words")
        guidance.get_by_text("asked once a step").wait_for()  # of this run, not of the page's opening
        words.get_by_alt_text("potion,").wait_for()
        latest = tab.evaluate("document.querySelector('#diffusion-large-words').innerHTML")
        film.get_by_label("one step back").click()
        film.get_by_text("step 3 of 4").wait_for()
        tab.wait_for_function(
            "([id, old]) => document.querySelector(id).innerHTML !== old", arg=["#diffusion-large-words", latest]
        )
        film.get_by_role("button", name="Fork from this step").click()
        prompt = tab.locator("#diffusion-large-fork-prompt textarea")
        prompt.wait_for()
        assert prompt.input_value() == "a red potion"
        prompt.fill("a blue cat")
        tab.locator("#diffusion-large-fork").get_by_label("Guidance").first.fill("3")
        tab.locator("#diffusion-large-fork-run").click()
        film.get_by_text("fork at step 3: prompt “a blue cat”").wait_for()
        film.get_by_text("step 4 of 4").wait_for()
        words.get_by_alt_text("cat,").wait_for()
        guidance.get_by_text("In step 4,").wait_for()
        # the tiny model's pictures have 16 pixels; published ones get the room that this gives them
        tab.locator("#diffusion-large-film .filmstrip").evaluate("node => node.dataset.pictures = 'large'")
        tab.screenshot(path=screenshots / f"{name}.png", full_page=True)
        assert tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        film.get_by_label("one step back").click()
        film.get_by_label("one step back").click()
        words.get_by_alt_text("potion,").wait_for()
        assert faults == []
        context.close()


def open_page(tab):
    tab.get_by_role("tab", name=page.TITLE, exact=True).click()
