"""Live translation: one word a click with the alignment grid growing, other words forced, beam search as a tree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from gradio.events import api

from demos.attention.shared import LATEX, MAX_CHARS, NETWORK, check_sentence, private, sent
from demos.base import empty_strip, run_strip, save_arrays, usable_model, visitor_errors
from demos.components.beam_tree import beam_tree
from demos.components.translation_view import translation_view
from demos.ui import component
from demos.views import translation as figures
from demos.views.parallel import stored
from demos.views.tasks import draw_table
from models import hub, runtime, weights
from models.errors import InputError, WeightsError
from models.inputs import check_choice, check_flag, check_integer, check_text
from models.text.sentences import CAPITALS_NOTE, in_small_letters, sentences_of

if TYPE_CHECKING:
    from models.attention.beam import Search
    from models.attention.passages import Passage
    from models.attention.writing import Source, Writer

TITLE = "Live translation"
TRANSFORMER = "translator-en-fr"
TITLES = {
    TRANSFORMER: "Transformer",
    "gru-attention-en-fr": "GRU with attention",
    "gru-translator-en-fr": "GRU, one vector",
    "opus-mt-en-fr": "OPUS-MT (Marian), from the hub",
}
OURS = (TRANSFORMER, "gru-attention-en-fr", "gru-translator-en-fr")
MAX_WIDTH = 8
CANDIDATES = 8
STATE_SECONDS = 3600
BLEU_FILE = weights.EMBEDDED.parent / "figures" / "translation.json"

LEAD = """A translator reads the English once and writes the French token by token. Before each token a network with
attention looks back at the English: see where, choose another word than it would, and watch it go on from there."""

EXAMPLES = {
    "Red car": "My brother bought a red car last week.",
    "At the station": "She has been waiting for her brother at the station.",
    "Long": "I thought that he would come back before the winter, but nobody has seen him since then.",
}

MEANING = r"""Row t of the grid says how the network divides its look when it writes token t. The GRU compares its
own state $s_t$ with every state $h_s$ of the encoder and takes a weighted mean of them (Bahdanau et al. 2015); the
Transformer does the same with queries and keys, in 3 layers of 8 heads (Vaswani et al. 2017). Adjective and noun
often change places: look for a crossing in the grid.

$$\alpha_{ts} = \operatorname{softmax}_s\, v^\top \tanh(W s_t + U h_s), \qquad c_t = \sum_s \alpha_{ts}\, h_s$$"""

BEAM_LEAD = """### Beam search

Greedy writing takes the likeliest token each time and cannot go back. A beam keeps several beginnings alive and
looks for the translation that is likeliest as a whole. It starts from what is written above, or from nothing if
that is whole. Log p is the natural logarithm of a probability: 0 is certain, every −2.3 is ten times less likely."""

WHY_LEAD = """### Why attention

