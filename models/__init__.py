"""What Glassbox computes: the models, their traces, their training. Nothing in here knows of Gradio."""

import os

# Idle OpenMP threads sleep instead of spinning: with more work than cores, spinning makes small networks many times
# slower. Read when PyTorch is imported, so it stands here, before any module of this package can do that.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
