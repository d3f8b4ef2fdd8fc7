"""Weights: only what the manifest lists is loaded, once, however many ask; damage is named."""

import json
import shutil
import threading
import time

import pytest
import torch
from safetensors.torch import save_file

from models import memory, runtime, training, weights
from models.errors import InputError, WeightsError
from models.vision import library
from tests.hub import checkpoints


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """An empty assets folder with one small embedded model, `char-lstm`, recorded in its manifest."""
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path / "weights")
    monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
    monkeypatch.setattr(runtime, "_loaded", type(runtime._loaded)())
    monkeypatch.setattr(runtime, "_exports", {})
    weights._verified_folder.cache_clear()
    training.export("char-lstm", torch.nn.Linear(3, 2).state_dict(), {"size": 3})
    yield tmp_path / "weights" / "char-lstm"
    weights._verified_folder.cache_clear()


def linear(folder):
    from safetensors.torch import load_file

    network = torch.nn.Linear(3, 2)
    network.load_state_dict(load_file(folder / "model.safetensors"))
    return network


def test_an_exported_model_is_recorded_and_found(shelf):
    entry = json.loads((shelf.parent.parent / "manifest.json").read_text())["char-lstm"]
    assert set(entry) == {"config.json", "model.safetensors"}
    assert weights.folder("char-lstm") == shelf
    assert runtime.load("char-lstm", linear).parameters == 8


@pytest.mark.parametrize("damage", ["half", "more", "flip", "empty", "garbage", "missing"])
def test_damaged_weights_are_refused_by_name(shelf, damage):
    path = shelf / "model.safetensors"
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        flipped = data[:-1] + bytes([data[-1] ^ 1])
        changed = {"half": data[: len(data) // 2], "more": data + b"x", "flip": flipped, "empty": b"", "garbage": b"{"}
        path.write_bytes(changed[damage])
    with pytest.raises(WeightsError, match="The weight file char-lstm/model"):
        runtime.load("char-lstm", linear)


def test_a_model_that_is_not_in_the_manifest_is_not_loaded(shelf):
    shutil.copytree(shelf, shelf.parent / "sprites-unet")
    with pytest.raises(WeightsError, match="not in this copy"):
        weights.folder("sprites-unet")


@pytest.mark.parametrize("name", ["nope", "", None, 3, ["char-lstm"], "../char-lstm", "char-lstm/"])
def test_names_outside_the_catalogue(name):
    with pytest.raises(InputError, match="There is no such model; choose one of"):
        weights.find(name)


def test_a_name_of_another_concept_is_no_choice():
    with pytest.raises(InputError):
        weights.find("sprites-unet", "sequences")


def test_ten_simultaneous_first_loads_are_one_load(shelf):
    calls, results = [], []

    def slow(folder):
        calls.append(1)
        time.sleep(0.2)
        return linear(folder)

    threads = [threading.Thread(target=lambda: results.append(runtime.load("char-lstm", slow))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert len({id(loaded.network) for loaded in results}) == 1


def test_a_failed_load_is_tried_again(shelf):
    def broken(folder):
        raise WeightsError("once")

    with pytest.raises(WeightsError):
        runtime.load("char-lstm", broken)
    assert runtime.load("char-lstm", linear).name == "char-lstm"


def test_the_least_recently_used_model_goes_when_memory_is_short(shelf, monkeypatch):
    for name in ("sprites-unet", "translator-en-fr"):
        training.export(name, torch.nn.Linear(3, 2).state_dict(), {})
    monkeypatch.setattr(memory, "STAYING_BYTES", 2 * 32)
    monkeypatch.setattr(runtime, "kept_bytes", lambda: 0)
    for name in ("char-lstm", "sprites-unet", "char-lstm", "translator-en-fr"):
        runtime.load(name, linear)
    assert runtime.names_in_memory() == ["char-lstm", "translator-en-fr"]


def test_networks_go_while_the_process_takes_more_than_its_budget(shelf, monkeypatch):
    names = ["char-lstm", "sprites-unet", "translator-en-fr"]
    for name in names[1:]:
        training.export(name, torch.nn.Linear(3, 2).state_dict(), {})
    for name in names:
        runtime.load(name, linear)
    taken = {"seen": [memory.BUDGET_BYTES]}
    monkeypatch.setattr(memory, "resident_bytes", lambda: taken["seen"].pop(0))
    runtime.keep_within_budget()
    assert runtime.names_in_memory() == names
    taken["seen"] = [memory.BUDGET_BYTES + 33, memory.BUDGET_BYTES]
    runtime.keep_within_budget()
    assert runtime.names_in_memory() == names[2:]
    taken["seen"] = [memory.BUDGET_BYTES + 1, memory.BUDGET_BYTES + 1]
    runtime.keep_within_budget()
    assert runtime.names_in_memory() == []


def test_export_is_float16_only_when_asked(shelf):
    from safetensors.torch import load_file

    state = {"w": torch.ones(2), "n": torch.tensor([3])}
    folder = training.export("sprites-unet", state, {}, half=True)
    stored = load_file(folder / "model.safetensors")
    assert (stored["w"].dtype, stored["n"].dtype) == (torch.float16, torch.int64)


def test_no_pickle_in_the_repository():
    kinds = {p.suffix for p in weights.EMBEDDED.rglob("*") if p.is_file()}
    assert not kinds & {".pt", ".pth", ".bin", ".pkl", ".ckpt", ".npy"}


def test_every_embedded_file_is_in_the_manifest_with_its_checksum():
    manifest = json.loads(weights.MANIFEST.read_text())
    for entry in weights.CATALOGUE.values():
        if entry.kind == "embedded":
            assert any(file.endswith(".safetensors") for file in manifest[entry.name])
            assert weights.folder(entry.name).is_dir()


def test_safetensors_with_a_missing_key_is_a_clear_refusal(shelf):
    save_file({"weight": torch.ones(2, 3)}, shelf / "model.safetensors")
    weights.record("char-lstm")
    with pytest.raises(WeightsError, match="Character LSTM could not be loaded"):
        runtime.load("char-lstm", linear)


def test_a_mode_that_does_not_exist_is_refused(monkeypatch):
    monkeypatch.setenv("GLASSBOX_MODELS", "everything")
    with pytest.raises(WeightsError, match="must be embedded, hub or auto"):
        weights.mode()


def test_models_of_a_local_folder_are_offered_and_run(tmp_path, monkeypatch):
    from models.attention.trace import load, trace_attention

    monkeypatch.setattr(weights, "CATALOGUE", dict(weights.CATALOGUE))
    checkpoints.gpt2(tmp_path / "mine")
    (tmp_path / "nothing").mkdir()
    assert weights.add_local(tmp_path) == ["local-mine"]
    assert "local-mine" in weights.offered("attention")
    assert weights.folder("local-mine") == tmp_path / "mine"
    assert trace_attention(load("local-mine").network, "the cat").traces[0].attention.shape[:2] == (2, 4)
    with pytest.raises(WeightsError, match="There is no folder"):
        weights.add_local(tmp_path / "absent")


def test_local_vision_transformers_go_to_their_tab(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "CATALOGUE", dict(weights.CATALOGUE))
    checkpoints.vit(tmp_path / "deit")
    assert weights.add_local(tmp_path) == ["local-deit"]
    assert "local-deit" in weights.offered("vit")
    assert library.load(weights.folder("local-deit")).labels == ("cat", "dog", "mat")
    (tmp_path / "deit" / "config.json").write_text("[1]")
    with pytest.raises(WeightsError, match="not the configuration of a model"):
        weights.add_local(tmp_path)
