"""Load and soak: bounded loops against 127.0.0.1, run by `make load` and `make soak`."""
