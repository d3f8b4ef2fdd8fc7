"""Vision Transformer: a picture as a sentence of patches (Dosovitskiy et al. 2021; DINOv2: Oquab et al. 2023)."""
