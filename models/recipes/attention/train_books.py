"""Teach a small GPT-2 the next piece of a word, on nine books; what it learns is stored in the library's own format.

    python -m models.recipes.attention.train_books --data DIR --run DIR [--steps N] [--cooldown M] [--resume]
    python -m models.recipes.attention.train_books --data DIR --run DIR --export      write assets/weights/book-gpt/

The books and their split are those of `models.text.books`. The pieces are a byte-level BPE vocabulary (Radford et
al. 2019) learned from the training passages: every text can be written in it. Muon (Jordan et al. 2024) for the
matrices of the layers and AdamW for the rest, bfloat16 autocast, an exponential moving average of the weights. Learning
rate: warm-up, constant, linear cool-down of `--cooldown` steps before `--steps`. A resumed run goes on exactly.
"""

import math
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
WINDOWS = 16
PEAK = {"muon": 4e-3, "adam": 3e-3}
WARMUP_STEPS = 100
EMA_DECAY = 0.99
END_OF_TEXT = "<|endoftext|>"


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
    """Windows of one text; they and the dropout follow from the seed and the step. Losses are in nats a piece."""

    def __init__(self, text: Tensor, schedule: Trapezoid, seed: int = 0) -> None:
        torch.manual_seed(seed)
        network = new_network()
        optimizers = training.muon_and_adam(network, PEAK, lambda name, p: p.ndim == 2 and ".h." in name)
        super().__init__(network, optimizers, schedule, ema_decay=EMA_DECAY, bfloat16=True)
        self.text, self.seed = text, seed

    def loss(self) -> tuple[Tensor, int]:
        """Cross-entropy of every next piece of the windows."""
        torch.manual_seed((self.seed << 32) + self.steps_done)
        starts = torch.randint(len(self.text) - CONTEXT, (WINDOWS, 1))
        window = self.text[starts + torch.arange(CONTEXT + 1)]
        logits = self.network(window[:, :-1]).logits
        return F.cross_entropy(logits.float().flatten(0, 1), window[:, 1:].flatten()), window[:, 1:].numel()


@torch.inference_mode()
def nats_per_piece(network: GPT2LMHeadModel, text: Tensor) -> float:
    """Mean surprise over `text [N]`, each piece predicted from at least half a context, but at the beginning."""
    half, count = CONTEXT // 2, len(text)
    inputs = torch.cat([text.new_zeros(1), text[:-1]])  # a text begins after `END_OF_TEXT`
    total = 0.0
    for start in range(0, count, half):
        begin = max(0, start - half)
        logits = network(inputs[None, begin : start + half]).logits[0]
        targets = text[begin : start + half]
        nats = F.cross_entropy(logits, targets, reduction="none")
        total += float(nats[start - begin :].sum())
    return total / count


def export(job: Training, tokenizer: PreTrainedTokenizerFast) -> Path:
    """Write averaged weights (float16), configuration and tokenizer in the library's format; returns the folder."""
    folder = weights.EMBEDDED / NAME
    network = job.averaged_network().half()
    network.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokenizer.save_pretrained(folder)
    weights.record(NAME)
    return folder


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser("Train the small GPT-2 on books.", steps=2_600, cooldown=1_200)
    parser.add_argument("--data", type=Path, required=True, help="folder with the nine books of books.py")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    text, held_out = (books.read(arguments.data, part) for part in ("train", "validation"))
    tokenizer = train_tokenizer(text)
    job = Training(encode(tokenizer, text), Trapezoid(1.0, WARMUP_STEPS, arguments.steps, arguments.cooldown))
    validation = encode(tokenizer, held_out)

    def figures(loss: float) -> dict[str, float]:
        nats = nats_per_piece(job.averaged_network(), validation)
        bits = nats * len(validation) / len(held_out) / math.log(2)
        return {"train_nats": loss, "validation_nats": nats, "validation_bits_per_character": bits}

    training.run_recipe(job, arguments, figures, lambda: export(job, tokenizer))


if __name__ == "__main__":
    main()
