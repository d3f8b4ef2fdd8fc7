"""The image-to-image endpoint, streaming and cancelling, called as a client would."""

import io
import time

import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

NAME = "/diffusion_transform"


@pytest.fixture
def picture(tmp_path):
    def make(name="picture.png", size=(48, 40), color="red"):
        Image.new("RGBA", size, color).save(tmp_path / name)
        return handle_file(str(tmp_path / name))

    return make


def test_a_picture_becomes_sprites_of_a_class(client, picture):
    facts, files = client.predict(picture(), "potion", 0.5, 2, 6, 3, True, api_name=NAME)
    assert (facts["steps_run"], facts["entered_at"], facts["model"]) == (3, 499, "sprites-unet")
    assert [Image.open(file).size for file in files] == [(32, 32)] * 2


def test_strength_zero_returns_the_picture_and_one_keeps_nothing(client, picture):
    _, files = client.predict(picture(), "potion", 0, 1, 6, 3, False, api_name=NAME)
    assert np.array_equal(np.asarray(Image.open(files[0]))[5, 5], [255, 0, 0, 255])
    facts, _ = client.predict(picture(), "potion", 1, 1, 3, 3, False, api_name=NAME)
    assert facts["entered_at"] == 999


def test_defaults_and_every_step_is_streamed(client, picture):
    job = client.submit(image=picture(), steps=5, api_name=NAME)
    job.result(timeout=120)
    answers = job.outputs()
    assert [answer["step"] for answer, _ in answers[:-1]] == [3, 4, 5]
    assert answers[-1][0]["images"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"strength": 1.5}, "Strength must be from 0 to 1"),
        ({"strength": -0.1}, "Strength must be from 0 to 1"),
        ({"strength": "all"}, "Strength must be|not of the kind"),
        ({"sprite_class": "dragon"}, "sprite class must be one of"),
        ({"count": 17}, "number of sprites must be from 1 to 16"),
        ({"steps": 0}, "number of steps must be from 1 to 100"),
        ({"steps": 10_000}, "number of steps must be from 1 to 100"),
        ({"seed": -1}, "seed must be from 0"),
    ],
)
def test_wrong_requests_get_a_sentence(client, picture, change, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**{"image": picture(), "steps": 2, **change}, api_name=NAME)


@pytest.mark.parametrize(("size", "sentence"), [((4000, 100), "too long and thin"), ((1, 1), None), ((900, 900), None)])
def test_huge_thin_and_tiny_pictures(client, picture, size, sentence):
    def run():
        return client.predict(picture(size=size, color=(0, 0, 0, 0)), "tree", 0.3, 1, 4, 0, True, api_name=NAME)

    if sentence is None:
        assert run()[0]["steps_run"] == 1
        return
    with pytest.raises(AppError, match=sentence):
        run()


def test_animated_and_empty_files(client, tmp_path):
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    (tmp_path / "moving.gif").write_bytes(buffer.getvalue())
    (tmp_path / "empty.png").write_bytes(b"")
    assert client.predict(handle_file(str(tmp_path / "moving.gif")), "food", 0, 1, 2, 0, False, api_name=NAME)[1]
    with pytest.raises(AppError, match=r"empty|no picture"):
        client.predict(handle_file(str(tmp_path / "empty.png")), "food", 0.5, 1, 2, 0, False, api_name=NAME)
    with pytest.raises(AppError, match="no picture"):
        client.predict(None, "food", 0.5, 1, 2, 0, False, api_name=NAME)


def test_a_cancelled_job_frees_the_network_at_once(client):
    client.predict("tree", 1, 1, 0, api_name="/diffusion_generate")
    long = client.submit("monster", 16, 100, 0, api_name="/diffusion_generate")
    deadline = time.monotonic() + 60
    while not long.outputs() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert long.outputs(), "it never began"
    seen = len(long.outputs())
    long.cancel()
    client.predict("tree", 1, 1, 0, api_name="/diffusion_generate")
    assert seen <= len(long.outputs()) < 100
