"""How the networks of detection were trained and are measured."""
