"""What is uploaded to a Space and what is built by Docker: checked here, as nobody can build either in a test."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import space
from models import weights

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a Space, weights as empty files: their content is checked elsewhere and takes seconds to copy."""
    made = tmp_path_factory.mktemp("space") / "made"
    assert space.make(made, "someone/glassbox", copy=without_weights) == []
    return made


def without_weights(source, target):
    if str(source).endswith(".safetensors"):
        return Path(target).write_bytes(b"\xff")
    return shutil.copy2(source, target)


def test_the_folder_has_the_app_and_no_recipes(folder):
    assert (folder / "app.py").is_file()
    assert (folder / "models" / "catalogue.py").is_file()
    assert not (folder / "models" / "recipes").exists()
    assert not list(folder.rglob("__pycache__"))


def test_the_card_says_what_a_space_wants(folder):
    card = space.front_matter(folder / "README.md")
    assert card["thumbnail"].startswith("https://huggingface.co/spaces/someone/glassbox/resolve/main/")
    assert tuple(map(int, card["python_version"].split("."))) >= (3, 11)
    entry = weights.CATALOGUE["gpt2"]
    assert f"{entry.origin} config.json,model.safetensors,tokenizer.json {entry.revision}" in card["preload_from_hub"]


def changed(folder, tmp_path, name, change):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    change(copy / name)
    return space.faults(copy)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("assets/film.webm", lambda path: path.write_bytes(b"\x1aE\xdf\xa3\xff"), "film.webm is binary"),
        ("LICENSE", Path.unlink, "LICENSE is not in the folder."),
        ("app.py", lambda path: path.write_text("import scipy, pandas"), "pandas is imported by app.py"),
        (
            "README.md",
            lambda path: path.write_text(path.read_text().replace("sdk_version: 6", "sdk_version: 5")),
            "sdk_version is not the Gradio",
        ),
        (
            "README.md",
            lambda path: path.write_text(path.read_text().replace("cpu-basic", "gpu-9000")),
            "suggested_hardware is none",
        ),
    ],
)
def test_what_the_hub_would_refuse_is_found(folder, tmp_path, name, change, said):
    assert any(said in fault for fault in changed(folder, tmp_path, name, change))


def test_docker_copies_what_exists_and_the_licence():
    copied = [part for line in re.findall(r"^COPY .*", DOCKERFILE, re.MULTILINE) for part in line.split()[2:-1]]
    assert "LICENSE" in copied
    for name in copied:
        assert (ROOT / name).exists(), name


@pytest.fixture
def clean_root(tmp_path):
    """A folder as the image has it before the app is copied, with commands that only note how they were called."""
    for name in ("requirements.txt", "requirements-scale.txt", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    commands = tmp_path / "commands"
    commands.mkdir()
    for name in ("pip", "python", "useradd", "chown"):
        (commands / name).write_text(f'#!/bin/sh\nfor part in "$0" "$@"; do echo "$part"; done >> {tmp_path}/called\n')
        (commands / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("models", ["", "rf-detr-nano gpt2"])
def test_every_run_line_of_docker_is_a_command_that_works(clean_root, models):
    """Each line is run by the shell that Docker uses; what would change the machine only says how it was called."""
    settings = dict(re.findall(r"^ARG (\w+)=(\S*)$", DOCKERFILE, re.MULTILINE))
    settings = {name: value.strip('"') for name, value in settings.items()} | {"MODELS": models}
    path = f"{clean_root / 'commands'}:{os.defpath}"
    lines = re.findall(r"^RUN (.*(?:\\\n.*)*)", DOCKERFILE, re.MULTILINE)
    assert len(lines) >= 5
    for line in lines:
        subprocess.run(["/bin/sh", "-ec", line], cwd=clean_root, env={**settings, "PATH": path}, check=True)
    called = (clean_root / "called").read_text()
    torch = next(line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("torch=="))
    assert f"whl/cpu\n--extra-index-url\nhttps://pypi.org/simple\n{torch}\n" in called
    assert ("models.hub\nrf-detr-nano\ngpt2\n" in called) == bool(models)


def test_the_models_that_are_fetched_beforehand_are_in_the_catalogue():
    makefile = (ROOT / "Makefile").read_text()
    (named,) = re.findall(r"^MODELS \?= (.*)$", makefile, re.MULTILINE)
    assert set(shlex.split(named)) == set(space.PRELOADED)
    assert all(weights.find(name).kind == "hub" for name in space.PRELOADED)


def test_the_list_of_models_is_printed_without_network(monkeypatch, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "models.hub"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9"},
        check=True,
    )
    assert re.search(r"rf-detr-nano +122 MB  RF-DETR nano, 80 COCO classes \(Apache-2\.0\)", done.stdout)
