"""How the networks of diffusion were trained and are measured."""
