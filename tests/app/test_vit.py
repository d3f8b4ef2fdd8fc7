"""The public endpoint of the ViT tab, called as a client would."""

import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demos.vit import example_pictures


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


def test_a_big_cat_is_a_big_cat(client):
    answer = client.predict(handle_file(str(example_pictures()["A cheetah"])), api_name="/vit_classify")
    assert answer["top"][0]["label"].lower() in {"leopards", "wild_cat", "cougar_face", "cougar_body"}


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P"])
def test_any_mode_and_any_size(client, tmp_path, mode):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (33, 470, 3), dtype=np.uint8)).convert(mode)
    path = tmp_path / ("picture.jpg" if mode == "CMYK" else "picture.png")
    image.save(path)
    assert len(client.predict(handle_file(str(path)), api_name="/vit_classify")["top"]) == 5


def test_no_picture_gets_a_sentence(client):
    with pytest.raises(AppError, match="There is no picture yet"):
        client.predict(None, api_name="/vit_classify")
