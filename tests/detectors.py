"""A tiny RF-DETR for tests: right in form, random in content."""

import torch
from transformers import RfDetrConfig, RfDetrForObjectDetection

from models.detection.network import Detector


def tiny_detector(windows=1):
    """56 pixels, 4 blocks, 10 queries, 3 classes, 2 decoder layers, 2 groups; `windows` a side in the backbone."""
    torch.manual_seed(0)
    backbone = {
        "model_type": "rf_detr_dinov2",
        "hidden_size": 32,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "image_size": 56,
        "patch_size": 14,
        "num_windows": windows,
        "out_indices": [1, 2, 3, 4],
    }
    config = RfDetrConfig(
        backbone_config=backbone,
        d_model=32,
        decoder_layers=2,
        decoder_n_points=2,
        decoder_self_attention_heads=2,
        decoder_cross_attention_heads=4,
        decoder_ffn_dim=32,
        dropout=0.0,
        num_queries=10,
        group_detr=2,
        id2label={0: "cat", 1: "dog", 2: "cup"},
        label2id={"cat": 0, "dog": 1, "cup": 2},
    )
    return Detector(RfDetrForObjectDetection(config), 56).eval()


def stirred(detector):
    """The same detector with all weights drawn anew: as built, its boxes and sampling points do not depend on them."""
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in detector.parameters():
            weight.copy_(torch.randn_like(weight) * 0.3)
    return detector
