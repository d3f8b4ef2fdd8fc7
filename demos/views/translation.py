"""A translation as it is written: the alignment grid and its candidates, the tree of a beam search, BLEU by length."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from demos.views.explorer import STEPS, in_steps
from demos.views.tables import scrolls
from demos.wire import Float16, Uint16, view

if TYPE_CHECKING:
    from models.attention.drafts import Beam, Find, Translated, Written

LOOKS = {
    "translator-en-fr": ("Transformer", "prediction", "9 3 2 3"),
    "gru-attention-en-fr": ("GRU with attention", "key", ""),
    "gru-translator-en-fr": ("GRU, one vector", "memory", "2 3"),
}
END = "(end)"
END_MARK = "</s>"


@view
class WritingView:
    """A translation under way (`translation_view`): S tokens read, T written, R rows: T, and one more unless `ended`.

    ids: numbers of the written tokens.
    candidates: for each row the likeliest tokens, best first: number, token, probability.
    layers, heads: of the attention; 0 for a network without.
    weights: `[layers, heads, R, S]` in steps of 1 / `steps`, a row for each entry of `candidates`; None without.
    vector: `[units]`, all that a network without attention is told; None for others.
    total: natural logarithm of the probability of all that is written.
    """

    source: list[str]
    written: list[str]
    ids: list[int]
    candidates: list[list[tuple[int, str, float]]]
    layers: int
    heads: int
    steps: int
    weights: Uint16 | None
    vector: Float16 | None
    ended: bool
    total: float
    text: str
    note: str


@view
class TreeNode:
    """A token of a beam search: its parent among the nodes, its step, its rank in it (by the total, best first).

    log: natural logarithm of its probability; total: of all up to here. best: it belongs to the winner.
    """

    parent: int | None
    step: int
    rank: int
    word: str
    log: float
    total: float
    fate: Literal["kept", "ended", "dropped"]
    best: bool


@view
class TreeView:
    """The tree of a beam search after a beginning (`beam_tree`)."""

    nodes: list[TreeNode]
    beginning: str
    width: int


def view_of_writing(found: "Written") -> WritingView:
    """A draft for the browser."""
    layers, heads = (0, 0) if found.attention is None else found.attention.shape[:2]
    return WritingView(
        source=[_shown(token) for token in found.source],
        written=[_shown(token) for token in found.written],
        ids=list(found.ids),
        candidates=[
            [(number, _shown(word), float(f"{share:.4g}")) for number, word, share in row] for row in found.candidates
        ],
        layers=layers,
        heads=heads,
        steps=STEPS,
        weights=None if found.attention is None else in_steps(found.attention),
        vector=found.vector,
        ended=found.ended,
        total=round(found.total, 3),
        text=found.text,
        note=found.note,
    )


def view_of_tree(beam: "Beam") -> TreeView:
    """The tree of a search."""
    search = beam.search
    best = set(search.path(search.winner))
    ranks: dict[int, int] = {}
    nodes = []
    for index, (node, word) in enumerate(zip(search.nodes, beam.words, strict=True)):
        ranks[node.step] = ranks.get(node.step, -1) + 1
        nodes.append(
            TreeNode(
                parent=node.parent,
                step=node.step,
                rank=ranks[node.step],
                word=_shown(word),
                log=round(node.log_probability, 2),
                total=round(node.total, 2),
                fate=node.fate,
                best=index in best,
            )
        )
    return TreeView(nodes, beam.beginning, search.width)


def table_of_finds(beam: "Beam") -> str:
    """HTML: the whole translations that a search found, best first, beside the greedy one."""
    rows = "".join(_row(f"{place}", find, wins=place == 1) for place, find in enumerate(beam.finds, 1))
    head = "<tr><th>place</th><th>translation</th><th>log p</th><th>tokens</th><th>log p a token, rounded</th></tr>"
    return _table(head + rows + _row("greedy", beam.greedy, wins=False)) + _verdict(beam)


def _row(place: str, find: "Find", *, wins: bool) -> str:
    name = f"<b>{html.escape(find.text)}</b>" if wins else html.escape(find.text)
    cells = (place, name, _minus(find.total), str(find.tokens), _minus(find.total / max(1, find.tokens)))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _verdict(beam: "Beam") -> str:
    if beam.search.width == 1:
        return '<p class="gb-note">A beam of width 1 is greedy.</p>'
    if beam.better:
        same = beam.finds[0].text == beam.greedy.text
        said = "The beam finds what greedy finds." if same else "The beam finds a better one than greedy."
    else:
        said = "Here greedy is better: its beginning fell out of the beam when others were ahead for a moment."
    return f'<p class="gb-note">{said}</p>'


def table_of_versions(versions: "Mapping[str, Translated]") -> str:
    """HTML: one sentence by several networks, by their names."""
    head = "<tr><th>network</th><th>translation</th><th>time</th><th>parameters</th><th>log p a token</th></tr>"
    body = "".join(
        f"<tr><td>{html.escape(_title(name))}</td><td lang='fr'>{html.escape(one.translation)}</td>"
        f"<td>{1000 * one.run.seconds:.0f} ms</td><td>{one.run.parameters / 1e6:.2f} M</td>"
        f"<td>{_minus(one.log_probability / max(1, len(one.written)))}</td></tr>"
        for name, one in versions.items()
    )
    return _table(head + body)


def _table(rows: str) -> str:
    return f'<div {scrolls("Three networks")}><table class="gb-table" style="min-width:34rem">{rows}</table></div>'


def chart_of_bleu(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
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


def say_bleu(lines: Sequence[Mapping[str, Any]]) -> str:
    """How much of its BLEU each network loses from the shortest sentences to the longest."""
    losses = []
    for line in sorted(lines, key=lambda line: -line["bleu"]):
        first, *_, last = line["by_length"].values()
        losses.append(f"{_title(line['model'])} {first['bleu']:.1f} to {last['bleu']:.1f}")
    shortest, *_, longest = lines[0]["by_length"]
    return f"Measured beforehand, BLEU from sentences of {shortest} words to those of {longest}: {', '.join(losses)}."


def _title(name: str) -> str:
    return LOOKS[name][0] if name in LOOKS else name


def _shown(token: str) -> str:
    return END if token == END_MARK else token


def _minus(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
