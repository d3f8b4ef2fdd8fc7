"""Which tokens a prediction owes itself to, by four answers that need not agree, and whether they do.

- attention: what the predicting token takes in the last layer, mean over the heads;
- rollout: attention through all layers, as if each passed on half of what it got (Abnar & Zuidema 2020);
- gradient x input: how the prediction would follow if a token's vector grew (Simonyan et al. 2014; Shrikumar et al.
  2016);
- leave-one-out: how much less likely the prediction is when the token is not in the text (Li et al. 2016).

Jain & Wallace (2019) found that attention agrees little with the last two; Serrano & Smith (2019) that the weights
point to the tokens that matter, but not reliably; Wiegreffe & Pinter (2019) that this does not make attention useless.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch

from models.attention.effects import predicting_tokens
from models.attention.subjects import Reading, Run, Subject, log_probabilities
from models.errors import InputError

MAX_TOKENS_LEFT_OUT = 64
METHODS = {
    "attention": "Attention, last layer",
    "rollout": "Attention rollout",
    "gradient": "Gradient × input",
    "left_out": "Leave one out",
}


@dataclass(frozen=True)
class Importance:
    """How much each of the S tokens of a text counts for one prediction, by each of `METHODS`.

    Attributes:
        position: which position predicts, and `token` what is predicted there (a number of the vocabulary).
        log_probability: of that token, natural logarithm.
        tokens: the S tokens of the text.
        scores: for each method `[S]` float64; NaN where it has no answer: for tokens not read yet, for marks that
            cannot be left out. Attention and rollout are shares; the gradient and leaving out have a sign, positive
            where the token speaks for the prediction.
    """

    position: int
    token: int
    log_probability: float
    tokens: tuple[str, ...]
    scores: dict[str, np.ndarray]

    @property
    def compared(self) -> np.ndarray:
        """The tokens `[S]` bool that every method answers for."""
        return np.all([np.isfinite(scores) for scores in self.scores.values()], axis=0)

    def agreement(self) -> dict[tuple[str, str], float | None]:
        """Spearman's rank correlation of the sizes that each pair of methods gives, over the tokens compared."""
        chosen = self.compared
        sizes = {name: np.abs(scores[chosen]) for name, scores in self.scores.items()}
        return {(a, b): rank_correlation(sizes[a], sizes[b]) for a, b in combinations(sizes, 2)}


def predicted_tokens(subject: Subject, run: Run, position: int, count: int) -> list[tuple[int, str, float]]:
    """The likeliest tokens of a prediction: (number, as a reader would write it, probability)."""
    if run.logits is None:
        raise InputError("This network predicts no token: choose another model to ask what a prediction owes to what.")
    probabilities = log_probabilities(run.logits[position].cpu()).exp()
    best = probabilities.topk(min(count, len(probabilities)))
    return [(int(i), subject.word(int(i)), float(p)) for p, i in zip(best.values, best.indices, strict=True)]


def measure_importance(
    subject: Subject, reading: Reading, run: Run, position: int, token: int | None = None
) -> Iterator[float | Importance]:
    """Ask all four for the prediction of `token` (the likeliest, if None) at `position` of an unedited run.

    Yields the share of the tokens left out so far, 0..1, and at last the `Importance`. Raises `InputError` for a
    network that predicts nothing, a position or token outside, and more than `MAX_TOKENS_LEFT_OUT` tokens.
    """
    if run.logits is None:
        raise InputError("This network predicts no token: choose another model to ask what a prediction owes to what.")
    if not 0 <= position < len(predicting_tokens(subject, reading)):
        raise InputError("There is no prediction at this position.")
    logs = log_probabilities(run.logits[position].cpu())
    token = int(logs.argmax()) if token is None else token
    if not 0 <= token < len(logs):
        raise InputError("There is no such token in the vocabulary.")
    wanted = _candidates(subject, reading, position)
    if len(wanted) > MAX_TOKENS_LEFT_OUT:
        raise InputError(
            f"Leaving out reads the text once for each token, {MAX_TOKENS_LEFT_OUT} at most; this prediction has "
            f"{len(wanted)} before it. Take a shorter text{' or an earlier position' if _causal(subject) else ''}."
        )
    left_out = np.full(len(reading.ids), np.nan)
    for number, index in enumerate(wanted):
        yield number / len(wanted)
        left_out[index] = float(logs[token]) - _without(subject, reading, position, index, token)
    scores = {
        "attention": last_attention(subject, run, position),
        "rollout": rollout(subject, run, position),
        "gradient": gradient_times_input(subject, reading, position, token),
        "left_out": left_out,
    }
    if _causal(subject):
        for values in scores.values():
            values[position + 1 :] = np.nan
    yield Importance(position, token, float(logs[token]), reading.tokens, scores)


