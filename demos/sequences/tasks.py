"""Four types: one drawing in which each task decides what goes in, what comes out, and after which step."""

import calendar
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.events import api

from demos.base import empty_strip, run_strip, visitor_errors, waiting_strip
from demos.components.unrolled import unrolled
from demos.inputs.uploaded_image import UploadedImage
from demos.sequences.next_token import MAX_API_CHARS, MAX_SEED, STATE_SECONDS, sent
from demos.views.tasks import draw_answer, draw_baselines, draw_runs, draw_verdicts
from demos.views.unrolled import draw_unrolled
from models import hub, runtime, weights
from models.errors import InputError
from models.images import read_image
from models.inputs import check_choice, check_integer, check_text
from models.sequences.caption.scenes import COLOURS, NOUNS, RELATIONS, Phrase, SceneDescription, draw_scene
from models.sequences.unrolled import TYPES, UnrolledTrace, WeightMap

if TYPE_CHECKING:
    from models.runtime import Loaded
    from models.sequences.translation.trace import Translated

CHAT = "smollm2-135m-instruct"
MONTHS = tuple(calendar.month_name[1:])
ALONE = "alone"
FIRST = "many to one"
MAX_RUNS = 8
VIEW: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
COMPUTE: dict[str, Any] = {**VIEW, "concurrency_id": "sequences-tasks", "concurrency_limit": 2}

LEAD = """What goes in and what comes out can each be one thing or a sequence. Choose a type: the cell stays the same,
only the arrows change. Each is a trained network at work on your own input."""

ABOUT = {
    "one to one": """**One to one.** A single step: the temperatures, the wind and the month of a day in Seattle go in,
yes or no comes out. Nothing came before, so there is no memory to use: it is an ordinary network with one hidden
layer.""",
    "many to one": """**Many to one.** A review goes in word by word, one verdict comes out after the last. The faint
verdicts before it were computed too, but nobody asked for them. Order matters: shuffle the words. Length does not.""",
    "one to many": """**One to many.** A picture goes in once, a sentence comes out word by word. Each word written is
read back at the next step, so the network knows what it has said so far.""",
    "many to many": """**Many to many.** English goes in piece by piece, and only the last state is handed on: the
French must be written from that one vector. What the encoder could not keep is lost, the more the longer the
sentence.""",
}

RAIN_NOTE = """Precomputed by python -m models.recipes.sequences.weather.evaluate (10-fold cross-validation, ten
shuffles): right on 79.4 % of days not learnt from; logistic regression 79.1 %, always "no" 57.4 %. On the year 2015
alone logistic regression is ahead, 80.0 to 77.8 %: a hidden layer hardly helps here."""

ABOUT_CHAT = """**Questions and answers** are many to many as well. This language model (SmolLM2, 135 M parameters,
fetched from the hub on first use) is a Transformer: its steps are drawn the same way, but no memory is handed on,
every step looks back at all that was said."""

REVIEWS = {
    "A mixed one": "I expected a dull film, but the acting is so warm and funny that I would watch it again.",
    "Not good": "This is not a good movie, it is a waste of time.",
    "A long one": "The first half is slow and badly written. But then the story finds its feet, the music is "
    "wonderful, the two leads are a joy to watch, and in the end I left the theatre smiling.",
}
SENTENCES = {
    "Short": "I don't know.",
    "Medium": "She has been waiting for her brother at the station.",
    "Long": "I thought that he would come back before the winter, but nobody in the village has seen him since then.",
}
LONGER = "And that is what I told everybody who asked me about it on the way home."


@dataclass(frozen=True)
class Run:
    """What the page keeps of the last run: enough to draw it again with another step chosen."""

    trace: UnrolledTrace
    matrices: tuple[WeightMap, ...]
    parameters: int


@dataclass(frozen=True)
class Review:
    """One earlier verdict: the text, how many steps it took, the verdict and its probability."""

    text: str
    steps: int
    verdict: str
    probability: float


