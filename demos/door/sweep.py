"""How long files of visitors stay: uploads and results go by age and by size, but never while they are in use."""

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from demos.door.answers import Refused
from demos.sentences import DISK_FULL

KEPT_MINUTES = 30
"""Files of visitors that were not used for this long are removed (within a minute after)."""
KEPT_BYTES = int(float(os.environ.get("GLASSBOX_DISK_GB", "1")) * 2**30)
LEFT_FREE_BYTES = 200 * 2**20
SHARE_OF_ONE = 0.4
YOUNG_SECONDS = 60.0
EVERY_SECONDS = 30.0


@dataclass(frozen=True)
class _File:
    path: Path
    size: int
    used: float


class KeptFiles:
    """The folder in which Gradio keeps what visitors upload and what handlers write for them.

    Files that were there before the first visitor belong to the page and stay.

    Args:
        folder: that folder.
        in_use: gives the paths that events still need.
    """

    def __init__(self, folder: Path, in_use: Callable[[], Iterable[str]]) -> None:
        self.folder, self._in_use = folder, in_use
        folder.mkdir(parents=True, exist_ok=True)
        self._of_the_page = {file.path for file in self._files()}
        self.bytes = 0
        self._uploads: dict[Path, tuple[str, int]] = {}

    def note_upload(self, address: str, paths: Iterable[str]) -> None:
        """Note whose these files are."""
        for path in map(Path, paths):
            with contextlib.suppress(OSError):
                self._uploads[path] = (address, path.stat().st_size)

    def touch(self, paths: Iterable[str]) -> None:
        """Note that these files are used now; others than files of this folder are left alone."""
        for path in paths:
            with contextlib.suppress(OSError, ValueError):
                if Path(path).resolve().is_relative_to(self.folder):
                    os.utime(path)

    def sweep(self, wanted: int = 0) -> int:
        """Remove what is too old, then the oldest until `wanted` more bytes fit. Returns how many bytes were removed.

        What is younger than `YOUNG_SECONDS` may still be written or about to be fetched, and stays.
        """
        now = time.time()
        needed = {Path(path) for path in self._in_use()}
        files = sorted((file for file in self._files() if file.path not in self._of_the_page), key=lambda one: one.used)
        total, removed = sum(file.size for file in files), 0
        for file in files:
            old = now - file.used > KEPT_MINUTES * 60
            if not old and total - removed + wanted <= KEPT_BYTES:
                break
            if file.path in needed or now - file.used < YOUNG_SECONDS:
                continue
            with contextlib.suppress(OSError):
                file.path.unlink()
                removed += file.size
        self._remove_empty_folders()
        self.bytes = total - removed
        self._uploads = {path: owner for path, owner in self._uploads.items() if path.exists()}
        return removed

    def check_room(self, address: str, wanted: int) -> None:
        """Make room for an upload of so many bytes.

        Raises `Refused`: 429 for a visitor whose uploads take `SHARE_OF_ONE` of all room, 507 where there is none left.
        """
        held = sum(size for owner, size in self._uploads.values() if owner == address)
        if held and held + wanted > SHARE_OF_ONE * KEPT_BYTES:
            sentence = f"Your files take too much room here: try again {KEPT_MINUTES} minutes after their last use."
            raise Refused(429, sentence, 60 * KEPT_MINUTES)
        if self.bytes + wanted > KEPT_BYTES or self._free() < wanted + LEFT_FREE_BYTES:
            self.sweep(wanted)
        if self.bytes + wanted > KEPT_BYTES or self._free() < wanted + LEFT_FREE_BYTES:
            raise Refused(507, DISK_FULL, 60)
        self.bytes += wanted

    def _free(self) -> int:
        return shutil.disk_usage(self.folder).free

    def _files(self) -> list[_File]:
        files = []
        for root, _, names in os.walk(self.folder):
            for name in names:
                path = Path(root, name)
                with contextlib.suppress(OSError):
                    stat = path.stat()
                    files.append(_File(path, stat.st_size, max(stat.st_mtime, stat.st_atime)))
        return files

    def _remove_empty_folders(self) -> None:
        for root, folders, _ in os.walk(self.folder, topdown=False):
            for name in folders:
                folder = Path(root, name)
                with contextlib.suppress(OSError):  # not empty; a new one is about to be filled
                    if time.time() - folder.stat().st_mtime > YOUNG_SECONDS:
                        folder.rmdir()

    async def keep_swept(self) -> None:
        """Sweep for ever."""
        while True:
            await asyncio.to_thread(self.sweep)
            await asyncio.sleep(EVERY_SECONDS)


def private_folder(parent: Path) -> Path:
    """A folder for this process's files, after removing those of processes that are gone."""
    for folder in parent.glob("glassbox-*"):
        number = folder.name.removeprefix("glassbox-")
        if number.isdecimal() and (int(number) == os.getpid() or not _is_alive(int(number))):
            shutil.rmtree(folder, ignore_errors=True)
    folder = parent / f"glassbox-{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
