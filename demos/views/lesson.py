"""A lesson as the browser plays it: texts only, nothing of it is markup."""

from demos.wire import view


@view
class LessonQuestion:
    """A question that a lesson brings itself; `right` is the index of an option."""

    question: str
    options: tuple[str, ...]
    right: int
    explanation: str


@view
class LessonSetting:
    """A control, by its element id, and what it is set to."""

    control: str
    value: str | float | bool


@view
class LessonStep:
    """One step of a lesson (`lesson_player`).

    page: id of the inner page it happens on. settings, press: what is set and which buttons are pressed, in order;
    a button is told by its element id or by its words. point: element id of the place to look at, or empty.
    say: what was done. notice: what to see. ask: name of a question about the live model, or empty.
    question: one that the lesson brings itself, or None. reveal: shown after the answer.
    """

    page: str
    settings: tuple[LessonSetting, ...]
    press: tuple[str, ...]
    point: str
    say: str
    notice: str
    ask: str
    question: LessonQuestion | None
    reveal: str


@view
class LessonView:
    """A lesson of a tab and its steps. id: the same for the same lesson. own: a teacher's, not one of the app."""

    id: str
    tab: str
    title: str
    minutes: int
    steps: tuple[LessonStep, ...]
    own: bool
