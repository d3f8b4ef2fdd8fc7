"""From the hub to a verified folder: what arrives, what is refused, what is given up, and what is left behind."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from models import hub, weights
from models.errors import InputError, WeightsError


def test_a_model_arrives_whole_and_is_not_asked_for_again(stand_in, fetch):
    state = fetch("gpt2")
    assert (state.status, state.reason) == ("ready", "")
    folder = weights.folder("gpt2")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {p.name for p in folder.iterdir()}
    before = len(stand_in.requests)
    assert fetch("gpt2").status == "ready"
    assert len(stand_in.requests) == before


def test_only_listed_kinds_of_file_are_fetched(stand_in, fetch, repositories):
    extra = repositories[weights.CATALOGUE["bert-base-uncased"].origin][1]
    (extra / "pytorch_model.bin").write_bytes(b"pickle")
    (extra / "modeling_evil.py").write_text("raise SystemExit")
    try:
        fetch("bert-base-uncased")
        names = {p.name for p in weights.folder("bert-base-uncased").rglob("*")}
        assert not names & {"pytorch_model.bin", "modeling_evil.py"}
    finally:
        (extra / "pytorch_model.bin").unlink()
        (extra / "modeling_evil.py").unlink()


def test_a_repository_without_safetensors_is_refused(stand_in, fetch, repositories, tmp_path):
    entry = weights.CATALOGUE["distilgpt2"]
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "config.json").write_text("{}")
    (tmp_path / "old" / "pytorch_model.bin").write_bytes(b"pickle")
    stand_in.repositories = {entry.origin: (entry.revision, tmp_path / "old")}
    assert fetch("distilgpt2").reason == "it holds no safetensors file"


def test_another_commit_than_the_pinned_one_is_refused(stand_in, fetch):
    origin = weights.CATALOGUE["gpt2"].origin
    stand_in.repositories = {origin: ("f" * 40, stand_in.repositories[origin][1])}
    assert fetch("gpt2").status == "failed"
    with pytest.raises(WeightsError, match="not on this machine"):
        weights.folder("gpt2")


@pytest.mark.parametrize("fault", ["gone", "flip", "cut"])
def test_a_hub_at_fault_leaves_no_model_and_can_be_asked_again(stand_in, fetch, fault):
    stand_in.fault = fault
    state = fetch("gpt2", seconds=90)
    assert state.status == "failed"
    assert state.reason
    with pytest.raises(WeightsError):
        weights.folder("gpt2")
    stand_in.fault = None
    assert fetch("gpt2").status == "ready"


def test_a_hub_that_hangs_is_given_up_while_everything_else_goes_on(stand_in, fetch, monkeypatch):
    monkeypatch.setattr(hub, "STALL_SECONDS", 2.0)
    stand_in.fault = "hang"
    began = time.monotonic()
    assert hub.start("gpt2").status == "running"
    assert time.monotonic() - began < 1
    assert "being fetched" in hub.describe("gpt2")
    assert fetch("gpt2", seconds=30).reason == "nothing arrived for 2 seconds"
    assert "could not be fetched" in hub.describe("gpt2")


def test_a_download_that_is_killed_leaves_nothing_that_looks_like_a_model(stand_in, fetch):
    stand_in.fault = "hang"
    child = subprocess.Popen([sys.executable, "-m", "models.hub", "gpt2"], stdout=subprocess.DEVNULL)
    time.sleep(1.5)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with pytest.raises(WeightsError):
        weights.folder("gpt2")
    stand_in.fault = None
    assert fetch("gpt2").status == "ready"


def test_names_outside_the_catalogue_never_reach_the_network(stand_in):
    for name in ("openai-community/gpt2", "../gpt2", "", None, 7, "evil/model"):
        with pytest.raises(InputError):
            hub.start(name)
    with pytest.raises(InputError, match="does not come from the hub"):
        hub.start("char-lstm")
    assert stand_in.requests == []


def test_hub_models_are_not_offered_in_embedded_mode(monkeypatch):
    monkeypatch.setenv("GLASSBOX_MODELS", "embedded")
    assert "gpt2" not in weights.offered("attention")
    monkeypatch.setenv("GLASSBOX_MODELS", "auto")
    assert "gpt2" in weights.offered("attention")


NOT_PINNED_YET = {"rf-detr-nano", "deit-small-patch16-224", "swin-tiny-patch4-window7-224"}


def test_every_other_hub_entry_is_pinned_to_a_commit():
    for entry in weights.CATALOGUE.values():
        if entry.kind == "hub":
            assert (entry.revision == weights.FIRST_FETCHED) == (entry.name in NOT_PINNED_YET)
            assert entry.name in NOT_PINNED_YET or re.fullmatch("[0-9a-f]{40}", entry.revision)


def test_the_first_download_pins_a_model_that_the_catalogue_does_not(stand_in, fetch, repositories, monkeypatch):
    entry = weights.CATALOGUE["deit-small-patch16-224"]
    commit, folder = repositories[entry.origin]
    assert weights.commit_of(entry) == ""
    assert fetch(entry.name).status == "ready"
    assert weights.commit_of(entry) == commit
    files = [path for _, path in stand_in.requests if "/resolve/" in path]
    assert files
    assert all(f"/resolve/{commit}/" in path for path in files), "one commit, not whatever is newest file by file"

    (weights.folder(entry.name) / "complete.json").unlink()
    monkeypatch.setattr(hub, "_downloads", {})
    stand_in.repositories = {entry.origin: ("2" * 40, folder)}
    assert fetch(entry.name).status == "failed", "another commit than the first one"
    assert weights.commit_of(entry) == commit


def test_a_hub_that_does_not_name_its_commit_is_refused(stand_in, fetch, repositories):
    entry = weights.CATALOGUE["rf-detr-nano"]
    stand_in.repositories = {entry.origin: ("main", repositories[entry.origin][1])}
    assert "which commit" in fetch(entry.name).reason
