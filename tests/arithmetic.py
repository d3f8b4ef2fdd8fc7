"""Printed arithmetic, read as a reader would: whether the right side can be what the left side gives.

Every printed number stands for all numbers that are rounded to it: 0.31 for 0.305 to 0.315. A sum of printed numbers
is right where its range and that of the printed result meet.
"""

import math
import re

NUMBER = r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?"
TOKEN = re.compile(rf"\s*(?:({NUMBER})|(tanh|e\^|\||√|[-+*/()²]))")
AS_TYPED = str.maketrans({"−": "-", "·": "*", "×": "*", "÷": "/"})


def holds(left, right, significant=None):
    """Whether the printed `left` gives the printed `right`.

    `significant`: digits that numbers are rounded to where zeros at their end are left out; None: as many as there are.
    """
    (low, high), (least, most) = value_of(left, significant), value_of(right, significant)
    slack = 1e-9 * max(1, abs(low), abs(high))
    return low <= most + slack and least <= high + slack


def adds_up(text, significant=None):
    """Whether "left = right" is right to the last printed digit, taken at its word, and "left ≈ right" holds at all."""
    left, sign, right = re.split(r" ([=≈]) ", text)
    if not holds(left, right, significant):
        return False
    (taken, _), (low, high) = value_of(left, exact=True), value_of(right, significant)
    slack = 1e-9 * max(1, abs(taken))
    return sign == "≈" or low - slack <= taken <= high + slack


def value_of(text, significant=None, *, exact=False):
    """(lowest, highest) of what a printed expression can mean. Fails for one that is no arithmetic.

    exact: numbers are what they are printed as, so that both are equal.
    """
    reader = _Reader(text.translate(AS_TYPED), significant, exact=exact)
    found = reader.sum()
    assert reader.next is None, f"{text!r} is no arithmetic at {reader.next!r}"
    assert not any(map(math.isnan, found)), text
    return found


class _Reader:
    """Recursive descent, in ranges."""

    def __init__(self, text, significant, *, exact):
        self._significant, self._exact = significant, exact
        matches = []
        place = 0
        while place < len(text.rstrip()):
            match = TOKEN.match(text, place)
            assert match, f"{text!r} is no arithmetic at {text[place:]!r}"
            matches.append(match.group(1) or match.group(2))
            place = match.end()
        self._tokens = iter(matches)
        self.next = next(self._tokens, None)

    def _take(self, *wanted):
        if self.next not in wanted:
            return None
        taken, self.next = self.next, next(self._tokens, None)
        return taken

    def sum(self):
        total = self._product()
        while sign := self._take("+", "-"):
            low, high = self._product()
            total = (total[0] + low, total[1] + high) if sign == "+" else (total[0] - high, total[1] - low)
        return total

    def _product(self):
        product = self._signed()
        while sign := self._take("*", "/"):
            ends = self._signed()
            if sign == "/":
                assert ends[0] > 0 or ends[1] < 0, "divided by what may be zero"
                ends = (1 / ends[1], 1 / ends[0])
            corners = [one * other for one in product for other in ends]
            product = (min(corners), max(corners))
        return product

    def _signed(self):
        if self._take("-"):
            low, high = self._signed()
            return -high, -low
        if self._take("e^"):
            return tuple(map(math.exp, self._signed()))
        if self._take("√"):
            return tuple(map(math.sqrt, self._signed()))
        if self._take("tanh"):
            return tuple(map(math.tanh, self._signed()))
        return self._squared()

    def _squared(self):
        value = self._atom()
        if self._take("²"):
            ends = [one * one for one in value]
            return (0.0 if value[0] < 0 < value[1] else min(ends)), max(ends)
        return value

    def _atom(self):
        if self._take("("):
            inside = self.sum()
            assert self._take(")"), "a bracket is open"
            return inside
        text = self.next
        assert text and text[0].isdigit(), f"a number is missing at {text!r}"
        self.next = next(self._tokens, None)
        plain = text.replace(",", "")
        return (float(plain), float(plain)) if self._exact else _rounded_to(plain, self._significant)


def _rounded_to(text, significant):
    """(lowest, highest) of what is rounded to a printed number."""
    value, (mantissa, _, exponent) = float(text), text.partition("e")
    last = int(exponent or 0) - len(mantissa.partition(".")[2])
    if significant and not exponent:
        last = math.floor(math.log10(value)) - significant + 1 if value else -math.inf
    half = 0.5 * 10**last
    return value - half, value + half
