"""Object detection as set prediction: RF-DETR, a DINOv2 backbone with a LW-DETR decoder."""
