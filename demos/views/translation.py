"""A translation as it is written: the alignment grid and its candidates, the tree of a beam search, BLEU by length."""

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.views.attention import pack

if TYPE_CHECKING:
    from models.attention.beam import Search

LOOKS = {
    "translator-en-fr": ("Transformer", "prediction", "9 3 2 3"),
    "gru-attention-en-fr": ("GRU with attention", "key", ""),
    "gru-translator-en-fr": ("GRU, one vector", "memory", "2 3"),
}
END = "(end)"
END_MARK = "</s>"


@dataclass(frozen=True)
class Writing:
    """What is drawn of a translation under way.

    Attributes:
        source: the S tokens read; `written`: the T tokens written, the end mark among them.
        ids: numbers of the written tokens.
        candidates: for each of the T positions, and for the next one unless `ended`, the likeliest tokens as (number,
            token, probability), best first.
        attention: `[layers, heads, rows, S]`, a row for each entry of `candidates`; None for a network without.
        vector: all that such a network is told, `[units]`; None for others.
        total: natural logarithm of the probability of all that is written.
        text: the same as plain text; `note`: a sentence, or nothing.
    """

    source: Sequence[str]
    written: Sequence[str]
    ids: Sequence[int]
    candidates: Sequence[Sequence[tuple[int, str, float]]]
    attention: np.ndarray | None
    vector: np.ndarray | None
    ended: bool
    total: float
    text: str
    note: str = ""


def draw_writing(writing: Writing) -> dict[str, Any]:
    """The value of the `translation_view` component."""
    attention, vector = writing.attention, writing.vector
    layers, heads = (0, 0) if attention is None else attention.shape[:2]
    return {
        "source": [_shown(token) for token in writing.source],
        "written": [_shown(token) for token in writing.written],
        "ids": list(writing.ids),
        "candidates": [
            [{"id": number, "word": _shown(word), "share": float(f"{share:.4g}")} for number, word, share in row]
            for row in writing.candidates
        ],
        "layers": layers,
        "heads": heads,
        "weights": "" if attention is None else pack(attention),
        "vector": None if vector is None else _signed(vector),
        "ended": writing.ended,
        "total": round(writing.total, 3),
        "text": writing.text,
        "note": writing.note,
    }


def draw_tree(search: "Search", word: Callable[[int], str], beginning: str) -> dict[str, Any]:
    """The value of the `beam_tree` component; nodes of a step are ranked by their total, the best first."""
    best = set(search.path(search.winner))
    ranks: dict[int, int] = {}
    nodes = []
    for index, node in enumerate(search.nodes):
        ranks[node.step] = ranks.get(node.step, -1) + 1
        nodes.append(
            {
                "parent": node.parent,
                "step": node.step,
                "rank": ranks[node.step],
                "word": _shown(word(node.token)),
                "log": round(node.log_probability, 2),
                "total": round(node.total, 2),
                "fate": node.fate,
                "best": index in best,
            }
        )
    return {"nodes": nodes, "beginning": beginning, "width": search.width}


def draw_finds(search: "Search", text: Callable[[Sequence[int]], str], greedy: tuple[str, float, int]) -> str:
    """HTML: the whole translations that a search found, best first, beside the greedy one (text, total, tokens)."""
    whole = [index for index, node in enumerate(search.nodes) if node.fate == "ended"] or [search.winner]
    whole.sort(key=search.score, reverse=True)
    rows = [
        (text(search.written(index)), search.nodes[index].total, search.nodes[index].step, index == search.winner)
        for index in whole
    ]
    body = "".join(_find(f"{place}", *row) for place, row in enumerate(rows, 1)) + _find("greedy", *greedy, False)
    head = "<tr><th></th><th>translation</th><th>log p</th><th>tokens</th><th>log p a token</th></tr>"
    return _table(head + body) + _verdict(search, rows, greedy)


def _find(place: str, text: str, total: float, tokens: int, wins: bool) -> str:
    name = f"<b>{html.escape(text)}</b>" if wins else html.escape(text)
    cells = (place, name, _minus(total), str(tokens), _minus(total / max(1, tokens)))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _verdict(search: "Search", rows: Sequence[tuple[str, float, int, bool]], greedy: tuple[str, float, int]) -> str:
    if search.width == 1:
        return '<p class="gb-note">A beam of width 1 is greedy.</p>'
    best = greedy[1] / max(1, greedy[2]) if search.by_length else greedy[1]
    if search.score(search.winner) >= best - 1e-6:
        same = rows[0][0] == greedy[0]
        said = "The beam finds what greedy finds." if same else "The beam finds a better one than greedy."
    else:
        said = "Here greedy is better: its beginning fell out of the beam when others were ahead for a moment."
    return f'<p class="gb-note">{said}</p>'


def draw_versions(rows: Sequence[tuple[str, str, float, int, float]]) -> str:
    """HTML: one sentence by several networks, as (name, translation, seconds, parameters, log p a token)."""
    head = "<tr><th>network</th><th>translation</th><th>time</th><th>parameters</th><th>log p a token</th></tr>"
    body = "".join(
        f"<tr><td>{html.escape(_title(name))}</td><td lang='fr'>{html.escape(text)}</td>"
        f"<td>{1000 * seconds:.0f} ms</td><td>{parameters / 1e6:.2f} M</td><td>{_minus(mean)}</td></tr>"
        for name, text, seconds, parameters, mean in rows
    )
    return _table(head + body)


def _table(rows: str) -> str:
    return f'<div style="overflow-x:auto"><table class="gb-table" style="min-width:34rem">{rows}</table></div>'


def draw_bleu(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The value of the `chart` component from the lines of `models.recipes.sequences.translation.evaluate`."""
    series = []
    for line in sorted(lines, key=lambda line: -line["bleu"]):
        name, color, dash = LOOKS.get(line["model"], (line["model"], "input", "1 4"))
        points = [[group["words"], group["bleu"]] for group in line["by_length"].values()]
        series.append({"name": name, "color": color, "dash": dash, "points": points})
    return {"series": series, "x": "English words (mean of each group)", "y": "BLEU", "low": 0, "dots": True}


def rows_of_bleu(lines: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table of BLEU by length."""
    lines = sorted(lines, key=lambda line: -line["bleu"])
    groups = lines[0]["by_length"]
    head = ["English words", "sentences", *(_title(line["model"]) for line in lines)]
    rows = [
        [name, f"{group['sentences']:,}", *(f"{line['by_length'][name]['bleu']:.1f}" for line in lines)]
        for name, group in groups.items()
    ]
    return head, [*rows, ["all", f"{lines[0]['sentences']:,}", *(f"{line['bleu']:.1f}" for line in lines)]]


def _title(name: str) -> str:
    return LOOKS[name][0] if name in LOOKS else name


def _shown(token: str) -> str:
    return END if token == END_MARK else token


def _minus(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _signed(values: np.ndarray) -> dict[str, Any]:
    limit = float(np.abs(values).max()) or 1.0
    steps = np.rint(values / limit * 127).astype(np.int8)
    return {"values": base64.b64encode(steps.tobytes()).decode(), "limit": round(limit, 2)}
