"""The public endpoints of the ViT tab, called as a client would."""

import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demos.vit.damage_handlers import categories
from demos.vit.shared import FAILURE, NONE, example_pictures


@pytest.mark.parametrize("name", list(example_pictures()))
def test_top_five_with_probabilities(client, name):
    answer = client.predict(handle_file(str(example_pictures()[name])), api_name="/vit_classify")
    assert answer["model"] == "vit-s14-caltech101"
    assert 0 < answer["seconds"] < 60
    probabilities = [entry["probability"] for entry in answer["top"]]
    assert len(answer["top"]) == 5
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < sum(probabilities) <= 1 + 1e-6
    assert all(isinstance(entry["label"], str) and entry["label"] for entry in answer["top"])
    sure = [entry["calibrated"] for entry in answer["top"]]
    assert sure == sorted(sure, reverse=True) and 0 < sum(sure) <= 1 + 1e-6
    assert sure != probabilities, "this model is calibrated"
    assert answer["probably_none"] == (name == NONE)


@pytest.mark.parametrize(
    ("name", "label"), [("An elephant", "elephant"), ("A stop sign", "stop_sign"), ("An umbrella", "umbrella")]
)
def test_examples_of_its_categories_are_answered_rightly(client, name, label):
    answer = client.predict(handle_file(str(example_pictures()[name])), api_name="/vit_classify")
    assert answer["top"][0]["label"] == label
    assert answer["top"][0]["probability"] >= 0.5


def test_the_example_without_a_category_is_a_big_cat_to_it(client):
    assert "cheetah" not in categories()
    answer = client.predict(handle_file(str(example_pictures()[FAILURE])), api_name="/vit_classify")
    assert answer["top"][0]["label"].lower() in {"leopards", "wild_cat", "cougar_face", "cougar_body"}


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P"])
def test_any_mode_and_any_size(client, tmp_path, mode):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (33, 470, 3), dtype=np.uint8)).convert(mode)
    path = tmp_path / ("picture.jpg" if mode == "CMYK" else "picture.png")
    image.save(path)
    assert len(client.predict(handle_file(str(path)), api_name="/vit_classify")["top"]) == 5


@pytest.mark.parametrize("size", [0, 112])
def test_a_trace_as_a_file_agrees_with_its_facts(client, size):
    picture = handle_file(str(example_pictures()[FAILURE]))
    facts, file = client.predict(picture, "vit-s14-caltech101", size, api_name="/vit_trace")
    assert facts["size"] == (size or 224)
    assert facts["grid"] == [facts["size"] // 14] * 2
    with np.load(file) as arrays:
        layers, heads, tokens = facts["layers"], facts["heads"], facts["tokens"]
        assert arrays["attention"].shape == (layers, heads, tokens, tokens)
        assert arrays["tokens"].shape == (layers + 1, tokens, arrays["embeddings"].shape[1])
        np.testing.assert_allclose(arrays["attention"].sum(-1), 1, atol=1e-5)
        np.testing.assert_allclose(arrays["tokens"][0, 1:], arrays["embeddings"] + arrays["positions"][1:], atol=1e-6)
        best = int(arrays["probabilities"].argmax())
        assert str(arrays["labels"][best]).replace("_", " ").lower() == facts["top"][0]["label"]
        assert float(arrays["lens"][-1, best]) == pytest.approx(facts["top"][0]["probability"])
    assert len(facts["lens"]) == layers + 1


def test_a_phone_photo_of_40_megapixels_is_answered_upright(client, tmp_path):
    """The camera lay on its side: the answer is that of the upright picture, which is read at a quarter."""
    upright = Image.open(example_pictures()[FAILURE]).convert("RGB")
    exif = Image.Exif()
    exif[274] = 6
    photo = upright.resize((6400, 6400), Image.Resampling.BILINEAR).transpose(Image.Transpose.ROTATE_90)
    photo.save(tmp_path / "phone.jpg", quality=90, exif=exif)
    answer = client.predict(handle_file(str(tmp_path / "phone.jpg")), api_name="/vit_classify")
    expected = client.predict(handle_file(str(example_pictures()[FAILURE])), api_name="/vit_classify")
    assert answer["top"][0]["label"] == expected["top"][0]["label"]
    assert answer["top"][0]["probability"] == pytest.approx(expected["top"][0]["probability"], abs=0.1)


def test_no_picture_gets_a_sentence(client):
    with pytest.raises(AppError, match="There is no picture yet"):
        client.predict(None, api_name="/vit_classify")
