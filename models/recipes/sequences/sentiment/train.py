"""Teach an LSTM the verdict of a review from 11,000 sentences, with word vectors that know English already.

    python -m models.recipes.sequences.sentiment.train --data DIR --run DIR [--steps N] [--cooldown M] [--resume]
    python -m models.recipes.sequences.sentiment.train --data DIR --run DIR --export  write assets/weights/review-lstm/

The word vectors come from all-MiniLM-L6-v2 (Apache-2.0, Wang et al. 2020; embedded) and stay
as they are: of every word piece its row of the input table, and what the whole encoder makes of the piece when it reads
it alone (as in Model2Vec, Tulkens and van Dongen 2024), each reduced to 128 numbers by principal components.

The loss is half the verdict after the last piece, half the mean over all pieces with weights that rise from the first
to the last, so that early verdicts are honest about what cannot be known yet. Against learning by heart: whole pieces
dropped (Iyyer et al. 2015), the same vector dimensions and units dropped at all steps of a sentence (Gal and Ghahramani
2016), weight decay, and the average of the weights over the last steps. Some batches are short reviews: two to five
sentences of the same verdict in a row. 2,000 generated sentences (`negations.py`) say what "not" does to a word.
"""

import functools
import json
import re
from pathlib import Path
from typing import cast

import torch
from tokenizers import Regex, Tokenizer, normalizers
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModel

from models import runtime, training, weights
from models.recipes.sequences.sentiment import data
from models.recipes.sequences.sentiment.evaluate import accuracy
from models.recipes.sequences.sentiment.negations import generated
from models.sequences.sentiment.network import Config, ReviewNetwork, describe, load_tokenizer, pad
from models.training import Trainer, Trapezoid

ENCODER = "all-minilm-l6-v2"
COMPONENTS = 128
VECTOR_SCALE = 0.5
BATCH = 64
SORTED_TOGETHER = 16
PIECE_DROPOUT = 0.1
VECTOR_DROPOUT = 0.3
UNIT_DROPOUT = 0.5
SHARE_OF_REVIEWS = 0.2
NEGATIONS = 2_000
SENTENCES_OF_A_REVIEW = (2, 5)
PEAK_LEARNING_RATE = 2e-3
WARMUP_STEPS = 100
WEIGHT_DECAY = 0.1
AVERAGE_DECAY = 0.998


