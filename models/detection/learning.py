"""What the recipe and the page "Your own objects" share: frozen features, and the loss of what learns on them."""

from typing import Any

import torch
from transformers import RfDetrForObjectDetection

from models import runtime

SURELY_NOT = -20.0
"""A logit so low that the loss has nothing to teach a class that is not there."""


def kept_depths(network: RfDetrForObjectDetection, frozen: int) -> list[int]:
    """Depths whose hidden states are kept: those the projector reads among the frozen blocks, and the last of them."""
    backbone: Any = network.config.backbone_config
    return sorted({depth for depth in backbone.out_indices if depth <= frozen} | {frozen})


@torch.no_grad()
def frozen_states(network: RfDetrForObjectDetection, pixels: torch.Tensor, frozen: int) -> torch.Tensor:
    """Hidden states (batch, depths, tokens, width) after the frozen blocks at `kept_depths`."""
    backbone = network.model.backbone.backbone
    hidden, kept, depths = backbone.embeddings(pixels), [], kept_depths(network, frozen)
    for depth, layer in enumerate(backbone.encoder.layer[:frozen], 1):
        hidden = layer(hidden)
        if depth in depths:
            kept.append(hidden)
    return torch.stack(kept, 1)


def start_from_states(network: RfDetrForObjectDetection, frozen: int) -> None:
    """Make the network take what `frozen_states` returns in place of pixels. A copy must be made before, not after."""
    depths = kept_depths(network, frozen)
    backbone_config: Any = network.config.backbone_config
    wanted = backbone_config.out_indices
    encoder: Any = network.model.backbone
    backbone, projector = encoder.backbone, encoder.projector

    def forward(states: torch.Tensor, _: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        kept = {depth: states[:, i] for i, depth in enumerate(depths)}
        hidden = kept[frozen]
        for depth, layer in enumerate(backbone.encoder.layer[frozen:], frozen + 1):
            kept[depth] = hidden = layer(hidden)
        side = round((states.shape[2] - 1) ** 0.5)
        maps = tuple(backbone.layernorm(kept[d])[:, 1:].transpose(1, 2).unflatten(2, (side, side)) for d in wanted)
        features = projector(maps)
        return features, torch.ones(len(features), side, side, dtype=torch.bool, device=states.device)

    encoder.forward = forward  # holds parts of the encoder, not the encoder: a circle would wait for the collector


def set_loss(
    network: RfDetrForObjectDetection, states: torch.Tensor, targets: list[dict[str, torch.Tensor]]
) -> torch.Tensor:
    """The loss of LW-DETR on all decoder layers, all query groups and the encoder's proposals, in float32.

    Each target is matched with one query a group (Hungarian); matched queries learn class (IoU-aware cross entropy)
    and box (L1 and generalised IoU), all others learn "nothing here". Source: arXiv 2406.03459, section 3.

    Where targets have `annotated` (classes,) bool, nothing is learnt of the other classes in that picture.
    """
    with runtime.autocast(states.device.type):
        outputs = network.model(states)
    hidden, reference = outputs.intermediate_hidden_states.float(), outputs.intermediate_reference_points.float()
    logits, boxes = network.predict_class_and_boxes(hidden, reference)
    proposals = network.predict_encoder_class_logits(outputs.enc_outputs_class.float())
    if "annotated" in targets[0]:
        unknown = ~torch.stack([target["annotated"] for target in targets])[:, None]
        logits, proposals = (scores.masked_fill(unknown, SURELY_NOT) for scores in (logits, proposals))
    loss, _, _ = network.loss_function(
        logits[-1],
        targets,
        logits.device,
        boxes[-1],
        network.config,
        logits,
        boxes,
        proposals,
        outputs.enc_outputs_coord_logits.float(),
    )
    return loss