Shown = tuple[Run, Any, str, str]


def _run(trace: UnrolledTrace, loaded: "Loaded", network: Any) -> Run:
    from models.sequences.unrolled import matrices_of, weight_maps

    return Run(trace, weight_maps(matrices_of(network)), loaded.parameters)


def _draw(run: Run, selected: int | None = None) -> dict[str, object]:
    steps = run.trace.steps
    at = len(steps) - 1 if selected is None else selected
    inside = {"hidden state": steps[at].hidden_state}
    if at:
        inside = {"hidden state before": steps[at - 1].hidden_state, **inside}
    return draw_unrolled(run.trace, run.matrices, run.parameters, selected=at, inside=inside)


def _show(trace: UnrolledTrace, loaded: "Loaded", network: Any, seconds: float, beside: str, note: str = "") -> Shown:
    """(run, drawing, what stands beside it, strip)."""
    watch = runtime.Stopwatch()
    with watch("drawing"):
        run = _run(trace, loaded, network)
        drawn = _draw(run)
    return run, drawn, beside, run_strip(loaded, model=seconds, drawing=watch.seconds["drawing"], note=note)


def compute_rain(warmest: Any, coldest: Any, wind: Any, month: Any) -> Shown:
    """Will it rain today? Returns (run, drawing, beside, strip)."""
    with visitor_errors():
        from models.sequences.weather.network import load
        from models.sequences.weather.trace import baselines, trace_rain

        number = 1 + MONTHS.index(check_choice(month, MONTHS, name="The month"))
        loaded, watch = runtime.load("rain-network", load), runtime.Stopwatch()
        with watch("model"):
            trace = trace_rain(loaded.network, warmest, coldest, wind, number)
            simpler = baselines(loaded.network, warmest, coldest, wind, number)
        rain = dict(trace.steps[0].output)["yes"]
        beside = draw_answer("Will it rain today?", trace.answer, RAIN_NOTE) + draw_baselines(rain, simpler)
        return _show(trace, loaded, loaded.network, watch.seconds["model"], beside)


def _trace_review(text: object) -> tuple[Any, "Loaded", float]:
    from models.sequences.sentiment.network import load
    from models.sequences.sentiment.trace import trace_review

    text = check_text(text, name="The review", max_chars=MAX_API_CHARS)
    loaded, watch = runtime.load("review-lstm", load), runtime.Stopwatch()
    with watch("model"):
        reading = trace_review(loaded.network, text)
    return reading, loaded, watch.seconds["model"]


def compute_review(text: Any, earlier: tuple[Review, ...] | None) -> tuple[Any, ...]:
    """Positive or negative? Returns (run, drawing, beside, strip, earlier verdicts)."""
    with visitor_errors():
        trace, loaded, seconds = _trace_review(text)
        verdict, probability = trace.steps[-1].output[0]
        review = Review(" ".join(text.split()), len(trace.steps), verdict, probability)
        runs = (*(earlier or ()), review)[-MAX_RUNS:]
        answer = draw_answer("This review is", f"{verdict} ({probability:.1%})")
        rows = [(r.text, r.steps, r.verdict, r.probability) for r in runs]
        beside = answer + draw_verdicts(trace) + draw_runs(rows)
        return *_show(trace, loaded, loaded.network, seconds, beside, trace.note), runs


def view_shuffle(text: Any) -> str:
    """The words of a text in another order."""
    with visitor_errors():
        words = check_text(text, name="The review", max_chars=MAX_API_CHARS).split()
        return " ".join(random.sample(words, len(words)))


def view_lengthen(text: Any) -> str:
    """The text with a sentence more that says nothing about the film."""
    with visitor_errors():
        text = check_text(text, name="The review", max_chars=MAX_API_CHARS)
        longer = f"{text.rstrip()} {LONGER}"
        if len(longer) > MAX_API_CHARS:
            raise InputError(f"The review has reached {MAX_API_CHARS:,} characters, the most that is read.")
        return longer


