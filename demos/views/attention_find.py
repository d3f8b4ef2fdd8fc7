"""Heads found for the visitor: what one of them does for the run, in a sentence."""

from typing import TYPE_CHECKING

from demos.sentences import percent
from demos.wire import view

if TYPE_CHECKING:
    from models.attention.effects import Comparison


@view
class WithoutView:
    """What becomes of a run without a head."""

    sentence: str


def view_without(found: "Comparison", name: str, query: int) -> WithoutView:
    """The effect of switching off the head called `name`, at the token `query` that looks, and where it is largest."""
    if found.bits is None or not found.rows:
        return WithoutView(f"Without {name} {_moved(found, query)}")
    own = query if found.own is None else found.own
    said = f"Without {name} {_prediction(found, own)}"
    return WithoutView(
        said if own == found.most else f"{said} It counts most elsewhere: {_prediction(found, found.most)}"
    )


def _prediction(found: "Comparison", place: int) -> str:
    word, before, after = max(found.rows[place], key=lambda row: row[1])
    where = {"written": "where it is written", "masked": f"at “{_said(found.places[place])}”"}.get(
        found.predicts, f"after “{_said(found.places[place])}”"
    )
    bits = 0.0 if found.bits is None else float(found.bits[place])
    return f"the probability of “{_said(word)}” {where} goes from {before:.3f} to {after:.3f} ({bits:.3f} bits)."


def _moved(found: "Comparison", query: int) -> str:
    stack = found.stacks[0]
    shares = stack.moved / stack.length.clip(1e-12)
    most = int(shares.argmax())
    said = f"the last vector of “{_said(stack.tokens[query])}” moves by {percent(shares[query])} of its length"
    return (
        f"{said}, more than any other."
        if most == query
        else f"{said}, that of “{_said(stack.tokens[most])}” most, by {percent(shares[most])}."
    )


def _said(token: str) -> str:
    return token.strip() or "space"
