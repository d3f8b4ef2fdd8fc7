"""What stands beside the drawing of a task: the answer, verdicts word by word, baselines, earlier runs."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from demos.sentences import percent

if TYPE_CHECKING:
    from models.sequences.unrolled import UnrolledTrace

MAX_WORDS = 400


def answer_html(question: str, answer: str, note: str = "") -> str:
    """The answer in one line, with a sentence on what it does not know."""
    extra = f'<div class="gb-note">{html.escape(note)}</div>' if note else ""
    asked = f'<span class="gb-note">{html.escape(question)}</span>'
    return f'<div class="gb-finding"><p>{asked} <b>{html.escape(answer)}</b></p>{extra}</div>'


def verdicts_html(trace: "UnrolledTrace") -> str:
    """The words of a review, each coloured by the verdict after it; the last `MAX_WORDS` of them."""
    steps = trace.steps[-MAX_WORDS:]
    before = len(trace.steps) - len(steps)
    words = "".join(_word(step.input, dict(step.output)["positive"]) for step in steps)
    head = f'<span class="gb-note">… {before} before …</span> ' if before else ""
    scale = (
        '<span class="gb-scale"><span class="gb-negative">certainly negative</span> '
        '<span>undecided</span> <span class="gb-positive">certainly positive</span></span>'
    )
    title = f"<b>The verdict after every word</b> {scale}"
    return f'<div class="gb-figure">{title}<div class="gb-words">{head}{words}</div></div>'


def _word(word: str, positive: float) -> str:
    role, share = ("value", 2 * positive - 1) if positive >= 0.5 else ("key", 1 - 2 * positive)
    color = f"color-mix(in srgb, var(--gb-{role}) {100 * share:.0f}%, transparent)"
    title = f"after “{word.strip()}”: positive {percent(positive, 1)}"
    space = "" if word.startswith("##") else " "
    style = f'style="border-bottom-color: {color}"'
    return f'{space}<span {style} title="{html.escape(title)}">{html.escape(word.removeprefix("##"))}</span>'


def runs_html(runs: Sequence[tuple[str, int, str, float]]) -> str:
    """Earlier runs as (text, steps, verdict, probability of it), the newest first."""
    rows = "".join(
        f"<tr><td>{html.escape(_short(text))}</td><td>{steps}</td><td>{html.escape(verdict)}</td>"
        f"<td>{percent(probability, 1)}</td></tr>"
        for text, steps, verdict, probability in reversed(runs)
    )
    head = "<tr><th>text</th><th>steps</th><th>verdict</th><th>probability</th></tr>"
    return f'<table class="gb-table">{head}{rows}</table>'


def _short(text: str, limit: int = 70) -> str:
    return text if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 2 :]}"


def baselines_html(probability: float, baselines: Mapping[str, float]) -> str:
    """The network's probability of rain beside those of simpler models."""
    shown = {"this network": probability, **baselines}
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td>"
        f'<td><span class="gb-bar" style="width: {6 * share:.2f}rem"></span> {percent(share, 1)}</td>'
        "</tr>"
        for name, share in shown.items()
    )
    head = "<tr><th>model</th><th>probability of rain today</th></tr>"
    return f'<table class="gb-table">{head}{rows}</table>'


def draw_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """HTML: a small table; every cell is text."""
    cells = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<table class="gb-table"><tr>{"".join(map(_head_cell, head))}</tr>{body}</table>'


def _head_cell(name: str) -> str:
    return f"<th>{html.escape(name)}</th>" if name else "<td></td>"
