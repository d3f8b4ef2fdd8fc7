"""Runs that the pages look into: the latest few are kept, for all sessions, so that looking again runs no network."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from demos.attention.shared import default_model, load_subject
from demos.base import usable_model
from models import runtime, weights
from models.errors import InputError

if TYPE_CHECKING:
    from models.attention.subjects import Reading, Run

KEPT_RUNS = 6
FIRST_MODELS = ("book-gpt", "translator-en-fr")

_runs: "OrderedDict[tuple[str, str], tuple[Reading, Run]]" = OrderedDict()
_lock = threading.Lock()


def predicting_model() -> str:
    """The model a page begins with that wants a prediction: one that writes, if there is one; a hub model in mode
    `hub`.
    """
    offered = weights.offered("attention")
    first = next((name for name in FIRST_MODELS if name in offered), default_model())
    return weights.first_choice("attention", first)


@runtime.gpu()
def run_of(model: str, text: str) -> "tuple[Reading, Run]":
    """The text as the model reads it, and its unedited run. Raises `InputError` if nothing of it is a token."""
    with _lock:
        if (model, text) in _runs:
            _runs.move_to_end((model, text))
            return _runs[model, text]
    subject = load_subject(model).network
    reading = subject.read(text)
    found = reading, subject.run(reading)
    with _lock:
        _runs[model, text] = found
        while len(_runs) > KEPT_RUNS:
            _runs.popitem(last=False)
    return found


def shown_run(shown: Any) -> "tuple[str, Any, Reading, Run]":
    """Model, subject, reading and run of what a page shows: `(model, text)`, or None before anything was run."""
    if not isinstance(shown, tuple):
        raise InputError("Run a text first.")
    model, text = shown
    return model, load_subject(model).network, *run_of(model, text)


def usable_subject(model: Any) -> tuple[runtime.Loaded, str]:
    """The network chosen, or the one shown meanwhile and a sentence that says so."""
    name, note = usable_model(model, "attention")
    return load_subject(name), note
