"""The API page says in words what every public endpoint takes and gives, and promises nothing that is refused."""

import inspect
import json
import re

import pytest

from demos.door.described import described
from demos.page import create_app

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
