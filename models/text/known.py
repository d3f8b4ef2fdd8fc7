"""Which parts of a text a network has no symbol for, and the sentence that says so."""

import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from models.errors import InputError
from models.normal import JOINERS
from models.text.readable import SPACE, readable_tokens

if TYPE_CHECKING:
    from tokenizers import Encoding

NAMED = 6
BYTES = "it reads their single bytes"


def unknown_sentence(parts: Iterable[str], how: str = "it reads them as unknown") -> str:
    """What has no symbol, each named once; nothing if there is none."""
    parts = list(dict.fromkeys(parts))
    names = [f"“{_seen(part)}”" for part in parts if part.strip(JOINERS)] or parts
    if not names:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"This network has no symbol for {', '.join(names[:NAMED])}{more}: {how}."


def _seen(part: str) -> str:
    """A part as it can be read between quotes: an accent on a circle, a character without a form by its number."""
    if unicodedata.combining(part[0]):
        return f"◌{part}"
    private = unicodedata.category(part[0]) in ("Co", "Cn") and len(part) == 1
    return f"U+{ord(part):04X}" if private else part


def has_meaning(part: str) -> bool:
    """Whether a piece has a letter, a digit or a sign of its own, and is not just punctuation or a blank."""
    return any(character.isalnum() or ord(character) > 0x2FF for character in part)


def unknown_parts(encoding: "Encoding", text: str, unknown: int) -> tuple[str, ...]:
    """The parts of a text that became the token `unknown`."""
    return tuple(text[a:b] for token, (a, b) in zip(encoding.ids, encoding.offsets, strict=True) if token == unknown)


def is_some_known(encoding: "Encoding", text: str, unknown: int) -> bool:
    """Whether a text has a part with a symbol of its own, or nothing but stops and blanks."""
    pieces = zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)
    known = [token != unknown for token, piece, (a, b) in pieces if piece != SPACE and has_meaning(text[a:b])]
    return any(known) or not known


def require_some_known(encoding: "Encoding", text: str, unknown: int, what: str) -> None:
    """Refuse a text of which nothing has a symbol: an answer to it would be an answer to nothing.

    `what`: the text, in two words. Raises `InputError`.
    """
    if not is_some_known(encoding, text, unknown):
        raise InputError(f"This network has no symbol for anything in {what}: it was trained on English.")


def strangers_of(tokenizer: Any, text: str) -> str:
    """The sentence about a text and a tokenizer of the transformers library.

    A word with an unknown token is named; where every byte has a token, characters that fall apart into bytes are.
    """
    if words := words_with_unknown(tokenizer, text):
        return unknown_sentence(words)
    foreign = (character for character in dict.fromkeys(text) if not character.isascii())
    return unknown_sentence((character for character in foreign if _falls_into_bytes(tokenizer, character)), BYTES)


def words_with_unknown(tokenizer: Any, text: str) -> tuple[str, ...]:
    """Words of which some part becomes the unknown token."""
    unknown = tokenizer.unk_token_id
    if unknown not in _ids(tokenizer, text):
        return ()
    return tuple(word for word in text.split() if unknown in _ids(tokenizer, word))


def _ids(tokenizer: Any, part: str) -> list[int]:
    return tokenizer(part, add_special_tokens=False, verbose=False)["input_ids"]


def _falls_into_bytes(tokenizer: Any, character: str) -> bool:
    ids = _ids(tokenizer, character)
    return len(ids) > 1 and all(token.startswith("<") for token in readable_tokens(tokenizer, ids))
