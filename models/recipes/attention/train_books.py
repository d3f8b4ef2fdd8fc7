"""Teach a small GPT-2 the next piece of a word, on books; what it learns is stored in the library's own format.

    python -m models.recipes.attention.train_books --data DIR --run DIR [--start FOLDER] [--steps N] [--cooldown M]
    python -m models.recipes.attention.train_books --data DIR --run DIR --resume      go on exactly
    python -m models.recipes.attention.train_books --data DIR --run DIR --export      write assets/weights/book-gpt/

The books and their split are those of `models.text.books`: `NINE_BOOKS_SHARE` of the windows of text come from the nine
books, whose held-out passages are measured, the others from more books. `REPEATING` of all `WINDOWS` are a few random
pieces over and over, of which only the repetition is a lesson: nothing but looking up what came after the same piece
earlier helps there, and that is what induction heads do (Olsson et al. 2022). Such heads appear late in a training, and
then at once; here two heads are told where to look for the first `GUIDED_SHARE` of the steps, one at the piece before
and one at what came after the same piece, and nothing tells them afterwards.

The pieces are a byte-level BPE vocabulary (Radford et al. 2019) learned from the training passages: every text can be
written in it. Muon (Jordan et al. 2024) for the matrices of the layers and AdamW for the rest, bfloat16 autocast where
the processor has it, an exponential moving average of the weights. Learning rate: warm-up, constant, linear cool-down
of `--cooldown` steps before `--steps`. `--start` begins with the weights of a folder, at half the learning rate. At the
end the temperature of the validation passages becomes part of the weights (`calibrate`).
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from models import training, weights
from models.text import books
from models.training import Trainer, Trapezoid

NAME = "book-gpt"
VOCABULARY, CONTEXT = 4096, 128
WINDOWS, REPEATING = 32, 8
MEASURED_WINDOWS = 32
NINE_BOOKS_SHARE = 0.6
PEAK = {"muon": 4e-3, "adam": 3e-3}
CONTINUED_PEAK = 0.5
WARMUP_STEPS = 100
EMA_DECAY = 0.99
END_OF_TEXT = "<|endoftext|>"
IGNORED = -100
PREVIOUS_HEAD, INDUCTION_HEAD = (2, 0), (4, 0)
GUIDE_WEIGHT = 0.3
GUIDED_SHARE = 0.7
TEMPERATURES = tuple(1 + place / 50 for place in range(-5, 16))


def new_network() -> GPT2LMHeadModel:
    """GPT-2 (Radford et al. 2019), 6 layers of 8 heads on a residual stream of 256 numbers, one table for in and out.

    Queries, keys and values are one matrix, as in the original.
    """
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=CONTEXT,
        n_embd=256,
        n_layer=6,
        n_head=8,
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=0.1,
        embd_pdrop=0.1,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    return GPT2LMHeadModel(config)


def train_tokenizer(text: str) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of `VOCABULARY` pieces."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END_OF_TEXT], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(text.split("\n\n"), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        unk_token=END_OF_TEXT,
        model_max_length=CONTEXT,
    )


def encode(tokenizer: Any, text: str) -> Tensor:
    """`text` as pieces `[N]` int64, paragraph by paragraph, so that a long text takes no longer than its length."""
    paragraphs = text.split("\n\n")
    pieces = tokenizer([p + "\n\n" for p in paragraphs[:-1]] + paragraphs[-1:], verbose=False)["input_ids"]
    return torch.from_numpy(np.concatenate([np.asarray(p, np.int64) for p in pieces]))


class Training(Trainer[GPT2LMHeadModel]):
    """Windows of texts; they and the dropout follow from the seed and the step. Losses are in nats a piece."""

    def __init__(
        self, text: Tensor, more: Tensor, schedule: Trapezoid, seed: int = 0, start: Path | None = None
    ) -> None:
        """Windows of `text` and of `more` (both `[N]` pieces); the weights are those of folder `start`, or new ones."""
        torch.manual_seed(seed)
        network = new_network()
        if start:
            network.load_state_dict(GPT2LMHeadModel.from_pretrained(start).float().state_dict())
        optimizers = training.muon_and_adam(network, PEAK, lambda name, p: p.ndim == 2 and ".h." in name)
        super().__init__(network, optimizers, schedule, ema_decay=EMA_DECAY, bfloat16=True)
        self.text, self.more, self.seed = text, more, seed
        self.projected: dict[int, Tensor] = {}
        for layer, _ in (PREVIOUS_HEAD, INDUCTION_HEAD):
            network.get_submodule(f"transformer.h.{layer}.attn.c_attn").register_forward_hook(
                _keep(self.projected, layer)
            )

    def loss(self) -> tuple[Tensor, int]:
        """Cross-entropy of every next piece of the windows, but for random pieces where they come first."""
        torch.manual_seed((self.seed << 32) + self.steps_done)
        nine = round((WINDOWS - REPEATING) * NINE_BOOKS_SHARE)
        windows = [_windows(self.text, nine), _windows(self.more, WINDOWS - REPEATING - nine)]
        repeated, first = repeating_windows(REPEATING)
        pieces = torch.cat([*windows, repeated])
        targets = torch.cat([*windows, repeated.masked_fill(first, IGNORED)])[:, 1:]
        logits = self.network(pieces[:, :-1]).logits
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        if self.steps_done < GUIDED_SHARE * self.schedule.total_steps:
            loss = loss + GUIDE_WEIGHT * self.guidance(pieces[:, :-1])
        return loss, targets.numel()

    def guidance(self, pieces: Tensor) -> Tensor:
        """How little two heads look where they are told to, nats.

        One at the piece before, in all windows; the other, in windows of random pieces, at what came after the same.
        """
        previous = self.log_attention(PREVIOUS_HEAD).diagonal(-1, 1, 2)
        repeated = pieces[-REPEATING:]
        after_the_same = F.pad((repeated[:, :, None] == repeated[:, None]).tril(-1), (1, 0))[:, :, :-1]
        looks_up = self.log_attention(INDUCTION_HEAD)[-REPEATING:].masked_fill(~after_the_same, -torch.inf)
        return -previous.mean() - looks_up[after_the_same.any(2)].logsumexp(1).mean()

    def log_attention(self, place: tuple[int, int]) -> Tensor:
        """Logarithm of the attention `[windows, query, key]` of one head in the last run; -1e9 for what comes later."""
        layer, head = place
        query, key, _ = self.projected[layer].chunk(3, dim=2)
        heads = self.network.config.n_head
        query, key = (part.unflatten(2, (heads, -1))[:, :, head] for part in (query, key))
        scores = query @ key.transpose(1, 2) / query.shape[2] ** 0.5
        unseen = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1)
        return scores.float().masked_fill(unseen, -1e9).log_softmax(2)


def _keep(kept: dict[int, Tensor], name: int) -> Callable[[Any, Any, Tensor], None]:
    def hook(_: Any, __: Any, output: Tensor) -> None:
        kept[name] = output

    return hook


def _windows(text: Tensor, count: int) -> Tensor:
    starts = torch.randint(len(text) - CONTEXT, (count, 1))
    return text[starts + torch.arange(CONTEXT + 1)]


def repeating_windows(count: int) -> tuple[Tensor, Tensor]:
    """Random pieces over and over `[count, CONTEXT + 1]`, and where they stand for the first time, bool.

    Each window has a period of its own, an eighth to a half of the context.
    """
    places = torch.arange(CONTEXT + 1)
    periods = torch.randint(CONTEXT // 8, CONTEXT // 2 + 1, (count, 1))
    pieces = torch.randint(1, VOCABULARY, (count, CONTEXT // 2))
    return pieces.gather(1, places % periods), places < periods


@torch.inference_mode()
def nats_per_piece(network: GPT2LMHeadModel, text: Tensor) -> float:
    """Mean surprise over `text [N]`, each piece predicted from at least half a context, but at the beginning."""
    total = sum(float(F.cross_entropy(logits, pieces, reduction="sum")) for logits, pieces in _predicted(network, text))
    return total / len(text)


def _predicted(network: GPT2LMHeadModel, text: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits `[n, VOCABULARY]` and what stood there `[n]`, for all of `text` a part after the other."""
    half = CONTEXT // 2
    inputs = torch.cat([text.new_zeros(1), text[:-1]])  # a text begins after `END_OF_TEXT`
    for start in range(0, len(text), half):
        begin = max(0, start - half)
        yield network(inputs[None, begin : start + half]).logits[0, start - begin :], text[start : start + half]


