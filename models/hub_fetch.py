"""One model fetched from the hub into the standard cache, file by file; what has arrived stays and is gone on with.

Files come by plain requests for ranges, not by the hub's Xet client: that one keeps blocks of up to 64 MB to itself
until they are whole, so that nobody could tell a slow line from a dead one, and forgets what a broken download had.

    python -m models.hub_fetch NAME     states as JSON lines; `models/hub.py` runs it as a child process
"""

import errno
import importlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from models import hub_cache, weights
from models.errors import WeightsError

ATTEMPTS = 6
"""How often in a row a line may break before a byte has arrived."""
LISTING_SECONDS, READ_SECONDS = 30.0, 10.0
"""When a silent connection is given up for a new one; `models/hub.py` decides when a silent hub is given up."""
REPORT_SECONDS = 0.25
SPARE_BYTES = 50_000_000
"""What a download leaves free of the disk."""
REASONS = {
    "GatedRepoError": "its authors want their terms accepted on the hub; then set HF_TOKEN to a token of that account",
    "RepositoryNotFoundError": "the hub has no such repository, or HF_TOKEN may not read it",
    "RevisionNotFoundError": "the hub no longer has the version that this app asks for",
    "RemoteEntryNotFoundError": "the hub lists a file that it does not have",
    "OfflineModeIsEnabled": "HF_HUB_OFFLINE is set on this server",
}
NOT_WRITABLE = (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.ENOENT, errno.EEXIST)
STATUSES = {
    401: "the hub does not accept this server's HF_TOKEN",
    403: "the hub does not give it to this server",
    404: "the hub does not have it",
    429: "the hub wants fewer requests from this server; ask again in some minutes",
}


@dataclass(frozen=True)
class Download:
    """State of one hub model: `bytes_done` of `bytes_total` (0: not known yet), and why it failed if it did.

    checked: bytes read again to check what an earlier attempt had left.
    """

    status: Literal["absent", "running", "ready", "failed"]
    bytes_done: int = 0
    bytes_total: int = 0
    reason: str = ""
    asked_by: str = ""
    checked: int = 0


@dataclass(frozen=True)
class _File:
    """One file of a repository: its name, its size in bytes and the etag that its content must have."""

    name: str
    size: int
    etag: str


def fetch(name: str) -> Iterator[Download]:
    """Fetch a hub model of the catalogue; yields its state whenever bytes have arrived or were checked.

    Raises `WeightsError` for a repository or a disk that will not do, and what the hub's client raises.
    """
    entry = weights.find(name)
    commit, files = _listing(entry)
    folder = hub_cache.repository(entry)
    done = sum(_held(folder, file) for file in files)
    total = sum(file.size for file in files)
    _check_room(total - done)
    yield Download("running", done, total)
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    whole = 0
    for file in files:
        for held, checked in _fetch_file(entry, commit, file):
            yield Download(
                "running", min(whole + held + _held_after(folder, files, file), total), total, "", "", checked
            )
        whole += file.size
    _note_commit(folder, entry.revision, commit)
    yield Download("ready", total, total)


def _listing(entry: weights.Weights) -> tuple[str, list[_File]]:
    """The commit and the files to fetch, weights last: a download that was killed is not taken for a whole one."""
    from huggingface_hub import HfApi

    pinned = hub_cache.commit_of(entry)
    info = HfApi().model_info(
        entry.origin, revision=pinned or entry.revision, files_metadata=True, timeout=LISTING_SECONDS
    )
    commit = info.sha or ""
    if not hub_cache.COMMIT.fullmatch(commit) or (pinned and commit != pinned):
        raise WeightsError("the hub does not say which commit it hands out")
    wanted = [s for s in info.siblings or [] if any(Path(s.rfilename).match(pattern) for pattern in entry.patterns)]
    if not any(s.rfilename.endswith(".safetensors") for s in wanted):
        raise WeightsError("it holds no safetensors file")
    names = [Path(s.rfilename) for s in wanted]
    if lacking := [need for need in entry.needs if not any(name.match(need) for name in names)]:
        raise WeightsError(f"the hub's version of it lacks {lacking[0]}")
    files = [_File(s.rfilename, s.size or 0, (s.lfs.sha256 if s.lfs else s.blob_id) or "") for s in wanted]
    for file in files:
        if ".." in Path(file.name).parts or hub_cache.digest_for(file.etag, file.size) is None:
            raise WeightsError("the hub does not say what its files should hold")
    return commit, sorted(files, key=lambda file: (file.name.endswith(".safetensors"), file.name))


def _blob(folder: Path, file: _File) -> Path:
    return folder / "blobs" / file.etag


def _partial(folder: Path, file: _File) -> Path:
    return folder / "blobs" / f"{file.etag}.incomplete"


def _held(folder: Path, file: _File) -> int:
    """Bytes of a file that are on this machine already."""
    for path in (_blob(folder, file), _partial(folder, file)):
        if path.is_file():
            return min(path.stat().st_size, file.size)
    return 0


def _held_after(folder: Path, files: Sequence[_File], current: _File) -> int:
    return sum(_held(folder, file) for file in files[files.index(current) + 1 :])


def _check_room(missing: int) -> None:
    folder = hub_cache.cache()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if missing and missing + SPARE_BYTES > free:
        raise WeightsError(f"{missing / 1e6:.0f} MB more are needed and the disk has {free / 1e6:.0f} MB free")


