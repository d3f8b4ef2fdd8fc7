"""The page "Train one" in a real browser: curves, samples, pausing, another rate, an explosion and its cure."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def train_one(open_tab):
    def open_(text="Nursery rhymes", **how):
        page = open_tab("sequences", "Train one", **how)
        expect(strip(page)).to_contain_text("Recorded beforehand, not now")
        if how.get("phone"):
            page.get_by_role("button", name="Text and network").click()
        if text:
            page.get_by_label("A text to learn").click()
            page.get_by_role("option", name=text).click()
            expect(page.locator("#training-text textarea")).to_have_value(re.compile("^Humpty Dumpty"))
        page.locator("#training-units").get_by_label("16", exact=True).check()
        return page

    return open_


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def strip(page):
    return page.locator("#training-strip")


def steps_done(page):
    return int(re.search(r"\bsteps\s+([\d,]+)", strip(page).inner_text().split("text")[1]).group(1).replace(",", ""))


def wait_for_samples(page, count):
    expect(strip(page)).not_to_contain_text("Recorded")
    expect(strip(page)).not_to_contain_text("Waiting")
    expect(page.locator(".tc-samples li").nth(count - 1)).to_be_visible()


def pause(page):
    button(page, "Pause").click()
    expect(strip(page)).to_contain_text("Paused at step")


def test_train_pause_change_the_rate_continue_and_keep(train_one, screenshots):
    page = train_one()
    button(page, "Train").click()
    wait_for_samples(page, 3)
    expect(page.locator(".tc-loss .lc-legend")).to_contain_text("uniform: 6.64 bits")
    expect(page.locator(".tc-samples li").last).to_contain_text("after 0 steps:")
    expect(page.locator(".tc-factor")).to_contain_text("multiplied by")
    pause(page)
    page.wait_for_timeout(1_500)
    done = steps_done(page)
    page.wait_for_timeout(1_500)
    assert steps_done(page) == done
    page.get_by_label("Learning rate").click()
    page.get_by_role("option", name="0.02", exact=True).click()
    button(page, "Continue").click()
    expect(page.locator(".tc-loss .mark-text")).to_have_text("learning rate 0.02")
    pause(page)
    assert steps_done(page) > done
    button(page, "Keep it for the other pages").click()
    expect(strip(page)).to_contain_text("can now be chosen as the model on the other pages")
    page.screenshot(path=screenshots / "sequences-training.png", full_page=True)


@pytest.mark.slow
def test_an_explosion_is_provoked_and_cured(train_one, screenshots):
    page = train_one()
    button(page, "Provoke an explosion").click()
    wait_for_samples(page, 3)
    largest = page.locator(".tc-largest").inner_text()
    assert float(re.search(r"norm: ([\d.,e+]+),", largest).group(1).replace(",", "")) > 1_000
    button(page, "Cure it: clip at 1").click()
    expect(page.locator(".tc-loss .lc-legend")).to_contain_text("run before")
    wait_for_samples(page, 5)
    pause(page)
    page.get_by_role("button", name="More").last.click()
    expect(page.get_by_label("Clip gradients")).to_be_checked()
    page.screenshot(path=screenshots / "sequences-training-cured.png", full_page=True)


@pytest.mark.slow
def test_starting_again_while_it_trains_begins_at_zero(train_one):
    page = train_one()
    button(page, "Train").click()
    wait_for_samples(page, 4)
    button(page, "Start again").click()
    expect(page.locator(".tc-loss .lc-legend")).to_contain_text("run before")
    pause(page)
    expect(page.locator(".tc-samples li").last).to_contain_text("after 0 steps:")


def test_a_short_text_is_refused_in_one_sentence(train_one):
    page = train_one(text=None)
    page.locator("#training-text textarea").fill("far too short")
    button(page, "Train").click()
    expect(page.get_by_text("The text has 13 characters; training needs at least 200.")).to_be_visible()
    expect(strip(page)).to_contain_text("Recorded beforehand, not now")
    expect(page.locator(".toast-title").first).to_have_text("Please check")
    expect(strip(page)).not_to_contain_text("Waiting for its turn")


@pytest.mark.slow
def test_nothing_goes_sideways_on_a_phone(train_one, screenshots):
    page = train_one(phone=True, dark=True)
    button(page, "Train").click()
    wait_for_samples(page, 2)
    pause(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "sequences-training-phone.png", full_page=True)
