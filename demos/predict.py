"""Predict, then reveal: questions about the live model on what stands on a page, answered by running it.

A concept lists its questions in `demos/<concept>/predictions.py`. Each is a function of what stands in the tab's
controls now; it runs the model and gives the options, the right one, and an explanation from the trace. The answer
travels with the question: it is scored in the browser, and nobody is told.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from demos.sentences import MAX_SENTENCE, quoted
from demos.tab import Queue, built, payload, private
from demos.ui import View, component
from demos.views.prediction import PredictionView, TopicsView, TopicView, options_with
from models.errors import InputError, SpokenError
from models.inputs import check_choice

ASKING = Queue(concurrency_id="predict", concurrency_limit=2)
"""A line of its own: a class that asks at once must not hold up those who only look."""


@dataclass(frozen=True)
class Answered:
    """A question with the answer the model gave: `options`, the index of the `right` one, and why."""

    question: str
    options: tuple[str, ...]
    right: int
    explanation: str


@dataclass(frozen=True)
class Question:
    """A question that can be asked again about any input.

    name: unique in its tab. topic: what it is about, in a few words. page: id of the inner page whose input it reads.
    ask: gets the values of the tab's controls by name, unchecked; raises `InputError` where they do not do.
    """

    name: str
    topic: str
    page: str
    ask: Callable[[Mapping[str, Any]], Answered]


def answered(question: str, right: str, wrong: Iterable[str], explanation: str, *, most: int = 4) -> Answered:
    """A question whose options are mixed. Raises `InputError` where there is nothing to choose from."""
    options, place = options_with(right, wrong, most=most)
    if len(options) < 2:
        raise InputError("On this input there is only one possible answer: change it and ask again.")
    return Answered(question, options, place, explanation)


def yes_or_no(question: str, *, yes: bool, explanation: str) -> Answered:
    """A question to be answered by yes or no."""
    return Answered(question, ("Yes", "No"), 0 if yes else 1, explanation)


def in_order(question: str, options: Sequence[str], right: int, explanation: str) -> Answered:
    """A question whose options have an order of their own, such as a scale."""
    return Answered(question, tuple(options), right, explanation)


def ask_question(
    questions: Sequence[Question], pages: Mapping[str, str], name: object, values: Mapping[str, Any]
) -> PredictionView:
    """Ask the question of that name about `values`. What cannot be asked becomes a sentence in its place."""
    names = {question.name: question for question in questions}
    asked = names[check_choice(name, list(names), name="The question")]
    about = pages[asked.page]
    try:
        answer = asked.ask(values)
    except SpokenError as problem:
        return PredictionView(asked.name, about, asked.topic, (), 0, "", fault=quoted(str(problem), MAX_SENTENCE))
    return PredictionView(asked.name, about, answer.question, answer.options, answer.right, answer.explanation)


def panel(
    tab: str,
    questions: Sequence[Question],
    pages: Mapping[str, str],
    ids: Mapping[str, str],
    more: Mapping[str, Component] | None = None,
) -> View:
    """The questions of a tab, below its pages.

    pages: titles of the inner pages by their id. ids: element ids of the controls that the questions read, by the
    names they use; more: components that have none.
    """
    controls = {**{name: built(elem_id) for name, elem_id in ids.items()}, **(more or {})}
    topics = tuple(TopicView(one.name, one.topic, one.page, pages[one.page]) for one in questions)
    start = TopicsView(tab, topics)
    shown = component("predict", start, taken=False, events=["ask"], elem_id=f"{tab}-predict")

    def compute_question(event: gr.EventData, *values: Any) -> TopicsView:
        """Ask about what stands in the tab now."""
        given = dict(zip(controls, values, strict=True))
        return TopicsView(
            tab, topics, ask_question(questions, pages, payload(event, "question"), given), secrets.token_hex(4)
        )

    shown.ask(compute_question, list(controls.values()), shown, trigger_mode="always_last", **private(), **ASKING)
    return shown
