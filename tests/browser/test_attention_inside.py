"""A weighted sum to drag, and the inside changed, in a real browser beside numbers computed here."""

import re
import time

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from demos import ui
from models.attention.changes import layers_of
from models.attention.trace import load
from models.text.instrument import Edits, Head, Place
from tests.conftest import settled

pytestmark = pytest.mark.browser

SUM, PAIR = "#sum-figure", "#sum-predictions"
SWITCHES, EFFECT, IMPORTANCE = "#inside-switches", "#inside-predictions", "#inside-importance"
SENTENCE = "The bank by the river lends no money."
TRANSLATOR = "translator-en-fr"


@pytest.fixture(scope="module")
def translator():
    return load(TRANSLATOR).network


@pytest.fixture
def blank(browser, app_url):
    page = browser.new_page()
    page.goto(f"{app_url}/healthz")
    module = f"/ui/{ui.version()}/pieces/sum_arithmetic.js"
    page.evaluate("async (module) => { window.sumArithmetic = await import(module); }", module)
    yield page
    page.close()


def show(page, prefix, text=SENTENCE, model="Translator English-French", seen=None):
    page.locator(f"#{prefix}-text textarea").fill(text)
    page.locator(f"#{prefix}-model input").click()
    page.get_by_role("option", name=model).click()
    figure = {"sum": SUM, "inside": SWITCHES}[prefix]
    page.locator(figure, has_text=seen or text.split()[1]).wait_for()
    settled(page)
    pair = {"sum": PAIR, "inside": EFFECT}[prefix]
    page.locator(f"{pair} [data-state=full]").wait_for()


def weights(page):
    return [float(value) for value in page.locator(f"{SUM} .ws-bar").evaluate_all("bars => bars.map((b) => b.value)")]


def head_shown(page):
    kind = page.locator(f'{SUM} .ws-kinds [aria-pressed="true"]').inner_text().split()[0].lower()
    kind = "cross" if kind.startswith("cross") else kind
    layer, head = (int(page.locator(f"{SUM} .ws-{name}").input_value()) - 1 for name in ("layer", "head"))
    strip = page.locator(f"{SUM} .ws-queries .ts-token")
    pressed = strip.evaluate_all("all => all.findIndex((one) => one.getAttribute('aria-pressed') === 'true')")
    return kind, layer, head, pressed


def changed(page, pair=PAIR):
    page.locator(f"{pair} .pp-changes", has_text=re.compile("^Changed")).wait_for()


# --- the arithmetic


