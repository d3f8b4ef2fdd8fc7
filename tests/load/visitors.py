"""What one simulated visitor does: events of mixed tabs with a pause in between, eight in ten of them light.

Every visitor has an address of 127.0.0.0/8 of their own, as the door shares its places by address, and a tag in what
they send or a photo of their own, so that an answer which belongs to somebody else is noticed.
"""

import json
import random
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain

import httpx

from demos.base import EXAMPLES
from tests.conftest import ROOT

LIGHT = ("sequences_next", "attention_trace")
PHOTOS = ("lion.jpg", "cheetah1.jpg", "tower.jpg", "bus.png")
"""Photos that come with Gradio."""
SCENES = sorted((ROOT / "assets" / "media").glob("detection-[0-9]*.png"))
PAUSE_SECONDS = 3.0
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass
class Seen:
    """What all visitors have seen: seconds by endpoint, and how their events ended."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    endings: Counter = field(default_factory=Counter)
    crossed: list[str] = field(default_factory=list)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)

    def note(self, endpoint, seconds, ending):
        self.seconds.setdefault(endpoint, []).append(seconds)
        self.endings[ending] += 1

    def percentile(self, share, *endpoints):
        """The time within which that share of these endpoints' events ended."""
        taken = sorted(chain(*(self.seconds.get(endpoint, ()) for endpoint in endpoints)))
        return taken[min(len(taken) - 1, int(share * len(taken)))] if taken else 0.0


class LoadVisitor:
    """One visitor of the app at `url`."""

    def __init__(self, url, number, seen):
        address = f"127.1.{number // 250}.{number % 250 + 1}"
        self.client = httpx.Client(
            base_url=f"{url}/gradio_api", timeout=120, transport=httpx.HTTPTransport(local_address=address)
        )
        self.random, self.seen = random.Random(number), seen
        self.tag = "".join(self.random.choices(LETTERS, k=12))
        self.photo, self.scene = EXAMPLES / PHOTOS[number % len(PHOTOS)], SCENES[number % len(SCENES)]
        self.uploaded = {}

    def visit(self, until):
        """Go on until that time (of `time.monotonic`)."""
        actions = [self.next_character] * 10 + [self.trace] * 6 + [self.memory] * 2 + [self.classify, self.detect]
        while time.monotonic() < until:
            self.random.choice(actions)()
            time.sleep(self.random.uniform(0.5, 1.5) * PAUSE_SECONDS)
        self.client.close()

    def next_character(self):
        self.event("sequences_next", [f"{self.tag} and the", "char-lstm", 5])

    def memory(self):
        answer = self.event("sequences_memory", [f"{self.tag} was a dark", "char-gru"])
        if answer is not None:
            self.look_for_tag("sequences_memory", answer)

    def trace(self):
        answer = self.event("attention_trace", [f"Where is {self.tag}?", "translator-en-fr"])
        if answer is not None:
            self.look_for_tag("attention_trace", answer)

    def classify(self):
        answer = self.event("vit_classify", [self.upload(self.photo)])
        if answer is not None:
            self.look_for_answer("vit_classify", self.photo, answer[0]["top"][0]["label"])

    def detect(self):
        answer = self.event("detection_detect", [self.upload(self.scene), 0.5, []])
        if answer is not None:
            self.look_for_answer("detection_detect", self.scene, json.dumps(sorted(answer[0]["labels"])))

    def look_for_answer(self, endpoint, picture, answer):
        """Everybody who sends this picture must get this answer."""
        if self.seen.answers.setdefault((endpoint, picture.name), answer) != answer:
            self.seen.crossed.append(endpoint)

    def upload(self, picture):
        """A picture, uploaded once, as a file object."""
        if picture not in self.uploaded:
            answer = self.client.post("/upload", files={"files": (picture.name, picture.read_bytes())})
            path = answer.raise_for_status().json()[0]
            self.uploaded[picture] = {"path": path, "meta": {"_type": "gradio.FileData"}}
        return self.uploaded[picture]

    def look_for_tag(self, endpoint, answer):
        """The answer must speak of what this visitor sent."""
        text = "".join(letter for letter in json.dumps(answer).lower() if letter in LETTERS)
        if self.tag[:3] not in text:
            self.seen.crossed.append(endpoint)

    def event(self, endpoint, data):
        """Run one event. Its result, or None where it was refused or lost."""
        began = time.monotonic()
        try:
            body = {"data": data, "session_hash": uuid.uuid4().hex}
            answer = self.client.post(f"/call/{endpoint}", json=body)
            if answer.status_code in (429, 503):
                self.seen.endings["refused with a sentence" if answer.json()["error"] else "refused"] += 1
                return None
            answer.raise_for_status()
            stream = self.client.get(f"/call/{endpoint}/{answer.json()['event_id']}").text
            ending, payload = stream.strip().splitlines()[-2:]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            self.seen.endings[f"lost: {type(error).__name__}"] += 1
            return None
        ended_well = ending == "event: complete"
        self.seen.note(endpoint, time.monotonic() - began, "well" if ended_well else "with an error")
        return json.loads(payload.removeprefix("data: ")) if ended_well else None
