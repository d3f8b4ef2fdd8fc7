"""What a visitor sees of a model from the hub: the offer, its progress, its arrival, and a hub out of reach."""

import pytest

from demos import detection, offer
from demos.vit import steps
from models import hub, hub_cache, weights
from models.errors import InputError
from tests.conftest import choose_page, running_app, wait_for_the_opening


def settings(stand_in, tmp_path, stall_seconds=600):
    """Where the hub is for the app; a test that holds a download back has that long."""
    home, stall = str(tmp_path / "home"), str(stall_seconds)
    return {"HF_ENDPOINT": stand_in.url, "HF_HOME": home, "GLASSBOX_HUB_STALL_SECONDS": stall}


def is_fault(message):
    """Whether the page itself complains; that its server has gone at the end of a test is none."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


@pytest.fixture
def open_page(browser):
    """`open_page(url, tab)`: that tab in a fresh page, whose faults in the browser fail the test."""
    contexts, faults = [], []

    def open_(url, tab):
        contexts.append(browser.new_context(base_url=url, permissions=["camera"]))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
        page.goto(f"/?tab={tab}")
        page.locator(f"#tab-{tab}").wait_for(state="visible")
        wait_for_the_opening(page, tab)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


@pytest.mark.browser
def test_a_model_is_offered_fetched_when_asked_for_and_used_by_itself(stand_in, open_page, tmp_path):
    stand_in.gate.clear()
    with running_app(**settings(stand_in, tmp_path)) as url:
        page = open_page(url, "attention")
        panel = page.locator("#attention-model-offer .mo")
        panel.get_by_text("GPT-2: goes on with a text, 551 MB, MIT").wait_for()
        page.locator("#attention-run").click()
        strip = page.locator("#attention-strip .gb-strip")
        strip.filter(has_text="embedded").wait_for()
        assert stand_in.requests == [], "nothing is fetched unasked"

        panel.get_by_role("button", name="Fetch it", exact=True).click()
        panel.get_by_text("GPT-2 is being fetched from the hub").wait_for()
        panel.get_by_role("button", name="Stop", exact=True).click()
        panel.get_by_role("button", name="Fetch it", exact=True).click()
        panel.get_by_text("GPT-2 is being fetched from the hub").wait_for()
        stand_in.gate.set()
        strip.filter(has_text="openai-community/gpt2 at 607a30d").wait_for()
        assert panel.is_hidden()
        assert "GPT-2" in page.locator("#attention-model input").input_value()


@pytest.mark.slow
@pytest.mark.browser
def test_the_live_camera_goes_over_to_a_model_that_has_arrived(stand_in, open_page, tmp_path):
    with running_app(**settings(stand_in, tmp_path)) as url:
        page = open_page(url, "detection")
        choose_page(page.locator("#tab-detection"), "The live camera")
        live = page.locator("#detection-live")
        live.locator(".start").click()
        live.get_by_text("RF-DETR, hands, cards and sprites").first.wait_for()
        panel = page.locator("#detection-model-offer .mo")
        panel.get_by_text("RF-DETR nano, 80 COCO classes: 80 everyday things, 122 MB, Apache-2.0").wait_for()
        panel.get_by_role("button", name="Fetch it", exact=True).click()
        live.get_by_text("RF-DETR nano, 80 COCO classes").first.wait_for()


@pytest.mark.slow
@pytest.mark.browser
def test_where_the_host_prefers_the_hub_pages_run_what_their_menu_says(stand_in, open_page, tmp_path):
    stand_in.gate.clear()
    with running_app("--models", "hub", **settings(stand_in, tmp_path)) as url:
        page = open_page(url, "attention")
        strip = page.locator("#attention-strip .gb-strip")
        strip.filter(has_text="embedded").wait_for()
        menu = page.locator("#attention-model input")
        assert "MiniLM" in menu.input_value()
        page.locator("#attention-model-offer .mo").get_by_text("GPT-2 is being fetched from the hub").wait_for()
        stand_in.gate.set()
        strip.filter(has_text="openai-community/gpt2 at 607a30d").wait_for()
        assert "GPT-2" in menu.input_value()
        later = open_page(url, "detection")
        later.locator("#detection-strip .gb-strip").filter(has_text="Roboflow/rf-detr-nano at 1111111").wait_for()
        assert "RF-DETR nano" in later.locator("#detection-model input").input_value()


@pytest.mark.slow
@pytest.mark.browser
def test_a_hub_out_of_reach_is_said_and_the_tab_goes_on(stand_in, open_page, tmp_path):
    stand_in.fault = "hang"
    with running_app(**settings(stand_in, tmp_path, 3)) as url:
        page = open_page(url, "attention")
        page.locator("#attention-model input").click()
        page.get_by_role("option", name="GPT-2, from the hub", exact=True).click()
        panel = page.locator("#attention-model-offer .mo")
        note = page.locator("#attention-strip .gb-strip-note")
        note.filter(has_text="GPT-2 is not on this machine yet. Shown meanwhile").wait_for()
        panel.get_by_role("button", name="Fetch it", exact=True).click()
        panel.get_by_text("GPT-2 could not be fetched from the hub: nothing arrived for 3 seconds").wait_for()
        assert panel.get_by_role("button", name="Fetch it", exact=True).is_visible()


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setattr(hub, "_downloads", {})


def test_what_is_offered_beside_a_choice(empty_cache, monkeypatch):
    better = weights.better_than_embedded("detection")
    beside = offer.offer_for("rf-detr-s14-objects", better)
    assert (beside.name, beside.does, beside.megabytes, beside.licence) == (
        "rf-detr-nano",
        "80 everyday things",
        122,
        "Apache-2.0",
    )
    assert not beside.chosen
    assert offer.offer_for("rf-detr-large", better).name == "rf-detr-large", "what was chosen and is not here"
    assert offer.offer_for("char-lstm", ()) is None
    monkeypatch.setenv("GLASSBOX_MODELS", "hub")
    assert offer.offer_for("rf-detr-s14-objects", better).chosen, "the host has chosen, and it is on its way"
    monkeypatch.setattr(hub_cache, "is_whole", lambda entry: True)
    assert offer.offer_for("rf-detr-small", better) is None
    ready = offer.offer_for("rf-detr-s14-objects", better)
    assert (ready.status, ready.chosen) == ("ready", False), "a visitor may prefer the small one"


@pytest.mark.parametrize("concept", ["attention", "attention/translation", "vit", "detection"])
def test_a_page_begins_with_the_best_model_on_this_machine(empty_cache, monkeypatch, concept):
    best, *_, last = [*weights.better_than_embedded(concept), *[None] * (concept == "attention/translation")]
    assert weights.first_choice(concept, "mine") == "mine"
    monkeypatch.setattr(hub_cache, "is_whole", lambda entry: True)
    assert weights.first_choice(concept, "mine") == best
    monkeypatch.setattr(hub_cache, "is_whole", lambda entry: entry.name == last)
    assert weights.first_choice(concept, "mine") == (last or "mine")
    monkeypatch.setenv("GLASSBOX_MODELS", "embedded")
    monkeypatch.setattr(hub_cache, "is_whole", lambda entry: True)
    assert weights.first_choice(concept, "mine") == "mine"


def test_what_a_page_says_of_its_model_follows_the_choice():
    assert "25 things" in detection.view_lead("rf-detr-s14-objects")
    assert "80 everyday things" in detection.view_lead("rf-detr-nano")
    assert "101 categories" in steps.view_last_steps("vit-s14-caltech101")
    for name in weights.offered("vit")[1:]:
        said = steps.view_last_steps(name)
        assert "101" not in said
        assert weights.CATALOGUE[name].title in said
    for page in (detection.view_lead, steps.view_last_steps):
        with pytest.raises(InputError):
            page("char-lstm")


@pytest.mark.parametrize("ask", [offer.fetch_model, offer.follow_model, offer.stop_model])
@pytest.mark.parametrize("request_", [{}, {"name": None}, {"name": "evil/model"}, {"name": ["gpt2"]}, None, "gpt2"])
def test_only_models_of_the_catalogue_are_fetched(empty_cache, ask, request_):
    assert set(ask(request_)) == {"error"}


def test_embedded_models_are_not_fetched(empty_cache):
    assert "does not come from the hub" in offer.fetch_model({"name": "char-lstm"})["error"]
    with pytest.raises(InputError):
        hub.start("char-lstm")


def test_a_large_model_brings_its_tiny_decoder(empty_cache, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert {entry.beside for entry in weights.CATALOGUE.values()} == {"", "taesd", "taesdxl", "taef1"}
    for entry in weights.CATALOGUE.values():
        assert (entry.kind == "hub" and entry.concept == "diffusion") == bool(entry.beside)
