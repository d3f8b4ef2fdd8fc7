"""How often is the verdict right, how early, and does the order of the words matter?

    python -m models.recipes.sequences.sentiment.evaluate --data DIR

prints one JSON line a model, on the sentences that are held out from training (`data.part_of`):

- "review-lstm": accuracy and log loss (nats) after the last piece; accuracy after 25, 50 and 75 % of the pieces;
  accuracy with the words of every sentence shuffled, and the share of verdicts that change thereby; accuracy on reviews
  put together from ten test sentences of the same verdict, and how often the verdict is "positive" when five of one
  verdict are followed by five of the other; accuracy on the sixty sentences with a negation of `negations.py`;
- "bag of words": logistic regression on which words are there, penalty chosen on the validation sentences;
- "mean of word vectors": the same on the mean of the network's own word vectors.

Neither of the last two knows the order of the words.
"""

import argparse
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from models import runtime
from models.recipes.sequences.sentiment import data
from models.recipes.sequences.sentiment.data import Sentence
from models.recipes.sequences.sentiment.negations import LIST
from models.sequences.sentiment.network import ReviewNetwork, load, pad

BATCH = 128
SHARES_READ = (0.25, 0.5, 0.75)
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SENTENCES_OF_A_REVIEW = 10
Features = Callable[[list[Sentence]], Any]
"""Sentences in, one row of numbers for each out: an array or a sparse matrix."""


@torch.inference_mode()
def verdicts(network: ReviewNetwork, texts: list[str]) -> list[np.ndarray]:
    """Of every text the probability of "positive" after each of its pieces, [T] float64."""
    sentences = [network.encode(text) for text in texts]
    order = sorted(range(len(texts)), key=lambda number: len(sentences[number]))
    found: dict[int, np.ndarray] = {}
    for first in range(0, len(order), BATCH):
        batch = order[first : first + BATCH]
        pieces, lengths = pad([sentences[number] for number in batch])
        _, logits = network(pieces.to(network.output.weight.device))
        positive = logits.double().sigmoid().cpu().numpy()
        found |= {number: positive[: lengths[column], column] for column, number in enumerate(batch)}
    return [found[number] for number in range(len(texts))]


def accuracy(network: ReviewNetwork, sentences: list[Sentence]) -> float:
    """Share of sentences whose verdict is right after the last piece."""
    last = np.array([positive[-1] for positive in verdicts(network, [s.text for s in sentences])])
    return float(((last > 0.5) == labels(sentences)).mean())


def labels(sentences: list[Sentence]) -> np.ndarray:
    """Which sentences are positive, [n] bool."""
    return np.array([sentence.positive for sentence in sentences])


def by_source(right: np.ndarray, sentences: list[Sentence]) -> dict[str, float]:
    """Share of `right` [n] among the sentences of each source and among all."""
    uci = np.array([sentence.source == "uci" for sentence in sentences])
    shares = {"rotten tomatoes": right[~uci].mean(), "uci": right[uci].mean(), "both": right.mean()}
    return {name: round(float(share), 4) for name, share in shares.items()}


def measure_reading(network: ReviewNetwork, sentences: list[Sentence]) -> dict[str, object]:
    """Accuracy by source, confidence and log loss after the last piece, and accuracy after a part of the pieces."""
    positive, truth = verdicts(network, [s.text for s in sentences]), labels(sentences)
    last = np.array([p[-1] for p in positive])
    given = np.where(truth, last, 1 - last)
    early = {}
    for share in SHARES_READ:
        so_far = np.array([p[int(np.ceil(share * len(p))) - 1] for p in positive])
        early[f"{share:.0%}"] = by_source((so_far > 0.5) == truth, sentences)
    return {
        "accuracy": by_source((last > 0.5) == truth, sentences),
        "mean_probability_of_verdict": round(float(np.maximum(last, 1 - last).mean()), 4),
        "log_loss": round(float(-np.log(np.maximum(given, 1e-12)).mean()), 4),
        "accuracy_after": early,
    }


def measure_order(network: ReviewNetwork, sentences: list[Sentence], seed: int = 0) -> dict[str, object]:
    """Accuracy with shuffled words, and the share of verdicts that are no longer the same."""
    dice = random.Random(seed)  # noqa: S311  # nothing secret
    texts = [s.text for s in sentences]
    shuffled = [" ".join(dice.sample(words, len(words))) for words in map(str.split, texts)]
    before, after = (np.array([p[-1] > 0.5 for p in verdicts(network, some)]) for some in (texts, shuffled))
    return {
        "accuracy": by_source(after == labels(sentences), sentences),
        "verdicts_changed": by_source(before != after, sentences),
    }


