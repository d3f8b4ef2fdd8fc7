"""`/vit_finetune`, called as a client would: photos of two kinds, what is refused, the files it hands back."""

import json
from pathlib import Path

import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from safetensors.numpy import load_file

from demos.vit.shared import example_pictures
from models.vit import own_file
from models.vit.own_training import classify

ELEPHANT, SIGN = (Image.open(example_pictures()[name]).convert("RGB") for name in ("An elephant", "A stop sign"))


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Four parts of each of two photos: (files, labels); among them greyscale, transparent and turned ones."""
    folder, files, labels = tmp_path_factory.mktemp("views"), [], []
    for name, photo in (("elephant", ELEPHANT), ("sign", SIGN)):
        width, height = photo.size
        side = int(0.7 * min(width, height))
        corners = [(0, 0), (width - side, 0), (0, height - side), ((width - side) // 2, (height - side) // 2)]
        modes = ["RGB", "L", "RGBA", "RGB"]
        for i, ((left, top), mode) in enumerate(zip(corners, modes, strict=True)):
            path = folder / f"{name}-{i}.png"
            photo.crop((left, top, left + side, top + side)).convert(mode).save(path)
            files.append(path)
            labels.append(name)
    return files, labels


def finetune(client, files, labels, blocks=0, seconds=20, seed=0):
    return client.predict(
        [handle_file(str(path)) for path in files], labels, blocks, seconds, seed, api_name="/vit_finetune"
    )


def test_two_kinds_of_photo_are_told_apart_and_the_files_can_be_used(client, views):
    facts, files = finetune(client, *views)
    assert facts["labels"] == ["elephant", "sign"]
    assert facts["pictures"] == [4, 4]
    assert facts["held_out_accuracy"] == np.trace(facts["confusion"]) / 8 >= 0.75
    assert facts["loss"] < 0.3
    own = own_file.load(files)
    assert own.labels == ("elephant", "sign")
    assert [classify(own, np.asarray(photo))[0].argmax() for photo in (ELEPHANT, SIGN)] == [0, 1]
    stored = load_file(next(path for path in files if path.endswith(".safetensors")))
    assert {name: array.shape for name, array in stored.items()} == {"head.weight": (2, 768), "head.bias": (2,)}
    described = json.loads(Path(next(path for path in files if path.endswith(".json"))).read_text())
    assert described["blocks"] == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda files, labels: ([], []), "there is no class yet"),
        (lambda files, labels: (files[:4], labels[:4]), "there is one class"),
        (lambda files, labels: (files[:5], labels[:5]), "“sign” has one picture"),
        (lambda files, labels: ([*files, files[0]], [*labels, "sign"]), "both in “elephant” and in “sign”"),
        (lambda files, labels: (files, labels[1:]), "one text for each picture"),
        (lambda files, labels: (files, [*labels[1:], 5]), "must be text"),
        (lambda files, labels: (files, [*labels[1:], "x" * 50]), "50 characters"),
    ],
)
def test_wrong_classes_get_a_sentence(client, views, change, sentence):
    with pytest.raises(AppError, match=sentence):
        finetune(client, *change(*views))