def _causal(subject: Subject) -> bool:
    return subject.kinds == ("decoder",)


def _candidates(subject: Subject, reading: Reading, position: int) -> list[int]:
    """The tokens that can be left out without losing the prediction itself."""
    if _causal(subject):
        return list(range(position + 1)) if position else []
    return [
        index
        for index, number in enumerate(reading.ids)
        if not _is_mark(subject, number) and (reading.written or index != position)
    ]


def _is_mark(subject: Subject, number: int) -> bool:
    """Whether a token is one of those that the tokenizer puts around every text."""
    if subject.architecture == "translator":
        return subject.word(number) == "</s>"
    tokenizer = subject.tokenizer
    return number in (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.eos_token_id)


def _without(subject: Subject, reading: Reading, position: int, index: int, token: int) -> float:
    """Log-probability of `token` when the token at `index` is not in the text."""
    if _causal(subject):  # what comes later is not seen
        reading = replace(reading, ids=reading.ids[: position + 1], tokens=reading.tokens[: position + 1])
    shifted = position if reading.written else position - (index <= position)
    logits = subject.run(subject.without(reading, index)).logits
    assert logits is not None
    return float(log_probabilities(logits[shifted].cpu())[token])


def last_attention(subject: Subject, run: Run, position: int) -> np.ndarray:
    """What the predicting position takes from each token in the last layer, mean over heads: `[S]`, sum 1."""
    kind = "cross" if "cross" in subject.kinds else subject.kinds[0]
    return run.weights(kind)[-1, :, position].cpu().double().mean(dim=0).numpy()


def rollout(subject: Subject, run: Run, position: int) -> np.ndarray:
    """Attention rollout (Abnar & Zuidema 2020): the product over the layers of (A + I) / 2, A the mean over heads.

    In a translator the layers of the decoder carry shares of the written and of the source tokens along: their
    cross-attention takes up the encoder's rollout with half of its weight. Shown is what falls on the source, scaled
    to a sum of 1. Returns `[S]` float64.
    """
    first = subject.kinds[0]
    shares = stacked_rollout(_means(run, first))
    if "cross" not in subject.kinds:
        return shares[position]
    own, across = _means(run, "decoder"), _means(run, "cross")
    written, source = across.shape[1:]
    shares_written, shares_source = np.eye(written), np.zeros((written, source))
    for self_attention, cross_attention in zip(own, across, strict=True):
        shares_source = (shares_source + self_attention @ shares_source) / 2
        shares_written = (shares_written + self_attention @ shares_written) / 2
        shares_source = (shares_source + cross_attention @ shares) / 2
        shares_written = shares_written / 2
    return shares_source[position] / shares_source[position].sum()


def stacked_rollout(attention: np.ndarray) -> np.ndarray:
    """The product of (A + I) / 2 over `attention [layers, T, T]`, the last layer leftmost: `[T, T]`, rows sum to 1."""
    shares = np.eye(attention.shape[1])
    for layer in attention:
        shares = (shares + layer @ shares) / 2
    return shares


def _means(run: Run, kind: str) -> np.ndarray:
    """Attention of one kind, mean over heads, `[layers, T, S]` float64."""
    found = [attended.weights for place, attended in run.attended.items() if place.kind == kind]
    return torch.stack(found).cpu().double().mean(dim=1).numpy()


def gradient_times_input(subject: Subject, reading: Reading, position: int, token: int) -> np.ndarray:
    """The gradient of the token's log-probability by each token's embedding, times that embedding: `[S]` float64.

    It is the slope of the log-probability, in nats, as the embedding is scaled up.
    """
    run = subject.run(reading, differentiable=True)
    assert run.logits is not None
    wanted = torch.log_softmax(run.logits[position], dim=-1)[token]
    (gradient,) = torch.autograd.grad(wanted, run.embedded)
    return (gradient * run.embedded).detach().cpu().double().sum(dim=-1).numpy()


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Spearman's rank correlation of two lists of numbers, equal numbers sharing their mean rank, -1..1.

    None for fewer than three numbers or where all numbers of a list are equal: there is no order to agree about.
    """
    if len(first) < 3:
        return None
    ranks = [mean_ranks(values) for values in (first, second)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return None
    return float(np.corrcoef(ranks)[0, 1])


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """The rank of each number, 1 for the smallest; equal numbers share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]