def measure_reviews(network: ReviewNetwork, sentences: list[Sentence]) -> dict[str, object]:
    """Accuracy on texts of ten Rotten Tomatoes sentences of the same verdict, each sentence used once."""
    right = []
    for positive in (True, False):
        reviews = _joined(sentences, positive, SENTENCES_OF_A_REVIEW)
        right += [(p[-1] > 0.5) == positive for p in verdicts(network, reviews)]
    return {"reviews": len(right), "accuracy": round(float(np.mean(right)), 4)}


def measure_halves(network: ReviewNetwork, sentences: list[Sentence]) -> dict[str, object]:
    """Share of "positive" on reviews whose halves contradict each other, by the half that comes first."""
    good, bad = (_joined(sentences, positive, SENTENCES_OF_A_REVIEW // 2) for positive in (True, False))
    orders = {"good half first": zip(good, bad, strict=False), "bad half first": zip(bad, good, strict=False)}
    shares = {}
    for name, halves in orders.items():
        last = [p[-1] > 0.5 for p in verdicts(network, [" ".join(pair) for pair in halves])]
        shares[name] = round(float(np.mean(last)), 4)
    return {**shares, "reviews": min(len(good), len(bad))}


def measure_negations(network: ReviewNetwork) -> dict[str, float]:
    """Accuracy on the sentences of `negations.LIST`, by their true verdict."""
    last = np.array([p[-1] > 0.5 for p in verdicts(network, [text for text, _ in LIST])])
    truth = np.array([positive for _, positive in LIST])
    right = last == truth
    shares = {"positive": right[truth].mean(), "negative": right[~truth].mean(), "both": right.mean()}
    return {"sentences": len(LIST), **{name: round(float(share), 4) for name, share in shares.items()}}


def _joined(sentences: list[Sentence], positive: bool, count: int) -> list[str]:
    """Texts of `count` Rotten Tomatoes sentences of one verdict; a rest that is too short is left out."""
    same = [s.text for s in sentences if s.positive == positive and s.source == "rotten tomatoes"]
    return [" ".join(same[n : n + count]) for n in range(0, len(same) - count + 1, count)]


def bag_of_words(training: list[Sentence]) -> Features:
    """What a logistic regression is given when it sees which words of `training` are there: [n, words]."""
    vectorizer = CountVectorizer(binary=True).fit([s.text for s in training])
    return lambda sentences: vectorizer.transform([s.text for s in sentences])


def mean_of_vectors(network: ReviewNetwork) -> Features:
    """What a logistic regression is given when it sees the mean word vector of a sentence: [n, width]."""
    table = network.embedding.weight.detach().cpu().numpy()
    return lambda sentences: np.array([table[network.encode(s.text)].mean(0) for s in sentences])


def measure_baseline(folder: Path, features: Features) -> dict[str, object]:
    """Test accuracy of the logistic regression whose penalty does best on the validation sentences."""
    parts = {part: data.read(folder, part) for part in ("train", "validation", "test")}
    inputs, truth = ({part: make(some) for part, some in parts.items()} for make in (features, labels))
    fitted = [LogisticRegression(C=c, max_iter=2000).fit(inputs["train"], truth["train"]) for c in PENALTIES]
    best = max(fitted, key=lambda regression: regression.score(inputs["validation"], truth["validation"]))
    return {"accuracy": by_source(best.predict(inputs["test"]) == truth["test"], parts["test"]), "C": best.C}


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Accuracy on sentences that are held out.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the five files of data.py")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    test = data.read(arguments.data, "test")
    network = runtime.load("review-lstm", load).network
    figures = {
        "sentences": len(test),
        **measure_reading(network, test),
        "shuffled": measure_order(network, test),
        "ten_sentences": measure_reviews(network, test),
        "positive_when_halves_contradict": measure_halves(network, test),
        "negations": measure_negations(network),
    }
    print(json.dumps({"model": "review-lstm", **figures}), flush=True)
    baselines = {
        "bag of words": bag_of_words(data.read(arguments.data, "train")),
        "mean of word vectors": mean_of_vectors(network),
    }
    for name, features in baselines.items():
        print(json.dumps({"model": name, **measure_baseline(arguments.data, features)}), flush=True)


if __name__ == "__main__":
    main()
