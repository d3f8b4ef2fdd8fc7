"""Greedy decoding: write the likeliest token, read it back, go on until `</s>`."""

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from models.text.tokenizer import BOS, EOS, PAD, UNKNOWN, as_source
from models.text.transformer import Translator

BATCH_SENTENCES = 128


@torch.no_grad()
def greedy(network: Translator, source: Tensor, max_tokens: int, beginning: Sequence[int] = (BOS,)) -> Tensor:
    """`source [B, S]` (ending in EOS, padded) -> target `[B, T]`: BOS, at most `max_tokens` tokens, EOS, then padding.

    Every target begins with `beginning`, as if it had been written. PAD, BOS and UNKNOWN are never written. A target
    that reaches the limit has no EOS.
    """
    memory, mask = network.encode(source)
    target = torch.tensor([beginning] * len(source), device=source.device)
    ended = torch.zeros(len(source), dtype=torch.bool, device=source.device)
    for _ in range(max_tokens + 1 - len(beginning)):
        scores = network.logits(network.decode(target, memory, mask)[:, -1])
        scores[:, [PAD, BOS, UNKNOWN]] = -torch.inf
        following = scores.argmax(dim=-1).masked_fill(ended, PAD)
        target = torch.cat([target, following[:, None]], dim=1)
        ended |= following == EOS
        if bool(ended.all()):
            break
    return target


def translate(network: Translator, tokenizer: Tokenizer, sentences: list[str], max_tokens: int = 100) -> list[str]:
    """French for each English sentence, in the order given; sentences of equal length are decoded together."""
    device = network.embedding.weight.device
    sources = [as_source(encoding.ids, max_tokens) for encoding in tokenizer.encode_batch(sentences)]
    order = sorted(range(len(sources)), key=lambda index: len(sources[index]))
    translations = [""] * len(sentences)
    for first in range(0, len(order), BATCH_SENTENCES):
        batch = order[first : first + BATCH_SENTENCES]
        source = pad_sequence([torch.tensor(sources[i]) for i in batch], batch_first=True, padding_value=PAD)
        limit = min(max_tokens, 2 * source.shape[1] + 10)
        targets = greedy(network, source.to(device), limit).tolist()
        for index, target in zip(batch, targets, strict=True):
            translations[index] = tokenizer.decode(target, skip_special_tokens=True)
    return translations
