"""Every long job of every tab, begun as its page begins it: found in the app's own configuration, so that a new one is
found by itself. What a page gets from its visitor (a picture, a drawing, an earlier run) stands in the tables here.
"""

import base64
import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from demos import DEMOS
from demos.base import EXAMPLES
from tests.conftest import ROOT
from tests.pictures import encoded

PHOTO = EXAMPLES / "lion.jpg"
VIDEO = ROOT / "assets" / "media" / "detection-video.mp4"
SCENE = ROOT / "assets" / "media" / "detection-1.png"
FROM_THE_HUB = {"compute_windows", "compute_large", "compute_chat", "compute_photo"}
"""Jobs whose models are never on this machine without the hub; `tests/hub` has stand-ins for some."""
AFTER = {
    ("sequences", "compute_training"): "compute_start",
    ("sequences", "compute_edit"): "compute_comparison",
    ("sequences", "partial"): "compute_edit",
    ("attention", "compute_translation"): "compute_inside",
    ("attention", "compute_importance"): "compute_inside",
    ("diffusion", "compute_nearest"): "compute_sprites",
    ("diffusion", "compute_fork"): "view_fork",
    ("diffusion", "view_fork"): "compute_sprites",
}
"""Jobs that go on with what another event has left in the session."""
TOLD = {
    "compute_importance": lambda last: {"position": 1, "token": 5},
    "view_fork": lambda film: {"run": film[0]["run"], "place": 2},
}
"""What a component sends along with its event, given what the event before it has answered."""


@dataclass(frozen=True)
class Job:
    """One event: its number, handler, tab, and the components it reads."""

    number: int
    name: str
    tab: str
    inputs: tuple[int, ...]

    @property
    def title(self):
        return f"{self.tab}: {self.name}"


def base_name(api_name):
    return re.sub(r"_\d+$", "", api_name or "")


class Pages:
    """The configuration of a running app, as its page reads it."""

    def __init__(self, visitor):
        config = visitor.get(str(visitor.base_url).replace("/gradio_api/", "/config")).json()
        self.components = {one["id"]: one for one in config["components"]}
        self.events = config["dependencies"]
        self._tab_of = {}
        for node in config["layout"]["children"]:
            self._note_tabs(node, "")

    def _note_tabs(self, node, tab):
        props = self.components.get(node["id"], {}).get("props", {})
        slug = str(props.get("elem_id") or "").removeprefix("tab-")
        tab = slug if slug in DEMOS else tab
        self._tab_of[node["id"]] = tab
        for child in node.get("children") or []:
            self._note_tabs(child, tab)

    def job(self, event):
        places = [target[0] for target in event["targets"]] + event["outputs"] + event["inputs"]
        tab = next((self._tab_of[one] for one in places if self._tab_of.get(one)), "")
        return Job(event["id"], base_name(event["api_name"]), tab, tuple(event["inputs"]))

    def long_jobs(self):
        """Every event that streams, each handler with the same inputs once."""
        found = {}
        for event in self.events:
            if event["types"]["generator"]:
                job = self.job(event)
                found.setdefault((job.tab, job.name, job.inputs), job)
        return list(found.values())

    def first(self, tab, name):
        return next(job for job in map(self.job, self.events) if (job.tab, job.name) == (tab, name))