def test_the_arithmetic_is_that_of_the_network(blank, translator):
    """Scores, weights and sum of every head of a real run, computed by the page's own functions from q, k and v."""
    reading = translator.read(SENTENCE)
    run = translator.run(reading)
    for place, attended in run.attended.items():
        head, query = place.layer + 1, min(4, attended.query.shape[1] - 1)
        given = [attended.query[head, query].tolist(), attended.key[head].tolist(), attended.value[head].tolist()]
        visible = (attended.weights[head, query] > 0).tolist()
        scaled, row, total = blank.evaluate(
            """([q, keys, values, visible]) => {
              const scaled = sumArithmetic.products(q, keys).map((value) => value / Math.sqrt(q.length));
              const row = sumArithmetic.softmax(scaled, visible);
              return [scaled, row, sumArithmetic.mix(row, values)];
            }""",
            [*given, visible],
        )
        seen = torch.tensor(visible)
        expected = attended.scores[head, query]
        np.testing.assert_allclose(np.array(scaled)[visible], expected[seen], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(row, attended.weights[head, query], atol=1e-6)
        np.testing.assert_allclose(total, attended.mixed[head, query], rtol=1e-4, atol=1e-5)


# --- a weighted sum


def test_a_dragged_weight_moves_sum_and_prediction(open_tab, translator, screenshots):
    page = open_tab("attention", "A weighted sum")
    show(page, "sum")
    kind, layer, head, query = head_shown(page)
    reading = translator.read(SENTENCE)
    run = translator.run(reading)
    before = run.attended[Place(kind, layer)].weights[head, query].numpy()
    np.testing.assert_allclose(weights(page), before, atol=1e-5)
    target = int(before.argmin())
    bar = page.locator(f"{SUM} .ws-bar").nth(target)
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()
    row = weights(page)
    assert row[target] == pytest.approx(0.6, abs=0.05)
    assert sum(row) == pytest.approx(1, abs=1e-6)
    others = [s for s in range(len(row)) if s != target]
    np.testing.assert_allclose(
        np.array(row)[others], before[others] / before[others].sum() * (1 - row[target]), atol=1e-5
    )
    assert "moved by" in page.locator(f"{SUM} .ws-moved").inner_text()
    changed(page)
    settled(page)  # every step of the drag has its answer
    edited = translator.run(reading, Edits(rows={(Head(kind, layer, head), query): tuple(row)}))
    for text, logits in zip(_first_row(page), (run.logits, edited.logits), strict=True):
        assert text == pytest.approx(100 * float(logits[query].softmax(-1).max()), abs=0.11)
    page.screenshot(path=screenshots / "attention-sum.png", full_page=True)
    page.locator(f"{SUM} .ws-reset").click()
    np.testing.assert_allclose(weights(page), before, atol=1e-5)
    page.get_by_text("Nothing is changed yet").wait_for()


def _first_row(page):
    """The shares before and after of the token that was best before."""
    texts = page.locator(f"{PAIR} .pp-row > span").all_inner_texts()
    pairs = [[float(share.strip(" %<").replace("< ", "")) for share in text.split("→")] for text in texts]
    return max(p for p, _ in pairs), max(q for _, q in pairs)


@pytest.mark.slow
def test_weights_are_written_with_the_keyboard_and_temperature_flattens(open_tab, translator):
    page = open_tab("attention", "A weighted sum")
    show(page, "sum")
    numbers = page.locator(f"{SUM} .ws-own")
    numbers.nth(0).fill("0.5")
    numbers.nth(0).press("Enter")
    assert weights(page)[0] == pytest.approx(0.5)
    numbers.nth(1).fill("0.25")
    numbers.nth(1).press("Enter")
    assert weights(page)[:2] == pytest.approx([0.5, 0.25])
    page.locator(f"{SUM} .ws-bar").nth(2).focus()
    page.keyboard.press("ArrowRight")
    assert weights(page)[:2] == pytest.approx([0.5, 0.25])
    assert sum(weights(page)) == pytest.approx(1, abs=1e-6)
    page.locator(f"{SUM} .ws-reset-row").click()
    kind, layer, head, query = head_shown(page)
    run = translator.run(translator.read(SENTENCE))
    page.locator(f"{SUM} .ws-temperature").fill("1")
    expected = (run.attended[Place(kind, layer)].scores[head, query] / 10).softmax(-1)
    np.testing.assert_allclose(weights(page), expected, atol=1e-5)
    page.locator(f"{PAIR} .pp-changes", has_text="temperature 10").wait_for()


@pytest.mark.slow
def test_every_number_says_how_it_was_made(open_tab, translator):
    page = open_tab("attention", "A weighted sum")
    show(page, "sum")
    kind, layer, head, query = head_shown(page)
    readout = page.locator(f"{SUM} .sa-readout")
    page.locator(f"{SUM} .ws-rows .ws-raw").nth(1).hover()
    found = re.search(r"32 terms = (−?[\d.]+)$", readout.inner_text())
    attended = translator.run(translator.read(SENTENCE)).attended[Place(kind, layer)]
    expected = float(attended.query[head, query] @ attended.key[head, 1])
    assert float(found[1].replace("−", "-")) == pytest.approx(expected, rel=0.01)
    page.locator(f"{SUM} .ws-rows .ws-power").nth(1).hover()
    assert re.search(r"÷ √32 = .* e\^.* / Σ [=≈] .* [=≈] (?:[01]\.\d+|[\d.]+e−\d+)$", readout.inner_text())
    page.mouse.move(0, 0)  # a page that scrolls under the mouse would make it leave a number
    page.locator(f"{SUM} canvas[data-block=q]").focus()
    page.keyboard.press("ArrowRight")
    expect(readout).to_have_text(re.compile(r"^q\[2\] of"))
    page.locator(f"{SUM} canvas[data-block=k]").first.focus()
    page.keyboard.press("ArrowDown")
    expect(readout).to_have_text(re.compile(r"^k\[1\] of .*\(2\)"))
    page.locator(f"{SUM} canvas[data-block=o]").focus()
    page.keyboard.press("ArrowRight")
    expect(readout).to_have_text(re.compile(r"^sum\[2\] = "))


@pytest.mark.slow
def test_a_head_is_chosen_and_hidden_keys_are_crossed_out(open_tab):
    page = open_tab("attention", "A weighted sum")
    show(page, "sum")
    page.get_by_role("button", name="Decoder self-attention").click()
    page.locator(f"{SUM} .ws-rows [data-hidden=yes]").first.wait_for()
    page.locator(f"{SUM} .ws-queries .ts-token").nth(2).click()
    hidden = page.locator(f"{SUM} .ws-rows .ws-row").evaluate_all("rows => rows.map((row) => row.dataset.hidden)")
    assert hidden == ["no"] * 3 + ["yes"] * (len(hidden) - 3)
    assert page.locator(f"{SUM} .ws-rows .ws-scaled").nth(3).inner_text() == "−∞"
    page.locator(f"{SUM} .ws-all summary").click()
    page.locator(f"{SUM} .ws-matrices canvas").first.wait_for()
    assert page.locator(f"{SUM} .ws-matrices canvas").count() == 7


@pytest.mark.slow
def test_the_sentence_vector_of_an_encoder_without_words(open_tab):
    page = open_tab("attention", "A weighted sum")
    if not page.locator("#sum-model").count():
        pytest.skip("no model")
    page.locator("#sum-model input").click()
    page.get_by_role("option", name=re.compile("MiniLM")).click()
    page.locator(f"{PAIR} .pp-cosine", has_text="Cosine").wait_for()
    page.locator(f"{SUM} .ws-temperature").fill("1")
    changed(page)
    cosine = float(re.search(r"after: (\d\.\d+)", page.locator(f"{PAIR} .pp-cosine").inner_text())[1])
    assert 0.5 < cosine < 1


@pytest.mark.slow
def test_128_tokens_on_a_phone(open_tab, screenshots):
    page = open_tab("attention", "A weighted sum", phone=True, dark=True)
    show(page, "sum", "The cat that lived in the house was asleep. " * 20)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Encoder self-attention").tap()
    page.locator(f"{SUM} .ws-kinds [aria-pressed=true]", has_text="Encoder").wait_for()
    tokens = page.locator(f"{SUM} .ws-queries .ts-token")
    assert tokens.count() == 128
    for index in (0, 127):
        tokens.nth(index).tap()
        assert tokens.nth(index).get_attribute("aria-pressed") == "true"
    milliseconds = page.evaluate(
        """() => {
          const bar = document.querySelectorAll('#sum-figure .ws-bar')[5];
          const times = [0.2, 0.4, 0.6].map((value) => {
            const start = performance.now();
            bar.value = value;
            bar.dispatchEvent(new Event('input', { bubbles: true }));
            return performance.now() - start;
          });
          return Math.min(...times);
        }"""
    )
    print(f"redraw of 128 weights: {milliseconds:.1f} ms")
    assert milliseconds < 100
    bar = page.locator(f"{SUM} .ws-bar").nth(3)
    assert bar.bounding_box()["height"] >= 24
    page.screenshot(path=screenshots / "attention-sum-phone.png", full_page=True)


@pytest.mark.slow
def test_markup_stays_text(open_tab):
    page = open_tab("attention", "A weighted sum")
    show(page, "sum", "<img src=x onerror=alert(1)> {{value}} ${1+1}", seen="<unknown")
    assert page.locator(f"{SUM} img, {PAIR} img").count() == 0


# --- the inside


def bits(page):
    text = page.locator(f"{EFFECT} .pp-total").inner_text()
    return float(re.search(r"predictions: (?:less than )?([\d.]+) bits", text)[1])


def test_heads_edges_and_undo(open_tab, translator, screenshots):
    page = open_tab("attention", "Change the inside")
    show(page, "inside")
    heads = sum(layers_of(translator, kind) for kind in translator.kinds) * translator.heads
    assert page.locator(f"{SWITCHES} .is-head-switch").count() == heads
    assert bits(page) == 0
    switch = page.locator(f"{SWITCHES} .is-head-switch").nth(9)
    switch.focus()
    page.keyboard.press("Enter")
    assert switch.get_attribute("aria-pressed") == "true"
    page.locator(f"{EFFECT} .pp-changes", has_text="1 head off").wait_for()
    reading = translator.read(SENTENCE)
    before = translator.run(reading).logits.double().log_softmax(-1)
    edits = Edits(heads_off=frozenset({Head("encoder", 1, 1)}))
    after = translator.run(reading, edits).logits.double().log_softmax(-1)
    expected = float((before.exp() * (before - after)).sum(-1).mean() / np.log(2))
    assert bits(page) == pytest.approx(expected, abs=6e-4)
    page.get_by_role("button", name="cut a look").click()
    page.locator(f"{SWITCHES} .is-first .ts-token").nth(2).click()
    page.locator(f"{SWITCHES} .is-second .ts-token").nth(1).click()
    page.locator(f"{EFFECT} .pp-changes", has_text="1 look cut").wait_for()
    page.get_by_role("button", name="swap two tokens").click()
    page.locator(f"{SWITCHES} .is-first .ts-token").nth(1).click()
    page.locator(f"{SWITCHES} .is-first .ts-token").nth(4).click()
    page.locator(f"{EFFECT} .pp-changes", has_text="two tokens swapped").wait_for()
    page.get_by_role("button", name="hide tokens").click()
    page.locator(f"{SWITCHES} .is-first .ts-token").nth(3).click()
    page.locator(f"{SWITCHES} .is-positions").uncheck()
    page.locator(f"{EFFECT} .pp-changes", has_text="no positions").wait_for()
    assert page.locator(f"{SWITCHES} .is-list button").count() == 5
    page.locator("#inside-again").click()
    page.get_by_label("What the changed network writes").wait_for()
    page.screenshot(path=screenshots / "attention-inside.png", full_page=True)
    page.locator(f"{SWITCHES} .is-list button").nth(1).click()
    assert page.locator(f"{SWITCHES} .is-list button").count() == 4
    page.locator(f"{SWITCHES} .is-undo").click()
    page.locator(f"{EFFECT} .pp-changes", has_text="Nothing is changed").wait_for()
    assert bits(page) == 0


def test_a_layer_is_switched_off(open_tab):
    page = open_tab("attention", "Change the inside")
    show(page, "inside")
    page.get_by_role("button", name="switch off all of decoder layer 3").click()
    page.locator(f"{EFFECT} .pp-changes", has_text="1 layer off").wait_for()
    assert bits(page) > 0.01


def test_four_accounts_of_one_prediction(open_tab, screenshots):
    page = open_tab("attention", "Change the inside")
    show(page, "inside")
    page.locator(f"{IMPORTANCE} .im-places .ts-token").nth(1).click()
    page.locator(f"{IMPORTANCE} .im-ask").click()
    page.locator(f"{IMPORTANCE} .im-answer").wait_for()
    assert page.locator(f"{IMPORTANCE} .im-pair").count() == 6
    values = page.locator(f"{IMPORTANCE} .im-pair > span:last-child").all_inner_texts()
    assert all(-1 <= float(value.replace("−", "-")) <= 1 for value in values)
    assert "rank correlation" in page.locator(f"{IMPORTANCE} .im-sentences").inner_text()
    page.locator(f"{IMPORTANCE} .im-cell").nth(3).focus()
    assert "Leave one out" in page.locator(f"{IMPORTANCE} .im-readout").inner_text()
    page.screenshot(path=screenshots / "attention-importance.png", full_page=True)


@pytest.mark.slow
def test_too_long_to_leave_tokens_out_is_said(open_tab):
    page = open_tab("attention", "Change the inside")
    show(page, "inside", "The cat that lived in the house was asleep. " * 20)
    page.locator(f"{IMPORTANCE} .im-ask").click()
    page.get_by_text("64 at most").wait_for()


@pytest.mark.slow
def test_the_inside_on_a_phone(open_tab, screenshots):
    page = open_tab("attention", "Change the inside", phone=True, dark=True)
    show(page, "inside")
    started = time.perf_counter()
    page.locator(f"{SWITCHES} .is-head-switch").nth(3).tap()
    page.locator(f"{EFFECT} .pp-changes", has_text="1 head off").wait_for()
    print(f"edited beside unedited after {time.perf_counter() - started:.2f} s")
    page.locator(f"{IMPORTANCE} .im-ask").tap()
    page.locator(f"{IMPORTANCE} .im-answer").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "attention-inside-phone.png", full_page=True)
