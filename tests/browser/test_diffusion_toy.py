"""The toy in the plane: gradients against finite differences, what it learns, its controls in a real browser."""

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.browser

NETWORK = ROOT / "demos" / "components" / "vector_field" / "network.js"
TOY = ".vector-field"

GRADIENTS = """() => {
  const network = createNetwork(6, 3);
  const numbers = normalNumbers(1);
  network.weights.forEach((_, i) => (network.weights[i] += 0.1 * numbers.normal()));
  const data = Float64Array.from({ length: 40 }, numbers.normal);
  const { points, times, targets } = drawBatch(data, 9, numbers);
  const loss = () => lossAndGradient(network, points, times, targets).loss;
  const { gradient } = lossAndGradient(network, points, times, targets);
  const h = 1e-5;
  return [...network.weights].map((weight, i) => {
    network.weights[i] = weight + h;
    const above = loss();
    network.weights[i] = weight - h;
    const below = loss();
    network.weights[i] = weight;
    return [gradient[i], (above - below) / (2 * h)];
  });
}"""

LEARNING = """(steps) => {
  const numbers = normalNumbers(2);
  const data = Float64Array.from({ length: 400 }, (_, i) => (i % 4 < 2 ? 1.5 : -1.5) + 0.05 * numbers.normal());
  const network = createNetwork(32, 0);
  const optimize = createOptimizer(network.weights.length);
  for (let step = 0; step < steps; step++) {
    const { points, times, targets } = drawBatch(data, 64, numbers);
    optimize(network.weights, lossAndGradient(network, points, times, targets).gradient, 5e-3);
  }
  let points = Float64Array.from({ length: 200 }, normalNumbers(9).normal);
  for (let step = 0; step < 20; step++) points = flow(network, points, 1 - step / 20, 1 - (step + 1) / 20);
  const distance = (i) => Math.min(...[1.5, -1.5].map((c) => Math.hypot(points[i] - c, points[i + 1] - c)));
  const distances = Array.from({ length: 100 }, (_, i) => distance(2 * i));
  const above = Array.from({ length: 100 }, (_, i) => points[2 * i] > 0).filter(Boolean).length;
  return { mean: distances.reduce((a, b) => a + b) / 100, above };
}"""


@pytest.fixture
def blank(browser):
    page = browser.new_page()
    page.add_script_tag(path=NETWORK)
    yield page
    page.close()


def test_every_gradient_is_the_one_of_finite_differences(blank):
    pairs = blank.evaluate(GRADIENTS)
    assert len(pairs) == 6 * 13 + 6 + 36 + 6 + 12 + 2
    for ours, measured in pairs:
        assert ours == pytest.approx(measured, rel=1e-5, abs=1e-8)
    assert sum(abs(ours) > 1e-4 for ours, _ in pairs) > 0.9 * len(pairs)


def test_noise_flows_to_both_places_it_was_trained_on(blank):
    before, after = (blank.evaluate(LEARNING, steps) for steps in (0, 300))
    assert after["mean"] < 0.3 * before["mean"]
    assert 25 < after["above"] < 75


@pytest.fixture
def toy_page(open_tab):
    def open_(**how):
        page = open_tab("diffusion", "A toy in 2-D", **how)
        page.locator(f"{TOY} .updates").wait_for()
        return page

    return open_


def updates(page):
    return int(page.locator(f"{TOY} .updates").inner_text().replace(",", ""))


def plane(page):
    return page.locator(f"{TOY} .plane").evaluate("(canvas) => canvas.toDataURL()")


def test_it_trains_flows_steps_and_goes_back(toy_page, screenshots):
    page = toy_page()
    page.locator(f"{TOY} .once").click()
    assert updates(page) == 1
    page.locator(f"{TOY} .train").click()
    page.wait_for_function("parseInt(document.querySelector('.vector-field .updates').textContent) > 30")
    page.locator(f"{TOY} .train").click()
    paused = updates(page)
    page.wait_for_timeout(500)
    assert updates(page) == paused, "pausing ends the training"
    page.locator(f"{TOY} .again").click()
    assert page.locator(f"{TOY} .when").inner_text().startswith("step 0 of 50")
    first = plane(page)
    for _ in range(3):
        page.locator(f"{TOY} .forward").click()
    third = plane(page)
    assert third != first
    page.locator(f"{TOY} .back").click()
    page.locator(f"{TOY} .forward").click()
    assert page.locator(f"{TOY} .when").inner_text().startswith("step 3 of 50")
    assert plane(page) == third, "the way back and on again is the same"
    page.locator(f"{TOY} .play").click()
    page.locator(f"{TOY} .when", has_text="step 50 of 50").wait_for()
    page.locator(f"{TOY} .plane").hover()
    page.locator(f"{TOY} .readout", has_text="the network says v").wait_for()
    page.screenshot(path=screenshots / "diffusion-toy.png", full_page=True)


def test_shapes_letters_and_points_drawn_by_hand(toy_page, screenshots):
    page = toy_page(dark=True)
    pictures = {plane(page)}
    for name in ("Two moons", "Letters"):
        page.locator(TOY).get_by_role("button", name=name).click()
        pictures.add(plane(page))
    page.locator(f"{TOY} .text").fill("z")
    pictures.add(plane(page))
    assert len(pictures) == 4
    page.locator(f"{TOY} .text").fill("")
    assert page.locator(f"{TOY} .train").is_disabled()
    page.locator(TOY).get_by_role("button", name="Draw").click()
    assert page.locator(f"{TOY} .train").is_disabled()
    page.locator(f"{TOY} .readout", has_text="Draw something first").wait_for()
    box = page.locator(f"{TOY} .plane").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 150, steps=8)
    page.mouse.up()
    assert page.locator(f"{TOY} .train").is_enabled()
    drawn = plane(page)
    page.locator(f"{TOY} .plane").focus()
    for key in ("ArrowRight", "Space"):
        page.keyboard.press(key)
    assert plane(page) != drawn
    page.screenshot(path=screenshots / "diffusion-toy-dark.png", full_page=True)
    page.locator(f"{TOY} .wipe").click()
    assert page.locator(f"{TOY} .train").is_disabled()


def test_reduced_motion_shows_results_without_moving_and_a_phone_is_wide_enough(toy_page, screenshots):
    page = toy_page(phone=True)
    page.emulate_media(reduced_motion="reduce")
    page.locator(f"{TOY} .play").click()
    assert page.locator(f"{TOY} .when").inner_text().startswith("step 50 of 50"), "at once, with nothing in between"
    assert page.locator(f"{TOY} .play").inner_text() == "Play"
    page.locator(f"{TOY} .train").click()
    page.wait_for_function("parseInt(document.querySelector('.vector-field .updates').textContent) >= 30")
    page.locator(f"{TOY} .train").click()
    page.locator(f"{TOY} .when", has_text="step 50 of 50").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "diffusion-toy-phone.png", full_page=True)
