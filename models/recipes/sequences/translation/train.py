"""How the recurrent translator learns: predict the next French piece, given one vector and the true beginning.

    python -m models.recipes.sequences.translation.train --data eng-fra.tsv.gz --run RUN [--steps N] [--cooldown M]
        [--resume]
    python -m models.recipes.sequences.translation.train --data ... --run RUN --attention additive        with attention
    python -m models.recipes.sequences.translation.train --data ... --run RUN --export  write assets/weights

Pairs, split, pieces and batches are those of the Transformer in `models.attention`, so that the two can be compared.
Label smoothing 0.1, Muon (Jordan et al. 2024) for the matrices of the layers and AdamW for the rest, bfloat16 autocast,
an exponential moving average of the weights. Learning rate: warm-up, constant, linear cool-down of `--cooldown` steps
before `--steps`. A resumed run goes on exactly, or to another `--steps`.
"""

import dataclasses
from pathlib import Path
from typing import Any

import torch

from models import runtime, training, weights
from models.recipes.attention.train import Batch, Encoded, PairTraining, encode_pairs
from models.text.gru_translator import Config, GruTranslator
from models.text.tokenizer import PAD, load_tokenizer
from models.training import Trapezoid

NAMES = {"none": "gru-translator-en-fr", "additive": "gru-attention-en-fr"}
TOKENIZER = "translator-en-fr"
PEAK = {"muon": 3e-3, "adam": 2e-3}
WARMUP_STEPS = 100


class Training(PairTraining[GruTranslator]):
    """The recurrent translator learns as the Transformer does."""

    def __init__(self, config: Config, encoded: list[Encoded], schedule: Trapezoid, seed: int = 0) -> None:
        torch.manual_seed(seed)
        super().__init__(GruTranslator(config), encoded, schedule, PEAK, loss_of)

    def own_state(self) -> dict[str, Any]:
        """The network's configuration, without which a checkpoint cannot be used."""
        return {"config": dataclasses.asdict(self.network.config)}


def network_of(saved: dict[str, Any]) -> GruTranslator:
    """The averaged network of a checkpoint, in evaluation mode."""
    network = GruTranslator(Config(**{**saved["config"], "dropout": 0.0}))
    network.load_state_dict(saved["ema"]["state"])
    return network.eval()


def loss_of(network: GruTranslator, batch: Batch, smoothing: float) -> torch.Tensor:
    """Cross-entropy in nats a target piece against (1 - smoothing) one-hot + smoothing uniform, without padding.

    The right piece's logit and the mean logit are products with one embedding each: no gradient but that of the
    logarithm of the sum has the size of the vocabulary.
    """
    source, target = batch
    real = target[:, 1:] != PAD
    with runtime.autocast():
        readouts = network.decode(target[:, :-1], network.encode(source))[0][real]
        total = network.logits(readouts).logsumexp(dim=1).float()
    readouts = readouts.float()
    right = (readouts * network.embedding(target[:, 1:][real])).sum(dim=1)
    mean = readouts @ network.embedding.weight.mean(dim=0)
    return (total - (1 - smoothing) * right - smoothing * mean).mean()


def train(config: Config, data: Path, run: Path, schedule: Trapezoid, saved: dict[str, Any] | None = None) -> None:
    """Run the recipe, from the checkpoint `saved` on if there is one, with checkpoints in `run`."""
    tokenizer = load_tokenizer(weights.folder(TOKENIZER))
    encoded, held_out = (encode_pairs(tokenizer, data, part) for part in ("train", "validation"))
    job = Training(config, encoded, schedule)
    if saved:
        job.load_state_dict(saved)

    def figures(loss: float) -> dict[str, float]:
        return {"train_nats": loss, "validation_nats": job.validation_loss(held_out)}

    training.follow(job, run / "checkpoint.pt", figures)


def export(network: GruTranslator) -> Path:
    """Write the network and its tokenizer to the folder in `assets/weights` that `NAMES` gives; returns it."""
    name = NAMES[network.config.attention]
    target = weights.EMBEDDED / name
    target.mkdir(parents=True, exist_ok=True)
    (target / "tokenizer.json").write_bytes((weights.folder(TOKENIZER) / "tokenizer.json").read_bytes())
    return training.export(name, network.state_dict(), dataclasses.asdict(network.config), half=True)


def main() -> None:
    """The command line described at the top of this module."""
    parser = training.recipe_parser("Train the recurrent translator.", steps=2_700, cooldown=900)
    parser.add_argument("--data", type=Path, required=True, help="pairs in the manythings.org format (.tsv.gz)")
    parser.add_argument("--attention", choices=("none", "additive"), default="none")
    parser.add_argument("--dropout", type=float, default=0.0, help="none for a few passes over the data")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    goes_on = options.resume or options.export
    saved = training.load_checkpoint(options.run / "checkpoint.pt") if goes_on else None
    if saved and options.export:
        export(network_of(saved))
        return
    vocabulary = load_tokenizer(weights.folder(TOKENIZER)).get_vocab_size()
    config = Config(vocabulary, attention=options.attention, dropout=options.dropout)
    schedule = Trapezoid(1.0, WARMUP_STEPS, options.steps, options.cooldown)
    train(Config(**saved["config"]) if saved else config, options.data, options.run, schedule, saved)


if __name__ == "__main__":
    main()
