"""Visitors with addresses of their own (all of 127.0.0.0/8 is this machine) and what every answer must be."""

import json
import uuid

import httpx

FORBIDDEN = ("Traceback", 'File "', ".py", "/home/", "/root/", "Error(", "Exception")
LIGHT = ("sequences_next", ["It was a d", "char-lstm", 5])


class Visitor(httpx.Client):
    """One visitor of the app: a client with an address and a session."""

    def __init__(self, app_url, address="127.0.0.1", **options):
        transport = httpx.HTTPTransport(local_address=address)
        super().__init__(base_url=f"{app_url}/gradio_api", timeout=60, transport=transport, **options)
        self.session = uuid.uuid4().hex

    def begin(self, endpoint, data, session=None):
        """Post an event; the answer holds its id, or says why it was refused."""
        return self.post(f"/call/{endpoint}", json={"data": data, "session_hash": session or self.session})

    def event(self, endpoint, data):
        """Run an event to its end: (ended well, what it gave)."""
        answer = self.begin(endpoint, data, uuid.uuid4().hex)
        assert answer.status_code == 200, answer.text
        return read_stream(self.get(f"/call/{endpoint}/{answer.json()['event_id']}").text)


def read_stream(text):
    """(ended well, what it gave) of the text of an event stream."""
    event, payload = text.strip().splitlines()[-2:]
    return event == "event: complete", json.loads(payload.removeprefix("data: "))


def sentence_of(answer, *statuses):
    """The sentence of a refusal, after looking whether it is one that may be shown."""
    assert answer.status_code in statuses, (answer.status_code, answer.text[:300])
    sentence = answer.json()["error"]
    assert isinstance(sentence, str)
    assert 0 < len(sentence) <= 400
    assert not any(word in answer.text for word in FORBIDDEN), answer.text[:300]
    return sentence