The same sentence through three networks trained on the same 159,913 sentence pairs. The GRU without attention must
press the whole sentence into its encoder's last state; with attention it may look back; the Transformer is nothing
but attention."""

BLEU_NOTE = """BLEU by the length of the sentence, measured beforehand on 2,338 held-out sentences: `python -m
models.recipes.sequences.translation.evaluate --data eng-fra.tsv.gz --store`. Greedy translations against the first
reference, sacrebleu 2.6.0. Attention adds 6 points to sentences of up to four words and 17 from nine to twelve: the
longer the sentence, the more one vector loses. The last group has only 50 sentences. The Transformer is ahead of
both, but it also has about twice the parameters. For comparison: OPUS-MT's model card gives 50.5 on Tatoeba
sentences of its own, so not the same ones; it has ten times the parameters of the Transformer here (47.4) and was
trained on far more text."""

SEVERAL = """The text has {} sentences, and the networks were trained on single ones: the first is written here.
Translate with all three takes every sentence."""

TRY = """- Press Next word until the end, and watch where it looks before each token.
- Click a French token in the middle, then another candidate in its place: everything after it is written anew.
- Click an English token: which French tokens looked at it? Is one read by nobody?
- Change to the GRU without attention and the long example: where does it lose the thread?
- Search with width 1, 2, 4 and 8. Does the wider beam always find something better?"""


@dataclass(frozen=True)
class Draft:
    """What a session keeps: the model, the sentence, and the tokens written so far, the start mark first."""

    model: str
    text: str
    written: tuple[int, ...]


@dataclass(frozen=True)
class Found:
    """The last beam search of a session, for its nodes to be chosen."""

    model: str
    text: str
    search: "Search"


@dataclass(frozen=True)
class Desk:
    """A writer with a sentence open before it."""

    writer: "Writer"
    loaded: runtime.Loaded
    source: "Source"
    memory: Any
    note: str
    said: str


Shown = tuple[Draft, dict[str, Any], str]


def _usable(model: object) -> tuple[str, str]:
    """The model to run, and a sentence if it is not the chosen one: a hub model that is still on its way."""
    name = check_choice(model, offered(), name="The model")
    if weights.find(name).kind != "hub":
        return name, ""
    _, note = usable_model(name, "attention")
    if not note:
        return name, ""
    return TRANSFORMER, f"{hub.describe(name)} Shown meanwhile: {weights.find(TRANSFORMER).title}."


def offered() -> list[str]:
    """The translators that a visitor may choose."""
    known = weights.offered()
    return [name for name in TITLES if name in known]


def _open(model: object, text: object) -> Desk:
    from models.attention.writing import load_writer

    name, note = _usable(model)
    text = check_sentence(text)
    writer, loaded = load_writer(name)
    writer.require_known(text)
    sentences = sentences_of(text)
    first = in_small_letters(sentences[0])
    several = SEVERAL.format(len(sentences)) if len(sentences) > 1 else ""
    said = " ".join(filter(None, (several, CAPITALS_NOTE if first != sentences[0] else "")))
    source = writer.read(first)
    return Desk(writer, loaded, source, writer.encode(source), note, said)


def _draft(desk: Desk, text: str, draft: object) -> Draft:
    """The session's draft, or an empty one if it is about another sentence or model."""
    if isinstance(draft, Draft) and (draft.model, draft.text) == (desk.loaded.name, text):
        return draft
    return Draft(desk.loaded.name, text, (desk.writer.start,))


@runtime.gpu()
def _show(desk: Desk, draft: Draft, note: str = "") -> Shown:
    """(draft, drawing, strip): everything there is to see of a draft, by one pass over it."""
    watch, writer = runtime.Stopwatch(), desk.writer
    written = list(draft.written)
    ended = written[-1] == writer.end
    with watch("model"):
        view = writer.look(desk.memory, written[:-1] if ended else written)
        best = view.log_probabilities.topk(CANDIDATES)
        attention = None if view.attention is None else view.attention.cpu().numpy()
    chosen = view.log_probabilities[range(len(written) - 1), written[1:]]
    candidates = [
        [(n, writer.word(n), p) for n, p in zip(numbers, shares, strict=True)]
        for numbers, shares in zip(best.indices.tolist(), best.values.exp().tolist(), strict=True)
    ]
    drawing = figures.draw_writing(
        figures.Writing(
            source=desk.source.tokens,
            written=["</s>" if n == writer.end else writer.word(n) for n in written[1:]],
            ids=written[1:],
            candidates=candidates,
            attention=attention,
            vector=desk.memory.context[0].cpu().numpy() if attention is None else None,
            ended=ended,
            total=float(chosen.sum()),
            text=writer.text(written),
            note=" ".join(filter(None, (desk.source.note, desk.said, note))),
        )
    )
    return draft, drawing, run_strip(desk.loaded, model=watch.seconds["model"], note=desk.note)


def _is_whole(desk: Desk, draft: Draft) -> str:
    """A sentence if nothing can be added, else nothing."""
    from models.attention.writing import MAX_WRITTEN

    if draft.written[-1] == desk.writer.end:
        return "The translation is whole: go back, or click a word to put another in its place."
    if len(draft.written) > MAX_WRITTEN:
        return f"{MAX_WRITTEN} tokens are written, no more are allowed."
    return ""


def compute_start(text: Any, model: Any) -> Shown:
    """Read the sentence, write nothing. Returns (draft, drawing, strip)."""
    with visitor_errors():
        desk = _open(model, text)
        return _show(desk, _draft(desk, text, None))


def compute_next(text: Any, model: Any, draft: Any) -> Shown:
    """Write the likeliest token. Returns (draft, drawing, strip)."""
    with visitor_errors():
        desk = _open(model, text)
        draft = _draft(desk, text, draft)
        if note := _is_whole(desk, draft):
            return _show(desk, draft, note)
        return _show(desk, _with_next(desk, draft))


