"""The API page says in words what every public endpoint takes and gives, and promises nothing that is refused."""

import inspect
import json
import re

import pytest

from demos.door.described import described
from demos.page import create_app
from models import weights

APP = create_app()
ENDPOINTS = APP.get_api_info()["named_endpoints"]
FUNCTIONS = {f"/{fn.api_name}": fn.fn for fn in APP.fns.values() if fn.fn}


def test_there_are_the_endpoints_of_every_tab():
    assert {name.split("_")[0] for name in ENDPOINTS} == {
        "/sequences",
        "/attention",
        "/vit",
        "/detection",
        "/diffusion",
    }


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_argument_and_answer_is_described_in_words(name):
    told = ENDPOINTS[name]
    assert len(told["description"]) > 30
    for one in told["parameters"]:
        assert one["label"] == one["parameter_name"]
        assert len(one["python_type"]["description"]) >= 10, one["parameter_name"]
    assert told["returns"]
    for one in told["returns"]:
        assert len(one["python_type"]["description"]) > 40, name


@pytest.mark.parametrize("name", ENDPOINTS)
def test_arguments_have_the_names_of_the_function(name):
    names = [one["parameter_name"] for one in ENDPOINTS[name]["parameters"]]
    assert names == list(inspect.signature(FUNCTIONS[name]).parameters)[: len(names)]


@pytest.mark.parametrize("name", ENDPOINTS)
def test_nothing_is_named_by_a_number(name):
    told = ENDPOINTS[name]
    for one in [*told["parameters"], *told["returns"]]:
        for text in (one["label"], one.get("parameter_name", "")):
            assert not re.search(r"\d", text), text


def described_argument(endpoint, name):
    told = next(one for one in ENDPOINTS[endpoint]["parameters"] if one["parameter_name"] == name)
    return told["python_type"]["description"]


@pytest.mark.parametrize(
    ("endpoint", "concept"),
    [
        ("/detection_detect", "detection"),
        ("/detection_explain", "detection"),
        ("/vit_classify", "vit"),
        ("/vit_trace", "vit"),
        ("/attention_trace", "attention"),
        ("/attention_find", "attention"),
        ("/attention_edit", "attention"),
        ("/sequences_next", "sequences"),
        ("/sequences_sample", "sequences"),
    ],
)
def test_models_are_named_as_the_catalogue_offers_them(endpoint, concept):
    told = described_argument(endpoint, "model")
    for name in weights.offered(concept):
        assert f"{name} ({weights.find(name).title})" in told


def test_what_else_is_chosen_from_is_named_too():
    assert "rf-detr-s14-everyday (" in described_argument("/detection_detect", "model")
    assert "gru-attention-en-fr" in described_argument("/attention_translate", "model")
    assert "char-transformer" in described_argument("/sequences_memory", "model")
    told = described_argument("/diffusion_generate", "sprite_class")
    assert told.startswith("what to draw. One of: potion (15 of 16 can be read); ") and told.endswith("; any.")


def test_models_that_are_switched_off_are_not_named(monkeypatch):
    monkeypatch.setenv("GLASSBOX_MODELS", "embedded")
    shown = described(ENDPOINTS["/detection_detect"], FUNCTIONS["/detection_detect"])
    told = next(one for one in shown["parameters"] if one["parameter_name"] == "model")["python_type"]["description"]
    assert "rf-detr-s14-everyday" in told and "rf-detr-nano" not in told


def test_no_file_is_promised_by_its_web_address():
    told = json.dumps(ENDPOINTS)
    for promise in ("http:", "https:", "ublicly available", "base64 encoded image"):
        assert promise not in told, promise


def test_no_place_on_this_machine_is_told():
    assert "/tmp" not in json.dumps([one["parameter_default"] for e in ENDPOINTS.values() for one in e["parameters"]])


def test_arguments_over_several_lines_are_read_whole():
    def endpoint():
        """What it does.

        Args:
            first: begins here
                and ends here.

            second: short.

        Returns:
            {"a": what it is} and
            more.
        """

    parameter = {"parameter_name": "first", "label": "1st", "python_type": {"type": "str", "description": ""}}
    answer = {"label": "value_7", "component": "Json", "python_type": {"type": "dict", "description": ""}}
    told = described({"parameters": [parameter], "returns": [answer]}, endpoint)
    assert told["parameters"][0]["python_type"]["description"] == "begins here and ends here."
    assert told["returns"][0]["python_type"]["description"] == '{"a": what it is} and more.'
