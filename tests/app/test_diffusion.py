"""The public endpoints of the Diffusion tab, called as a client would."""

import numpy as np
import pytest
from gradio_client.exceptions import AppError
from PIL import Image


def test_png_files_of_the_class_and_their_facts(client):
    facts, files = client.predict("potion", 3, 4, 7, api_name="/diffusion_generate")
    assert facts["model"] == "sprites-unet"
    assert facts["seconds"] > 0
    assert len(facts["images"]) == len(files) == 3
    pictures = [Image.open(file) for file in files]
    assert {(picture.format, picture.mode, picture.size) for picture in pictures} == {("PNG", "RGBA", (32, 32))}


def test_the_same_seed_gives_the_same_sprites_and_another_seed_others(client):
    def made(seed):
        _, files = client.predict("tree", 1, 3, seed, api_name="/diffusion_generate")
        return np.asarray(Image.open(files[0]))

    assert np.array_equal(made(1), made(1))
    assert not np.array_equal(made(1), made(2))


def test_sprites_from_words(client):
    def made(**asked):
        facts, files = client.predict("any", 2, 3, 0, "unipc", 3, **asked, api_name="/diffusion_generate")
        return facts, [np.asarray(Image.open(file)) for file in files]

    facts, sprites = made(prompt="a red potion")
    assert (facts["model"], facts["prompt"], facts["unknown"]) == ("sprites-words", "a red potion", [])
    assert [sprite.shape for sprite in sprites] == [(32, 32, 4)] * 2
    facts, others = made(prompt="a red potion", negative="bottle")
    assert not np.array_equal(sprites, others)
    facts, _ = made(prompt="빨간 quantum 🎈")
    assert facts["unknown"] == ["빨간", "quantum"]


def test_defaults_and_names(client):
    facts, files = client.predict(sprite_class="any", steps=2, api_name="/diffusion_generate")
    assert len(files) == 4
    assert (facts["steps"], facts["seed"], facts["sprite_class"]) == (2, 0, "any")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("dragon", 1, 5, 0), "sprite class must be one of"),
        (("potion", 0, 5, 0), "number of sprites must be from 1 to 16"),
        (("potion", 1, 0, 0), "number of steps must be from 1 to 100"),
        (("potion", 1, 10_000, 0), "number of steps must be from 1 to 100"),
        (("potion", 1, "5", 0), "number of steps must be a whole number"),
        (("potion", 1, 5, -1), "seed must be from 0"),
        (("potion", 1, 5, 0, "fast"), "sampler must be one of"),
        (("potion", 1, 5, 0, "ddim", 99), "Guidance must be from 1 to 8"),
        (("tree", 1, 5, 0, "ddim", 1.5, "a red potion"), "Give a class or a prompt, not both"),
        (("any", 1, 5, 0, "ddim", 1.5, "a" * 2000), "The prompt has 2,000 characters; the limit is 500"),
        (("any", 1, 5, 0, "ddim", 1.5, "a b c d " * 40), "reads 64 pieces of words; a prompt of yours has 162"),
        (("any", 1, 5, 0, "ddim", 1.5, "", "red"), "A negative prompt needs a prompt"),
    ],
)
def test_wrong_requests_get_a_sentence(client, arguments, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(*arguments, api_name="/diffusion_generate")


def test_noise_is_added_by_the_closed_form(client):
    from gradio_client import handle_file

    from demos.diffusion.plans import example_sprites

    picture = handle_file(str(example_sprites()["potion"]))
    facts, files = client.predict(picture, 400, "shifted", 3, api_name="/diffusion_forward")
    with np.load(next(file for file in files if str(file).endswith("npz"))) as arrays:
        expected = facts["signal"] * arrays["x_0"] + facts["noise"] * arrays["epsilon"]
        np.testing.assert_allclose(arrays["x_t"], expected, atol=1e-6)
    with pytest.raises(AppError, match="time t must be from 0 to 999"):
        client.predict(picture, 1000, "cosine", 0, api_name="/diffusion_forward")
    with pytest.raises(AppError, match="schedule must be one of"):
        client.predict(picture, 10, "quadratic", 0, api_name="/diffusion_forward")
