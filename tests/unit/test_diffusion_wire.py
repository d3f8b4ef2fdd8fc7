"""What a run of sprites takes on its way to the browser."""

import json
from itertools import pairwise

from gradio.utils import diff

from demos import wire
from demos.diffusion import reverse
from demos.views.diffusion import FilmView
from tests.handles import content_of

MOST_BYTES = 600_000


def events(answers):
    """Bytes of JSON of a streaming event: the first value whole, then what is new, at the end the last one whole."""
    sent = [wire.to_wire(answer[0]) for answer in answers if isinstance(answer[0], FilmView)]
    new = [diff(before, after) for before, after in pairwise(sent)]
    return sent[-1], sum(len(json.dumps(part)) for part in (sent[0], *new, sent[-1]))


def test_four_sprites_in_twenty_five_steps_take_at_most_600_kb():
    film, json_bytes = events(list(reverse.compute_sprites("embedded", "", "potion", 4, 25, 0, 1.5, "ddim")))
    addresses = {step[name] for step in film["steps"] for name in ("x_t", "noise", "x_0")}
    fetched = sum(len(content_of(address)) for address in addresses if address.startswith("arrays/"))
    assert len(film["steps"]) == 25
    assert 0 < json_bytes < 50_000
    assert json_bytes + fetched <= MOST_BYTES
