"""The words of the stories, and how a text becomes sentences and numbers."""

import re
from typing import NamedTuple

from models.errors import InputError

PEOPLE = (
    *("anna", "ben", "clara", "daniel", "emma", "fred", "grace", "henry", "julie", "bill", "john", "leo"),
    *("mary", "nina", "olive", "paul", "ruth", "sandra", "tom", "vera", "yusuf", "mina", "carlos", "aisha"),
)
PLACES = (
    *("kitchen", "garden", "bathroom", "bedroom", "office", "hallway", "school", "park", "cinema", "library"),
    *("cellar", "attic", "station", "market", "church", "museum", "barn", "hospital", "forest", "beach"),
)
CONTAINERS = ("box", "bag", "basket", "backpack", "suitcase")
THINGS = (
    *("apple", "football", "milk", "book", "key", "lamp", "letter", "cup", "hat", "coin", "guitar", "pencil"),
    *("phone", "sandwich", "umbrella", "watch", "ring", "map", "knife", "camera", "banana", "ball", "cake", "shoe"),
)
OTHER = (
    *("the", "a", "to", "in", "and", "not", "no", "longer", "is", "was", "are", "were", "where", "who", "what", "has"),
    *("did", "before", "there", "then", "later", "after", "that", "now", "it", "up", "down", "back", "into", "does"),
    *("went", "moved", "walked", "ran", "travelled", "journeyed", "goes", "came", "took", "picked", "got", "grabbed"),
    *("takes", "carried", "brought", "dropped", "put", "left", "gave", "handed", "passed", "placed", "give", "have"),
)
YES, NO, NOBODY, NOT_SAID, CONTRADICTION = "yes", "no", "nobody", "(not said)", "(contradiction)"
SPARE = tuple(f"(word {number})" for number in range(1, 33))
PADDING = "(padding)"
VOCABULARY = (
    *(PADDING, NOT_SAID, CONTRADICTION, YES, NOBODY),
    *SPARE,
    *PEOPLE,
    *PLACES,
    *CONTAINERS,
    *THINGS,
    *OTHER,
)
NUMBERS = {word: number for number, word in enumerate(VOCABULARY)}
MAX_WORDS = 16
MAX_SENTENCES = 400
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?;\n\u3002\uff01\uff1f]+")


class Read(NamedTuple):
    """A story and a question as the network reads them.

    sentences: as they were written; symbols: places in `VOCABULARY` of each one's words; question: of the question's
    spare: the words that stand in for `SPARE`, in the order of their first appearance
    """

    sentences: tuple[str, ...]
    symbols: tuple[tuple[int, ...], ...]
    question: tuple[int, ...]
    spare: tuple[str, ...]


def words_of(text: str) -> list[str]:
    """The words of a text in small letters."""
    return _WORD.findall(text.lower())


def sentences_of(text: str) -> list[str]:
    """A text cut at its full stops, question marks and line ends; parts without a word are left out."""
    return [part.strip() for part in _SENTENCE.findall(text) if words_of(part)]


def read(story: str, question: str) -> Read:
    """A story and a question as numbers. A word that is not in `VOCABULARY` takes one of the spare places.

    Raises `InputError` where there is nothing to read or too much, and for a text of words that it was not taught.
    """
    sentences, asked = sentences_of(story), words_of(question)
    if not sentences:
        raise InputError("The story has no sentence: write at least one, such as \u201cMary is in the garden.\u201d")
    if not asked:
        raise InputError("Ask a question, such as \u201cWhere is Mary?\u201d")
    if len(sentences) > MAX_SENTENCES:
        raise InputError(f"The story has {len(sentences):,} sentences; at most {MAX_SENTENCES} are read.")
    split = [words_of(sentence) for sentence in sentences]
    for place, words in enumerate(split, 1):
        if len(words) > MAX_WORDS:
            raise InputError(f"Sentence {place} has {len(words):,} words; it reads sentences of up to {MAX_WORDS}.")
    if len(asked) > MAX_WORDS:
        raise InputError(f"The question has {len(asked):,} words; it reads questions of up to {MAX_WORDS}.")
    everything = [word for words in [*split, asked] for word in words]
    spare = tuple(dict.fromkeys(word for word in everything if word not in NUMBERS))
    _check_known(everything, asked, spare)
    numbers = NUMBERS | {word: NUMBERS[place] for word, place in zip(spare, SPARE, strict=False)}
    return Read(
        tuple(sentences),
        tuple(tuple(numbers[word] for word in words) for words in split),
        tuple(numbers[word] for word in asked),
        spare,
    )


def _check_known(everything: list[str], asked: list[str], spare: tuple[str, ...]) -> None:
    """`InputError` for another language, for too many words that it was not taught, and for another question."""
    unknown = sum(word in spare for word in everything)
    if 2 * unknown > len(everything) or asked[0] in spare:
        raise InputError(
            "It was taught short English sentences about who goes where with what, and questions that begin with "
            "where, who, is or what. Too few of these words are known to it."
        )
    if len(spare) > len(SPARE):
        raise InputError(f"The story has {len(spare)} words that it was not taught; it can tell {len(SPARE)} apart.")
    if asked[0] not in ("where", "who", "is", "what"):
        raise InputError("It can answer questions that begin with where, who, is or what.")
