"""The Vision Transformer that several concepts read pictures with."""
