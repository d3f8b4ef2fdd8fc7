"""How the embedded networks were made and measured: commands, imported by nothing that serves."""
