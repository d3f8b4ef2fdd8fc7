"""How the networks of attention were trained and are measured."""
