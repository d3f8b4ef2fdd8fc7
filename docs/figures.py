"""Writes docs/figures.json: the numbers of README.md and docs/architecture.md that can be told without running a model.

python docs/figures.py
"""

import json
import math
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "figures.json"
sys.path.insert(0, str(ROOT))


def computed() -> dict[str, Any]:
    """What figures.json must hold: counts of the page, what is kept and taken, size and parameters of every model."""
    import app

    config: dict[str, Any] = {**app.create_app().get_config_file()}
    public = [event for event in config["dependencies"] if event["api_visibility"] == "public"]
    return {
        "pages": {tab: len(titles) for tab, titles in _pages(config).items()},
        "endpoints": len(public),
        "limits": _limits(),
        "models": _models(),
    }


def _limits() -> dict[str, Any]:
    """What a visitor may send and hold; pairs are of one visitor and of all."""
    from demos.detection import frames, socket
    from demos.door import content, launch, queue, sweep, visitors
    from demos.vit import runs
    from models import hub, images

    return {
        "places": [queue.PLACES_A_SESSION, queue.PLACES_AN_ADDRESS, queue.MAX_WAITING],
        "running": [queue.RUNNING_A_SESSION, queue.RUNNING_AN_ADDRESS],
        "bodies": [visitors.BODIES.an_address, visitors.BODIES.in_all],
        "uploads": [visitors.UPLOADS.an_address, visitors.UPLOADS.in_all],
        "streams": [visitors.STREAMS.an_address, visitors.STREAMS.in_all],
        "files": [visitors.FILES.an_address, visitors.FILES.in_all],
        "downloads": [hub.MAX_DOWNLOADS_EACH, hub.MAX_DOWNLOADS],
        "live": [socket.MAX_CONNECTIONS_AN_ADDRESS, socket.MAX_CONNECTIONS],
        "live_messages_a_second": socket.MESSAGES_A_SECOND,
        "frame_bytes": frames.MAX_FRAME_BYTES,
        "frame_side": frames.MAX_FRAME_SIDE,
        "upload_megabytes": int(launch.MAX_UPLOAD.removesuffix("mb")),
        "upload_megabytes_a_minute": visitors.UPLOADED_BYTES_A_MINUTE // 2**20,
        "json_values": content.MAX_JSON_VALUES,
        "json_levels": content.MAX_JSON_DEPTH,
        "kept_minutes": sweep.KEPT_MINUTES,
        "silent_download_seconds": int(hub.STALL_SECONDS),
        "kept_maps_megabytes": runs.KEPT_BYTES // 2**20,
        "photo_megapixels": images.MAX_PHOTO_PIXELS // 10**6,
        "picture_megapixels": images.MAX_PIXELS // 10**6,
    }


def _pages(config: dict[str, Any]) -> dict[str, list[str]]:
    """Titles of the inner pages of every tab, by its slug."""
    components = {component["id"]: component for component in config["components"]}

    def items(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The outermost tab items below a node."""
        for child in node.get("children") or []:
            if components[child["id"]]["type"] == "tabitem":
                yield child
            else:
                yield from items(child)

    def named(node: dict[str, Any], key: str) -> str:
        return components[node["id"]]["props"][key]

    return {
        named(tab, "elem_id").removeprefix("tab-"): [named(page, "label") for page in items(tab)]
        for tab in items(config["layout"])
    }


def _models() -> dict[str, dict[str, int]]:
    """Bytes of all files of every embedded model, and its parameters (0 where it is no network)."""
    from models.weights import EMBEDDED, MANIFEST

    return {
        name: {
            "bytes": sum(facts["bytes"] for facts in files.values()),
            "parameters": _parameters(EMBEDDED / name / "model.safetensors"),
        }
        for name, files in json.loads(MANIFEST.read_text()).items()
    }


def _parameters(file: Path) -> int:
    """Floating-point numbers in a safetensors file by its header, without running statistics (batch normalisation)."""
    if not file.exists():
        return 0
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        header = json.loads(opened.read(length))
    return sum(
        math.prod(tensor["shape"])
        for name, tensor in header.items()
        if name != "__metadata__" and tensor["dtype"].startswith(("F", "BF")) and "running_" not in name
    )


if __name__ == "__main__":
    FILE.write_text(json.dumps(computed(), indent=2) + "\n")
