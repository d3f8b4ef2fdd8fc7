"""Diffusion: from noise to picture, one step at a time, with a network small enough to read and to watch."""