def view_scene(
    count: Any, color: Any, noun: Any, relation: Any, other_count: Any, other_color: Any, other_noun: Any, seed: Any
) -> np.ndarray:
    """A scene as it was described, drawn by the project's own scene maker."""
    with visitor_errors():
        first = Phrase(check_integer(count, name="The number of objects", low=1, high=3), color, noun)
        seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
        relation = check_choice(relation, [ALONE, *RELATIONS], name="The relation")
        description = SceneDescription(first)
        if relation != ALONE:
            number = check_integer(other_count, name="The number of objects", low=1, high=3)
            description = SceneDescription(first, relation, Phrase(number, other_color, other_noun))
        return draw_scene(description, seed)


def view_surprise() -> tuple[Any, ...]:
    """A random scene: the values of every field of the scene maker."""
    dice = random.Random()  # noqa: S311  # nothing secret
    first, second = ((dice.randint(1, 3), dice.choice(list(COLOURS)), dice.choice(NOUNS)) for _ in range(2))
    relation = dice.choice(list(RELATIONS) if first[1:] != second[1:] else [ALONE])
    return *first, relation, *second, dice.randint(0, MAX_SEED)


def _trace_caption(image: object) -> tuple[UnrolledTrace, "Loaded", float]:
    from models.sequences.caption.network import load
    from models.sequences.caption.trace import trace_caption

    pixels = read_image(image if isinstance(image, str | Path) else None)
    loaded, watch = runtime.load("caption-gru", load), runtime.Stopwatch()
    with watch("model"):
        trace = trace_caption(loaded.network, pixels)
    return trace, loaded, watch.seconds["model"]


def compute_caption(image: Any) -> Shown:
    """What is on the picture? Returns (run, drawing, beside, strip)."""
    with visitor_errors():
        trace, loaded, seconds = _trace_caption(image)
        from models.sequences.caption.trace import CANNOT_KNOW

        return _show(trace, loaded, loaded.network, seconds, draw_answer("It says:", trace.answer, CANNOT_KNOW))


def _trace_translation(text: object) -> "tuple[Translated, Loaded, float]":
    from models.sequences.translation.trace import trace_text
    from models.text.gru_translator import load

    text = check_text(text, name="The sentence", max_chars=MAX_API_CHARS)
    loaded, watch = runtime.load("gru-translator-en-fr", load), runtime.Stopwatch()
    bundle = loaded.network
    with watch("model"):
        translated = trace_text(bundle.network, bundle.tokenizer, text)
    return translated, loaded, watch.seconds["model"]


def compute_translation(text: Any) -> Iterator[Shown]:
    """English to French, then the same by the Transformer of the next tab. Yields (run, drawing, beside, strip)."""
    with visitor_errors():
        translated, loaded, seconds = _trace_translation(text)
        beside = draw_answer("In French:", translated.answer)
        note = translated.note
        if len(translated.runs) > 1:
            note = f"{len(translated.runs)} sentences, translated one by one; the first is drawn. {note}"
        shown = _show(translated.runs[0], loaded, loaded.network.network, seconds, beside, note)
        yield shown
        from models.attention.passages import translate_passage
        from models.attention.writing import load_writer

        translation = translate_passage(load_writer("translator-en-fr")[0], text).translation
        other = draw_answer(
            "The Transformer of the Attention tab, which may look back at every word, says:", translation
        )
        yield shown[0], shown[1], beside + other, shown[3]


@runtime.gpu()
def _answer(question: str) -> Iterator[Any]:
    from models.sequences.chat import answer, load_chat

    loaded = runtime.load(CHAT, load_chat)
    yield from answer(loaded.network, question, max_tokens=60, temperature=0, top_p=1, seed=0)


