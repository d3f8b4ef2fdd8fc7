"""Tokens of any tokenizer as a reader would write them."""

from functools import cache
from typing import Any

SPACE = "\u2581"
"""Stands for the space before a word inside a token, as in SentencePiece."""
BYTE_MARKS = ("\u0120", "\u010a")
"""A space and a line break, as byte-level tokenizers write them; each has a token of its own there."""


def readable_tokens(tokenizer: Any, ids: list[int]) -> list[str]:
    """Tokens as a reader would write them: a space for the marks of a space, bytes of a split character as hex.

    Word pieces keep their "##" and special tokens their brackets; the piece after a space begins with it.
    """
    special = set(tokenizer.all_special_ids)
    tokens = [token or "<unused>" for token in tokenizer.convert_ids_to_tokens(ids)]  # tables can have rows to spare
    byte_level = all(tokenizer.convert_tokens_to_ids(mark) not in (None, tokenizer.unk_token_id) for mark in BYTE_MARKS)
    return [
        token if number in special else _readable(token, byte_level=byte_level)
        for number, token in zip(ids, tokens, strict=True)
    ]


def _readable(token: str, *, byte_level: bool) -> str:
    if not byte_level:
        return token.replace(SPACE, " ")
    content = bytes(_byte_of_character()[character] for character in token)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return "<" + content.hex(" ").upper() + ">"


@cache
def _byte_of_character() -> dict[str, int]:
    """The printable characters by which GPT-2's tokenizer writes the 256 bytes (Radford et al. 2019), inverted."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(hidden)}