@torch.inference_mode()
def calibrate(network: GPT2LMHeadModel, text: Tensor) -> float:
    """Divide the logits, by way of the last norm, by the temperature of least surprise at `text`; returns it.

    Guo et al. 2017: a network that has read its books often is too sure of what comes next in others.
    """
    totals = torch.zeros(len(TEMPERATURES))
    for logits, pieces in _predicted(network, text):
        losses = [F.cross_entropy(logits / value, pieces, reduction="sum") for value in TEMPERATURES]
        totals += torch.stack(losses)
    best = TEMPERATURES[int(totals.argmin())]
    for parameter in network.transformer.ln_f.parameters():
        parameter /= best
    return best


@torch.inference_mode()
def repetition_nats(network: GPT2LMHeadModel) -> float:
    """Mean surprise at random pieces that come again; log(4,096) = 8.3 for who does not look back."""
    torch.manual_seed(0)
    windows, first = repeating_windows(MEASURED_WINDOWS)
    nats = F.cross_entropy(network(windows[:, :-1]).logits.flatten(0, 1), windows[:, 1:].flatten(), reduction="none")
    return float(nats[~first[:, 1:].flatten()].mean())


def export(job: Training, tokenizer: PreTrainedTokenizerFast, validation: Tensor) -> Path:
    """Write averaged weights (float16), calibrated on `validation [N]`, configuration and tokenizer in the library's
    format; returns the folder.
    """
    folder = weights.EMBEDDED / NAME
    network = job.averaged_network()
    calibrate(network, validation)
    network.half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokenizer.save_pretrained(folder)
    weights.record(NAME)
    return folder


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser("Train the small GPT-2 on books.", steps=2_600, cooldown=1_200)
    parser.add_argument("--data", type=Path, required=True, help="folder with the books of models.text.books")
    parser.add_argument("--start", type=Path, help="folder of a GPT-2 of this size to begin with")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    text, held_out = (books.read(arguments.data, part) for part in ("train", "validation"))
    tokenizer = train_tokenizer(text)
    schedule = Trapezoid(CONTINUED_PEAK if arguments.start else 1.0, WARMUP_STEPS, arguments.steps, arguments.cooldown)
    more = encode(tokenizer, books.read_more(arguments.data))
    job = Training(encode(tokenizer, text), more, schedule, start=arguments.start)
    validation = encode(tokenizer, held_out)

    def figures(loss: float) -> dict[str, float]:
        network = job.averaged_network()
        nats = nats_per_piece(network, validation)
        bits = nats * len(validation) / len(held_out) / math.log(2)
        return {
            "train_nats": loss,
            "validation_nats": nats,
            "validation_bits_per_character": bits,
            "repetition_nats": repetition_nats(network),
        }

    training.run_recipe(job, arguments, figures, lambda: export(job, tokenizer, validation))


if __name__ == "__main__":
    main()
