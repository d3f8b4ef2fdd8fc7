"""A text cut into sentences, and capitals brought to the form in which the translators have seen them."""

import re

ABBREVIATIONS = {"mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "vs", "etc", "e.g", "i.e", "fig", "inc", "co"}
END = re.compile(r"[.!?…]+[\"')\]»”’]*(?:\s+|$)|\n+\s*")
OWN_CAPITAL = re.compile(r"\bi\b")
MIN_CAPITALS = 4
CAPITALS_NOTE = "A sentence all in capitals is read in small letters; its names lose theirs."


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, one by one, each with its stop; joined by blanks they are the text.

    A sentence ends at a stop before a blank, if a capital, a digit or a sign follows and no abbreviation precedes, and
    at every line break.
    """
    sentences, begins = [], 0
    for end in END.finditer(text):
        if not end[0].strip() or _ends(text[begins : end.start()], end[0], text[end.end() :]):
            sentences.append(text[begins : end.end()].strip())
            begins = end.end()
    return [sentence for sentence in (*sentences, text[begins:].strip()) if sentence]


def _ends(before: str, stop: str, after: str) -> bool:
    if after[:1].islower() and "\n" not in stop:
        return False
    word = before.split()[-1].lstrip("\"'([«“‘") if before.split() else ""
    is_short = word.lower() in ABBREVIATIONS or (len(word) == 1 and word.isupper() and word != "I")
    return stop.strip() != "." or not is_short or not after


def in_small_letters(sentence: str) -> str:
    """A sentence that is all in capitals as it would be written otherwise; any other one as it is.

    Names lose their capitals, which nobody can tell from the text.
    """
    letters = [character for character in sentence if character.isalpha()]
    if len(letters) < MIN_CAPITALS or any(character.islower() for character in letters):
        return sentence
    small = OWN_CAPITAL.sub("I", sentence.lower())
    first = next(place for place, character in enumerate(small) if character.isalpha())
    return small[:first] + small[first].upper() + small[first + 1 :]