def make_tokenizer() -> tuple[Tokenizer, Tensor]:
    """The tokenizer of all-MiniLM-L6-v2 with the pieces that English needs, and their rows [pieces] in its table.

    Kept are pieces of printable ASCII and the piece for what is unknown; curly quotes, dashes and the ellipsis are read
    as their plain forms.
    """
    content = json.loads((weights.folder(ENCODER) / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = content["model"]["vocab"]
    plain = [piece for piece in vocabulary if re.fullmatch(r"(##)?[!-~]+", piece) and piece[0] + piece[-1] != "[]"]
    kept = ["[UNK]", *sorted(plain, key=vocabulary.get)]
    content["model"]["vocab"] = {piece: number for number, piece in enumerate(kept)}
    content |= {"truncation": None, "padding": None, "post_processor": None, "added_tokens": []}
    tokenizer = Tokenizer.from_str(json.dumps(content))
    plain_forms = {"[\u2018\u2019\u00b4`]": "'", "[\u201c\u201d]": '"', "[\u2013\u2014]": "-", "\u2026": "."}
    replace = [normalizers.Replace(Regex(pattern), plain) for pattern, plain in plain_forms.items()]
    tokenizer.normalizer = normalizers.Sequence([*replace, normalizers.BertNormalizer(lowercase=True)])
    return tokenizer, torch.tensor([vocabulary[piece] for piece in kept])


@torch.inference_mode()
def make_word_vectors(rows: Tensor) -> Tensor:
    """Vectors [pieces, 256] of the pieces in `rows` of all-MiniLM-L6-v2's table."""
    encoder = AutoModel.from_pretrained(weights.folder(ENCODER), local_files_only=True, dtype=torch.float32).eval()
    table = encoder.embeddings.word_embeddings.weight[rows]
    start, end = (torch.full((512,), encoder_token) for encoder_token in (101, 102))
    read_alone = [
        encoder(input_ids=torch.stack([start[: len(some)], some, end[: len(some)]], 1)).last_hidden_state.mean(1)
        for some in rows.split(512)
    ]
    return VECTOR_SCALE * torch.cat([principal_components(table), principal_components(torch.cat(read_alone))], 1)


def principal_components(vectors: Tensor) -> Tensor:
    """[n, d] reduced to [n, 128]: the directions in which the unit vectors differ most, scaled to variance 1."""
    centred = F.normalize(vectors - vectors.mean(0), dim=1)
    centred = centred - centred.mean(0)
    _, directions = torch.linalg.eigh(centred.T @ centred)
    reduced = centred @ directions.flip(1)[:, :COMPONENTS]
    return reduced / reduced.std()


class Training(Trainer[nn.ModuleDict]):
    """What learns of a `reader`, all but its word vectors, and the sentences; losses are in nats."""

    def __init__(
        self, reader: ReviewNetwork, sentences: list[data.Sentence], schedule: Trapezoid, seed: int = 0
    ) -> None:
        torch.manual_seed(seed)
        trained = nn.ModuleDict({"recurrent": reader.recurrent, "output": reader.output})
        optimizer = torch.optim.AdamW(trained.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY)
        super().__init__(trained, {"adam": optimizer}, schedule, ema_decay=AVERAGE_DECAY)
        self.reader, self.seed = reader, seed
        self.pieces = [reader.encode(sentence.text) for sentence in sentences]
        self.positive = torch.tensor([float(sentence.positive) for sentence in sentences])
        self._batches = functools.lru_cache(maxsize=1)(self._batches_of)

    def loss(self) -> tuple[Tensor, int]:
        """`loss_of` the sentences or reviews of this step."""
        epoch, place = divmod(self.steps_done, len(self.pieces) // BATCH)
        sentences, positive = self._examples(self._batches(epoch)[place])
        pieces, lengths = pad(sentences)
        return loss_of(self._noisy_logits(pieces), lengths, positive), len(sentences)

    def _batches_of(self, epoch: int) -> list[list[int]]:
        """All sentences in random order, in batches of similar length. The same epoch gives the same batches."""
        generator = torch.Generator().manual_seed(self.seed * 10_000 + epoch)
        order = torch.randperm(len(self.pieces), generator=generator)
        order = order[: len(order) // BATCH * BATCH]
        batches = []
        for some in order.split(BATCH * SORTED_TOGETHER):
            by_length = sorted(some.tolist(), key=lambda number: len(self.pieces[number]))
            batches += [by_length[first : first + BATCH] for first in range(0, len(by_length), BATCH)]
        return [batches[number] for number in torch.randperm(len(batches), generator=generator)]

    def _examples(self, batch: list[int]) -> tuple[list[list[int]], Tensor]:
        """The sentences of a batch, or a third as many reviews that begin with some of them."""
        if torch.rand(()) >= SHARE_OF_REVIEWS:
            return [self.pieces[number] for number in batch], self.positive[batch]
        batch = batch[: BATCH // 3]
        return [self._review(number) for number in batch], self.positive[batch]

    def _review(self, first: int) -> list[int]:
        low, high = SENTENCES_OF_A_REVIEW
        same = (self.positive == self.positive[first]).nonzero().squeeze(1)
        more = same[torch.randint(len(same), (int(torch.randint(low - 1, high, ())),))]
        return [piece for number in [first, *more.tolist()] for piece in self.pieces[number]]

    def _noisy_logits(self, pieces: Tensor) -> Tensor:
        """Logits [T, B] with pieces, vector dimensions and units dropped."""
        network, (length, batch) = self.reader, pieces.shape
        kept = (torch.rand(length, batch, 1) >= PIECE_DROPOUT).float()
        vectors = network.embedding(pieces) * kept
        vectors = vectors * F.dropout(torch.ones(1, batch, network.config.width), VECTOR_DROPOUT)
        with runtime.autocast():
            hidden, _ = network.recurrent(vectors)
        hidden = hidden.float() * F.dropout(torch.ones(1, batch, network.config.units), UNIT_DROPOUT)
        return network.output(hidden).squeeze(-1)

    def averaged_reader(self) -> ReviewNetwork:
        """A network of its own with the averaged weights."""
        copy = ReviewNetwork(self.reader.config, self.reader.tokenizer)
        copy.load_state_dict({"embedding.weight": self.reader.embedding.weight, **self.weights()})
        return copy.eval().requires_grad_(False)


def loss_of(logits: Tensor, lengths: Tensor, positive: Tensor) -> Tensor:
    """Cross-entropy in nats of `logits` [T, B] for `positive` [B] after `lengths` [B] pieces and on the way there."""
    each = F.binary_cross_entropy_with_logits(logits, positive.expand_as(logits), reduction="none")
    position = torch.arange(1, len(logits) + 1)[:, None]
    rising = position * (position <= lengths)
    on_the_way = (each * rising).sum(0) / rising.sum(0)
    last = each[lengths - 1, torch.arange(len(lengths))]
    return 0.5 * (on_the_way + last).mean()


def new_network(run: Path) -> ReviewNetwork:
    """An untrained network with the tokenizer and word vectors of this run, which are made when it begins."""
    tokenizer_file, vectors_file = run / "tokenizer.json", run / "vectors.pt"
    if not vectors_file.exists():
        run.mkdir(parents=True, exist_ok=True)
        tokenizer, rows = make_tokenizer()
        tokenizer.save(str(tokenizer_file))
        training.save_checkpoint(vectors_file, {"vectors": make_word_vectors(rows).clone()})
    vectors = training.load_checkpoint(vectors_file)["vectors"]
    torch.manual_seed(0)
    network = ReviewNetwork(Config(*vectors.shape), load_tokenizer(tokenizer_file))
    units = network.config.units
    with torch.no_grad():
        network.embedding.weight.copy_(vectors)
        for bias, value in ((network.recurrent.bias_ih_l0, 1.0), (network.recurrent.bias_hh_l0, 0.0)):
            cast(Tensor, bias)[units : 2 * units] = value  # open forget gates (Jozefowicz et al. 2015)
    return network


def _export(job: Training, run: Path) -> None:
    folder = weights.EMBEDDED / "review-lstm"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_bytes((run / "tokenizer.json").read_bytes())
    network = job.averaged_reader()
    training.export("review-lstm", network.state_dict(), describe(network), half=True)


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser("Train the review LSTM.", steps=3_600, cooldown=2_400)
    parser.add_argument("--data", type=Path, required=True, help="folder with the five files of data.py")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    schedule = Trapezoid(PEAK_LEARNING_RATE, WARMUP_STEPS, arguments.steps, arguments.cooldown)
    sentences = [*data.read(arguments.data, "train"), *generated(NEGATIONS)]
    job = Training(new_network(arguments.run), sentences, schedule)
    validation = data.read(arguments.data, "validation")

    def figures(loss: float) -> dict[str, float]:
        return {"train_nats": loss, "validation_accuracy": accuracy(job.averaged_reader(), validation)}

    training.run_recipe(job, arguments, figures, lambda: _export(job, arguments.run))


if __name__ == "__main__":
    main()
