"""`/vit_compare`, called as a client would."""

import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demos.vit.shared import example_pictures

UMBRELLA = str(example_pictures()["An umbrella"])


def compare(client, damage, strength):
    answer, path = client.predict(handle_file(UMBRELLA), damage, strength, api_name="/vit_compare")
    return answer, np.asarray(Image.open(path))


def test_both_answer_the_same_damaged_pixels(client):
    whole, square = compare(client, "contrast", 0)
    answer, flat = compare(client, "contrast", 1)
    assert square.shape == flat.shape == (224, 224, 3)
    assert flat.std((0, 1)).max() < 1 < square.std((0, 1)).min()
    assert answer["category"] == whole["category"]
    for name in ("vit", "cnn"):
        top = whole[name]["top"]
        assert len(top) == 5
        assert top == sorted(top, key=lambda entry: -entry["probability"])
        assert dict.fromkeys([whole["category"]]).keys() <= {entry["label"] for entry in top}
        assert whole[name]["confidence"] > 2 * answer[name]["confidence"]
    assert whole["vit"]["model"] != whole["cnn"]["model"]


def test_removing_positions_changes_the_vit_alone(client):
    kept, pixels = compare(client, "positions", 0)
    removed, same = compare(client, "positions", 1)
    assert np.array_equal(pixels, same)
    assert kept["cnn"]["confidence"] == pytest.approx(removed["cnn"]["confidence"], abs=1e-5)
    assert abs(kept["vit"]["confidence"] - removed["vit"]["confidence"]) > 1e-3


@pytest.mark.parametrize(
    ("damage", "strength", "sentence"),
    [("fire", 0.5, "The damage must be one of"), ("occlude", 0.5, "must be one of"), ("blur", 1.5, "from 0 to 1")],
)
def test_wrong_values_get_a_sentence(client, damage, strength, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(handle_file(UMBRELLA), damage, strength, api_name="/vit_compare")
