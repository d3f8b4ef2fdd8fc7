"""Read a review piece by piece and keep the verdict after each one."""

from dataclasses import dataclass
from typing import Any

import torch

from models.errors import InputError
from models.inputs import check_text
from models.sequences.sentiment.network import ReviewNetwork
from models.sequences.unrolled import UnrolledStep, UnrolledTrace
from models.text.known import require_some_known, unknown_parts, unknown_sentence

MAX_CHARS = 20_000
UNKNOWN = "[UNK]"


@dataclass(frozen=True)
class ReviewTrace(UnrolledTrace):
    """A run that read a review. `note` says if only its beginning was read, and what of it is unknown; else empty."""

    note: str = ""


@torch.inference_mode()
def trace_review(network: ReviewNetwork, text: str) -> ReviewTrace:
    """Is this review positive or negative? One step a word or piece of a word, asked after the last one.

    Every step has the verdict that the network would give if the review ended there. Of longer texts the first 20,000
    characters are read, and `note` says so. Raises `InputError` for a text without anything to read.
    """
    note = ""
    if isinstance(text, str) and len(text) > MAX_CHARS:
        note = f"Only the first {MAX_CHARS:,} of {len(text):,} characters were read."
        text = text[:MAX_CHARS]
    text = check_text(text, name="The review", max_chars=MAX_CHARS)
    encoding = network.tokenizer.encode(text, add_special_tokens=False)
    if not encoding.ids:
        raise InputError("The review has no words that can be read.")
    unknown: Any = network.tokenizer.token_to_id(UNKNOWN)  # every tokenizer of ours has it
    require_some_known(encoding, text, unknown, "this review")
    strangers = unknown_sentence(unknown_parts(encoding, text, unknown))
    pieces = torch.tensor(encoding.ids, device=network.output.weight.device)
    hidden, logits = network(pieces[:, None])
    states, positive = hidden[:, 0].float().cpu().numpy(), logits[:, 0].cpu().double().sigmoid().tolist()
    written = [_as_written(text[a:b], token) for (a, b), token in zip(encoding.offsets, encoding.tokens, strict=True)]
    last = len(written) - 1
    steps = tuple(
        UnrolledStep(written[t], states[t], _verdict(positive[t]), asked=t == last) for t in range(len(written))
    )
    verdict, probability = steps[-1].output[0]
    answer = f"{verdict.capitalize()}, with a probability of {100 * probability:.0f} %."
    return ReviewTrace("many to one", steps, answer, " ".join(filter(None, (note, strangers))))


def _verdict(positive: float) -> tuple[tuple[str, float], ...]:
    pairs = (("positive", positive), ("negative", 1 - positive))
    return pairs if positive >= 0.5 else pairs[::-1]


def _as_written(letters: str, token: str) -> str:
    """The letters of the text; "##" before those that continue a word, a mark for those that have no symbol."""
    if token == UNKNOWN:
        return f"<unknown {letters}>"
    return f"##{letters}" if token.startswith("##") else letters
