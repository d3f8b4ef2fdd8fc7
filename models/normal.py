"""The one form in which text is read, whatever system, keyboard or program it comes from.

`normal` is the door: it changes nothing that a reader sees. `PLAIN` is the shared table of typographic variants, for
networks that were trained without them. `same_name` compares names as a reader does.
"""

import re
import unicodedata

PLAIN = {
    variant: plain
    for plain, variants in {"'": "‘’‚‛′ʼ´‹›", '"': "“”„‟″«»", "-": "‐‑‒–−", "—": "―⸺⸻"}.items()
    for variant in variants
}
"""A quote or dash to the one that keyboards have."""
LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
BLANKS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
LIGATURES = {chr(0xFB00 + place): letters for place, letters in enumerate(("ff", "fi", "fl", "ffi", "ffl", "st", "st"))}
"""Letters joined by a printer's type, as PDF files hand them out."""
LIGATURE = re.compile("[\ufb00-\ufb06]")
LOOKALIKES = str.maketrans("авекмнорстухѕіјһԁԛԝαεικνορτυχ", "abekmhopctyxsijhdqwaeikvoptux")
"""Small letters of other alphabets to the Latin ones that look like them, or whose capitals do (Unicode, UTS 39)."""
JOINERS = "\u200c\u200d"
INVISIBLE = re.compile(
    "[\0-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Control and format characters, fillers, variation selectors, lone surrogates: nobody sees them in a text."""
IDLE_JOINERS = re.compile(
    f"(?<![\u0590-\u1fff\u2190-\U0001ffff])[{JOINERS}]|[{JOINERS}](?![\u0590-\u1fff\u2190-\U0001ffff])"
)
"""Joiners that join nothing: beside letters without joined forms."""


def normal(text: str) -> str:
    """One line break (a line feed), one blank, composed accents (NFC), letters for ligatures, nothing invisible."""
    if text.isascii() and text.isprintable():
        return text
    text = BLANKS.sub(" ", LINE_ENDS.sub("\n", text))
    text = LIGATURE.sub(lambda found: LIGATURES[found[0]], text)
    return unicodedata.normalize("NFC", IDLE_JOINERS.sub("", INVISIBLE.sub("", text)))


def plain(character: str) -> str:
    """What a keyboard has for a character: quotes and dashes of `PLAIN`, the narrow form of a full-width one."""
    narrow = unicodedata.normalize("NFKC", character)
    return PLAIN.get(character) or (narrow if len(narrow) == 1 else character)


def tidy_name(name: str) -> str:
    """A name as it is shown: normal form, single blanks, none around it."""
    return " ".join(normal(name).split())


def same_name(name: str) -> str:
    """Equal for names that a reader takes for one: blanks, capitals, widths, quotes, dashes, alphabets apart."""
    folded = unicodedata.normalize("NFKC", "".join(map(plain, tidy_name(name))))
    return tidy_name(folded.casefold().translate(LOOKALIKES))
