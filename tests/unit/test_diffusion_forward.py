"""The forward process: its closed form, its schedules, what the page draws and what the endpoint saves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demos.diffusion import api, forward
from demos.sentences import percent
from demos.views.diffusion import as_picture
from demos.views.diffusion_forward import view_of_noisy
from models.diffusion.forward import FRAMES, SCHEDULES, SHIFT, noisy_picture, schedule_called, small_steps
from models.diffusion.schedule import Schedule
from models.errors import InputError
from tests.handles import picture_at

RGBA = np.random.default_rng(0).integers(0, 256, (32, 32, 4), dtype=np.uint8)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(RGBA).save(path)
    return str(path)


def shown(rgba, t):
    noisy = noisy_picture(rgba, t, "cosine", 0)
    return view_of_noisy(rgba, noisy, small_steps(noisy, 0))


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("size", "t", "count"), [(32, 250, 251), (32, 0, 1), (32, 999, 1000), (64, 999, 256)])
def test_small_steps_come_to_the_one_jump(name, size, t, count):
    rgba = np.repeat(np.repeat(RGBA, size // 32, axis=0), size // 32, axis=1)
    noisy = noisy_picture(rgba, t, name, seed=3)
    small = small_steps(noisy, 3)
    assert (small.count, small.times[-1]) == (count, t)
    assert len(small.frames) == len(small.times) == min(FRAMES, count)
    assert abs(small.noise_mean) < 0.06 and abs(small.noise_deviation - 1) < 0.05
    noise = (small.frames[-1] - noisy.signal * noisy.x_0) / noisy.noise
    assert abs(np.corrcoef(noise.ravel(), noisy.x_0.ravel())[0, 1]) < 0.06, "nothing of the picture is left in it"
    assert abs(np.corrcoef(noise.ravel(), noisy.epsilon.ravel())[0, 1]) < 0.06, "and it is not the noise of the jump"
    said = view_of_noisy(rgba, noisy, small).step_said
    assert said.startswith("One step comes" if count == 1 else f"{count:,} small steps")


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_falls_from_picture_to_noise(name):
    share = schedule_called(name).alphas_cumprod
    assert share.shape == (1000,)
    assert share[0] > 0.999
    assert share[-1] < 1e-4
    assert (np.diff(share) < 0).all()


def test_the_figures_in_the_text_are_true():
    for name, share in (("linear", "3 %"), ("cosine", "34 %")):
        assert percent(schedule_called(name).alpha_bar(600)) == share
        assert share in forward.TRY


def test_shifted_is_cosine_with_more_noise_in_the_same_ratio_everywhere():
    def ratio(schedule: Schedule):
        return schedule.noise(np.arange(1000)) / schedule.signal(np.arange(1000))

    np.testing.assert_allclose(ratio(schedule_called("shifted")), SHIFT * ratio(schedule_called("cosine")), rtol=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_sum_is_the_closed_form_and_its_ends_are_picture_and_noise(name):
    first, middle, last = (noisy_picture(RGBA, t, name, seed=4) for t in (0, 500, 999))
    np.testing.assert_allclose(middle.x_t, middle.signal * middle.x_0 + middle.noise * middle.epsilon, atol=1e-6)
    assert middle.signal**2 + middle.noise**2 == pytest.approx(1)
    assert middle.signal_to_noise == pytest.approx(middle.signal**2 / middle.noise**2)
    assert np.abs(first.x_t - first.x_0).max() < 0.15
    assert np.abs(last.x_t - last.epsilon).max() < 0.02
    assert middle.x_t.dtype == np.float32


def test_the_seed_decides_the_noise():
    first, again, other = (noisy_picture(RGBA, 500, "cosine", seed) for seed in (1, 1, 2))
    assert np.array_equal(first.x_t, again.x_t)
    assert not np.array_equal(first.x_t, other.x_t)


def test_the_histogram_becomes_a_standard_normal_density():
    black = np.zeros((128, 128, 4), np.uint8)
    start, end = (shown(black, t) for t in (0, 999))
    normal = np.exp(-np.square(np.array(end.centres)) / 2) / np.sqrt(2 * np.pi)
    assert np.abs(np.array(end.histogram) - normal).max() < 0.04
    assert np.abs(np.array(start.histogram) - normal).max() > 1
    assert (end.mean, end.deviation) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.02))


def test_the_page_draws_every_size_and_all_curves(picture):
    for size in forward.SIZES:
        drawn = forward.view_forward(picture, 999, "linear", 3, size)
        assert picture_at(drawn.clean).shape == (size, size, 4)
        assert picture_at(drawn.noisy).shape == (size, size, 3)
        assert drawn.values == 4 * size**2
        assert set(drawn.curves) == {"cosine", "linear", "shifted"}
        assert drawn.curves["linear"][-1] == pytest.approx(drawn.alpha_bar, abs=1e-5)


def test_the_endpoint_saves_numbers_that_fit_together(picture, tmp_path, monkeypatch):
    monkeypatch.setattr(api, "get_upload_folder", lambda: str(tmp_path / "cache"))
    facts, files = api.diffusion_forward(picture, 300, "shifted", 8)
    paths = {Path(file).name: file for file in files}
    with np.load(paths["arrays.npz"]) as arrays:
        np.testing.assert_allclose(
            arrays["x_t"], facts["signal"] * arrays["x_0"] + facts["noise"] * arrays["epsilon"], atol=1e-6
        )
        assert np.array_equal(np.asarray(Image.open(paths["x_300.png"])), as_picture(arrays["x_t"][None], 1.0)[0])
    assert facts["alpha_bar"] == pytest.approx(facts["signal"] ** 2)


@pytest.mark.parametrize(
    "wrong",
    [
        (1000, "cosine", 0, 32),
        (-1, "cosine", 0, 32),
        (0.5, "cosine", 0, 32),
        (float("nan"), "cosine", 0, 32),
        ("5", "cosine", 0, 32),
        (True, "cosine", 0, 32),
        (5, "quadratic", 0, 32),
        (5, None, 0, 32),
        (5, "cosine", None, 32),
        (5, "cosine", 2**31, 32),
        (5, "cosine", 0, 33),
        (5, "cosine", 0, 10_000),
    ],
)
def test_requests_that_are_refused(wrong):
    with pytest.raises(InputError):
        forward.view_forward(None, *wrong)


def test_pictures_that_are_refused_and_a_missing_one(tmp_path):
    empty, long = tmp_path / "empty.png", tmp_path / "long.png"
    empty.write_bytes(b"")
    Image.new("RGB", (900, 10)).save(long)
    for path in (empty, long):
        with pytest.raises(InputError):
            forward.view_forward(str(path), 5, "cosine", 0)
    assert forward.view_forward(None, 5, "cosine", 0) is None
    with pytest.raises(InputError, match="no picture"):
        api.diffusion_forward(None)


def test_animated_and_transparent_pictures_are_read(tmp_path):
    animated, clear = tmp_path / "animated.gif", tmp_path / "clear.png"
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    frames[0].save(animated, save_all=True, append_images=frames[1:])
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(clear)
    assert picture_at(forward.view_forward(str(animated), 0, "cosine", 0).clean)[0, 0].tolist() == [255, 0, 0, 255]
    assert (picture_at(forward.view_forward(str(clear), 0, "cosine", 0).clean)[..., 3] == 0).all()


def test_what_is_left_of_a_picture_is_said_and_a_flat_one_correlates_with_nothing():
    early, late = (shown(RGBA, t) for t in (100, 900))
    left = [float(one.said.rpartition(" ")[2].rstrip(".")) for one in (early, late)]
    assert left[0] > 0.9 > 0.4 > left[1]
    assert f"{percent(early.alpha_bar)} of the variance" in early.said
    black = np.zeros((32, 32, 4), np.uint8)
    assert "correlate" not in shown(black, 100).said