def compute_chat(question: Any) -> Iterator[tuple[Any, ...]]:
    """Question and answer by a language model from the hub. Yields (run, drawing, beside, strip)."""
    with visitor_errors():
        question = check_text(question, name="The question", max_chars=2_000)
        if CHAT not in weights.offered("sequences/chat"):
            raise InputError("Models from the hub are switched off on this server.")
        if hub.start(CHAT).status != "ready":
            yield gr.skip(), gr.skip(), gr.skip(), waiting_strip(CHAT)
            return
        from models.sequences.chat import as_unrolled, load_chat

        loaded, started, steps = runtime.load(CHAT, load_chat), time.perf_counter(), []
        for step in _answer(question):
            steps.append(step)
            seconds = time.perf_counter() - started
            run = Run(as_unrolled(steps), (), loaded.parameters)
            strip = run_strip(loaded, model=seconds, note=step.note)
            yield run, _draw(run), draw_answer("It answers:", step.text), strip


def view_step(run: Run | None, event: gr.EventData) -> Any:
    """The drawing with another step chosen; no network is run."""
    with visitor_errors():
        if run is None:
            raise InputError("Nothing has been read yet.")
        last = len(run.trace.steps) - 1
        return _draw(run, check_integer(sent(event, "position"), name="The step", low=0, high=last))


def view_type(sequence_type: Any) -> tuple[Any, ...]:
    """Show the inputs of a type and what it is about."""
    with visitor_errors():
        check_choice(sequence_type, TYPES, name="The type")
        return ABOUT[sequence_type], *(gr.update(visible=name == sequence_type) for name in TYPES)


def sequences_classify(text: str) -> dict[str, Any]:
    """Is a review positive or negative? Read word by word by an LSTM (many to one).

    Args:
        text: 1 to 20,000 characters of English.

    Returns:
        {"model", "seconds", "label", "probability" of the label, "steps": [{"word", "positive": 0..1}, ...]: the
        verdict after every word piece, "note": what must be said of the text (it was cut, some of it has no symbol)}.
        A text of which nothing has a symbol is refused.
    """
    with visitor_errors():
        reading, loaded, seconds = _trace_review(text)
        label, probability = reading.steps[-1].output[0]
        steps = [{"word": s.input.strip(), "positive": round(dict(s.output)["positive"], 4)} for s in reading.steps]
        facts = {"label": label, "probability": round(probability, 4), "steps": steps, "note": reading.note}
        return {"model": loaded.name, "seconds": round(seconds, 4), **facts}


def sequences_caption(image: str | None) -> dict[str, Any]:
    """A sentence for a picture (one to many). It knows the objects and colours of the scene maker and nothing else.

    Args:
        image: a picture file: PNG, JPEG, WebP or GIF (first frame).

    Returns:
        {"model", "seconds", "caption", "steps": [{"word", "probability"}, ...], "note": what it cannot know}.
    """
    with visitor_errors():
        trace, loaded, seconds = _trace_caption(image)
        from models.sequences.caption.trace import CANNOT_KNOW

        facts = {"steps": _written(trace), "caption": trace.answer, "note": CANNOT_KNOW}
        return {"model": loaded.name, "seconds": round(seconds, 4), **facts}


def sequences_translate(text: str) -> dict[str, Any]:
    """English to French by a recurrent encoder and decoder without attention (many to many).

    Args:
        text: up to 20 sentences, each translated on its own; the first 64 word pieces of each are read.

    Returns:
        {"model", "seconds", "translation", "steps": [{"word": piece, "probability"}, ...], "note": what must be said
        of the text (it was cut, some of it has no symbol, capitals were read as small letters)}.
    """
    with visitor_errors():
        translated, loaded, seconds = _trace_translation(text)
        steps = [step for run in translated.runs for step in _written(run)]
        facts = {"steps": steps, "translation": translated.answer, "note": translated.note}
        return {"model": loaded.name, "seconds": round(seconds, 4), **facts}