def _fetch_file(entry: weights.Weights, commit: str, file: _File) -> Iterator[tuple[int, int]]:
    """Fetch one file and link it into the snapshot; yields (bytes held of it, bytes checked of it)."""
    from huggingface_hub.utils import WeakFileLock

    folder = hub_cache.repository(entry)
    blob = _blob(folder, file)
    lock = hub_cache.cache() / ".locks" / folder.name / f"{file.etag}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with WeakFileLock(lock, timeout=READ_SECONDS):
            if not blob.is_file():
                partial = _Partial(_partial(folder, file), file)
                yield from _fill(entry, commit, partial)
                partial.finish(blob)
    except TimeoutError:
        raise WeightsError("another program on this machine is fetching it") from None
    _link(blob, folder / "snapshots" / commit / file.name)
    yield file.size, 0


class _Partial:
    """A file on its way: what has arrived of it on the disk, and the digest of that."""

    def __init__(self, path: Path, file: _File) -> None:
        self.path, self.file = path, file
        path.touch()
        self.held = 0
        self._begin_digest()

    def _begin_digest(self) -> None:
        digest = hub_cache.digest_for(self.file.etag, self.file.size)
        assert digest is not None  # `_listing` has seen to it
        self.digest = digest

    def take_up(self) -> Iterator[int]:
        """Read what an earlier attempt has left; yields the bytes read so far."""
        if self.path.stat().st_size > self.file.size:
            self.path.write_bytes(b"")
        for read in hub_cache.feed(self.digest, self.path):
            self.held = read
            yield read

    def start_again(self) -> None:
        self.path.write_bytes(b"")
        self.held = 0
        self._begin_digest()

    def add(self, part: bytes) -> None:
        if self.held + len(part) > self.file.size:
            self.path.unlink()
            raise WeightsError(f"{self.file.name} is longer than the hub says")
        with self.path.open("ab") as target:
            target.write(part)
        self.held += len(part)
        self.digest.update(part)

    def finish(self, blob: Path) -> None:
        if self.digest.hexdigest() != self.file.etag:
            self.path.unlink()
            raise WeightsError(f"{self.file.name} arrived damaged")
        os.replace(self.path, blob)


def _fill(entry: weights.Weights, commit: str, partial: _Partial) -> Iterator[tuple[int, int]]:
    """Bring a file to its full size, however often the line breaks; yields (bytes held, bytes checked)."""
    for read in partial.take_up():
        yield read, read
    attempt = 0
    while partial.held < partial.file.size:
        try:
            for _ in _stream(entry, commit, partial):
                attempt = 0
                yield partial.held, 0
            attempt += 1  # the hub ended the answer early
        except Exception as error:
            if attempt + 1 >= ATTEMPTS or not _may_pass(error):
                raise
            attempt += 1
        if attempt >= ATTEMPTS:
            raise WeightsError(f"{partial.file.name} is shorter than the hub says")
        time.sleep(min(2**attempt / 4, 4) if attempt else 0)


def _may_pass(error: Exception) -> bool:
    """Whether a fault may be over when one asks again: broken lines, a hub that is busy."""
    import httpx2

    return isinstance(error, httpx2.TransportError) or _status_of(error) in (429, 500, 502, 503, 504)


def _stream(entry: weights.Weights, commit: str, partial: _Partial) -> Iterator[None]:
    """One request for what is missing of a file; yields whenever some of it has arrived."""
    import httpx2
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    headers = {**build_hf_headers(), "Accept-Encoding": "identity", "Range": f"bytes={partial.held}-"}
    url, patience = hf_hub_url(entry.origin, partial.file.name, revision=commit), httpx2.Timeout(READ_SECONDS)
    with get_session().stream("GET", url, headers=headers, timeout=patience) as answer:
        hf_raise_for_status(answer)
        if partial.held and answer.status_code != 206:  # it knows no ranges and begins again
            partial.start_again()
        for part in answer.iter_raw():
            partial.add(part)
            yield


def _link(blob: Path, pointer: Path) -> None:
    """Show a blob under its name in a snapshot; a copy where there are no symbolic links."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    if pointer.exists():
        return
    pointer.unlink(missing_ok=True)  # a link to what is gone
    try:
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    except OSError:
        shutil.copyfile(blob, pointer)


def _note_commit(folder: Path, revision: str, commit: str) -> None:
    """Write down what a revision stands for on this machine."""
    if revision != commit:
        note = folder / "refs" / revision
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(commit)


def _status_of(error: BaseException) -> int:
    return getattr(getattr(error, "response", None), "status_code", 0)


def reason_of(error: Exception) -> str:
    """Why a download failed, as the end of a sentence; nothing of addresses, paths or traces."""
    name, status = type(error).__name__, _status_of(error)
    if isinstance(error, WeightsError):
        return str(error)
    if name in REASONS:
        return REASONS[name]
    if status:
        return STATUSES.get(status, f"the hub has a fault of its own ({status})")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk of this server is full"
    if isinstance(error, OSError) and error.errno in NOT_WRITABLE:
        return "the folder for models from the hub cannot be written to on this server"
    return f"the hub cannot be reached ({name})"


def _print_fetch(name: str) -> int:
    """Print the states of a download as JSON lines, a few a second."""
    importlib.import_module("huggingface_hub.hf_api")  # seconds on a busy machine: whoever waits counts from here
    state, told = Download("running"), 0.0
    _print(state)
    try:
        for state in fetch(name):
            if time.monotonic() - told > REPORT_SECONDS or state.status == "ready":
                _print(state)
                told = time.monotonic()
    except Exception as error:  # the hub's client raises many kinds; the visitor gets a sentence
        state = replace(state, status="failed", reason=reason_of(error))
        _print(state)
    return 0 if state.status == "ready" else 1


def _print(state: Download) -> None:
    print(json.dumps(asdict(state)), flush=True)


if __name__ == "__main__":
    sys.exit(_print_fetch(sys.argv[1]))
