"""What the page "Four types" answers: each task run, and drawn again with another step chosen."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from demos.base import strip_of, waiting_strip
from demos.sentences import percent
from demos.tab import payload
from demos.views.tasks import answer_html, baselines_html, runs_html, verdicts_html
from demos.views.unrolled import UnrolledView, view_of_task
from models import hub, weights
from models.errors import InputError
from models.images import read_image
from models.inputs import check_choice, check_integer, check_text
from models.runtime import Stopwatch
from models.sequences.caption.scenes import COLOURS, NOUNS, RELATIONS, Phrase, SceneDescription, draw_scene
from models.sequences.sampling import MAX_SEED
from models.sequences.tasks import (
    CANNOT_KNOW,
    TASKS,
    TaskRun,
    answer_question,
    describe_photo,
    describe_picture,
    judge_review,
    predict_rain,
    translate,
)
from models.sequences.unrolled import TYPES
from models.sequences.weather.features import MONTHS

MAX_CHARS = 20_000
MAX_QUESTION = 2_000
MAX_RUNS = 8
ALONE = "alone"
TRANSFORMER = "translator-en-fr"
CHAT, PHOTO = "sequences/chat", "sequences/caption/photo"
LONGER = "And that is what I told everybody who asked me about it on the way home."

RAIN_NOTE = """Precomputed by python -m models.recipes.sequences.weather.evaluate (10-fold cross-validation, ten
shuffles): right on 79.4 % of days not learnt from; logistic regression 79.1 %, always "no" 57.4 %. On the year 2015
alone logistic regression is ahead, 80.0 to 77.8 %: a hidden layer hardly helps here."""

Shown = tuple[str, UnrolledView, str, str]
"""The name a run is kept under, its drawing, what stands beside it, and the strip."""


@dataclass(frozen=True)
class Review:
    """One earlier verdict: the text, how many steps it took, the verdict and its probability."""

    text: str
    steps: int
    verdict: str
    probability: float


def _show(task: TaskRun, beside: str, name: str | None = None) -> Shown:
    watch = Stopwatch()
    with watch("drawing"):
        view = view_of_task(task.trace, task.matrices, task.run.parameters)
    return TASKS.put(task, name), view, beside, strip_of(task.run, drawing=watch.seconds["drawing"], note=task.note)


def compute_rain(warmest: float, coldest: float, wind: float, month: object) -> Shown:
    """Will it rain today? Returns (name, drawing, beside, strip)."""
    number = 1 + MONTHS.index(check_choice(month, MONTHS, name="The month"))
    task = predict_rain(warmest, coldest, wind, number)
    rain = dict(task.trace.steps[0].output)["yes"]
    answer = answer_html("Will it rain today?", task.trace.answer, RAIN_NOTE)
    return _show(task, answer + baselines_html(rain, task.beside))


def checked_review(text: object) -> str:
    """A review of a length that is read."""
    return check_text(text, name="The review", max_chars=MAX_CHARS)


def compute_review(text: object, earlier: tuple[Review, ...] | None) -> tuple[Any, ...]:
    """Positive or negative? Returns (name, drawing, beside, strip, earlier verdicts)."""
    text = checked_review(text)
    task = judge_review(text)
    verdict, probability = task.trace.steps[-1].output[0]
    review = Review(" ".join(text.split()), len(task.trace.steps), verdict, probability)
    runs = (*(earlier or ()), review)[-MAX_RUNS:]
    answer = answer_html("This review is", f"{verdict} ({percent(probability, 1)})")
    rows = [(r.text, r.steps, r.verdict, r.probability) for r in runs]
    return *_show(task, answer + verdicts_html(task.trace) + runs_html(rows)), runs


def view_shuffle(text: object) -> str:
    """The words of a text in another order."""
    words = checked_review(text).split()
    return " ".join(random.sample(words, len(words)))


def view_lengthen(text: object) -> str:
    """The text with a sentence more that says nothing about the film."""
    longer = f"{checked_review(text).rstrip()} {LONGER}"
    if len(longer) > MAX_CHARS:
        raise InputError(f"The review has reached {MAX_CHARS:,} characters, the most that is read.")
    return longer


def view_scene(
    count: object,
    color: str,
    noun: str,
    relation: object,
    other_count: object,
    other_color: str,
    other_noun: str,
    seed: object,
) -> np.ndarray:
    """A scene as it was described, drawn by the project's own scene maker."""
    first = Phrase(check_integer(count, name="The number of objects", low=1, high=3), color, noun)
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    relation = check_choice(relation, [ALONE, *RELATIONS], name="The relation")
    description = SceneDescription(first)
    if relation != ALONE:
        number = check_integer(other_count, name="The number of objects", low=1, high=3)
        description = SceneDescription(first, relation, Phrase(number, other_color, other_noun))
    return draw_scene(description, seed)