def _with_next(desk: Desk, draft: Draft) -> Draft:
    best = int(desk.writer.following(desk.memory, [draft.written])[0].argmax())
    return Draft(draft.model, draft.text, (*draft.written, best))


def compute_all(text: Any, model: Any, draft: Any) -> Iterator[Shown]:
    """Write to the end, one token after the other. Yields (draft, drawing, strip)."""
    with visitor_errors():
        desk = _open(model, text)
        draft = _draft(desk, text, draft)
        if note := _is_whole(desk, draft):
            yield _show(desk, draft, note)
            return
        limit = desk.source.limit(len(draft.written) - 1)
        while not _is_whole(desk, draft) and len(draft.written) <= limit:
            draft = _with_next(desk, draft)
            yield _show(desk, draft)
        if draft.written[-1] != desk.writer.end:
            yield _show(desk, draft, f"Stopped after {len(draft.written) - 1} tokens: it does not come to an end.")


def compute_back(text: Any, model: Any, draft: Any) -> Shown:
    """Take the last token away. Returns (draft, drawing, strip)."""
    with visitor_errors():
        desk = _open(model, text)
        draft = _draft(desk, text, draft)
        return _show(
            desk, Draft(draft.model, text, draft.written[:-1] or draft.written) if draft.written[1:] else draft
        )


def compute_force(text: Any, model: Any, draft: Any, event: gr.EventData) -> Shown:
    """Put a token in a position and forget what stood after it. Returns (draft, drawing, strip)."""
    with visitor_errors():
        return force(text, model, draft, sent(event, "position"), sent(event, "token"))


def force(text: Any, model: Any, draft: Any, position: object, token: object) -> Shown:
    """As `compute_force`, from plain values."""
    desk = _open(model, text)
    if not isinstance(draft, Draft) or (draft.model, draft.text) != (desk.loaded.name, text):
        raise InputError("The sentence or the model has changed: press Next word to begin again.")
    place = check_integer(position, name="The position", low=0, high=len(draft.written) - 1)
    vocabulary = desk.writer.following(desk.memory, [draft.written[: place + 1]]).shape[-1]
    number = check_integer(token, name="The token", low=0, high=vocabulary - 1)
    if number in desk.writer.never:
        raise InputError("This token is never written: choose another one.")
    return _show(desk, Draft(draft.model, text, (*draft.written[: place + 1], number)))


def compute_words(words: Any, text: Any, model: Any, draft: Any) -> tuple[*Shown, str]:
    """Write the visitor's own words next. Returns (draft, drawing, strip, the emptied box)."""
    with visitor_errors():
        words = check_text(words, name="Your words", max_chars=500)
        from models.attention.writing import MAX_WRITTEN

        desk = _open(model, text)
        draft = _draft(desk, text, draft)
        if draft.written[-1] == desk.writer.end:
            draft = Draft(draft.model, text, draft.written[:-1])
        written = (*draft.written, *desk.writer.beginning(words))
        if len(written) > MAX_WRITTEN:
            raise InputError(f"A translation may have {MAX_WRITTEN} tokens at most.")
        return *_show(desk, Draft(draft.model, text, written)), ""


@runtime.gpu()
def _translate(writer: "Writer", text: str, width: int = 1, beginning: str = "") -> "Passage":
    from models.attention.passages import translate_passage

    return translate_passage(writer, text, width=width, beginning=beginning)


@runtime.gpu()
def _search(desk: Desk, beginning: Sequence[int], width: int, *, by_length: bool) -> "Search":
    from models.attention.beam import beam_search

    limit = desk.source.limit(len(beginning) - 1)
    return beam_search(desk.writer, desk.memory, beginning, width=width, limit=limit, by_length=by_length)


@runtime.gpu()
def _greedy(desk: Desk, beginning: Sequence[int]) -> tuple[list[int], float]:
    """All tokens, and the log-probability of those after the beginning."""
    from models.attention.writing import greedy, log_probability

    written = greedy(desk.writer, desk.memory, beginning, desk.source.limit(len(beginning) - 1))
    before = log_probability(desk.writer, desk.memory, beginning)
    return written, log_probability(desk.writer, desk.memory, written) - before


