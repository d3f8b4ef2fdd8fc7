"""What the visitor does on the page "Live translation": words written one by one, forced, searched, compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.attention.controls import check_sentence
from demos.base import empty_strip, strip_of, usable_model
from demos.tab import payload
from demos.views import translation as views
from demos.views.translation import TreeView, WritingView
from models import hub, weights
from models.attention.draft import Draft
from models.errors import InputError
from models.inputs import check_choice, check_flag, check_integer, check_text

if TYPE_CHECKING:
    from models.attention.drafts import Translated, Written

TRANSFORMER = "translator-en-fr"
TITLES = {
    TRANSFORMER: "Transformer",
    "gru-attention-en-fr": "GRU with attention",
    "gru-translator-en-fr": "GRU, one vector",
    "opus-mt-en-fr": "OPUS-MT (Marian), from the hub",
}
OURS = (TRANSFORMER, "gru-attention-en-fr", "gru-translator-en-fr")
MAX_WIDTH = 8
MAX_WORDS_CHARS = 500
STATE_SECONDS = 3600


@dataclass(frozen=True)
class Found:
    """The last beam search of a session: for each of its nodes, all tokens up to it."""

    draft: Draft
    written: tuple[tuple[int, ...], ...]


Shown = tuple[Draft, WritingView, str]


def offered() -> list[str]:
    """The translators that a visitor may choose."""
    known = weights.offered()
    return [name for name in TITLES if name in known]


def _usable(model: object) -> tuple[str, str]:
    """The model to run, and a sentence if it is not the chosen one: a hub model that is still on its way."""
    name = check_choice(model, offered(), name="The model")
    if weights.find(name).kind != "hub":
        return name, ""
    _, note = usable_model(name, "attention")
    if not note:
        return name, ""
    return TRANSFORMER, f"{hub.describe(name)} Shown meanwhile: {weights.find(TRANSFORMER).title}."


def _open(text: object, model: object, draft: object = None) -> tuple[Draft, str]:
    """The session's draft, or an empty one if it is about another sentence or model; and a sentence about the model."""
    name, note = _usable(model)
    text = check_sentence(text)
    if isinstance(draft, Draft) and (draft.model, draft.text) == (name, text):
        return draft, note
    return Draft(name, text), note


def _shown(written: "Written", note: str) -> Shown:
    return written.draft, views.view_of_writing(written), strip_of(written.run, note=note)


def compute_start(text: Any, model: Any) -> Shown:
    """Read the sentence, write nothing. Returns (draft, view, strip)."""
    from models.attention.drafts import show_draft

    draft, note = _open(text, model)
    return _shown(show_draft(draft), note)


def compute_next(text: Any, model: Any, draft: Any) -> Shown:
    """Write the likeliest token. Returns (draft, view, strip)."""
    from models.attention.drafts import write_next

    draft, note = _open(text, model, draft)
    return _shown(write_next(draft), note)


def compute_all(text: Any, model: Any, draft: Any) -> Iterator[Shown]:
    """Write to the end, one token after the other. Yields (draft, view, strip)."""
    from models.attention.drafts import write_all

    draft, note = _open(text, model, draft)
    for written in write_all(draft):
        yield _shown(written, note)


def compute_back(text: Any, model: Any, draft: Any) -> Shown:
    """Take the last token away. Returns (draft, view, strip)."""
    from models.attention.drafts import take_back

    draft, note = _open(text, model, draft)
    return _shown(take_back(draft), note)


def compute_force(text: Any, model: Any, draft: Any, event: gr.EventData) -> Shown:
    """Put a token in a position and forget what stood after it. Returns (draft, view, strip)."""
    return force(text, model, draft, payload(event, "position"), payload(event, "token"))


def force(text: Any, model: Any, draft: Any, position: object, token: object) -> Shown:
    """As `compute_force`, from plain values."""
    from models.attention.drafts import force_token

    opened, note = _open(text, model, draft)
    if not opened.written:
        raise InputError("The sentence or the model has changed: press Next word to begin again.")
    return _shown(force_token(opened, position, token), note)


def compute_words(words: Any, text: Any, model: Any, draft: Any) -> tuple[*Shown, str]:
    """Write the visitor's own words next. Returns (draft, view, strip, the emptied box)."""
    from models.attention.drafts import write_words

    words = check_text(words, name="Your words", max_chars=MAX_WORDS_CHARS)
    draft, note = _open(text, model, draft)
    return *_shown(write_words(draft, words), note), ""


def compute_beam(
    text: Any, model: Any, draft: Any, width: Any, by_length: Any
) -> tuple[Draft, WritingView, str, Found, TreeView, str]:
    """Search; the winner becomes the draft. Returns (draft, view, strip, found, tree, table)."""
    from models.attention.drafts import search_beam

    width = check_integer(width, name="The width of the beam", low=1, high=MAX_WIDTH)
    by_length = check_flag(by_length, name="The rule")
    draft, note = _open(text, model, draft)
    beam = search_beam(draft, width, by_length=by_length)
    nodes = tuple(tuple(beam.search.written(index)) for index in range(len(beam.search.nodes)))
    found = Found(beam.written.draft, nodes)
    return *_shown(beam.written, note), found, views.view_of_tree(beam), views.table_of_finds(beam)


def compute_adopt(text: Any, model: Any, found: Any, event: gr.EventData) -> Shown:
    """Go on from a node of the tree. Returns (draft, view, strip)."""
    return adopt(text, model, found, payload(event, "node"))


def adopt(text: Any, model: Any, found: Any, node: object) -> Shown:
    """As `compute_adopt`, from plain values."""
    from models.attention.drafts import show_draft

    draft, note = _open(text, model)
    if not isinstance(found, Found) or (found.draft.model, found.draft.text) != (draft.model, draft.text):
        raise InputError("The tree is about another sentence or model: search again.")
    index = check_integer(node, name="The node", low=0, high=len(found.written) - 1)
    return _shown(show_draft(Draft(draft.model, draft.text, found.written[index])), note)


def compute_versions(text: Any) -> Iterator[tuple[str, str]]:
    """The sentence by all three networks. Yields (table, strip), a row more each time."""
    from models.attention.drafts import translate

    text = check_sentence(text)
    versions: dict[str, Translated] = {}
    for name in OURS:
        versions[name] = translate(name, text)
        note = versions[name].note or "Greedy writing, without a cache."
        yield views.table_of_versions(versions), empty_strip(note)
