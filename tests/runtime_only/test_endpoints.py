"""Every public endpoint answers real input where only `requirements.txt` is installed."""

import subprocess

import pytest
from gradio_client import handle_file

from demos.base import EXAMPLES
from tests.conftest import ROOT

MEDIA = ROOT / "assets" / "media"
NOT_FOR_SERVING = ("pyarrow", "sklearn", "pycocotools", "sacrebleu", "vega_datasets", "pytest", "trackers")


def photo(name):
    return handle_file(str(EXAMPLES / name))


def sprite():
    return handle_file(str(next(MEDIA.glob("diffusion-*.png"))))


def scene():
    return handle_file(str(MEDIA / "detection-1.png"))


CALLS = {
    "/sequences_next": lambda: ("It was a dark and stormy n", "char-lstm", 5),
    "/sequences_sample": lambda: ("It was a dark", "char-gru", 20),
    "/sequences_memory": lambda: ("The boy and the d", "char-rnn"),
    "/sequences_classify": lambda: ("A warm and funny film.",),
    "/sequences_caption": lambda: (sprite(), "photo-captioner", "a", 0, 2, 0),
    "/sequences_translate": lambda: ("I am tired.",),
    "/sequences_answer": lambda: ("Mary took the apple to the kitchen.", "Where is the apple?"),
    "/attention_trace": lambda: ("The cat sat on the mat.", "all-minilm-l6-v2"),
    "/attention_find": lambda: ("The animal is tired.", "all-minilm-l6-v2", "tired", "animal"),
    "/attention_translate": lambda: ("Where is the station?", "translator-en-fr", 2),
    "/attention_edit": lambda: ("Alice was", "book-gpt", [["decoder", 1, 3]]),
    "/vit_classify": lambda: (photo("cheetah1.jpg"),),
    "/vit_trace": lambda: (photo("lion.jpg"), "vit-s14-caltech101", 224),
    "/vit_compare": lambda: (photo("lion.jpg"), "shuffle", 0.5),
    "/vit_finetune": lambda: (
        [photo(name) for name in ("lion.jpg", "cheetah1.jpg", "tower.jpg", "bus.png")],
        ["cat", "cat", "other", "other"],
    ),
    "/detection_detect": lambda: (scene(), 0.5, ["book"]),
    "/detection_explain": lambda: (scene(), 0.5),
    "/diffusion_forward": lambda: (sprite(), 250),
    "/diffusion_generate": lambda: ("potion", 1, 4, 0),
    "/diffusion_transform": lambda: (sprite(), "monster", 0.6, 1, 4),
    "/diffusion_inpaint": lambda: (sprite(), scene(), "potion", 1, 1, 4),
    "/diffusion_between": lambda: ("potion", "tree", 1, 2, 2, 4),
    "/diffusion_fork": lambda: ("potion", 2, "tree", 0, "same", -1, 1, 4),
}


@pytest.mark.parametrize("package", NOT_FOR_SERVING)
def test_the_environment_has_nothing_that_only_recipes_and_tests_need(runtime_python, package):
    script = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is not None)"
    assert subprocess.run([runtime_python, "-s", "-c", script], cwd=ROOT).returncode == 0


def test_every_public_endpoint_is_called_here(client):
    assert set(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == set(CALLS)


@pytest.mark.parametrize("endpoint", CALLS)
def test_it_answers(client, endpoint):
    answer = client.predict(*CALLS[endpoint](), api_name=endpoint)
    for part in answer if isinstance(answer, tuple) else (answer,):
        assert part
