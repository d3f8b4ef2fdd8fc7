"""The standard cache: what another program has put there is used, and the hub's own settings mean what they say."""

import json
import os
import shutil

import pytest

from models import hub, hub_cache, weights
from models.errors import WeightsError
from tests.hub.checkpoints import MAKERS

ENTRY = weights.CATALOGUE["gpt2"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "gpt2"
    MAKERS["gpt2"](folder)
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of the hub's client, empty."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(hub, "_downloads", {})
    return tmp_path / "home"


def put(made, cache, *, links=True, without=()):
    """What the hub's own client leaves after `snapshot_download`."""
    repository = cache / "models--openai-community--gpt2"
    snapshot = repository / "snapshots" / ENTRY.revision
    for file in made.iterdir():
        if file.name in without:
            continue
        weight = file.suffix == ".safetensors"
        size, data = file.stat().st_size, file.read_bytes()
        digest = hub_cache.digest_for("0" * (64 if weight else 40), size)
        digest.update(data)
        blob = repository / "blobs" / digest.hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        snapshot.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(data)
        if links:
            (snapshot / file.name).symlink_to(os.path.relpath(blob, snapshot))
        else:
            shutil.move(blob, snapshot / file.name)
    return snapshot


@pytest.mark.parametrize("links", [True, False])
def test_what_another_program_fetched_is_used_where_it_lies(home, made, links):
    assert hub.state_of("gpt2").status == "absent"
    snapshot = put(made, home / "hub", links=links)
    assert hub.state_of("gpt2").status == "ready"
    assert weights.folder("gpt2") == snapshot
    assert weights.source_of(ENTRY) == "openai-community/gpt2 at 607a30d"


@pytest.mark.parametrize("variable", ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"])
def test_the_cache_is_where_the_hub_s_variables_say(home, made, tmp_path, monkeypatch, variable):
    monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    snapshot = put(made, tmp_path / "elsewhere")
    assert weights.folder("gpt2") == snapshot


def test_the_client_itself_agrees_where_the_cache_is(home, made, monkeypatch):
    """Where the app would look is where huggingface_hub finds the same file."""
    from huggingface_hub import try_to_load_from_cache

    snapshot = put(made, home / "hub")
    found = try_to_load_from_cache(
        ENTRY.origin, "model.safetensors", cache_dir=hub_cache.cache(), revision=ENTRY.revision
    )
    assert found == str(snapshot / "model.safetensors")


@pytest.mark.parametrize("missing", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_snapshot_that_lacks_a_file_is_not_a_model(home, made, missing):
    put(made, home / "hub", without=(missing,))
    assert hub.state_of("gpt2").status == "absent"


def test_an_index_whose_parts_are_missing_is_not_a_model(home, made):
    snapshot = put(made, home / "hub")
    index = {"weight_map": {"h.0": "model.safetensors", "h.1": "model-00002-of-00002.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    assert hub.state_of("gpt2").status == "absent"


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_damaged_file_of_the_cache_is_refused_and_can_be_fetched_once_more(home, made, file):
    snapshot = put(made, home / "hub")
    data = bytearray((snapshot / file).read_bytes())
    data[-2] ^= 1
    (snapshot / file).resolve().write_bytes(data)
    with pytest.raises(WeightsError, match=f"{file} of GPT-2 is damaged on this machine"):
        weights.folder("gpt2")
    assert hub.state_of("gpt2").status == "absent"


def test_a_cache_that_cannot_be_written_to_is_used_and_downloads_say_so(home, made, monkeypatch):
    put(made, home / "hub")
    for folder, _, files in os.walk(home):
        for name in files:
            os.chmod(os.path.join(folder, name), 0o444)
        os.chmod(folder, 0o555)
    try:
        assert weights.folder("gpt2").is_dir()
    finally:
        for folder, _, _ in os.walk(home):
            os.chmod(folder, 0o755)


def test_offline_asks_nobody(stand_in, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub.start("gpt2").reason == "HF_HUB_OFFLINE is set on this server"
    assert hub.describe("gpt2") == "GPT-2 could not be fetched from the hub: HF_HUB_OFFLINE is set on this server."
    assert stand_in.requests == []


def test_the_token_is_shown_to_the_hub_and_to_nobody_else(stand_in, fetch, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert fetch("gpt2").status == "ready"
    asked = zip(stand_in.tokens, stand_in.requests, strict=True)
    assert {token for token, (_, path) in asked if ENTRY.origin in path} == {"Bearer hf_secret"}
    assert "hf_secret" not in hub.describe("gpt2")


def test_the_hub_s_own_client_finds_what_the_app_fetched(stand_in, fetch):
    from huggingface_hub import scan_cache_dir

    assert fetch("gpt2").status == "ready"
    found = scan_cache_dir(hub_cache.cache())
    assert not found.warnings
    (repository,) = found.repos
    (revision,) = repository.revisions
    assert (repository.repo_id, revision.commit_hash) == (ENTRY.origin, ENTRY.revision)
    assert {file.file_name for file in revision.files} >= {"config.json", "model.safetensors", "tokenizer.json"}
