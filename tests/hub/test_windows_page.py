"""The page "Windows (Swin)": what is refused, what it draws of a tiny Swin, and the way from the hub in a browser."""

import re

import numpy as np
import pytest
from PIL import Image

from demos.views.vit_windows import pack_weights
from demos.vit import windows as page
from models import runtime, weights
from models.errors import InputError
from tests.conftest import running_app

NAME = "swin-tiny-patch4-window7-224"
IMAGE = np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8)


def test_no_picture_is_a_sentence_and_other_models_are_refused(tmp_path):
    view, answer, strip = next(page.compute_windows(None, NAME))
    assert (view, answer) == (None, "")
    assert "No picture yet" in strip
    Image.fromarray(IMAGE).save(tmp_path / "picture.png")
    for model in ("vit-s14-caltech101", None, 7):
        with pytest.raises(InputError, match="no such model"):
            next(page.compute_windows(str(tmp_path / "picture.png"), model))


def test_weights_are_rounded_by_four_thousandths_at_most():
    attention = np.linspace(0, 1, 10_001, dtype=np.float32)
    assert np.abs((pack_weights(attention) / 255.0) ** 2 - attention).max() <= 0.004


def test_it_waits_for_the_hub_and_then_draws_what_was_traced(stand_in, fetch, monkeypatch, tmp_path):
    monkeypatch.setattr(runtime, "_loaded", type(runtime._loaded)())
    path = tmp_path / "picture.png"
    Image.fromarray(IMAGE).save(path)
    assert fetch(NAME).status == "ready"
    value, answer, strip = list(page.compute_windows(str(path), NAME))[-1]
    assert [one.grid for one in value.blocks] == [28, 28, 14, 14, 7]
    assert [one.shift for one in value.blocks] == [0, 3, 0, 3, 0]
    for one in value.blocks:
        count = one.grid**2
        assert one.attention.shape == (one.heads, count, one.window**2)
        assert one.attention.dtype == np.uint8
        np.testing.assert_allclose(((one.attention / 255.0) ** 2).sum(-1), 1, atol=0.05)
        assert (one.attention[:, one.keys < 0] == 0).all()
        assert one.reach.shape == (count, 4)
        assert one.reach.max() == 56
    shares = [float(share) for share in re.findall(r"([\d.]+)\xa0%", answer)]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    assert "microsoft/swin-tiny-patch4-window7-224 at 1111111" in strip


def test_a_folder_of_ones_own_is_offered_on_this_page(monkeypatch, tmp_path):
    from tests.hub.checkpoints import swin

    monkeypatch.setattr(weights, "CATALOGUE", dict(weights.CATALOGUE))
    swin(tmp_path / "mine")
    weights.add_local(tmp_path)
    assert weights.offered(page.CONCEPT)[-1] == "local-mine"
    assert "local-mine" not in weights.offered("vit")


@pytest.mark.slow
@pytest.mark.browser
def test_windows_in_a_browser(stand_in, browser, screenshots, tmp_path):
    settings = {"HF_ENDPOINT": stand_in.url, "HF_HOME": str(tmp_path / "home")}
    with running_app(**settings) as url:
        context = browser.new_context(base_url=url, viewport={"width": 390, "height": 844}, has_touch=True)
        tab = context.new_page()
        tab.set_default_timeout(60_000)
        tab.goto("/?tab=vit")
        tab.get_by_role("tab", name="Windows (Swin)", exact=True).click()
        tab.locator("#vit-page-windows").get_by_role("button", name="A cheetah").click()
        tab.locator(".gb-strip-note:visible", has_text="Swin-T, ImageNet is not on this machine yet").wait_for()
        tab.locator("#windows-model-offer").get_by_role("button", name="Fetch it", exact=True).click()
        tab.locator(".wv[data-state=full]").wait_for()
        reading = tab.locator(".wv .reading")
        assert "It may look at 49 patches here; 14 x 14 of 56 x 56 pixels" in reading.inner_text()
        tab.locator(".wv .block").fill("1")
        tab.locator(".wv .about", has_text="shifted by 3 patches").wait_for()
        assert "28 x 28 of 56 x 56 pixels" in reading.inner_text()
        tab.locator(".wv .pt-picture").tap(position={"x": 3, "y": 3})
        assert "Chosen: row 1, column 1. It may look at 9 patches here; 14 x 14" in reading.inner_text()
        tab.locator(".wv .head").select_option("1")
        tab.locator(".wv .block").fill("4")
        tab.locator(".wv .about", has_text="the whole picture, as in a ViT").wait_for()
        assert "56 x 56 of 56 x 56 pixels" in reading.inner_text()
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        tab.screenshot(path=screenshots / "vit-windows-phone.png", full_page=True)
        context.close()
