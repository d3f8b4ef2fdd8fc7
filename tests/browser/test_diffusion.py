"""The Diffusion tab in a real browser: slide through time, watch sprites appear, step back, stop, a phone."""

import pytest

pytestmark = pytest.mark.browser

FILM = ".filmstrip"


def test_forward_noise_on_the_slider(open_tab):
    page = open_tab("diffusion")
    page.get_by_role("tab", name="Forward").click()
    page.locator(".noise-view[data-state=full]").wait_for()
    before = page.locator(".noise-view img.noisy").get_attribute("src")
    page.locator("#diffusion-time input[type=number]").fill("900")
    page.locator("#diffusion-time input[type=number]").press("Enter")
    page.locator(".noise-view .t", has_text="900").wait_for()
    assert page.locator(".noise-view img.noisy").get_attribute("src") != before
    assert float(page.locator(".noise-view .signal").inner_text()) < 0.2


def test_sprites_appear_step_by_step_and_can_be_stepped_back(open_tab, screenshots):
    page = open_tab("diffusion")
    page.locator("#diffusion-run").click()
    page.locator(f"{FILM} .rail .step").first.wait_for()
    page.locator(f"{FILM} .where", has_text="step 25 of 25").wait_for()
    assert page.locator(f"{FILM} .rail .step").count() == 25
    page.locator(".gb-strip:visible b", has_text="parameters").wait_for()
    page.wait_for_timeout(1000)
    requests = []
    page.on("request", lambda request: requests.append(request.url) if request.url.startswith("http") else None)
    last = page.locator(f"{FILM} .canvas.x0").inner_html()
    for _ in range(20):
        page.locator(f"{FILM} .back").click()
    assert page.locator(f"{FILM} .where").inner_text().startswith("step 5 of 25")
    assert page.locator(f"{FILM} .canvas.x0").inner_html() != last
    page.locator(f"{FILM} .rail .step").nth(11).click()
    assert page.locator(f"{FILM} .where").inner_text().startswith("step 12 of 25")
    page.locator(f"{FILM} .play").click()
    page.locator(f"{FILM} .where", has_text="step 25 of 25").wait_for()
    assert page.locator(f"{FILM} .canvas.x0").inner_html() == last
    assert requests == [], "going back must not run the network"
    page.screenshot(path=screenshots / "diffusion.png", full_page=True)


def test_stop_ends_the_run(open_tab):
    page = open_tab("diffusion")
    page.get_by_label("number input for Sprites").fill("16")
    page.get_by_label("number input for Steps").fill("50")
    page.locator("#diffusion-run").click()
    page.locator(f"{FILM} .rail .step").nth(1).wait_for()
    page.get_by_role("button", name="Stop").click()
    page.wait_for_timeout(1500)
    count = page.locator(f"{FILM} .rail .step").count()
    page.wait_for_timeout(1500)
    assert page.locator(f"{FILM} .rail .step").count() == count < 50


@pytest.mark.parametrize("how", [{"dark": True}, {"phone": True}], ids=["dark", "phone"])
def test_nothing_sideways(open_tab, screenshots, how):
    page = open_tab("diffusion", **how)
    page.locator("#diffusion-run").click()
    page.locator(f"{FILM} .where", has_text="step 25 of 25").wait_for()
    if "phone" in how:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / f"diffusion-{next(iter(how))}.png", full_page=True)