def view_surprise() -> tuple[int | str, ...]:
    """A random scene: the values of every field of the scene maker."""
    dice = random.Random()  # noqa: S311  # nothing secret
    first, second = ((dice.randint(1, 3), dice.choice(list(COLOURS)), dice.choice(NOUNS)) for _ in range(2))
    relation = dice.choice(list(RELATIONS) if first[1:] != second[1:] else [ALONE])
    return *first, relation, *second, dice.randint(0, MAX_SEED)


def checked_picture(image: object) -> np.ndarray:
    """The pixels of an uploaded picture."""
    return read_image(image if isinstance(image, str | Path) else None)


def compute_caption(image: object) -> Shown:
    """What is on the picture? Returns (name, drawing, beside, strip)."""
    task = describe_picture(checked_picture(image))
    return _show(task, answer_html("It says:", task.trace.answer, CANNOT_KNOW))


def checked_sentence(text: object) -> str:
    """A sentence of a length that is read."""
    return check_text(text, name="The sentence", max_chars=MAX_CHARS)


def compute_translation(text: object) -> Iterator[Shown]:
    """English to French, then the same by the Transformer of the next tab. Yields (name, drawing, beside, strip)."""
    text = checked_sentence(text)
    translation = translate(text)
    task, count = translation.first, len(translation.traces)
    if count > 1:
        task = replace(task, note=f"{count} sentences, translated one by one; the first is drawn. {task.note}")
    beside = answer_html("In French:", translation.answer)
    shown = _show(task, beside)
    yield shown
    from models.attention.passages import translation_by

    question = "The Transformer of the Attention tab, which may look back at every word, says:"
    yield *shown[:2], beside + answer_html(question, translation_by(TRANSFORMER, text)), shown[3]


def compute_chat(question: object, model: object) -> Iterator[tuple[Any, ...]]:
    """Question and answer by a language model from the hub. Yields (name, drawing, beside, strip)."""
    question = check_text(question, name="The question", max_chars=MAX_QUESTION)
    chosen = _of_the_hub(model, CHAT)
    if not hub.is_here(chosen):
        yield gr.skip(), gr.skip(), gr.skip(), waiting_strip(chosen)
        return
    yield from _as_written(answer_question(chosen, question), "It answers:")


def compute_photo(image: object, model: object) -> Iterator[tuple[Any, ...]]:
    """A photo described by a model from the hub. Yields (name, drawing, beside, strip)."""
    chosen = _of_the_hub(model, PHOTO)
    pixels = checked_picture(image)
    if not hub.is_here(chosen):
        yield gr.skip(), gr.skip(), gr.skip(), waiting_strip(chosen)
        return
    yield from _as_written(describe_photo(chosen, pixels), "It says:")


def _of_the_hub(model: object, concept: str) -> str:
    if not weights.offered(concept):
        raise InputError("Models from the hub are switched off on this server.")
    return weights.find(model, concept).name


def _as_written(tasks: Iterator[TaskRun], title: str) -> Iterator[Shown]:
    """A run that grows, under one name."""
    name = None
    for task in tasks:
        shown = _show(task, answer_html(title, task.trace.answer), name)
        name = shown[0]
        yield shown


def view_step(name: str | None, event: gr.EventData) -> UnrolledView:
    """The drawing with another step chosen; no network is run."""
    if name is None:
        raise InputError("Nothing has been read yet.")
    task = TASKS.find(name)
    last = len(task.trace.steps) - 1
    selected = check_integer(payload(event, "position"), name="The step", low=0, high=last)
    return view_of_task(task.trace, task.matrices, task.run.parameters, selected)


def compute_type(
    kind: object,
    warmest: float,
    coldest: float,
    wind: float,
    month: object,
    review: object,
    earlier: tuple[Review, ...] | None,
    image: object,
    sentence: object,
) -> Iterator[tuple[Any, ...]]:
    """Run a type on what stands in its fields. Yields (name, drawing, beside, strip, earlier verdicts)."""
    kind = check_choice(kind, TYPES, name="The type")
    if kind == "one to one":
        yield *compute_rain(warmest, coldest, wind, month), earlier
    elif kind == "many to one":
        yield compute_review(review, earlier)
    elif kind == "one to many":
        yield *compute_caption(image), earlier
    else:
        for shown in compute_translation(sentence):
            yield *shown, earlier
