"""The hub's standard cache on this machine: where it is, which models are whole in it, and whether a file is intact.

Layout (huggingface_hub): `models--owner--name/snapshots/COMMIT/FILE` are links to `../../blobs/ETAG`, and `refs/NAME`
holds the commit that a name stood for when it was last asked. An ETAG is the content's SHA-256 (files kept outside of
git) or git's SHA-1, so that a cache that another program has filled, or that cannot be written to, is checked like our
own.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from models.catalogue import Weights

COMMIT = re.compile("[0-9a-f]{40}")
_SLICE = 2**23


def home() -> Path:
    """`HF_HOME`, else `huggingface` in the user's cache folder."""
    caches = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"))
    return Path(os.environ.get("HF_HOME", caches / "huggingface")).expanduser()


def cache() -> Path:
    """`HF_HUB_CACHE`, else `hub` in the hub's own folder."""
    chosen = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(chosen).expanduser() if chosen else home() / "hub"


def repository(entry: Weights) -> Path:
    """The folder of a model's repository in the cache."""
    return cache() / f"models--{entry.origin.replace('/', '--')}"


def commit_of(entry: Weights) -> str:
    """The commit that a model is pinned to: by the catalogue, or by what is in the cache; "" where neither says."""
    if COMMIT.fullmatch(entry.revision):
        return entry.revision
    note = repository(entry) / "refs" / entry.revision
    commit = note.read_text().strip() if note.is_file() else ""
    return commit if COMMIT.fullmatch(commit) else ""


def snapshot(entry: Weights) -> Path:
    """The folder of a model's files at its commit, whether they are all there or not."""
    return repository(entry) / "snapshots" / (commit_of(entry) or "none")


def is_whole(entry: Weights) -> bool:
    """Whether every file that the model needs is there."""
    folder = snapshot(entry)
    return folder.is_dir() and all(_there(folder, pattern) for pattern in entry.needs) and not _missing_parts(folder)


def _there(folder: Path, pattern: str) -> bool:
    return any(path.is_file() for path in folder.glob(pattern))


def _missing_parts(folder: Path) -> bool:
    """Whether an index names a part of the weights that is not there."""
    for index in folder.rglob("*.safetensors.index.json"):
        parts = set(json.loads(index.read_text()).get("weight_map", {}).values())
        if not all((index.parent / part).is_file() for part in parts):
            return True
    return False


def damaged_file(entry: Weights) -> str:
    """The first of a model's files whose content is not what its name in the cache says; "" where all are intact.

    Files that are no links (caches without symbolic links) say nothing of their content.
    """
    folder = snapshot(entry)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_symlink() and any(name.match(pattern) for pattern in entry.patterns):
            etag = Path(os.readlink(path)).name
            if (digest := digest_for(etag, path.stat().st_size)) is None:
                continue
            for _ in feed(digest, path):
                pass
            if digest.hexdigest() != etag:
                return name.as_posix()
    return ""


def forget(entry: Weights, name: str) -> None:
    """Remove a damaged file, so that it can be fetched once more; a cache that cannot be written to keeps it."""
    path = snapshot(entry) / name
    with suppress(OSError):
        path.resolve().unlink()
        path.unlink()


def digest_for(etag: str, size: int) -> "hashlib._Hash | None":
    """A digest that, fed with a file of `size` bytes, gives its `etag`; none for an etag of another kind."""
    if re.fullmatch("[0-9a-f]{64}", etag):
        return hashlib.sha256()
    if COMMIT.fullmatch(etag):
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    return None


def feed(digest: "hashlib._Hash", path: Path) -> Iterator[int]:
    """Give a file to a digest, slice by slice; yields the bytes read so far."""
    read = 0
    with path.open("rb") as file:
        while part := file.read(_SLICE):
            digest.update(part)
            read += len(part)
            yield read
