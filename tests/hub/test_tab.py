"""What a visitor sees while a hub model is on its way, when it arrives, and when the hub is out of reach."""

import re

import pytest

from tests.conftest import running_app

RUN = re.compile("^Run$")


@pytest.fixture
def attention_tab(browser):
    def open_(url):
        page = browser.new_context(base_url=url).new_page()
        page.set_default_timeout(60_000)
        page.goto("/?tab=attention")
        page.get_by_role("button", name=RUN).wait_for()
        page.locator("#attention-model input").click()
        page.get_by_role("option", name="GPT-2, from the hub", exact=True).click()
        page.get_by_role("button", name=RUN).click()
        return page

    return open_


@pytest.mark.browser
def test_the_tab_stays_on_its_own_model_until_the_chosen_one_has_arrived(stand_in, attention_tab, tmp_path):
    settings = {"HF_ENDPOINT": stand_in.url, "HF_HOME": str(tmp_path / "home")}
    stand_in.gate.clear()
    with running_app(**settings) as url:
        page = attention_tab(url)
        note = page.locator(".gb-strip-note")
        note.get_by_text("GPT-2 is being fetched from the hub").wait_for()
        stand_in.gate.set()
        note.get_by_text("GPT-2 is ready. Run again to use it.").wait_for()
        page.get_by_role("button", name=RUN).click()
        page.locator(".gb-strip", has_text="openai-community/gpt2").wait_for()


@pytest.mark.browser
def test_a_hub_out_of_reach_is_said_and_the_tab_goes_on(stand_in, attention_tab, tmp_path):
    stand_in.fault = "hang"
    settings = {
        "HF_ENDPOINT": stand_in.url,
        "HF_HOME": str(tmp_path / "home"),
        "GLASSBOX_HUB_STALL_SECONDS": "3",
    }
    with running_app(**settings) as url:
        page = attention_tab(url)
        page.locator(".gb-strip-note", has_text="could not be fetched from the hub: nothing arrived").wait_for()
        assert page.locator(".gb-strip:visible b", has_text="parameters").is_visible()
