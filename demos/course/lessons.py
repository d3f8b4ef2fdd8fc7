"""Lessons: routes through a tab, as data. A step sets controls, points at a place, says what to notice, asks, reveals.

A lesson is a JSON file (`docs/teaching.md` says how one is written); those of the app lie in `lessons/`, and a teacher
may load another one. Both are checked by the same code. Nothing in a lesson is markup, no address is followed, and it
can do no more than a visitor can: set controls and press buttons of its tab.
"""

import hashlib
import importlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from demos import DEMOS
from demos.tab import answering
from demos.views.lesson import LessonQuestion, LessonSetting, LessonStep, LessonView
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_text

LESSONS = Path(__file__).parent / "lessons"
VERSION = 1
MAX_CHARS = 64_000
MAX_STEPS, MAX_SETTINGS, MAX_PRESSES = 20, 12, 4
MAX_TEXT, MAX_TITLE, MAX_VALUE = 900, 100, 2_000
FIELDS = {"version", "tab", "title", "minutes", "steps"}
STEP_FIELDS = {"page", "set", "press", "point", "say", "notice", "ask", "question", "reveal"}
QUESTION_FIELDS = {"question", "options", "right", "explanation"}
ELEMENT_ID = re.compile(r"[a-z][a-z0-9-]{0,60}")


@dataclass(frozen=True)
class Offered:
    """What lessons about a tab may name: its pages (titles by id) and its questions."""

    pages: Mapping[str, str]
    questions: Collection[str]


@cache
def offered(tab: str) -> Offered:
    """Pages and questions of a tab."""
    pages = importlib.import_module(f"demos.{tab}").PAGES
    questions = importlib.import_module(f"demos.{tab}.predictions").QUESTIONS
    titles = pages if isinstance(pages, dict) else {page.__name__.rpartition(".")[2]: page.TITLE for page in pages}
    return Offered(titles, frozenset(question.name for question in questions))


def read_lesson(text: str, *, own: bool = True) -> LessonView:
    """The lesson in a file. Raises `InputError` with the step and what is wrong with it."""
    text = check_text(text, name="The lesson", max_chars=MAX_CHARS)
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("The lesson is not valid JSON.") from None
    lesson = _object(sent, "The lesson", FIELDS)
    if lesson.get("version") != VERSION:
        raise InputError(f"The lesson must say “version”: {VERSION}; this app reads no other.")
    tab = check_choice(lesson.get("tab"), DEMOS, name="The tab of the lesson")
    steps = lesson.get("steps")
    if not isinstance(steps, list) or not 1 <= len(steps) <= MAX_STEPS:
        raise InputError(f"A lesson must have 1 to {MAX_STEPS} steps.")
    return LessonView(
        id=hashlib.sha256(text.encode()).hexdigest()[:16],
        tab=tab,
        title=check_text(lesson.get("title"), name="The title of the lesson", max_chars=MAX_TITLE),
        minutes=check_integer(lesson.get("minutes"), name="The minutes of the lesson", low=1, high=180),
        steps=tuple(_read_step(step, f"Step {number}", tab) for number, step in enumerate(steps, 1)),
        own=own,
    )


def _read_step(sent: object, name: str, tab: str) -> LessonStep:
    step = _object(sent, name, STEP_FIELDS)
    known = offered(tab)
    page = check_choice(step.get("page"), list(known.pages), name=f"{name}: the page")
    if "ask" in step and "question" in step:
        raise InputError(f"{name}: a step asks one question: “ask” or “question”, not both.")
    asked = check_choice(step["ask"], sorted(known.questions), name=f"{name}: ask") if "ask" in step else ""
    return LessonStep(
        page=page,
        settings=_read_settings(step.get("set", {}), name),
        press=_read_presses(step.get("press", []), name),
        point=_element(step["point"], f"{name}: point") if "point" in step else "",
        say=_text(step, "say", name),
        notice=_text(step, "notice", name),
        ask=asked,
        question=_read_question(step["question"], name) if "question" in step else None,
        reveal=_text(step, "reveal", name),
    )


def _read_settings(sent: object, name: str) -> tuple[LessonSetting, ...]:
    if not isinstance(sent, dict) or len(sent) > MAX_SETTINGS:
        raise InputError(f"{name}: “set” must be an object of at most {MAX_SETTINGS} controls.")
    settings = []
    for control, value in sent.items():
        if not isinstance(value, str | int | float | bool) or (isinstance(value, str) and len(value) > MAX_VALUE):
            raise InputError(f"{name}: a control is set to a text of at most {MAX_VALUE:,} characters, or a number.")
        settings.append(LessonSetting(_element(control, f"{name}: a control"), value))
    return tuple(settings)


def _read_presses(sent: object, name: str) -> tuple[str, ...]:
    if not isinstance(sent, list) or len(sent) > MAX_PRESSES:
        raise InputError(f"{name}: “press” must be a list of at most {MAX_PRESSES} buttons.")
    return tuple(check_text(one, name=f"{name}: a button", max_chars=60) for one in sent)


def _read_question(sent: object, name: str) -> LessonQuestion:
    question = _object(sent, f"{name}: the question", QUESTION_FIELDS)
    options = question.get("options")
    if not isinstance(options, list) or not 2 <= len(options) <= 6:
        raise InputError(f"{name}: a question must have 2 to 6 options.")
    return LessonQuestion(
        check_text(question.get("question"), name=f"{name}: the question", max_chars=MAX_TEXT),
        tuple(check_text(option, name=f"{name}: an option", max_chars=MAX_TITLE * 2) for option in options),
        check_integer(question.get("right"), name=f"{name}: the right option", low=0, high=len(options) - 1),
        check_text(question.get("explanation"), name=f"{name}: the explanation", max_chars=MAX_TEXT),
    )


def _object(sent: object, name: str, fields: Collection[str]) -> dict[str, Any]:
    if not isinstance(sent, dict):
        raise InputError(f"{name} must be a JSON object.")
    if strange := sorted(set(sent) - set(fields)):
        raise InputError(f"{name} has a field “{strange[0][:40]}”; it may have {', '.join(sorted(fields))}.")
    return sent


def _element(sent: object, name: str) -> str:
    if not isinstance(sent, str) or not ELEMENT_ID.fullmatch(sent):
        raise InputError(f"{name} must be an element id, such as sequences-text.")
    return sent


def _text(step: Mapping[str, Any], field: str, name: str) -> str:
    return check_text(step.get(field, ""), name=f"{name}: {field}", max_chars=MAX_TEXT, allow_empty=True)


@cache
def lesson_of(tab: str) -> LessonView:
    """The lesson of a tab that comes with the app."""
    return read_lesson((LESSONS / f"{tab}.json").read_text(encoding="utf-8"), own=False)


@answering
def lesson(request: dict[str, Any]) -> LessonView:
    """The lesson of a tab: `{"tab": slug}`; or one that a teacher has loaded, checked: `{"text": JSON}`."""
    if "text" in request:
        return read_lesson(_only_text(request["text"]))
    return lesson_of(check_choice(request.get("tab"), DEMOS, name="The tab"))


def _only_text(sent: object) -> str:
    return check_text(sent, name="The lesson", max_chars=MAX_CHARS)