def _written(trace: UnrolledTrace) -> list[dict[str, Any]]:
    best = [step.output[0] for step in trace.steps if step.asked]
    return [{"word": word, "probability": round(probability, 4)} for word, probability in best]


def compute_type(
    kind: Any,
    warmest: Any,
    coldest: Any,
    wind: Any,
    month: Any,
    review: Any,
    earlier: tuple[Review, ...] | None,
    image: Any,
    sentence: Any,
) -> Iterator[tuple[Any, ...]]:
    """Run a type on what stands in its fields. Yields (run, drawing, beside, strip, earlier verdicts)."""
    with visitor_errors():
        check_choice(kind, TYPES, name="The type")
        if kind == "one to one":
            yield *compute_rain(warmest, coldest, wind, month), earlier
        elif kind == "many to one":
            yield compute_review(review, earlier)
        elif kind == "one to many":
            yield *compute_caption(image), earlier
        else:
            for shown in compute_translation(sentence):
                yield *shown, earlier


def build() -> None:
    """The page: the type, its inputs, the one drawing, and what stands beside it."""
    run = gr.State(None, time_to_live=STATE_SECONDS)
    reviews = gr.State((), time_to_live=STATE_SECONDS)
    gr.Markdown(LEAD, elem_classes="gb-lead")
    kind = gr.Radio(list(TYPES), value=FIRST, label="Type", elem_id="sequences-type")
    about = gr.Markdown(ABOUT[FIRST], elem_classes="gb-note")
    groups = [gr.Column(visible=name == FIRST, elem_id=f"sequences-{name.replace(' ', '-')}") for name in TYPES]
    drawing = unrolled(elem_id="sequences-drawing")
    beside = gr.HTML(elem_id="sequences-beside")
    strip = gr.HTML(empty_strip("Choose a type, or press the button: its network is loaded then."))
    shown = [run, drawing, beside, strip]
    with groups[0]:
        day = _rain_inputs(shown)
    with groups[1]:
        review = _review_inputs([*shown, reviews], reviews)
    with groups[2]:
        image = _scene_inputs(shown)
    with groups[3]:
        sentence = _translation_inputs(shown)
    kind.input(view_type, kind, [about, *groups], queue=False, **VIEW).then(
        compute_type, [kind, *day, review, reviews, image, sentence], [*shown, reviews], **COMPUTE
    )
    drawing.step(view_step, run, drawing, **VIEW)
    network = {"concurrency_id": "sequences-tasks", "concurrency_limit": 2}
    for endpoint in (sequences_classify, sequences_translate):
        api(endpoint, api_name=endpoint.__name__, **network)
    hidden_image, answer = UploadedImage(visible=False), gr.JSON(visible=False)
    gr.Button(visible=False).click(
        sequences_caption, hidden_image, answer, api_name="sequences_caption", api_visibility="public", **network
    )


def _rain_inputs(shown: list[Any]) -> list[Any]:
    with gr.Row():
        warmest = gr.Slider(-10, 40, 12, step=0.5, label="Warmest today (°C)")
        coldest = gr.Slider(-15, 30, 7, step=0.5, label="Coldest today (°C)")
        wind = gr.Slider(0, 15, 4, step=0.1, label="Wind (m/s)")
        month = gr.Dropdown(list(MONTHS), value="November", label="Month")
    fields = [warmest, coldest, wind, month]
    ask = gr.Button("Will it rain?", variant="primary", size="sm", elem_id="sequences-rain")
    moved = [slider.release for slider in (warmest, coldest, wind)]
    gr.on([ask.click, month.input, *moved], compute_rain, fields, shown, trigger_mode="always_last", **COMPUTE)
    return fields