def compute_beam(
    text: Any, model: Any, draft: Any, width: Any, by_length: Any
) -> tuple[Draft, dict[str, Any], str, Found, dict[str, Any], str]:
    """Search; the winner becomes the draft. Returns (draft, drawing, strip, found, tree, table)."""
    with visitor_errors():
        width = check_integer(width, name="The width of the beam", low=1, high=MAX_WIDTH)
        by_length = check_flag(by_length, name="The rule")
        desk, watch = _open(model, text), runtime.Stopwatch()
        draft = _draft(desk, text, draft)
        beginning = draft.written[:1] if _is_whole(desk, draft) else draft.written
        with watch("model"):
            search = _search(desk, beginning, width, by_length=by_length)
        writer = desk.writer
        plain, total = _greedy(desk, beginning)
        rival = (writer.text(plain), total, len(plain) - len(beginning))
        drawn = _show(desk, Draft(draft.model, text, tuple(search.written(search.winner))))
        tree = figures.draw_tree(search, writer.word, writer.text(beginning))
        strip = run_strip(desk.loaded, model=watch.seconds["model"], note=desk.note)
        table = figures.draw_finds(search, writer.text, rival)
        return drawn[0], drawn[1], strip, Found(draft.model, text, search), tree, table


def compute_adopt(text: Any, model: Any, found: Any, event: gr.EventData) -> Shown:
    """Go on from a node of the tree. Returns (draft, drawing, strip)."""
    with visitor_errors():
        return adopt(text, model, found, sent(event, "node"))


def adopt(text: Any, model: Any, found: Any, node: object) -> Shown:
    """As `compute_adopt`, from plain values."""
    desk = _open(model, text)
    if not isinstance(found, Found) or (found.model, found.text) != (desk.loaded.name, text):
        raise InputError("The tree is about another sentence or model: search again.")
    index = check_integer(node, name="The node", low=0, high=len(found.search.nodes) - 1)
    return _show(desk, Draft(found.model, text, tuple(found.search.written(index))))


def compute_versions(text: Any) -> Iterator[tuple[str, str]]:
    """The sentence by all three networks. Yields (table, strip), a row more each time."""
    with visitor_errors():
        from models.attention.writing import load_writer

        text = check_sentence(text)
        rows: list[tuple[str, str, float, int, float]] = []
        for name in OURS:
            (writer, loaded), watch = load_writer(name), runtime.Stopwatch()
            with watch("model"):
                passage = _translate(writer, text)
            mean = passage.log_probability / max(1, len(passage.written))
            rows.append((name, passage.translation, watch.seconds["model"], loaded.parameters, mean))
            note = passage.note or "Greedy writing, without a cache."
            yield figures.draw_versions(rows), empty_strip(note)


def attention_translate(text: str, model: str, beam: int = 1, beginning: str = "") -> tuple[dict[str, Any], FileData]:
    """English to French by one of the translators, with the alignment between the two.

    Args:
        text: up to 20 sentences of English, each translated on its own; the first 64 tokens of each are read.
        model: translator-en-fr, gru-attention-en-fr, gru-translator-en-fr, or opus-mt-en-fr where hub models are on.
        beam: 1 (greedy) to 8 beginnings kept in the search for the likeliest translation.
        beginning: French words that the translation of the first sentence must begin with; it goes on from them.

    Returns:
        {"model", "seconds", "source": tokens read, "written": tokens written, "translation", "log_probability": of all
        tokens written (nats), "note": what must be said of the text (it was cut, some of it has no symbol, capitals
        were read as small letters)} and a compressed .npz file with `alignment
        [layers, heads, written, source]` float32, rows summing to 1, of width 0 in its first two axes for the network
        without attention, and the tokens `source` and `written`.
    """
    with visitor_errors():
        width = check_integer(beam, name="The beam", low=1, high=MAX_WIDTH)
        words = check_text(beginning, name="The beginning", max_chars=500, allow_empty=True)
        name = check_choice(model, offered(), name="The model")
        if weights.find(name).kind == "hub" and hub.start(name).status != "ready":
            raise WeightsError(hub.describe(name))
        from models.attention.writing import load_writer

        (writer, _), watch = load_writer(name), runtime.Stopwatch()
        with watch("model"):
            passage = _translate(writer, check_sentence(text, "text"), width, words)
        empty = np.zeros((0, 0, len(passage.written), len(passage.source)), np.float32)
        alignment = empty if passage.alignment is None else passage.alignment.numpy()
        facts = {
            "model": name,
            "seconds": round(watch.seconds["model"], 4),
            "source": list(passage.source),
            "written": list(passage.written),
            "translation": passage.translation,
            "log_probability": round(passage.log_probability, 4),
            "note": passage.note,
        }
        arrays = {"source": np.array(passage.source), "written": np.array(passage.written)}
        path = save_arrays("alignment.npz", alignment=alignment, **arrays)
        return facts, FileData(path=str(path), orig_name="alignment.npz")


