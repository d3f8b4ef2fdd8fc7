"""From the hub to a verified folder: what arrives, what is refused, what is given up, and what is left behind."""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from demos.base import usable_model
from models import hub, hub_cache, hub_fetch, weights
from models.errors import InputError, WeightsError

pytestmark = pytest.mark.thorough


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


BROKEN = httpx2.RemoteProtocolError
FAULTS = {
    "flip": "model.safetensors arrived damaged",
    "cut": "the hub cannot be reached (RemoteProtocolError)",
    "long": "model.safetensors is longer than the hub says",
    "short": "model.safetensors is shorter than the hub says",
    "gated": "its authors want their terms accepted on the hub; then set HF_TOKEN to a token of that account",
    401: "the hub does not accept this server's HF_TOKEN",
    403: "the hub does not give it to this server",
    404: "the hub does not have it",
    429: "the hub wants fewer requests from this server; ask again in some minutes",
    500: "the hub has a fault of its own (500)",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_hub_at_fault_is_a_sentence_leaves_no_model_and_can_be_asked_again(stand_in, fetched, fault):
    stand_in.fault = fault
    with pytest.raises(Exception) as failure:
        fetched("gpt2")
    assert hub_fetch.reason_of(failure.value) == FAULTS[fault]
    with pytest.raises(WeightsError, match="not on this machine"):
        weights.folder("gpt2")
    stand_in.fault = None
    assert fetched("gpt2")[-1].status == "ready"
    assert weights.folder("gpt2").is_dir()


@pytest.fixture(autouse=True)
def endpoint_of_the_client(endpoint):
    """In this process, too, the hub is the stand-in."""


def big_weights(repositories, folder, size):
    """A repository in GPT-2's place with `size` bytes of weights."""
    origin = weights.CATALOGUE["gpt2"].origin
    commit, small = repositories[origin]
    shutil.copytree(small, folder)
    (folder / "model.safetensors").write_bytes(random.Random(0).randbytes(size))
    return {origin: (commit, folder)}


def test_a_line_that_breaks_is_gone_on_with_where_it_was(stand_in, fetched, repositories, tmp_path):
    stand_in.repositories = big_weights(repositories, tmp_path / "big", 3_000_000)
    stand_in.fault = "cut once"
    states = fetched("gpt2")
    assert states[-1].status == "ready"
    ranges = [start for path, start in stand_in.ranges if path.endswith("model.safetensors")]
    assert ranges == [0, 1_500_000]


def test_a_later_attempt_takes_up_what_an_earlier_one_left(stand_in, fetched, repositories, tmp_path):
    stand_in.repositories = big_weights(repositories, tmp_path / "big", 3_000_000)
    stand_in.fault = "cut"
    with pytest.raises(BROKEN):
        fetched("gpt2")
    stand_in.fault, stand_in.ranges[:] = None, []
    states = fetched("gpt2")
    assert [start for path, start in stand_in.ranges if path.endswith("model.safetensors")] == [1_500_000]
    assert states[0].bytes_done >= 1_500_000
    assert weights.folder("gpt2").is_dir(), "the whole file is as announced"


def test_what_was_left_damaged_is_found_and_fetched_anew(stand_in, fetched, repositories, tmp_path):
    stand_in.repositories = big_weights(repositories, tmp_path / "big", 3_000_000)
    stand_in.fault = "cut"
    with pytest.raises(BROKEN):
        fetched("gpt2")
    (partial,) = hub_cache.cache().rglob("*.incomplete")
    partial.write_bytes(b"\0" * partial.stat().st_size)
    stand_in.fault = None
    with pytest.raises(WeightsError, match="arrived damaged"):
        fetched("gpt2")
    assert fetched("gpt2")[-1].status == "ready"


def test_a_server_without_ranges_begins_again(stand_in, fetched, repositories, tmp_path):
    stand_in.repositories = big_weights(repositories, tmp_path / "big", 3_000_000)
    stand_in.fault = "cut"
    with pytest.raises(BROKEN):
        fetched("gpt2")
    stand_in.fault = "whole"
    assert fetched("gpt2")[-1].status == "ready"
    assert weights.folder("gpt2").is_dir()


@pytest.mark.parametrize("megabits", [24, 8])
def test_an_ordinary_line_is_not_given_up(stand_in, fetch, repositories, tmp_path, monkeypatch, megabits):
    """Weights of four seconds on the line, given up after two seconds of silence: bytes arrive all the time."""
    stand_in.repositories = big_weights(repositories, tmp_path / "big", megabits * 500_000)
    stand_in.rate = megabits * 125_000
    monkeypatch.setattr(hub, "STALL_SECONDS", 2.0)
    hub.start("gpt2")
    seen = set()
    while (state := hub.state_of("gpt2")).status == "running":
        seen.add(state.bytes_done)
        time.sleep(0.02)
    assert state.status == "ready", state
    assert len(seen) >= 6, "progress is told on the way"


@pytest.mark.slow
@pytest.mark.parametrize(("megabits", "size"), [(24, 121_900_000), (8, 121_900_000)])
def test_rf_detr_nano_at_its_size_arrives_on_an_ordinary_line(stand_in, fetch, repositories, tmp_path, megabits, size):
    stand_in.repositories = big_weights(repositories, tmp_path / "big", size)
    stand_in.rate = megabits * 125_000
    assert fetch("gpt2", seconds=300).status == "ready"


def test_checking_what_is_there_is_no_silence(stand_in, repositories, tmp_path, monkeypatch):
    stand_in.repositories = big_weights(repositories, tmp_path / "big", 3_000_000)
    stand_in.fault = "cut"
    monkeypatch.setattr(hub_fetch.time, "sleep", lambda _: None)
    with pytest.raises(BROKEN):
        list(hub_fetch.fetch("gpt2"))
    stand_in.fault = None
    monkeypatch.setattr(hub_cache, "_SLICE", 250_000)
    checked = [state.checked for state in hub_fetch.fetch("gpt2")]
    assert checked[1:] != sorted(checked[1:], reverse=True)
    assert {250_000, 500_000, 750_000, 1_500_000} <= set(checked)


def test_a_full_disk_says_so_and_how_much_is_missing(stand_in, fetched, repositories, tmp_path, monkeypatch):
    stand_in.repositories = big_weights(repositories, tmp_path / "big", 3_000_000)
    usage = shutil._ntuple_diskusage(10**9, 9 * 10**8, 2 * 10**6)
    monkeypatch.setattr(hub_fetch.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(WeightsError, match=r"3 MB more are needed and the disk has 2 MB free"):
        fetched("gpt2")


def test_two_hundred_megabytes_of_disk_are_used_to_the_last_that_is_safe(
    stand_in, fetched, repositories, tmp_path, monkeypatch
):
    stand_in.repositories = big_weights(repositories, tmp_path / "big", 0)
    weights_file = tmp_path / "big" / "model.safetensors"
    usage = shutil._ntuple_diskusage(10**9, 8 * 10**8, 200_000_000)
    monkeypatch.setattr(hub_fetch.shutil, "disk_usage", lambda _: usage)
    os.truncate(weights_file, 160_000_000)
    with pytest.raises(WeightsError, match="160 MB more are needed and the disk has 200 MB free"):
        fetched("gpt2")
    assert not list(hub_cache.cache().rglob("*.incomplete")), "nothing was begun"
    os.truncate(weights_file, 3_000_000)
    assert fetched("gpt2")[-1].status == "ready"


def test_a_cache_that_cannot_be_made_is_a_sentence_and_leaves_the_app_with_what_it_has(
    stand_in, fetch, tmp_path, monkeypatch
):
    (tmp_path / "a file").write_text("no folder")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "a file" / "hub"))
    assert fetch("gpt2").reason == "the folder for models from the hub cannot be written to on this server"
    assert usable_model("gpt2", "attention")[0] == "translator-en-fr"
    assert not hub.is_here("gpt2")


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "the disk of this server is full"),
        (errno.EROFS, "the folder for models from the hub cannot be written to on this server"),
        (errno.EACCES, "the folder for models from the hub cannot be written to on this server"),
    ],
)
def test_a_disk_that_takes_nothing_is_a_sentence(stand_in, fetched, monkeypatch, number, sentence):
    def refuse(*_):
        raise OSError(number, "no", "/secret/path")

    monkeypatch.setattr(hub_fetch._Partial, "add", refuse)
    with pytest.raises(OSError) as failure:
        fetched("gpt2")
    assert hub_fetch.reason_of(failure.value) == sentence