class Starter:
    """Begins jobs for one visitor."""

    def __init__(self, visitor):
        self.visitor, self.pages = visitor, Pages(visitor)
        self._files = {}
        self._answered = None

    def file(self, path):
        if path not in self._files:
            self._files[path] = self.visitor.post("/upload", files={"files": (path.name, path.read_bytes())}).json()[0]
        return {"path": self._files[path], "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}

    def data(self, job):
        """What the page would send: what its visitor gives, else what stands in the controls at first."""
        given = self._given(job)
        return [given.get(place, self._value(one)) for place, one in enumerate(job.inputs)]

    def _given(self, job):
        sprite = np.zeros((32, 32, 4), np.uint8) + np.array([200, 40, 40, 255], np.uint8)
        hole = np.zeros((32, 32), np.uint8)
        hole[8:20, 8:20] = 1
        canvas = {"side": 32, "sprite": 0, "rgba": text_of(sprite), "painted": text_of(hole), "hole": text_of(hole)}
        jpegs = [text_of(encoded(picture, "JPEG")) for picture in drawn_pictures()]
        return {
            "compute_play": {0: "It was a dark and stormy night", 10: 30},
            "compute_inside": {1: "translator-en-fr"},
            "compute_own": {0: {"classes": [{"name": n, "pictures": jpegs[i::2]} for i, n in enumerate("ab")]}, 2: 2},
            "compute_own_boxes": {
                0: {
                    "frames": [{"jpeg": text_of(jpeg_of(SCENE)), "boxes": [{"box": [0.1, 0.1, 0.5, 0.5], "name": "x"}]}]
                }
            },
            "compute_video": {0: self.file(VIDEO)},
            "vit_finetune": {0: [self.file(PHOTO)] * 6, 1: ["a", "b"] * 3, 2: 2},
            "compute_transform": {2: canvas},
            "compute_inpainting": {2: canvas, 3: 4},
            "sequences_sample": {0: "It was a dark", 2: 300},
            "sequences_memory": {0: "The boy and the dog " * 9},
            "diffusion_generate": {0: "potion", 2: 100},
            "diffusion_transform": {0: self.file(PHOTO), 4: 100},
            "diffusion_inpaint": {0: self.file(PHOTO), 1: self.file(PHOTO), 5: 100},
            "diffusion_between": {5: 100},
            "diffusion_fork": {7: 100},
        }.get(job.name, {}) | ({5: canvas} if job.name == "compute_fork" else {})

    def _value(self, number):
        component = self.pages.components[number]
        value = component["props"].get("value")
        if component["type"] == "image" and value is None:
            return self.file(PHOTO)
        return value

    def prepare(self, job):
        """Run what the job goes on with, to its end."""
        before = AFTER.get((job.tab, job.name))
        if before:
            first = self.pages.first(job.tab, before)
            self.prepare(first)
            last = list(self.messages(first))[-1]
            assert last["success"], (job.title, last)
            self._answered = last["output"]["data"]

    def join(self, job):
        body = {"data": self.data(job), "fn_index": job.number, "session_hash": self.visitor.session}
        if told := TOLD.get(job.name):
            body["event_data"] = told(self._answered)
        answer = self.visitor.post("/queue/join", json=body)
        assert answer.status_code == 200, (job.title, answer.text)
        return answer.json()["event_id"]

    def messages(self, job, told=lambda event: None):
        """Begin, and give the messages about it until it ends; closing this generator is leaving the page."""
        with self.listening() as lines:
            event = self.join(job)
            told(event)
            for message in lines:
                if message.get("event_id") == event and message["msg"] in ("process_generating", "process_completed"):
                    yield message
                    if message["msg"] == "process_completed":
                        return

    @contextmanager
    def listening(self):
        """The messages of the session's event stream, which ends only when nothing is left to tell."""
        lines = self._lines()
        try:
            yield lines
        finally:
            lines.close()

    def _lines(self):
        path = f"/queue/data?session_hash={self.visitor.session}"
        with self.visitor.stream("GET", path, timeout=300) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))


def text_of(content):
    return base64.b64encode(content if isinstance(content, bytes) else content.tobytes()).decode()


def drawn_pictures():
    """Eight small pictures that differ, `(64, 64, 3)`."""
    from PIL import Image

    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)) for _ in range(8)]


def jpeg_of(path):
    from PIL import Image

    return encoded(Image.open(path).convert("RGB").resize((480, 360)), "JPEG")


def figures(visitor):
    """What the app tells Prometheus, by name with labels."""
    text = visitor.get(str(visitor.base_url).replace("/gradio_api/", "/metrics")).text
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")}


def at_work(visitor):
    """How many events and computed functions are at work in the app."""
    wanted = ("glassbox_running{", "glassbox_computing{")
    return sum(value for name, value in figures(visitor).items() if name.startswith(wanted))


def seconds_until_idle(visitor, most=60):
    """How long it takes from now until nothing is at work; fails past `most`."""
    began = time.monotonic()
    while at_work(visitor):
        assert time.monotonic() - began < most, {k: v for k, v in figures(visitor).items() if v and "running{" in k}
        time.sleep(0.02)
    return time.monotonic() - began
