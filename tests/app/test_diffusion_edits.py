"""The endpoints that fill a hole, walk and fork, called as a client would."""

import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demos.diffusion.plans import example_sprites


@pytest.fixture
def mask(tmp_path):
    marked = np.zeros((32, 32), np.uint8)
    marked[4:12] = 255
    Image.fromarray(marked).save(tmp_path / "mask.png")
    return handle_file(str(tmp_path / "mask.png"))


def test_a_hole_is_filled_also_from_words(client, mask):
    path = str(example_sprites()["potion"])
    before = np.asarray(Image.open(path).convert("RGBA"))
    for asked in ({"sprite_class": "potion"}, {"prompt": "a blue potion", "guidance": 3}):
        facts, files = client.predict(handle_file(path), mask, **asked, count=1, steps=4, api_name="/diffusion_inpaint")
        after = np.asarray(Image.open(files[0]))
        seen = before[12:, :, 3] > 0
        assert np.array_equal(after[12:][seen], before[12:][seen])
        assert (after[4:12] != before[4:12]).any()
    assert (facts["model"], facts["hole"]) == ("sprites-words", 8 * 32)
    with pytest.raises(AppError, match="There is no mask"):
        client.predict(handle_file(path), None, api_name="/diffusion_inpaint")


def test_a_walk_and_a_fork(client):
    facts, files = client.predict("potion", "tree", 1, 2, 3, 4, api_name="/diffusion_between")
    assert [Image.open(file).size for file in files] == [(32, 32)] * 3
    assert len(facts["distances"]) == 2
    facts, files = client.predict("potion", 2, "tree", count=1, steps=4, api_name="/diffusion_fork")
    assert facts["changed"] == "class potion → tree"
    assert len(files) == 2
    with pytest.raises(AppError, match="step must be from 1 to 4"):
        client.predict("potion", 9, steps=4, api_name="/diffusion_fork")