def test_a_hub_that_hangs_is_given_up_while_everything_else_goes_on(stand_in, fetch, monkeypatch):
    monkeypatch.setattr(hub, "STALL_SECONDS", 2.0)
    stand_in.fault = "hang"
    began = time.monotonic()
    assert hub.start("gpt2").status == "running"
    assert time.monotonic() - began < 1
    assert "being fetched" in hub.describe("gpt2")
    assert fetch("gpt2", seconds=30).reason == "nothing arrived for 2 seconds"
    assert "could not be fetched" in hub.describe("gpt2")


def test_a_download_that_is_cancelled_is_over_at_once_and_gone_on_with(stand_in, fetch, repositories, tmp_path):
    stand_in.repositories = big_weights(repositories, tmp_path / "big", 3_000_000)
    stand_in.rate = 1_000_000
    hub.start("gpt2")
    while hub.state_of("gpt2").bytes_done < 500_000:
        time.sleep(0.02)
    assert hub.cancel("gpt2").status == "absent"
    assert hub.cancel("gpt2").status == "absent", "once more does no harm"
    stand_in.rate, stand_in.ranges[:] = 0, []
    assert fetch("gpt2").status == "ready"
    assert next(start for path, start in stand_in.ranges if path.endswith("model.safetensors")) >= 500_000


