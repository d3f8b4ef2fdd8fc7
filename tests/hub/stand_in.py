"""A small hub on loopback that speaks the protocol of huggingface_hub's client.

Listings, LFS metadata, ranges and commits are as the client expects them.

Faults can be switched on: `hang` (accepts and never answers), `cut` (closes in the middle of a weight file),
`flip` (one byte of the weights differs from the announced SHA-256), `gone` (500 for everything).
While `gate` is cleared, weights wait: what is seen during a download can be looked at in peace.
"""

import hashlib
import json
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

LFS_SUFFIXES = (".safetensors", ".bin")


class StandInHub(ThreadingHTTPServer):
    """Serves `repositories: {"owner/name": (commit, folder)}`; `requests` lists (method, path) in order."""

    daemon_threads = True

    def __init__(self, repositories):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = repositories
        self.fault = None
        self.requests = []
        self.gate = threading.Event()
        self.gate.set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, body):
        path = unquote(urlparse(self.path).path)
        self.server.requests.append((self.command, path))
        if self.server.fault == "hang":
            time.sleep(60)
            return
        if self.server.fault == "gone":
            self._send(500, b"{}")
            return
        if listing := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/([^/]+)", path):
            self._listing(*listing.groups())
        elif file := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(*file.groups(), body)
        else:
            self._send(404, b'{"error": "Not Found"}')

    def _repository(self, name, revision):
        commit, folder = self.server.repositories.get(name, (None, None))
        if commit is None:
            self._send(401, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        elif revision not in (commit, "main"):
            self._send(404, b'{"error": "Invalid rev id"}', {"X-Error-Code": "RevisionNotFound"})
            return None, None
        return commit, folder

    def _listing(self, name, revision):
        commit, folder = self._repository(name, revision)
        if not commit:
            return
        siblings = [_sibling(folder, path) for path in sorted(folder.rglob("*")) if path.is_file()]
        content = {"_id": "0" * 24, "id": name, "modelId": name, "sha": commit, "private": False, "siblings": siblings}
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _file(self, name, revision, file, body):
        commit, folder = self._repository(name, revision)
        if not commit:
            return
        path = folder / file
        if not path.is_file():
            self._send(404, b"Entry not found", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            return
        if body and path.suffix in LFS_SUFFIXES:
            self.server.gate.wait(120)
        data = path.read_bytes()
        headers = {"X-Repo-Commit": commit, "ETag": f'"{_etag(path)}"', "Accept-Ranges": "bytes"}
        if path.suffix in LFS_SUFFIXES:
            headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(len(data))}
            if self.server.fault == "flip":
                data = data[:-1] + bytes([data[-1] ^ 1])
        start = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-")).group(1))
        if body and self.server.fault == "cut" and path.suffix in LFS_SUFFIXES:
            self._send(200, data[: len(data) // 2], headers | {"Content-Length": str(len(data))})
            self.close_connection = True
            return
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(206 if start else 200, data[start:], headers, body=body)

    def _send(self, status, data, headers=None, body=True):
        self.send_response(status)
        headers = {"Content-Length": str(len(data)), "X-Request-Id": "stand-in", **(headers or {})}
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if body and self.command == "GET":
            self.wfile.write(data)


def _sibling(folder: Path, path: Path):
    entry = {"rfilename": path.relative_to(folder).as_posix(), "size": path.stat().st_size, "blobId": _git_blob(path)}
    if path.suffix in LFS_SUFFIXES:
        entry["lfs"] = {"sha256": _sha256(path), "size": entry["size"], "pointerSize": 134}
    return entry


def _etag(path):
    return _sha256(path) if path.suffix in LFS_SUFFIXES else _git_blob(path)


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _git_blob(path):
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextmanager
def serving(repositories):
    """Run a stand-in hub until the block ends."""
    hub = StandInHub(repositories)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
