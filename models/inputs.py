"""Checks for values that come from outside: each returns a clean value or raises `InputError` with one sentence."""

import math
from collections.abc import Collection

from models.errors import InputError
from models.normal import normal, tidy_name


def check_text(value: object, *, name: str, max_chars: int, allow_empty: bool = False) -> str:
    """The text in its normal form (`models.normal`). Empty or too long: `InputError`."""
    if not isinstance(value, str):
        raise InputError(f"{name} must be text.")
    text = normal(value)
    if len(text) > max_chars:
        raise InputError(f"{name} has {len(text):,} characters; the limit is {max_chars:,}.")
    if not allow_empty and not text.strip():
        raise InputError(f"{name} is empty: type a few words.")
    return text


def check_name(value: object, *, name: str, max_chars: int) -> str:
    """A name on one line, with single blanks. Empty or too long: `InputError`."""
    return tidy_name(check_text(value, name=name, max_chars=max_chars))


def check_number(value: object, *, name: str, low: float, high: float) -> float:
    """A finite number with `low <= number <= high`; booleans and numbers written as text are refused."""
    number = _finite(value)
    if number is None:
        raise InputError(f"{name} must be a number from {low:g} to {high:g}.")
    if not low <= number <= high:
        raise InputError(f"{name} must be from {low:g} to {high:g}; {number:g} is outside.")
    return number


def check_integer(value: object, *, name: str, low: int, high: int) -> int:
    """A whole number with `low <= number <= high`; 7.0 counts as whole, as JSON does not tell it from 7."""
    number = _finite(value)
    if number is None or not number.is_integer():
        raise InputError(f"{name} must be a whole number from {low:,} to {high:,}.")
    if not low <= number <= high:
        raise InputError(f"{name} must be from {low:,} to {high:,}; {number:,.0f} is outside.")
    return int(number)


def check_choice(value: object, choices: Collection[str], *, name: str) -> str:
    """One of `choices`, exactly."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} must be one of: {', '.join(choices)}.")
    return value


def check_flag(value: object, *, name: str) -> bool:
    """True or False and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise InputError(f"{name} must be true or false.")
    return value


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
