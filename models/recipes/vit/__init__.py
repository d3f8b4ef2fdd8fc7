"""How the networks of vit were trained and are measured."""
