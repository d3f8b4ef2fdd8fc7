"""Where weights come from: embedded in the repository, a local folder, or the hub; nowhere else.

Every model the app can run is an entry of `CATALOGUE` (`models/catalogue.py`). Only safetensors are read, and no code
that travels with weights is ever run. Hub entries are pinned to a commit: by the catalogue, or (where no commit could
be confirmed when the entry was written) by the first download, which writes down what it found.

    python -m models.weights                list the catalogue
    python -m models.weights record NAME    refresh the checksum of an embedded model after training it
"""

import fcntl
import functools
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models import hub_cache
from models.catalogue import BETTER, CATALOGUE, Weights
from models.errors import InputError, WeightsError

EMBEDDED = Path(__file__).resolve().parent.parent / "assets" / "weights"
MANIFEST = EMBEDDED.parent / "manifest.json"


def source_of(entry: Weights) -> str:
    """Where weights came from, in a few words."""
    if entry.kind == "hub":
        return f"{entry.origin} at {commit_of(entry)[:7]}"
    words = {"embedded": "embedded", "local": "local folder"}
    return words.get(entry.kind, entry.origin)


def add_local(folder: Path) -> list[str]:
    """Offer every model in transformers' format that lies in a folder of `folder`: Vision Transformers (ViT, DeiT
    without distillation token, DINOv2; Swin on a page of its own) in the ViT tab, all others in the Attention tab.

    For whoever starts the app; visitors choose among them by name. Returns the names. Raises `WeightsError` where
    there is no such folder.
    """
    if not folder.is_dir():
        raise WeightsError(f"There is no folder {folder} with local models.")
    added = []
    for path in sorted(folder.iterdir()):
        if (path / "config.json").is_file() and (path / "model.safetensors").is_file():
            name = f"local-{path.name}"
            CATALOGUE[name] = Weights(name, _concept_of(path), f"{path.name} (local)", "local", str(path), "its own")
            added.append(name)
    return added


def _concept_of(folder: Path) -> str:
    try:
        kind = json.loads((folder / "config.json").read_text()).get("model_type")
    except (ValueError, AttributeError):
        raise WeightsError(f"{folder / 'config.json'} is not the configuration of a model.") from None
    return {"vit": "vit", "dinov2": "vit", "swin": "vit/windows"}.get(kind, "attention")


def find(name: object, concept: str | None = None) -> Weights:
    """The catalogue entry called `name` (of `concept`, if given). Raises `InputError` for any other name."""
    entry = CATALOGUE.get(name) if isinstance(name, str) else None
    if entry is None or (concept and entry.concept != concept):
        raise InputError(f"There is no such model; choose one of: {', '.join(offered(concept))}.")
    return entry


def offered(concept: str | None = None) -> list[str]:
    """Names a visitor may choose, in catalogue order: hub models by `mode()`."""
    return [
        entry.name
        for entry in CATALOGUE.values()
        if (concept is None or entry.concept == concept) and (entry.kind != "hub" or mode() != "embedded")
    ]


def better_than_embedded(concept: str) -> list[str]:
    """Hub models that a page of the concept would rather begin with, best first; none where they are not offered."""
    return [name for name in BETTER.get(concept, ()) if mode() != "embedded"]


def first_choice(concept: str, otherwise: str) -> str:
    """The model a page begins with: the best one of the hub that is on this machine, else `otherwise`."""
    here = (name for name in better_than_embedded(concept) if hub_cache.is_whole(CATALOGUE[name]))
    return next(here, otherwise)


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
    if entry.kind == "local":
        return Path(entry.origin)
    return _verified_folder(name) if entry.kind != "hub" else _hub_folder(entry)


@functools.cache
def _verified_folder(name: str) -> Path:
    entry = CATALOGUE[name]
    path, expected = EMBEDDED / name, _manifest().get(name, {})
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


def commit_of(entry: Weights) -> str:
    """The commit of a hub model on this machine; "" where none is known yet."""
    return hub_cache.commit_of(entry)


def _hub_folder(entry: Weights) -> Path:
    if not hub_cache.is_whole(entry):
        raise WeightsError(f"{entry.title} is not on this machine yet: its tab fetches it from the hub.")
    return _verified_hub_folder(entry.name, hub_cache.snapshot(entry))


@functools.cache
def _verified_hub_folder(name: str, folder: Path) -> Path:
    entry = CATALOGUE[name]
    if damaged := hub_cache.damaged_file(entry):
        hub_cache.forget(entry, damaged)
        raise WeightsError(f"{damaged} of {entry.title} is damaged on this machine: fetch it once more.")
    return folder


def main(arguments: list[str]) -> int:
    """The command line described at the top of this module."""
    match arguments:
        case ["record", name]:
            record(find(name).name)
        case []:
            for entry in CATALOGUE.values():
                print(f"{entry.name:24} {entry.kind:9} {entry.concept:10} {entry.title} ({entry.licence})")
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
