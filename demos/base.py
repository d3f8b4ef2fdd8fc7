"""What every tab shares: its contract, how mistakes become sentences, the strip of facts, the picture input."""

import html
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder
from starlette.routing import BaseRoute

from demos.sentences import DEFECT, DISK_FULL, is_disk_full, sentence_for_page
from models import hub, weights
from models.compute import Run
from models.errors import SpokenError, WeightsError

log = logging.getLogger("glassbox")

EXAMPLES = Path(gr.__file__).parent / "media_assets" / "images"
"""Photos that come with the installed Gradio package, wherever that is: Gradio hands out no file outside of the working
folder that it was not told of (`launch_settings` in demos/door/launch.py)."""


@dataclass(frozen=True)
class Demo:
    """One tab. `build()` runs inside its `gr.Tab`; it loads no weights and imports no model library.

    `routes` are served beside Gradio's own, for what its events cannot do.
    """

    slug: str
    title: str
    build: Callable[[], None]
    routes: tuple[BaseRoute, ...] = ()


@contextmanager
def visitor_errors() -> Iterator[None]:
    """Turn a visitor's mistake into its sentence and a defect into an apology; the details go to the log only."""
    try:
        yield
    except gr.Error:
        raise
    except SpokenError as error:
        sentence = sentence_for_page(str(error))
        raise gr.Error(sentence, duration=8, print_exception=False, title="Please check") from None
    except Exception as error:
        log.exception("defect in a handler")
        sentence = DISK_FULL if is_disk_full(error) else DEFECT
        raise gr.Error(sentence, print_exception=False, title="Sorry") from None


def strip_of(
    run: Run,
    *,
    capture: float = 0.0,
    drawing: float = 0.0,
    more: Sequence[tuple[str, str]] = (),
    note: str = "",
) -> str:
    """HTML of the strip: which model, parameters, weights and device, and where the time went (seconds).

    more: facts as (name, value).
    `note`: a sentence, for instance of `usable_model`; one about a download follows it.
    """
    facts = [*facts_of(run), *([("capture", milliseconds(capture))] if capture else [])]
    facts += [("model time", milliseconds(run.seconds)), *([("drawing", milliseconds(drawing))] if drawing else [])]
    facts += more
    cells = "".join(f"<span><b>{html.escape(name)}</b> {html.escape(value)}</span>" for name, value in facts)
    waiting = html.escape(_download_told_of(note))
    extra = f'<span class="gb-strip-note" data-gb-download="{waiting}">{html.escape(note)}</span>' if note else ""
    return f'<div class="gb-strip" role="status">{cells}{extra}</div>'


def facts_of(run: Run) -> list[tuple[str, str]]:
    """The first part of the strip, as (name, value): which model, parameters, weights and device."""
    return [
        ("model", run.title),
        ("parameters", _count(run.parameters)),
        ("weights", run.source),
        ("device", run.device),
    ]


def empty_strip(text: str) -> str:
    """The strip before anything ran: what will be loaded, in one line.

    A text with an ellipsis passes: where its event fails or is stopped, the page takes it back (core/passing.js).
    """
    passing = " data-passing" if "…" in text else ""
    return f'<div class="gb-strip" role="status"{passing}><span>{html.escape(text)}</span></div>'


def waiting_strip(name: str) -> str:
    """The strip while a hub model is on its way: a sentence that follows the download."""
    sentence = html.escape(hub.describe(name))
    note = f'<span class="gb-strip-note" data-gb-download="{html.escape(name)}">{sentence}</span>'
    return f'<div class="gb-strip" role="status">{note}</div>'


def _download_told_of(note: str) -> str:
    """Name of the hub model a note is about, for the page to follow its download (demos/ui/core/page.js)."""
    entries = (entry for entry in weights.CATALOGUE.values() if entry.kind == "hub")
    return next((entry.name for entry in entries if note.startswith(f"{entry.title} ")), "")


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds with at most three digits."""
    value = seconds * 1000
    if value < 0.1:
        return "< 0.1 ms"
    return f"{value / 1000:.3g} s" if value >= 1000 else f"{value:.3g} ms"


def _count(parameters: int) -> str:
    return f"{parameters / 1e6:.3g} M" if parameters >= 1e6 else f"{parameters / 1e3:.3g} k"


def usable_model(name: object, concept: str) -> tuple[str, str]:
    """The model to run for a choice in a tab, and a sentence if it is not the chosen one.

    While a hub model is not here, the tab stays on its own: nothing is fetched unasked (`demos/offer.py` offers it).
    Raises `InputError` for a name outside the catalogue.
    """
    entry = weights.find(name, concept)
    if entry.kind != "hub":
        return entry.name, ""
    if hub.is_here(entry.name):
        return entry.name, ""
    fallback = next(name for name in weights.offered(concept) if weights.CATALOGUE[name].kind != "hub")
    return fallback, f"{hub.describe(entry.name)} Shown meanwhile: {weights.CATALOGUE[fallback].title}."


def ready_model(name: object, concept: str | None = None) -> str:
    """The model of that name for a program that asks for it; one of the hub begins to arrive where it is not here.

    Raises `InputError` for a name outside of the concept, `WeightsError` with where it stands while it is not here.
    """
    entry = weights.find(name, concept)
    if entry.kind == "hub" and hub.start(entry.name).status != "ready":
        raise WeightsError(f"{hub.describe(entry.name)} Ask again in a moment.")
    return entry.name


def save_arrays(name: str, **arrays: np.ndarray) -> Path:
    """Arrays as a compressed .npz file called `name` in Gradio's cache folder, from where visitors may fetch it."""
    cache = Path(get_upload_folder())
    cache.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=cache)) / name
    np.savez_compressed(path, allow_pickle=False, **arrays)
    return path
