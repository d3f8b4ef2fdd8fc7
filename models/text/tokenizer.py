"""Words into pieces: one byte-pair vocabulary for both languages (Sennrich et al. 2016), stored with the weights."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from models.normal import PLAIN
from models.text.readable import SPACE

PAD, BOS, EOS, UNKNOWN = 0, 1, 2, 3
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
WORD = rf"{SPACE}?\w+'?|{SPACE}?[^\w{SPACE}]+|{SPACE}"
"""What BPE may not merge across: a word with the space before it and the apostrophe after it ("j'", "don'")."""


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A BPE tokenizer of `vocabulary` tokens; encodings end with `</s>`, characters never seen become `<unk>`."""
    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL[UNKNOWN]))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace("\u2019", "'"),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
            normalizers.Prepend(" "),
            normalizers.Replace(" ", SPACE),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), behavior="isolated")
    tokenizer.decoder = decoders.Metaspace(replacement=SPACE)
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=SPECIAL, show_progress=False, min_frequency=2)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", EOS)])
    return tokenizer


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer stored beside the weights in `folder`, for what visitors type (see `for_visitors`)."""
    return for_visitors(Tokenizer.from_file(str(folder / "tokenizer.json")), keep="«»")


def for_visitors(tokenizer: Tokenizer, keep: str = "") -> Tokenizer:
    """The tokenizer with all that is typed as text: control tokens are letters and signs, nothing more.

    Quotes and dashes become those of keyboards (but those to `keep`), full-width forms narrow ones.
    """
    tokenizer.encode_special_tokens = True
    variants = {plain: "".join(v for v, p in PLAIN.items() if p == plain and v not in keep) for plain in PLAIN.values()}
    tables: list[Any] = [normalizers.Replace(Regex(f"[{those}]"), plain) for plain, those in variants.items()]
    own = [tokenizer.normalizer] if tokenizer.normalizer else []
    tokenizer.normalizer = normalizers.Sequence([*tables, *own, normalizers.NFKC()])
    return tokenizer


def as_target(tokens: list[int]) -> list[int]:
    """What the decoder reads and writes: `<s>` before, the final `</s>` kept."""
    return [BOS, *tokens]


def as_source(tokens: list[int], limit: int, end: int = EOS) -> list[int]:
    """What the encoder reads: at most `limit` tokens, the last of them the end mark."""
    return tokens if len(tokens) <= limit else [*tokens[: limit - 1], end]
