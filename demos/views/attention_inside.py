"""What can be changed inside a network, and four kinds of importance side by side."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from demos.views.attention_effect import rounded
from demos.wire import view

if TYPE_CHECKING:
    from models.attention.importance import Importance
    from models.attention.inside import Explained, Inside, Question

AGREEMENT = ((0.7, "largely agree"), (0.4, "agree in part"), (-0.2, "hardly agree"), (-1.01, "contradict each other"))
NOTHING = "This network predicts no word, so there is no prediction to explain: choose another model."


@view
class SwitchStack:
    """One kind of attention: its layers, the tokens that look and those that are looked at."""

    kind: Literal["encoder", "decoder", "cross"]
    layers: int
    queries: list[str]
    keys: list[str]


@view
class SwitchesView:
    """Everything that can be switched off inside a network for a text (`inside_switches`).

    heads: in each layer. places: whether the network can be kept from knowing where its tokens stand.
    off: the head that is off at first: kind, layer, head.
    """

    stacks: list[SwitchStack]
    heads: int
    tokens: list[str]
    note: str
    places: bool
    off: tuple[str, int, int] | None


@view
class QuestionView:
    """The predictions whose importance can be asked for; none, and why, where the network predicts nothing.

    choices: for each place the likeliest tokens: number, token, probability. first: the place shown at first.
    """

    predicts: str
    places: list[str]
    choices: list[list[tuple[int, str, float]]]
    first: int
    nothing: str


@view
class ImportanceColumn:
    """One method's answer for every token, None where it has none."""

    name: str
    title: str
    values: list[float | None]


@view
class AnswerView:
    """Four kinds of importance for the prediction of `word` at `position`.

    agreement: rank correlation of each pair of methods, by name; None where there is no order to compare.
    sentences: what they say in words.
    """

    position: int
    token: int
    word: str
    probability: float
    tokens: list[str]
    columns: list[ImportanceColumn]
    agreement: list[tuple[str, str, float | None]]
    sentences: list[str]


@view
class ImportanceView:
    """A question and, once it was measured, its answer (`importance_view`)."""

    question: QuestionView
    answer: AnswerView | None


def view_of_switches(inside: "Inside") -> SwitchesView:
    """All that can be changed in a run."""
    stacks = [SwitchStack(one.kind, one.layers, list(one.queries), list(one.keys)) for one in inside.stacks]
    off = None if inside.off is None else (inside.off.kind, inside.off.layer, inside.off.head)
    return SwitchesView(stacks, inside.heads, list(inside.tokens), inside.note, inside.positions, off)


def view_of_question(question: "Question") -> QuestionView:
    """The predictions that can be asked about."""
    return QuestionView(
        predicts=question.predicts,
        places=list(question.places) if question.choices else [],
        choices=[[(number, word, round(share, 4)) for number, word, share in rows] for rows in question.choices],
        first=question.first,
        nothing="" if question.choices else NOTHING,
    )


def view_of_importance(explained: "Explained") -> ImportanceView:
    """A column for each method, the rank correlation of each pair, and what they say in words."""
    from models.attention.importance import METHODS

    found = explained.importance
    agreement = found.agreement()
    columns = [
        ImportanceColumn(
            name=name,
            title=METHODS[name],
            values=[None if np.isnan(value) else rounded(np.array([value]), 4)[0] for value in scores],
        )
        for name, scores in found.scores.items()
    ]
    answer = AnswerView(
        position=found.position,
        token=found.token,
        word=explained.word,
        probability=round(float(np.exp(found.log_probability)), 5),
        tokens=list(found.tokens),
        columns=columns,
        agreement=[(a, b, None if value is None else round(value, 4)) for (a, b), value in agreement.items()],
        sentences=_sentences(found, agreement),
    )
    return ImportanceView(view_of_question(explained.question), answer)


def _sentences(found: "Importance", agreement: dict[tuple[str, str], float | None]) -> list[str]:
    count = int(found.compared.sum())
    pairs = (
        ("attention", "left_out", "Attention of the last layer and leaving out"),
        ("gradient", "left_out", "The gradient and leaving out"),
    )
    sentences = []
    for first, second, names in pairs:
        value = agreement[first, second]
        if value is None:
            sentences.append(f"{names}: too few tokens to compare, or all the same.")
            continue
        words = next(words for low, words in AGREEMENT if value >= low)
        sentences.append(f"{names} {words} here: rank correlation {value:.2f} over {count} tokens.".replace("-", "−"))
    if not count:
        return sentences
    best = {}
    for name in ("attention", "left_out"):
        sizes = np.where(found.compared, np.abs(np.nan_to_num(found.scores[name])), -1.0)
        index = int(sizes.argmax())
        best[name] = f"“{found.tokens[index].strip()}” ({index + 1})"
    same = best["attention"] == best["left_out"]
    sentences.append(
        f"Both put {best['attention']} first."
        if same
        else f"Attention puts {best['attention']} first; what the prediction misses most is {best['left_out']}."
    )
    return sentences