def _review_inputs(shown: list[Any], reviews: gr.State) -> gr.Textbox:
    text = gr.Textbox(
        REVIEWS["A mixed one"], label="Your review", lines=2, max_length=MAX_API_CHARS, elem_id="sequences-review"
    )
    with gr.Row():
        ask = gr.Button("Positive or negative?", variant="primary", size="sm", elem_id="sequences-judge")
        shuffle = gr.Button("Shuffle the words", size="sm")
        longer = gr.Button("Lengthen it", size="sm")
        examples = [gr.Button(name, size="sm") for name in REVIEWS]
    gr.on([ask.click, text.submit], compute_review, [text, reviews], shown, **COMPUTE)
    changed = [shuffle.click(view_shuffle, text, text, **VIEW), longer.click(view_lengthen, text, text, **VIEW)]
    for button, example in zip(examples, REVIEWS.values(), strict=True):
        changed.append(button.click(partial(str, example), None, text, queue=False, **VIEW))
    for event in changed:
        event.success(compute_review, [text, reviews], shown, **COMPUTE)
    return text


def _scene_inputs(shown: list[Any]) -> UploadedImage:
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            image = UploadedImage(
                draw_scene(SceneDescription(Phrase(1, "red", NOUNS[0]), "left of", Phrase(2, "blue", NOUNS[1])), 0),
                label="Picture: a scene from here, or your own",
                sources=["upload", "webcam"],
                height=240,
                elem_id="sequences-scene",
            )
            ask = gr.Button("Describe it", variant="primary", size="sm", elem_id="sequences-describe")
        with gr.Column(scale=3, min_width=260):
            with gr.Row():
                count = gr.Dropdown([1, 2, 3], value=1, label="How many", min_width=80)
                color = gr.Dropdown(list(COLOURS), value="red", label="Colour", min_width=100)
                noun = gr.Dropdown(list(NOUNS), value=NOUNS[0], label="Object", min_width=100)
            relation = gr.Dropdown([*RELATIONS, ALONE], value="left of", label="Where")
            with gr.Row():
                other_count = gr.Dropdown([1, 2, 3], value=2, label="How many", min_width=80)
                other_color = gr.Dropdown(list(COLOURS), value="blue", label="Colour", min_width=100)
                other_noun = gr.Dropdown(list(NOUNS), value=NOUNS[1], label="Object", min_width=100)
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of the drawing")
            with gr.Row():
                draw = gr.Button("Draw the scene", size="sm")
                surprise = gr.Button("Surprise me", size="sm", elem_id="sequences-surprise")
    fields = [count, color, noun, relation, other_count, other_color, other_noun, seed]
    ask.click(compute_caption, image, shown, **COMPUTE)
    drawn = [draw.click(view_scene, fields, image, **VIEW)]
    drawn.append(surprise.click(view_surprise, None, fields, **VIEW).then(view_scene, fields, image, **VIEW))
    for event in drawn:
        event.success(compute_caption, image, shown, **COMPUTE)
    image.upload(compute_caption, image, shown, **COMPUTE)
    return image


def _translation_inputs(shown: list[Any]) -> gr.Textbox:
    text = gr.Textbox(SENTENCES["Medium"], label="English", lines=2, max_length=2_000, elem_id="sequences-sentence")
    with gr.Row():
        ask = gr.Button("Translate", variant="primary", size="sm", elem_id="sequences-translate")
        examples = [gr.Button(name, size="sm") for name in SENTENCES]
    gr.on([ask.click, text.submit], compute_translation, text, shown, **COMPUTE)
    for button, example in zip(examples, SENTENCES.values(), strict=True):
        button.click(partial(str, example), None, text, queue=False, **VIEW).then(
            compute_translation, text, shown, **COMPUTE
        )
    if CHAT in weights.offered("sequences/chat"):
        gr.Markdown(ABOUT_CHAT, elem_classes="gb-note")
        question = gr.Textbox("Why is the sky blue?", label="Question", max_length=2_000, elem_id="sequences-question")
        answer = gr.Button("Ask it", size="sm", elem_id="sequences-ask")
        gr.on([answer.click, question.submit], compute_chat, question, shown, **COMPUTE)
    return text
