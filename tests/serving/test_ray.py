"""Every public endpoint gives the same with `--engine ray` as without it."""

import io
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client
from PIL import Image

from tests.runtime_only.test_endpoints import CALLS

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4
"""Absolute and relative, of every number in an answer and in its files; pixels may differ by one of 255."""
OF_THE_MOMENT = ("seconds", "milliseconds", "run", "name")
"""Keys whose values differ from call to call."""


@pytest.fixture(scope="module")
def clients(plain_url, ray_url):
    return Client(plain_url, verbose=False), Client(ray_url, verbose=False)


@pytest.mark.parametrize("endpoint", CALLS)
def test_it_answers_the_same(clients, endpoint):
    here, there = (client.predict(*CALLS[endpoint](), api_name=endpoint) for client in clients)
    assert_same(here, there, endpoint)


def test_the_answers_came_from_replicas(clients, ray_url):
    import httpx

    models = httpx.get(f"{ray_url}/readyz").json()["models"]
    loaded = {name for name, state in models.items() if state == "in memory"}
    assert loaded <= {"vit-s14-caltech101"}, "but the backbone that a classifier of one's own is put on for its owner"


def assert_same(here, there, where):
    assert type(here) is type(there), where
    if isinstance(here, dict):
        assert here.keys() == there.keys(), where
        for key in here.keys() - set(OF_THE_MOMENT):
            assert_same(here[key], there[key], f"{where}.{key}")
    elif isinstance(here, list | tuple):
        assert len(here) == len(there), where
        for number, (one, other) in enumerate(zip(here, there, strict=True)):
            assert_same(one, other, f"{where}[{number}]")
    elif isinstance(here, float):
        assert there == pytest.approx(here, rel=TOLERANCE, abs=TOLERANCE), where
    elif isinstance(here, str) and here.startswith("/") and Path(here).is_file():
        assert_same_files(Path(here), Path(there), where)
    else:
        assert here == there, where


def assert_same_files(here, there, where):
    assert here.suffix == there.suffix, where
    if here.suffix == ".npz":
        with np.load(here) as one, np.load(there) as other:
            assert set(one.files) == set(other.files), where
            for name in one.files:
                if one[name].dtype.kind == "f":
                    np.testing.assert_allclose(
                        one[name], other[name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"{where} {name}"
                    )
                else:
                    assert (one[name] == other[name]).all(), f"{where} {name}"
    elif here.suffix in (".png", ".jpg", ".webp", ".gif"):
        one, other = (np.asarray(Image.open(io.BytesIO(path.read_bytes())), np.int16) for path in (here, there))
        assert np.abs(one - other).max() <= 1, where
    else:
        assert here.read_bytes() == there.read_bytes(), where