def build() -> None:
    """The page: the sentence and its translation, beam search, the three networks beside each other."""
    draft, found = gr.State(None, time_to_live=STATE_SECONDS), gr.State(None, time_to_live=STATE_SECONDS)
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row():
        with gr.Column(scale=3, min_width=280):
            text = gr.Textbox(
                EXAMPLES["Red car"],
                label="English",
                lines=2,
                max_lines=5,
                max_length=MAX_CHARS,
                elem_id="translate-text",
            )
            with gr.Row():
                examples = [gr.Button(name, size="sm", min_width=90) for name in EXAMPLES]
        with gr.Column(scale=2, min_width=280):
            choices = [(TITLES[name], name) for name in offered()]
            model = gr.Dropdown(choices, value=TRANSFORMER, label="Network", elem_id="translate-model")
            with gr.Row():
                one = gr.Button("Next word", variant="primary", size="sm", min_width=90, elem_id="translate-next")
                rest = gr.Button("All", size="sm", min_width=60, elem_id="translate-all")
                back = gr.Button("Back", size="sm", min_width=60, elem_id="translate-back")
                again = gr.Button("Start again", size="sm", min_width=90, elem_id="translate-again")
    view = translation_view(elem_id="translate-view")
    with gr.Row():
        words = gr.Textbox(
            label="Your own words", info="French; written after what stands there", scale=4, elem_id="translate-words"
        )
        write = gr.Button("Write these", size="sm", scale=1, min_width=90, elem_id="translate-write")
    strip = gr.HTML(empty_strip("The network is loaded with the first word."), elem_id="translate-strip")
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    gr.Markdown(BEAM_LEAD, elem_classes="gb-note")
    with gr.Row():
        width = gr.Slider(1, MAX_WIDTH, 3, step=1, label="Width of the beam", elem_id="translate-width")
        by_length = gr.Checkbox(
            True, label="Compare by log probability a token", info="Otherwise the sum, which prefers short ones"
        )
        search = gr.Button("Search", variant="primary", size="sm", scale=0, min_width=120, elem_id="translate-search")
    tree = beam_tree(elem_id="translate-tree")
    finds = gr.HTML(elem_id="translate-finds")
    gr.Markdown(WHY_LEAD, elem_classes="gb-note")
    compare = gr.Button("Translate with all three", size="sm", elem_id="translate-compare")
    versions = gr.HTML(elem_id="translate-versions")
    compared = gr.HTML(empty_strip("The sentence above, by each network."))
    _build_bleu()

    wanted, shown = [text, model], [draft, view, strip]
    run = partial(private, **NETWORK)
    gr.on([again.click, model.input], compute_start, wanted, shown, **run())
    gr.on([one.click, text.submit], compute_next, [*wanted, draft], shown, trigger_mode="always_last", **run())
    back.click(compute_back, [*wanted, draft], shown, trigger_mode="always_last", **run())
    rest.click(compute_all, [*wanted, draft], shown, **run())
    view.force(compute_force, [*wanted, draft], shown, **run())
    gr.on([write.click, words.submit], compute_words, [words, *wanted, draft], [*shown, words], **run())
    search.click(compute_beam, [*wanted, draft, width, by_length], [draft, view, strip, found, tree, finds], **run())
    tree.adopt(compute_adopt, [*wanted, found], shown, **run())
    compare.click(compute_versions, text, [versions, compared], **run())
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        filled = button.click(partial(str, example), None, text, queue=False, **private())
        filled.then(compute_start, wanted, shown, **run())
    api(attention_translate, api_name="attention_translate", **NETWORK)


def _build_bleu() -> None:
    lines = stored(BLEU_FILE)
    if not lines:
        return
    component("chart", figures.draw_bleu(lines), empty="", elem_id="translate-bleu")
    gr.HTML(f'<div style="overflow-x:auto">{draw_table(*figures.rows_of_bleu(lines))}</div>')
    gr.Markdown(BLEU_NOTE, elem_classes="gb-note")
