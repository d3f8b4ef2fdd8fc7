"""Words into pieces: one byte-pair vocabulary for both languages (Sennrich et al. 2016), stored with the weights."""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

PAD, BOS, EOS, UNKNOWN = 0, 1, 2, 3
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
SPACE = "\u2581"
"""Stands for the space before a word inside a token, as in SentencePiece."""
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
    """The tokenizer stored beside the weights in `folder`."""
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def as_target(tokens: list[int]) -> list[int]:
    """What the decoder reads and writes: `<s>` before, the final `</s>` kept."""
    return [BOS, *tokens]


def as_source(tokens: list[int], limit: int) -> list[int]:
    """What the encoder reads: at most `limit` tokens, the last of them `</s>`."""
    return tokens if len(tokens) <= limit else [*tokens[: limit - 1], EOS]
