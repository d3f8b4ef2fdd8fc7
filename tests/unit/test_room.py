"""Memory is asked for before a model is loaded: a sentence, not a killed server."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from models import room, runtime, weights
from models.errors import WeightsError

CPU = torch.device("cpu")


@pytest.fixture
def file(tmp_path):
    """A million numbers of 16 bits and eight of 8."""
    path = tmp_path / "model.safetensors"
    save_file({"a": np.zeros((1000, 1000), np.float16), "b": np.zeros(8, np.uint8)}, path, {"format": "pt"})
    return path


def test_numbers_are_counted_without_reading_them(file):
    assert room.count_numbers(file) == 1_000_008


@pytest.mark.parametrize(("itemsize", "free"), [(4, 504_000_032), (2, 503_000_000)])
def test_what_fits_is_let_through(file, monkeypatch, itemsize, free):
    monkeypatch.setattr(room, "free_bytes", lambda _: free)
    room.require_room([file], "SDXL-Turbo", itemsize, CPU)


def test_what_does_not_fit_is_refused_in_one_sentence(file, monkeypatch):
    monkeypatch.setattr(room, "free_bytes", lambda _: 504_000_031)
    said = r"SDXL-Turbo needs 0\.0 GB of memory on this server, which has 0\.5 GB free: choose a smaller model\."
    with pytest.raises(WeightsError, match=said):
        room.require_room([file], "SDXL-Turbo", 4, CPU)


def test_the_small_models_of_the_app_are_never_refused(monkeypatch):
    monkeypatch.setattr(room, "free_bytes", lambda _: 1_000_000)
    room.require_room([], "Character LSTM", 4, CPU)


def test_a_machine_that_does_not_say_how_much_it_has_is_trusted(file, monkeypatch):
    monkeypatch.setattr(room, "free_bytes", lambda _: None)
    room.require_room([file], "SDXL-Turbo", 4, CPU)


def test_the_sentence_comes_before_anything_is_read(file, monkeypatch):
    entry = weights.CATALOGUE["gpt2"]
    monkeypatch.setattr(weights, "folder", lambda _: file.parent)
    monkeypatch.setattr(room, "free_bytes", lambda _: 10**6)
    with pytest.raises(WeightsError, match=f"{entry.title} needs"):
        runtime.load("gpt2", lambda _: pytest.fail("it was loaded all the same"))
    assert "gpt2" not in runtime.names_in_memory()


def test_a_container_has_what_its_limit_leaves(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_CGROUP", tmp_path)
    assert room._of_container() is None
    for name, text in (("max", "2000\n"), ("current", "1500\n"), ("stat", "anon 7\ninactive_file 300\n")):
        (tmp_path / f"memory.{name}").write_text(text)
    assert room._of_container() == 800
    assert room.free_bytes(CPU) == 800
    (tmp_path / "memory.max").write_text("max\n")
    assert room._of_container() is None


def test_a_card_is_asked_itself(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (7, 11))
    assert room.free_bytes(SimpleNamespace(type="cuda")) == 7
