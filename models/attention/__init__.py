"""Attention: who looks at whom, in a translator short enough to read and in library models."""