def test_a_download_that_is_killed_leaves_nothing_that_looks_like_a_model(stand_in, fetch):
    stand_in.gate.clear()
    child = subprocess.Popen([sys.executable, "-m", "models.hub_fetch", "gpt2"], stdout=subprocess.PIPE)
    child.stdout.readline()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with pytest.raises(WeightsError):
        weights.folder("gpt2")
    stand_in.gate.set()
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


NOT_PINNED_YET = {
    "rf-detr-nano": "main",
    "deit-small-patch16-224": "refs/pr/4",  # the commit with safetensors: `main` has none
    "swin-tiny-patch4-window7-224": "main",
}


def test_every_other_hub_entry_is_pinned_to_a_commit():
    for entry in weights.CATALOGUE.values():
        if entry.kind == "hub":
            assert hub_cache.COMMIT.fullmatch(entry.revision) or NOT_PINNED_YET[entry.name] == entry.revision


def test_every_hub_entry_says_what_it_needs_how_large_it_is_and_what_one_gains():
    for entry in weights.CATALOGUE.values():
        if entry.kind == "hub":
            assert any(need.endswith(".safetensors") for need in entry.needs)
            assert entry.does
            assert entry.licence
            assert entry.megabytes or entry.name == "prx-512"
            for need in entry.needs:
                assert any(Path(need.replace("*", "model")).match(pattern) for pattern in entry.patterns)


@pytest.mark.parametrize("name", NOT_PINNED_YET)
def test_the_first_download_pins_a_model_that_the_catalogue_does_not(stand_in, fetched, repositories, name):
    entry = weights.CATALOGUE[name]
    commit, folder = repositories[entry.origin]
    assert weights.commit_of(entry) == ""
    assert fetched(name)[-1].status == "ready"
    assert weights.commit_of(entry) == commit
    files = [path for _, path in stand_in.requests if "/resolve/" in path]
    assert files
    assert all(f"/resolve/{commit}/" in path for path in files), "one commit, not whatever is newest file by file"

    (weights.folder(name) / "model.safetensors").unlink()
    stand_in.repositories = {entry.origin: ("2" * 40, folder)}
    with pytest.raises(Exception) as failure:
        fetched(name)
    assert hub_fetch.reason_of(failure.value) == "the hub no longer has the version that this app asks for"
    assert weights.commit_of(entry) == commit


def test_a_hub_that_does_not_name_its_commit_is_refused(stand_in, fetched, repositories):
    entry = weights.CATALOGUE["rf-detr-nano"]
    stand_in.repositories = {entry.origin: ("main", repositories[entry.origin][1])}
    with pytest.raises(WeightsError, match="which commit"):
        fetched("rf-detr-nano")


def test_a_repository_that_lacks_a_file_is_refused_before_anything_is_fetched(
    stand_in, fetched, repositories, tmp_path
):
    entry = weights.CATALOGUE["gpt2"]
    commit, folder = repositories[entry.origin]
    shutil.copytree(folder, tmp_path / "less")
    (tmp_path / "less" / "tokenizer.json").unlink()
    stand_in.repositories = {entry.origin: (commit, tmp_path / "less")}
    with pytest.raises(WeightsError, match=r"lacks tokenizer\.json"):
        fetched("gpt2")
    assert not [path for _, path in stand_in.requests if "/resolve/" in path]
