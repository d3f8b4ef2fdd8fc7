"""A memory network that goes back through a story: at every hop from where it stands to the last sentence that matches.

Sentences are read by a small Transformer each on its own, so that nothing but the hops joins them. A hop (Sukhbaatar et
al. 2015, "End-to-end memory networks") asks every sentence whether it matches what is sought, and reads the nearest
one that does, going back from the end of the story or from the sentence read before: the probability to stop at a
sentence is its match times the probability of having passed all those between (stick-breaking attention, Tan et al.
2024). What is left over at the beginning of the story has found nothing. No position of a sentence is learnt, so that
long stories are read as short ones are.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.sequences.answer.words import MAX_WORDS, VOCABULARY
from models.text.stored import load_stored


@dataclass(frozen=True)
class Config:
    """Width of all vectors, heads, layers and hidden width of the sentence reader, how often it goes back."""

    width: int = 96
    heads: int = 4
    layers: int = 2
    hidden: int = 192
    hops: int = 3
    words: int = len(VOCABULARY)


class Stories(NamedTuple):
    """A batch: `sentences [U, W]` symbols of all different sentences; of B questions which of them stand in its story,
    in order, `places [B, N]` (-1 past the end); `questions [B, W]`. Symbol 0 fills up.
    """

    sentences: Tensor
    places: Tensor
    questions: Tensor


class Hop(NamedTuple):
    """What a hop does. weights [B, N]: how much of every sentence is read, their rest up to 1 has found nothing;
    match [B, N]: whether a sentence matches, 0..1; words [B, N, W]: within each; from_end [B]: whether it starts there.
    """

    weights: Tensor
    match: Tensor
    words: Tensor
    from_end: Tensor


class StoryReader(nn.Module):
    """Questions about stories: `forward` gives the logits of every word as the answer, and all hops."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.embedding = nn.Embedding(config.words, width)
        self.positions = nn.Parameter(torch.randn(MAX_WORDS, width) * 0.1)
        block = nn.TransformerEncoderLayer(
            width, config.heads, config.hidden, dropout=0.0, batch_first=True, norm_first=True
        )
        self.reader = nn.TransformerEncoder(block, config.layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.ask = nn.Linear(width, width)
        self.hops = nn.Parameter(torch.randn(config.hops, width) * 0.1)
        self.sought, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.wanted, self.name = nn.Linear(width, width), nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.start = nn.Linear(width, 1)
        self.threshold = nn.Parameter(torch.tensor(-4.0))
        self.nothing = nn.Parameter(torch.randn(width) * 0.1)
        self.left, self.right = nn.Linear(width, width), nn.Linear(width, width)
        self.carry = nn.Linear(width, width)
        self.norm = nn.LayerNorm(2 * width)
        self.update = nn.Sequential(nn.Linear(2 * width + 1, config.hidden), nn.GELU(), nn.Linear(config.hidden, width))
        said = nn.Linear(width, width)
        self.answer = nn.Sequential(nn.LayerNorm(width), said)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        for layer in (self.ask, self.sought, self.key, self.value, self.left, self.right, self.carry, said):
            nn.init.eye_(layer.weight)  # from the start a word matches itself, and what is read is what is said
            nn.init.zeros_(layer.bias)

    def read(self, symbols: Tensor) -> Tensor:
        """Sentences `[U, W]` each on its own -> a vector for every word `[U, W, width]`."""
        vectors = self.embedding(symbols) * self.config.width**0.5 / 4 + self.positions[: symbols.shape[1]]
        return self.reader(vectors, src_key_padding_mask=symbols == 0)

    def forward(self, stories: Stories) -> tuple[Tensor, list[Hop]]:
        """Logits `[B, words]` and the hops in their order."""
        at, real = stories.places.clamp(min=0), stories.places >= 0
        words, scale = self.read(stories.sentences), self.config.width**-0.5
        empty = (stories.sentences == 0)[at]  # [B, N, W], as all below
        keys, names, values = (part(words)[at] for part in (self.key, self.name, self.value))
        question, asked = self.read(stories.questions), (stories.questions != 0)[..., None].float()
        state = self.ask((question * asked).sum(1) / asked.sum(1))
        compared = self.left(question).masked_fill(asked == 0, 0.0)
        read_before, hops = None, []
        for hop in self.hops:
            query = state + hop
            scores = torch.einsum("bd,bnwd->bnw", self.sought(query), keys) * scale
            match = scores.masked_fill(empty, -torch.inf).logsumexp(-1) + self.threshold
            match = match.masked_fill(~real, -30.0)
            within = torch.einsum("bd,bnwd->bnw", self.wanted(query), names) * scale
            within = within.masked_fill(empty, -torch.inf).softmax(-1)
            from_end = self.start(query).squeeze(-1).sigmoid()
            weights = go_back(match, from_end, read_before)
            found = torch.einsum("bnw,bnwd->bd", weights[..., None] * within, values)
            found = found + (1 - weights.sum(1, keepdim=True)) * self.nothing
            asked_for = torch.einsum("bd,bwd->bw", self.right(found), compared).amax(1, keepdim=True) * scale
            known = self.norm(torch.cat([query, found], -1))
            state = state + self.carry(found) + self.update(torch.cat([known, asked_for], -1))
            hops.append(Hop(weights, match.sigmoid(), within, from_end))
            read_before = weights
        return F.linear(self.answer(state), self.embedding.weight) * 2, hops


def go_back(match: Tensor, from_end: Tensor, read_before: Tensor | None) -> Tensor:
    """Where a hop ends `[B, N]`: `match` (logits) at every sentence, from the end or from the sentences read before.

    From a start at t, sentence s < t is read with probability match_s * product of (1 - match_u) for s < u < t.
    """
    passed = F.logsigmoid(-match)
    up_to = F.pad(passed.cumsum(1), (1, 0))  # [B, N + 1]: sum over the first t sentences
    stops = F.logsigmoid(match)
    end = (stops + up_to[:, -1:] - up_to[:, 1:]).exp()
    if read_before is None:
        return end
    count = match.shape[1]
    earlier = torch.ones(count, count, dtype=torch.bool, device=match.device).tril(-1)  # [t, s]: s < t
    between = up_to[:, :-1, None] - up_to[:, None, 1:] + stops[:, None]
    there = torch.einsum("bt,bts->bs", read_before, between.masked_fill(~earlier, -torch.inf).exp())
    share = from_end[:, None]
    nowhere = 1 - read_before.sum(1, keepdim=True)
    return share * end + (1 - share) * (there + nowhere * end)


def batch_of(stories: list[list[tuple[int, ...]]], questions: list[tuple[int, ...]]) -> Stories:
    """Stories and questions as symbols, one story for each question, as a batch."""
    different = {sentence: number for number, sentence in enumerate(dict.fromkeys(s for one in stories for s in one))}
    places = torch.full((len(stories), max(map(len, stories))), -1)
    for row, story in enumerate(stories):
        places[row, : len(story)] = torch.tensor([different[sentence] for sentence in story])
    return Stories(_padded(list(different)), places, _padded(questions))


def _padded(rows: list[tuple[int, ...]]) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])


def load(folder: Path) -> StoryReader:
    """The network from `config.json` and `model.safetensors`, in float32; `WeightsError` if they do not fit."""
    return load_stored(folder, lambda config: StoryReader(Config(**config))).eval()


def describe(network: StoryReader) -> dict[str, object]:
    """What `load` needs beside the weights."""
    return asdict(network.config)
